"""Looks after issued copies: what was never reckoned, what is due for renewal, what is late.

The database is the queue; any number of processes may run this.
"""

from __future__ import annotations

from gateway.certification.keeping import CopyKeeping
from gateway.foundation.clock import Clock
from gateway.foundation.tasks import for_ever

_EVERY_S = 60.0


class KeepingWorker:
    """A background task."""

    def __init__(self, keeping: CopyKeeping, clock: Clock) -> None:
        self._keeping = keeping
        self._clock = clock

    async def run(self) -> None:
        """Look every minute, for ever; one damaged row does not stop the others."""
        await for_ever(self.once, self._clock, _EVERY_S, "copies_not_kept")

    async def once(self) -> int:
        """One look; how many copies were tried to be renewed."""
        await self._keeping.reckon_missing()
        await self._keeping.queue_renewals()
        tried = await self._keeping.renew_due()
        await self._keeping.alarm_overdue()
        return tried
