"""Retention periods (thời hạn lưu trữ): how long files of one kind are kept provable.

Pure. How many years is the operator's to say (no law is built in); after them a file is listed,
not renewed, and never deleted by itself.
"""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gateway.foundation.clock import VIETNAM, vietnam_day

FOREVER = "vĩnh viễn"  # as the configuration says it


@dataclass(frozen=True, slots=True)
class Retention:
    """The period of one kind.

    ``years`` is None for ever (vĩnh viễn). The years count from the day in Vietnam on which the
    file was last signed or issued, to the end of the same day. ``legal_basis`` is what the operator
    wrote, or empty.
    """

    years: int | None
    legal_basis: str = ""

    def ends(self, since: datetime) -> datetime | None:
        """The moment from which nothing is renewed any more; None for ever."""
        if self.years is None:
            return None
        last = _same_day(vietnam_day(since), self.years, leap=28)
        return _start(last + timedelta(days=1))

    def cutoff(self, now: datetime) -> datetime | None:
        """The period is over for exactly the files from before this moment; None: for none."""
        if self.years is None:
            return None
        return _start(_same_day(vietnam_day(now), -self.years, leap=29))


def _same_day(day: date, years: int, leap: int) -> date:
    """That many years on; 29 February becomes the 28th, or the day after it where ``leap`` is 29.

    The two directions round apart, so that ``ends`` and ``cutoff`` say the same.
    """
    year = day.year + years
    if (day.month, day.day) != (2, 29) or isleap(year):
        return day.replace(year=year)
    return date(year, 2, 28) if leap == 28 else date(year, 3, 1)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), VIETNAM).astimezone(UTC)
