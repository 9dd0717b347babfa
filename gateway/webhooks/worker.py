"""Sends what is due: claims, signs, posts, acknowledges.

Owns the loop and the places in flight. Each endpoint has a few places of its own, fewer while it
is failing, so one that hangs delays nobody else. A claim is a lease: if this process dies, another
sends again when the lease ends (at least once, never lost). Asks the database at least once a
second; a wake-up only makes it sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.ids import new_token
from gateway.foundation.metrics import Metrics
from gateway.foundation.tasks import Tasks
from gateway.foundation.waker import Waker
from gateway.webhooks import delivery_store, rules
from gateway.webhooks.acknowledge import Sent, acknowledging
from gateway.webhooks.dispatch import DELIVERIES_TOPIC
from gateway.webhooks.outbox import TOPIC
from gateway.webhooks.preparation import Message, Preparation
from gateway.webhooks.sender import Received, Sender

_log = structlog.get_logger(__name__)

LEASE_PER_TIMEOUT: Final = 4.0  # nobody else sends while an answer may still come
_TOGETHER_S: Final = 0.005
_COUNT_EVERY_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Options:
    """How the worker behaves; the operator sets schedule and places, the rest suits most."""

    schedule: Sequence[float] = rules.RETRY_SCHEDULE_S
    per_endpoint: int = 8
    in_flight: int = 256
    batch: int = 100
    lease_s: float = 60.0
    poll_s: float = 1.0
    drain_s: float = 8.0


class Worker:
    """Delivers webhooks until it is cancelled; then finishes what is in flight."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        waker: Waker,
        preparation: Preparation,
        sender: Sender,
        metrics: Metrics,
        options: Options | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._preparation = preparation
        self._sender = sender
        self._metrics = metrics
        self._options = options or Options()
        self._acknowledging = acknowledging(clock, self._options.schedule)
        self._name = f"worker-{new_token(8)}"
        self._busy: Counter[str] = Counter()
        self._look = asyncio.Event()
        self._idle = asyncio.Event()
        self._counted_at: float | None = None
        self.ready = asyncio.Event()
        """Set when the worker has begun to look for work."""

        self._random = random.SystemRandom()

    async def run(self) -> None:
        """Work until cancelled."""
        tasks = Tasks()
        async with self._sender:
            try:
                tasks.start("webhooks.wake-ups", self._listen())
                if self._database.dialect == "sqlite":
                    await self._release(None)
                self.ready.set()
                while True:
                    await self._count()
                    if await self._round(tasks) < self._options.batch:
                        await self._rest()
            finally:
                await self._drain()
                await tasks.close(grace_s=1.0)
                await self._release(self._name)

    # -------------------------------------------------------------- the loop

    async def _release(self, worker: str | None) -> None:
        """Let others have what is leased: on leaving, and at the start on SQLite.

        There only one process works, so whatever is leased belonged to one that died.
        """
        now = self._clock.now()
        with contextlib.suppress(DatabaseUnavailable):
            await self._database.write(lambda c: delivery_store.release_leases(c, now, worker))

    async def _count(self) -> None:
        """Show now and then how much is waiting."""
        now = self._clock.monotonic()
        if self._counted_at is not None and now - self._counted_at < _COUNT_EVERY_S:
            return
        self._counted_at = now
        with contextlib.suppress(DatabaseUnavailable):
            waiting = await self._database.read(delivery_store.backlog)
            self._metrics.backlog.labels("webhooks").set(waiting)

    async def _listen(self) -> None:
        while True:
            if await self._waker.wait(DELIVERIES_TOPIC, 60.0):
                self._look.set()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._options.poll_s):
                await self._look.wait()
        except TimeoutError:
            return
        # Answers come in groups, because they are committed in groups: one claim for them all.
        await asyncio.sleep(_TOGETHER_S)

    async def _drain(self) -> None:
        if not self._busy:
            return
        self._idle.clear()
        try:
            async with asyncio.timeout(self._options.drain_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("webhooks_left_in_flight", count=sum(self._busy.values()))

    async def _round(self, tasks: Tasks) -> int:
        """Claim what may be claimed and start sending it; returns how many."""
        self._look.clear()
        try:
            places = await self._places()
            if not places:
                return 0
            now = self._clock.now()
            lease_until = now + timedelta(seconds=self._options.lease_s)
            claimed = await self._database.write(
                lambda c: _claim(c, places, now, lease_until, self._name)
            )
            messages = await self._preparation.prepare(claimed)
        except DatabaseUnavailable:
            _log.warning("webhooks_wait_for_database")
            return 0
        for message in messages:
            self._busy[message.delivery.endpoint_id] += 1
            name = f"webhook-{message.delivery.number}-{message.delivery.fence}"
            tasks.start(name, self._deliver(message, lease_until))
        return len(claimed)

    async def _places(self) -> dict[str, int]:
        """How many deliveries of which endpoint to take now, within every limit."""
        now = self._clock.now()
        due = list(await self._database.read(lambda c: delivery_store.due_endpoints(c, now)))
        self._random.shuffle(due)  # when there are fewer places than endpoints, turns are fair
        left = min(self._options.batch, self._options.in_flight - self._busy.total())
        places: dict[str, int] = {}
        for row in due:
            cap = rules.in_flight_cap(self._options.per_endpoint, row.failing_since)
            free = min(cap - self._busy[row.id], left)
            if free > 0:
                places[row.id] = free
                left -= free
        self._busy = +self._busy  # looking must not leave zeros behind
        return places

    # -------------------------------------------------------------- one delivery

    async def _deliver(self, message: Message, lease_until: datetime) -> None:
        endpoint_id = message.delivery.endpoint_id
        try:
            received = await self._sender.send(message.url, message.headers, message.body)
            self._metrics.deliveries.labels(_outcome(received)).inc()
            await self._acknowledge(message.delivery, received, lease_until)
        except Exception:  # nothing is lost: when the lease ends it is sent again
            self._metrics.alerts.labels("webhook_not_acknowledged").inc()
            _log.exception("webhook_not_acknowledged", endpoint=endpoint_id)
        finally:
            self._busy[endpoint_id] -= 1
            self._busy = +self._busy
            if not self._busy:
                self._idle.set()
            self._look.set()

    async def _acknowledge(
        self, delivery: Row[Any], received: Received, lease_until: datetime
    ) -> None:
        """Record the answer; tries again while the database is away and the lease is ours."""
        sent = Sent(
            number=delivery.number,
            fence=delivery.fence,
            tries=delivery.tries,
            tenant=delivery.tenant,
            endpoint_id=delivery.endpoint_id,
            answer=received.answer,
            at=self._clock.now(),
            latency_ms=received.latency_ms,
            text=received.text,
            jitter=self._random.random(),
        )
        while True:
            try:
                await self._database.submit(self._acknowledging, sent)
            except DatabaseUnavailable:
                if self._clock.now() >= lease_until:
                    raise
                await self._clock.sleep(1.0)
            else:
                break
        if not received.answer.accepted:
            self._waker.wake(TOPIC)  # its endpoint may have been disabled, which is an event


def _claim(
    connection: Connection,
    places: Mapping[str, int],
    now: datetime,
    lease_until: datetime,
    worker: str,
) -> list[Row[Any]]:
    claimed: list[Row[Any]] = []
    for endpoint_id, limit in sorted(places.items()):
        claimed += delivery_store.claim(
            connection,
            endpoint_id,
            limit=limit,
            now=now,
            lease_until=lease_until,
            worker=worker,
        )
    return claimed


def _outcome(received: Received) -> str:
    if received.answer.accepted:
        return "delivered"
    return "refused" if received.answer.status is not None else "unanswered"
