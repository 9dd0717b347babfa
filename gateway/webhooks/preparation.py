"""From claimed deliveries to signed requests: the state of this moment, rendered and signed.

Owns what has to be read for a batch, and what happens to a delivery that cannot be sent through
our own fault: it waits a minute, its try does not count, and a person is alerted. Claiming and
posting are left to ``worker``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.metrics import Metrics
from gateway.foundation.secrets import SecretUnreadable
from gateway.webhooks import delivery_store, event_store, store
from gateway.webhooks.bodies import Bodies
from gateway.webhooks.keyring import KeyRing
from gateway.webhooks.rules import DeliveryState
from gateway.webhooks.signature import sign

_log = structlog.get_logger(__name__)

_OUR_FAULT: Final = timedelta(seconds=60)

Views = dict[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Message:
    """A claimed delivery, ready to be posted."""

    delivery: Row[Any]
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Found:
    endpoints: dict[str, Row[Any]]
    secrets: dict[str, list[Row[Any]]]
    events: dict[int, Row[Any]]


class Preparation:
    """Renders and signs batches."""

    def __init__(
        self, database: Database, clock: Clock, *, keys: KeyRing, bodies: Bodies, metrics: Metrics
    ) -> None:
        self._database = database
        self._clock = clock
        self._keys = keys
        self._bodies = bodies
        self._metrics = metrics

    async def prepare(self, claimed: Sequence[Row[Any]]) -> list[Message]:
        """The messages of a batch; what cannot or must not be sent is put back.

        Raises:
            DatabaseUnavailable: then the leases simply end.
        """
        if not claimed:
            return []
        now = self._clock.now()
        found = await self._database.read(lambda c: _gather(c, claimed, now))
        views, unreadable = await self._views({e.subject for e in found.events.values()})
        messages: list[Message] = []
        unsendable: list[Row[Any]] = []
        pointless: list[Row[Any]] = []
        for delivery in claimed:
            endpoint = found.endpoints.get(delivery.endpoint_id)
            event = found.events[delivery.event_number]
            if endpoint is None or endpoint.status != store.ENABLED:
                pointless.append(delivery)
            elif event.subject in unreadable:
                unsendable.append(delivery)
            else:
                secrets = found.secrets.get(endpoint.id, ())
                message = self._message(delivery, endpoint, event, secrets, views)
                if message is None:
                    unsendable.append(delivery)
                else:
                    messages.append(message)
        if unsendable or pointless:
            await self._database.write(lambda c: _put_back(c, unsendable, pointless, now))
        return messages

    async def _views(self, subjects: set[str]) -> tuple[Views, set[str]]:
        """The subjects' state, and those whose state cannot be read: they delay nobody else."""
        try:
            return await self._database.read(lambda c: self._bodies.views(c, subjects)), set()
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if len(subjects) == 1:
                self._alert("webhook_state_unreadable", next(iter(subjects)), error)
                return {}, subjects
        views: Views = {}
        unreadable: set[str] = set()
        for subject in sorted(subjects):
            found, failed = await self._views({subject})
            views |= found
            unreadable |= failed
        return views, unreadable

    def _message(
        self,
        delivery: Row[Any],
        endpoint: Row[Any],
        event: Row[Any],
        secrets: Sequence[Row[Any]],
        views: Views,
    ) -> Message | None:
        try:
            body = self._bodies.body(event, views.get(event.subject), full=endpoint.mode == "full")
            timestamp = int(self._clock.now().timestamp())
            headers = sign(self._keys.open(secrets), event.id, timestamp, body)
        except (SecretUnreadable, ValueError, TypeError) as error:
            self._alert("webhook_not_sendable", event.subject, error)
            return None
        return Message(delivery, endpoint.url, headers, body)

    def _alert(self, kind: str, subject: str, error: Exception) -> None:
        self._metrics.alerts.labels(kind).inc()
        _log.error(kind, subject=subject, error=type(error).__name__, exc_info=error)


def _gather(connection: Connection, claimed: Sequence[Row[Any]], now: datetime) -> _Found:
    ids = {delivery.endpoint_id for delivery in claimed}
    return _Found(
        store.endpoints_by_id(connection, ids),
        store.active_secrets(connection, ids, now),
        event_store.events_by_number(connection, (d.event_number for d in claimed)),
    )


def _put_back(
    connection: Connection,
    unsendable: Sequence[Row[Any]],
    pointless: Sequence[Row[Any]],
    now: datetime,
) -> None:
    """What we could not send waits a minute; what is for a disabled endpoint is held."""
    again = now + _OUR_FAULT
    delivery_store.give_back(connection, [(d.number, d.fence, again) for d in unsendable])
    leases = [(d.number, d.fence) for d in pointless]
    delivery_store.finish(connection, leases, DeliveryState.HELD, now)
