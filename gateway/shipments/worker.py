"""The worker of shipments: orders what waits, looks up what is unknown, passes on cancellations.

Owns one claim on the database and the order of looking; the database is the queue, a wake-up
only makes it look sooner. Following the carriers' feeds is left to ``tracking``.
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from gateway.foundation.clock import VIETNAM, Clock
from gateway.foundation.database import Database
from gateway.foundation.tasks import all_ended, for_ever
from gateway.foundation.waker import Waker
from gateway.shipments import store
from gateway.shipments.cancelling import Cancelling
from gateway.shipments.deadlines import WorkCalendar
from gateway.shipments.news import WORK, News
from gateway.shipments.ordering import Ordering

_log = structlog.get_logger(__name__)

_BATCH = 50
_TOGETHER = 8
_PAUSE_S = 1.0


class OrderWorker:
    """One worker; any number may run, on any number of machines."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        ordering: Ordering,
        cancelling: Cancelling,
        *,
        working: WorkCalendar,
        news: News,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._ordering = ordering
        self._cancelling = cancelling
        self._working = working
        self._news = news

    async def run(self) -> None:
        """Work for ever; ends by being cancelled."""
        if self._working.ends_soon(self._clock.now().astimezone(VIETNAM).date()):
            self._news.alert("holidays_end")
            _log.warning("holidays_end", known_until=self._working.known_until.isoformat())
        await for_ever(self.once, partial(self._waker.wait, WORK, _PAUSE_S))

    async def once(self) -> int:
        """Do everything that is due now; returns how many shipments were looked at."""
        now = self._clock.now()
        if not await self._database.read(lambda c: store.is_anything_due(c, now)):
            return 0
        claim = asyncio.ensure_future(
            self._database.write(lambda c: store.claim_due(c, now, _BATCH))
        )
        try:
            due = await asyncio.shield(claim)
            await self._each(due)
        except asyncio.CancelledError:
            due = await claim  # it commits whether or not we wait for it
            await self._database.write(lambda c: store.give_back(c, due, now))
            raise
        return len(due)

    async def _each(self, due: list[str]) -> None:
        gate = asyncio.Semaphore(_TOGETHER)

        async def one(shipment_id: str) -> None:
            """One that fails harms no other; its lease brings it back."""
            async with gate:
                try:
                    await self._cancelling.look_at(shipment_id)
                    await self._ordering.look_at(shipment_id)
                except Exception:
                    _log.exception("work_failed", kind="shipment", id=shipment_id)

        await all_ended(*(one(shipment_id) for shipment_id in due))
