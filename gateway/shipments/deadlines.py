"""Legal time limits of the public postal service: dated tables, and what follows from them.

Owns working days, the limit J+n of a delivery, the two-invitation rule and the complaint
windows. The figures are data (``config/postal_deadlines.toml``), each with ``valid_from``,
``valid_to`` and ``legal_basis``; the code knows only how they are counted. Follows Thông tư
17/2017/TT-BTTTT Điều 5.2.h (invitations), Điều 7 (J = the day on the Phiếu gửi, n = working days
after it) and Điều 8 (complaints).
"""

from __future__ import annotations

import calendar
import itertools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

_DAY = timedelta(days=1)


class LawTableError(ValueError):
    """The table is incomplete or contradicts itself; the text names the place."""


class NoLimit(LookupError):
    """No row of the table is in force on that day."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What every row has: when it holds and by which text."""

    valid_from: date
    valid_to: date | None
    legal_basis: str

    def holds_on(self, day: date) -> bool:
        """Whether the row is in force on ``day``; both ends belong to it."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Limit(Rule):
    """n of J+n for one scope, without and with delivery of the appointment slip."""

    scope: str
    working_days: int
    working_days_with_slip: int


@dataclass(frozen=True, slots=True)
class InvitationRule(Rule):
    """How often and how far apart the recipient is invited before the papers go back."""

    invitations: int
    working_days_apart: int


@dataclass(frozen=True, slots=True)
class ComplaintRule(Rule):
    """How long one may complain after the limit, and how fast the post answers."""

    months: int
    answer_days_inside: int
    answer_days_between: int


@dataclass(frozen=True, slots=True)
class NoteText(Rule):
    """A sentence that the Phiếu gửi has to carry, in its section."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Working days: Monday to Friday, without holidays, with announced make-up days.

    ``known_until`` is the last day for which the holidays are entered; later dates are counted
    by weekends alone and are provisional.
    """

    holidays: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    known_until: date = date.max

    def is_working(self, day: date) -> bool:
        """Whether public offices work on ``day``."""
        if day in self.make_up_days:
            return True
        return day.weekday() < 5 and day not in self.holidays

    def ends_soon(self, day: date) -> bool:
        """Whether the holidays are entered for less than another month."""
        return (self.known_until - day) < timedelta(days=30)

    def after(self, day: date, working_days: int, paused: frozenset[date] = frozenset()) -> date:
        """The day that lies so many working days after ``day``; ``paused`` days do not count."""
        left = working_days
        while left > 0:
            day += _DAY
            left -= self.is_working(day) and day not in paused
        return day

    def between(self, first: date, last: date) -> int:
        """Working days after ``first`` up to and including ``last``."""
        days = range((last - first).days)
        return sum(self.is_working(first + (n + 1) * _DAY) for n in days)


R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, slots=True)
class PostalLaw:
    """Every table, as read from the file."""

    limits: tuple[Limit, ...]
    invitations: tuple[InvitationRule, ...]
    complaints: tuple[ComplaintRule, ...]
    texts: tuple[NoteText, ...]
    working: WorkCalendar
    inside_province: str
    between_big_cities: str
    between_others: str
    big_city_provinces: frozenset[str]

    def scope_of(self, sender_province: str, recipient_province: str) -> str:
        """The scope of a delivery between two provinces (official two-digit codes)."""
        if sender_province == recipient_province:
            return self.inside_province
        if {sender_province, recipient_province} <= self.big_city_provinces:
            return self.between_big_cities
        return self.between_others

    def limit(self, scope: str, accepted: date) -> Limit:
        """The limit in force on the day J.

        Raises:
            NoLimit: none is.
        """
        return _in_force((row for row in self.limits if row.scope == scope), accepted, scope)

    def due_date(
        self,
        accepted: date,
        scope: str,
        *,
        with_appointment_slip: bool = False,
        paused: frozenset[date] = frozenset(),
    ) -> date:
        """J+n: the last day on which a delivery accepted on ``accepted`` is in time.

        Raises:
            NoLimit: no limit for this scope was in force on that day.
        """
        limit = self.limit(scope, accepted)
        n = limit.working_days_with_slip if with_appointment_slip else limit.working_days
        return self.working.after(accepted, n, paused)

    def may_return(self, invitations: Iterable[date]) -> bool:
        """Whether the papers may go back: enough invitations, far enough apart.

        Each invitation counts only when it lies far enough after the last one that counted.

        Raises:
            NoLimit: no rule was in force on the day of the last invitation.
        """
        days = sorted(set(invitations))
        if not days:
            return False
        rule = _in_force(self.invitations, days[-1], "invitations")
        counted = [days[0]]
        for day in days[1:]:
            if self.working.between(counted[-1], day) >= rule.working_days_apart:
                counted.append(day)
        return len(counted) >= rule.invitations

    def complaint_until(self, due: date) -> date:
        """The last day to complain about a delivery that was due on ``due``."""
        rule = _in_force(self.complaints, due, "complaints")
        return _months_after(due, rule.months)

    def complaint_answer_by(self, received: date, *, inside_province: bool) -> date:
        """The last day for the post to answer a complaint received on ``received``."""
        rule = _in_force(self.complaints, received, "complaints")
        days = rule.answer_days_inside if inside_province else rule.answer_days_between
        return self.working.after(received, days)

    def texts_on(self, day: date) -> tuple[NoteText, ...]:
        """The sentences that hold on ``day``, in the order of the file."""
        return tuple(row for row in self.texts if row.holds_on(day))


def _in_force(rows: Iterable[R], day: date, what: str) -> R:
    for row in rows:
        if row.holds_on(day):
            return row
    raise NoLimit(f"{what}: nothing in force on {day.isoformat()}")


def _months_after(day: date, months: int) -> date:
    """The same day some months later, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


