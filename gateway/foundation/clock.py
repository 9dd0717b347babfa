"""Time, injected: the one home of the system clock.

Storage and logic speak UTC; wherever the law or a provider speaks of a day, use
``in_vietnam``. ``FakeClock`` ships with the product, for tests and simulations.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Clock(Protocol):
    """The present moment and waiting, both replaceable."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that moves when told; sleepers wake in order of their time."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The moment set, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), future))
        await future

    def set(self, moment: datetime) -> None:
        """Jump to a moment, forwards."""
        self.advance((moment - self._now).total_seconds())

    def advance(self, seconds: float) -> None:
        """Move on and wake whoever is due."""
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)


def in_vietnam(moment: datetime) -> datetime:
    """The same moment on Vietnamese clocks (+07:00, no daylight saving)."""
    return moment.astimezone(VIETNAM)


def vietnam_day(moment: datetime) -> date:
    """The calendar day in Vietnam."""
    return in_vietnam(moment).date()


def iso(moment: datetime) -> str:
    """RFC 3339 with the Vietnamese offset, as answers carry it; seconds, no fraction."""
    if moment > _SEVEN_HOURS_SINCE:
        return moment.astimezone(_SEVEN_HOURS).isoformat(timespec="seconds")
    return in_vietnam(moment).isoformat(timespec="seconds")


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, the form in storage.

    A moment at the very edge of the calendar, which another offset would push over it, is drawn
    in by a day: whatever a stranger may write can be stored, read and shown.
    """
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    since = moment - _EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return min(max(micros, _FIRST), _LAST)


def from_micros(micros: int) -> datetime:
    """The moment of a stored number."""
    return _EPOCH + timedelta(microseconds=micros)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEVEN_HOURS = timezone(timedelta(hours=7))  # far cheaper than asking the time zone database
_SEVEN_HOURS_SINCE = datetime(1976, 1, 1, tzinfo=UTC)  # the whole country, without a change
_FIRST = -62_135_510_400_000_000  # 0001-01-02T00:00Z
_LAST = 253_402_127_999_999_999  # 9999-12-29T23:59:59.999999Z
