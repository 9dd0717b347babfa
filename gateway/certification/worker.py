"""Looks after issued copies: what was never reckoned, what is due for renewal, what is late.

The database is the queue; any number of processes may run this.
"""

from __future__ import annotations

import structlog

from gateway.certification.keeping import CopyKeeping
from gateway.foundation.clock import Clock
from gateway.foundation.database import DatabaseUnavailable

_log = structlog.get_logger(__name__)
_EVERY_S = 60.0


class KeepingWorker:
    """A background task."""

    def __init__(self, keeping: CopyKeeping, clock: Clock) -> None:
        self._keeping = keeping
        self._clock = clock

    async def run(self) -> None:
        """Look every minute, for ever; a database that is away is asked again."""
        while True:
            try:
                worked = await self.once()
            except DatabaseUnavailable:
                worked = 0
            except Exception:  # one damaged row must not stop the others; its lease runs out
                _log.exception("copies_not_kept")
                worked = 0
            if not worked:
                await self._clock.sleep(_EVERY_S)

    async def once(self) -> int:
        """One look; how many copies were tried to be renewed."""
        await self._keeping.reckon_missing()
        await self._keeping.queue_renewals()
        tried = await self._keeping.renew_due()
        await self._keeping.alarm_overdue()
        return tried