# ------------------------------------------------------------------ reading the file


def read_law(text: str) -> PostalLaw:
    """Read the tables from TOML.

    Raises:
        LawTableError: naming what is missing, ill-typed or overlapping.
    """
    try:
        data = tomllib.loads(text)
        law = PostalLaw(
            limits=tuple(Limit(**row) for row in map(_dated, data["limit"])),
            invitations=tuple(InvitationRule(**row) for row in map(_dated, data["invitation"])),
            complaints=tuple(ComplaintRule(**row) for row in map(_dated, data["complaint"])),
            texts=tuple(NoteText(**row) for row in map(_dated, data.get("note_text", ()))),
            working=_read_calendar(data["working_days"]),
            inside_province=data["scope"]["inside_province"],
            between_big_cities=data["scope"]["between_big_cities"],
            between_others=data["scope"]["between_others"],
            big_city_provinces=frozenset(data["scope"]["big_city_provinces"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LawTableError(f"{type(error).__name__}: {error}") from error
    _refuse_overlaps(law)
    return law


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    fields = {"valid_to": None, **row}
    if not isinstance(fields["valid_from"], date) or not fields["legal_basis"]:
        raise LawTableError(f"valid_from and legal_basis are needed: {row}")
    return fields


def _read_calendar(table: Mapping[str, Any]) -> WorkCalendar:
    return WorkCalendar(
        holidays=frozenset(row["date"] for row in table["holiday"]),
        make_up_days=frozenset(row["date"] for row in table.get("make_up_day", ())),
        known_until=table["known_until"],
    )


def _refuse_overlaps(law: PostalLaw) -> None:
    known = {row.scope for row in law.limits}
    for scope in (law.inside_province, law.between_big_cities, law.between_others):
        if scope not in known:
            raise LawTableError(f"no limit for scope {scope}")
    groups: list[tuple[Rule, ...]] = [law.invitations, law.complaints]
    groups += [tuple(row for row in law.limits if row.scope == scope) for scope in known]
    for rows in groups:
        ordered = sorted(rows, key=lambda row: row.valid_from)
        for earlier, later in itertools.pairwise(ordered):
            if earlier.holds_on(later.valid_from):
                raise LawTableError(f"two rows in force on {later.valid_from.isoformat()}")
