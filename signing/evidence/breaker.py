"""A circuit breaker: a service that keeps failing is left alone for a while, then tried once.

Owns the states of one service (closed, open, half-open) by the injected clock. What counts as a
failure is the caller's to say.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from signing.contract import Clock

FAILURES = 3
REST = timedelta(seconds=60)
LONGEST_REST = timedelta(minutes=10)


class Breaker:
    """Opens after ``FAILURES`` failures in a row; rests longer each time the probe fails too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._rest = REST
        self._failed_at: datetime | None = None
        self._open_until: datetime | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether asking is pointless now: resting, or somebody is trying it already."""
        if self._open_until is None:
            return False
        return self._probing or self._clock.now() < self._open_until

    @property
    def is_troubled(self) -> bool:
        """Whether it failed lately: others are asked before it."""
        return self._failed_at is not None and self._clock.now() < self._failed_at + REST

    def enter(self) -> bool:
        """Take leave to ask; the first one after a rest is the probe, the others wait for it."""
        if self.is_open:
            return False
        self._probing = self._open_until is not None
        return True

    def leave(self) -> None:
        """The asking ended without a verdict (given up by the caller)."""
        self._probing = False

    def succeeded(self) -> None:
        """It works: closed, nothing held against it."""
        self._failures, self._failed_at, self._open_until = 0, None, None
        self._rest, self._probing = REST, False

    def failed(self) -> bool:
        """It did not; whether that opened the breaker."""
        now = self._clock.now()
        self._failures += 1
        self._failed_at = now
        if self._open_until is not None:  # the probe failed
            self._rest = min(self._rest * 2, LONGEST_REST)
        elif self._failures < FAILURES:
            return False
        self._open_until, self._probing = now + self._rest, False
        return True
