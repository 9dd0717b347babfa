"""The workers that raise levels, tell what is overdue, and queue renewals in time.

The database is the queue; any number of processes may run these. What goes wrong with one document
is logged and tried again after its lease.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import Any

import structlog

from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.documents.preservation import store as preservation_store
from gateway.documents.preservation.calendar import Calendar
from gateway.documents.preservation.service import Preservation
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.metrics import Metrics
from gateway.foundation.tasks import for_ever
from signing.contract import Level

_log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=15)  # longer than a signer process may take for one document
_TOGETHER = 2  # officials who sign now find a free signer process
_EVERY_S = 5.0
_LOOK_AHEAD_S = 3600.0


class RaisingWorker:
    """Works through the queue."""

    def __init__(
        self,
        preservation: Preservation,
        database: Database,
        clock: Clock,
        metrics: Metrics,
        places: SigningPlaces | None = None,
    ) -> None:
        self._places = places
        self._preservation = preservation
        self._database = database
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Look every few seconds, for ever."""
        await for_ever(self.once, self._clock, _EVERY_S)

    async def once(self) -> int:
        """One batch of due documents, then the alarms; how many documents were tried."""
        now = self._clock.now()
        due = await self._database.write(
            lambda c: preservation_store.claim_due(c, now, now + LEASE, _TOGETHER)
        )
        await asyncio.gather(*(self._work_on(task) for task in due))
        await self._preservation.alarm_overdue()
        waiting = await self._database.read(preservation_store.count_by_kind)
        for kind in ("raise", "renew"):
            self._metrics.backlog.labels(f"preservation_{kind}").set(waiting.get(kind, 0))
        return len(due)

    def _place(self) -> AbstractAsyncContextManager[None]:
        """With the time-stamping authorities, which officials who sign now are asking too."""
        return nullcontext() if self._places is None else self._places.with_timestamps(Level.B_LTA)

    async def _work_on(self, task: Any) -> None:
        try:
            async with self._place():
                await self._preservation.work_on(task)
        except DatabaseUnavailable:
            raise
        except Exception:  # one damaged file must not stop the others; its lease runs out
            _log.exception("document_not_extended", document=task.document_id)
            self._metrics.alerts.labels("document_not_extended").inc()


class CalendarWorker:
    """Looks ahead every hour."""

    def __init__(self, calendar: Calendar, clock: Clock, renew_within: timedelta) -> None:
        self._calendar = calendar
        self._clock = clock
        self._renew_within = renew_within

    async def run(self) -> None:
        """Look every hour, for ever."""
        await for_ever(self.once, self._clock, _LOOK_AHEAD_S)

    async def once(self) -> int:
        """Reckon what was never reckoned, queue what is due; how many renewals were queued."""
        await self._calendar.reckon_missing()
        if not self._renew_within:
            return 0
        return await self._calendar.queue_renewals(self._renew_within)
