"""From the outbox onwards: positions, deliveries, and the gateway's own subscribers.

Owns two loops. ``Dispatcher`` gives committed events their gap-free positions and queues them for
the endpoints of their tenant. ``Subscriptions`` lets capabilities react to each other's events:
a handler runs in the same transaction as its cursor, so each event is handled exactly once,
whatever crashes. Sending is left to ``worker``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.webhooks import delivery_store, event_store, rules, store
from gateway.webhooks.outbox import TOPIC

_log = structlog.get_logger(__name__)

DELIVERIES_TOPIC: Final = "deliveries"
POSITIONS_TOPIC: Final = "events.positioned"
_BATCH: Final = 200
_LONGEST_PAUSE_S: Final = 60.0
_TOGETHER_S: Final = 0.05

Handler = Callable[[Connection, Row[Any]], None]
"""Reacts to one event inside the transaction that moves its cursor; may run more than once."""


class Dispatcher:
    """Moves events from the outbox into the log and the delivery queue."""

    def __init__(
        self, database: Database, clock: Clock, waker: Waker, *, poll_s: float = 1.0
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._poll_s = poll_s

    async def run(self) -> None:
        """Dispatch for ever: when woken, and at least once a second."""
        while True:
            try:
                await self.drain()
            except DatabaseUnavailable:
                _log.warning("dispatch_waits_for_database")
            if await self._waker.wait(TOPIC, self._poll_s):
                await asyncio.sleep(_TOGETHER_S)  # events come in groups: one dispatch for many

    async def drain(self) -> int:
        """Dispatch all that waits; returns how many events."""
        total = 0
        while await self._database.read(event_store.is_waiting):
            count = await self._database.write(self._dispatch)
            total += count
            if not count:
                break  # another process is at it
            self._waker.wake(POSITIONS_TOPIC)
            self._waker.wake(DELIVERIES_TOPIC)
        return total

    def _dispatch(self, connection: Connection) -> int:
        if not event_store.claim_dispatcher(connection):
            return 0
        events = event_store.assign_positions(connection, _BATCH)
        endpoints = store.endpoints_of(connection, {event.tenant for event in events})
        now = self._clock.now()
        delivery_store.insert_deliveries(
            connection,
            [
                new_delivery(event, endpoint, now)
                for event in events
                for endpoint in endpoints.get(event.tenant, ())
                if rules.is_addressed_to(endpoint.id, endpoint.events, event.type, event.subject)
            ],
        )
        return len(events)


def new_delivery(event: Row[Any], endpoint: Row[Any], now: datetime) -> dict[str, Any]:
    """The row that queues an event for an endpoint: due now, or held while it is disabled."""
    enabled = endpoint.status == store.ENABLED
    return {
        "tenant": event.tenant,
        "endpoint_id": endpoint.id,
        "event_number": event.number,
        "position": event.position,
        "ordering_key": event.reference if endpoint.ordering == "per_reference" else None,
        "state": (rules.DeliveryState.PENDING if enabled else rules.DeliveryState.HELD).value,
        "tries": 0,
        "fence": 0,
        "next_at": now if enabled else None,
        "created_at": now,
    }


@dataclass
class _Subscriber:
    name: str
    types: list[str]
    handler: Handler
    failures: int = 0
    not_before: float = field(default=0.0)


class Subscriptions:
    """The gateway's own readers of the event log, each with a durable cursor."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        poll_s: float = 1.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._metrics = metrics
        self._poll_s = poll_s
        self._subscribers: dict[str, _Subscriber] = {}

    def subscribe(self, name: str, types: Iterable[str], handler: Handler) -> None:
        """Let ``handler`` see every event of these types (patterns allowed), in order, once.

        A name that is new starts with the oldest event of the log.

        Raises:
            ValueError: the name is taken or reserved, or a type will never occur.
        """
        wanted = tuple(types)
        if name in self._subscribers or name.startswith("$"):
            raise ValueError(f"subscriber {name} cannot be named so")
        if rules.unknown_patterns(wanted) or not wanted:
            raise ValueError(f"subscriber {name} waits for what never happens")
        self._subscribers[name] = _Subscriber(name, rules.wanted_types(wanted), handler)

    async def run(self) -> None:
        """Serve the subscribers for ever."""
        while True:
            await self.drain()
            if await self._waker.wait(POSITIONS_TOPIC, self._poll_s):
                await asyncio.sleep(_TOGETHER_S)

    async def drain(self) -> int:
        """Hand every subscriber what it has not seen; returns how many events were handled."""
        total = 0
        for subscriber in self._subscribers.values():
            if self._clock.monotonic() >= subscriber.not_before:
                total += await self._serve(subscriber)
        if total:
            self._waker.wake(TOPIC)  # handlers may have emitted
        return total

    async def _serve(self, subscriber: _Subscriber) -> int:
        total, limit = 0, _BATCH
        while True:
            try:
                count = await self._step(subscriber, limit)
            except DatabaseUnavailable:
                return total
            except Exception:
                if limit > 1:
                    limit = 1  # let those before the troublesome event pass
                    continue
                self._pause(subscriber)
                return total
            subscriber.failures = 0
            total += count
            if count < limit:
                return total

    async def _step(self, subscriber: _Subscriber, limit: int) -> int:
        if not await self._database.read(lambda c: _has_news(c, subscriber)):
            return 0
        return await self._database.write(lambda c: _advance(c, subscriber, limit))

    def _pause(self, subscriber: _Subscriber) -> None:
        subscriber.failures += 1
        pause = min(2.0 ** (subscriber.failures - 1), _LONGEST_PAUSE_S)
        subscriber.not_before = self._clock.monotonic() + pause
        self._metrics.alerts.labels("event_subscriber_failed").inc()
        _log.exception("event_subscriber_failed", subscriber=subscriber.name, pause_s=pause)


def _has_news(connection: Connection, subscriber: _Subscriber) -> bool:
    """Whether the log is longer than what the subscriber has seen (no lock, no write)."""
    seen = event_store.peek_cursor(connection, subscriber.name)
    return event_store.last_position(connection) > seen


def _advance(connection: Connection, subscriber: _Subscriber, limit: int) -> int:
    """Handle the next events and move the cursor, together."""
    position = event_store.read_cursor(connection, subscriber.name)
    # The end is read first: what is dispatched from here on is left to the next step.
    end = event_store.last_position(connection)
    rows = event_store.events_after(
        connection, position, limit=limit, upto=end, types=subscriber.types
    )
    for row in rows:
        subscriber.handler(connection, row)
    reached = rows[-1].position if len(rows) == limit else end
    event_store.write_cursor(connection, subscriber.name, reached)
    return len(rows)
