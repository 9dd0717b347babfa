"""The worker of payments: asks about what is unknown, lets deadlines pass, drives refunds.

Owns three claims on the database and the order of looking; the database is the queue, a wake-up
only makes it look sooner. One thing that goes wrong is logged and tried again after its lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from gateway.foundation.tasks import all_ended, for_ever
from gateway.payments.asking import Asking
from gateway.payments.attempts import TOPIC
from gateway.payments.evidence import Evidence
from gateway.payments.evidence_store import NewEvidence
from gateway.payments.recording import Recording, record
from gateway.payments.refunds import RefundDesk
from gateway.payments.service import Payments
from gateway.payments.statuses import EXPIRED_TICK, OPEN_ATTEMPTS, Channel
from gateway.payments.store import (
    ask_soon,
    attempts_of,
    claim_attempts,
    claim_payments,
    claim_refunds,
    is_anything_due,
    lock_payments,
    look_again,
)

_log = structlog.get_logger(__name__)

_BATCH = 50
_TOGETHER = 8
_PAUSE_S = 1.0
_LOOK_AGAIN = timedelta(seconds=60)


class PaymentWorker:
    """One worker; any number may run, on any number of machines."""

    def __init__(self, payments: Payments, asking: Asking, refunds: RefundDesk) -> None:
        self._payments = payments
        self._database = payments.database
        self._clock = payments.clock
        self._asking = asking
        self._refunds = refunds

    async def run(self) -> None:
        """Work for ever; ends by being cancelled."""
        await for_ever(self.once, partial(self._payments.waker.wait, TOPIC, _PAUSE_S))

    async def once(self) -> int:
        """Do everything that is due now; returns how many things that was."""
        now = self._clock.now()
        if not await self._database.read(lambda c: is_anything_due(c, now)):
            return 0
        attempts = await self._database.write(lambda c: claim_attempts(c, now, _BATCH))
        await self._each(attempts, self._asking.look_at, "attempt")
        refunds = await self._database.write(lambda c: claim_refunds(c, now, _BATCH))
        await self._each(refunds, self._refunds.look_at, "refund")
        payments = await self._database.write(lambda c: claim_payments(c, now, _BATCH))
        await self._each(payments, self._expire, "payment")
        return len(attempts) + len(refunds) + len(payments)

    async def _each(
        self,
        rows: Sequence[Row[Any]],
        work: Callable[[Row[Any]], Awaitable[None]],
        kind: str,
    ) -> None:
        """Work on rows a few at a time; one that fails harms no other."""
        gate = asyncio.Semaphore(_TOGETHER)

        async def one(row: Row[Any]) -> None:
            async with gate:
                try:
                    await work(row)
                except Exception:
                    _log.exception("work_failed", kind=kind, id=row.id)

        await all_ended(*(one(row) for row in rows))

    async def _expire(self, payment: Row[Any]) -> None:
        """Close a payment whose time is over, once nobody is in the middle of paying it."""
        now = self._clock.now()

        def unit(connection: Connection) -> Recording:
            row = lock_payments(connection, [payment.id])[payment.id]
            if now < row.expires_at:
                look_again(connection, row.id, row.expires_at)
                return Recording([])
            trying = [a.id for a in attempts_of(connection, [row.id])[row.id] if _is_open(a)]
            if trying:
                ask_soon(connection, trying, now)
                look_again(connection, row.id, now + _LOOK_AGAIN)
                return Recording([])
            return record(connection, self._clock, [(row.id, self._tick())])

        self._payments.announce_all(await self._database.write(unit))

    def _tick(self) -> NewEvidence:
        piece = Evidence(
            key=EXPIRED_TICK,
            channel=Channel.CLOCK,
            says=EXPIRED_TICK,
            received_at=self._clock.now(),
        )
        return NewEvidence(piece)


def _is_open(attempt: Row[Any]) -> bool:
    return attempt.status in OPEN_ATTEMPTS
