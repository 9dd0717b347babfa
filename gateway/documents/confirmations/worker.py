"""The worker of confirmations: asks about tickets, embeds what arrived, lets time run out.

Owns the claims and the order of looking; the database is the queue, a wake-up only makes it look
sooner. One thing that goes wrong is logged and tried again after its lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from gateway.documents.batches.store import signing_batches
from gateway.documents.confirmations import claims
from gateway.documents.confirmations.act_store import Stage, remote_acts
from gateway.documents.confirmations.embedding import Embedding
from gateway.documents.confirmations.ticket_store import signing_tickets
from gateway.documents.confirmations.tickets import TOPIC, Tickets
from gateway.documents.confirmations.withdrawals import Withdrawals
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.tasks import all_ended, for_ever
from gateway.foundation.waker import Waker

_log = structlog.get_logger(__name__)

_BATCH = 50
_TOGETHER = 8
_PAUSE_S = 1.0

Look = Callable[[Any], Awaitable[None]]


class ConfirmationWorker:
    """One worker; any number may run, on any number of machines."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        *,
        withdrawals: Withdrawals,
        tickets: Tickets | None,
        embedding: Embedding | None,
        batches: Look | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._withdrawals = withdrawals
        self._tickets = tickets
        self._embedding = embedding
        self._batches = batches

    async def run(self) -> None:
        """Work for ever; ends by being cancelled."""
        await for_ever(self.once, partial(self._waker.wait, TOPIC, _PAUSE_S))

    async def once(self) -> int:
        """Do everything that is due now; returns how many things that was."""
        count = 0
        queues: list[tuple[sa.Table, Look | None]] = [
            (signing_tickets, self._tickets.look_at if self._tickets else None),
            (remote_acts, self._look_at_act),
            (signing_batches, self._batches),
        ]
        now = self._clock.now()
        due = await self._database.read(lambda c: _due(c, [table for table, _ in queues], now))
        for table, look in queues:
            if table.name in due and look is not None:
                rows = await self._claim(table)
                await self._each(rows, look, table.name)
                count += len(rows)
        return count

    async def _claim(self, table: sa.Table) -> Sequence[Any]:
        now = self._clock.now()
        return await self._database.write(lambda c: claims.claim(c, table, now, _BATCH))

    async def _look_at_act(self, act: Any) -> None:
        if act.stage != Stage.ARRIVED:
            await self._database.write(lambda c: self._withdrawals.give_up(c, act.id))
        elif self._embedding is not None:
            await self._embedding.look_at(act)

    async def _each(self, rows: Sequence[Any], look: Look, kind: str) -> None:
        """Work on rows a few at a time; one that fails harms no other."""
        gate = asyncio.Semaphore(_TOGETHER)

        async def one(row: Any) -> None:
            async with gate:
                try:
                    await look(row)
                except Exception:
                    _log.exception("work_failed", kind=kind, id=row[0])

        await all_ended(*(one(row) for row in rows))


def _due(connection: Connection, tables: Sequence[sa.Table], now: Any) -> set[str]:
    """A cheap look before claiming, so that an idle worker writes nothing."""
    asked = [sa.exists().where(claims.is_due(table, now)).label(table.name) for table in tables]
    row = connection.execute(sa.select(*asked)).one()
    return {table.name for table, found in zip(tables, row, strict=True) if found}
