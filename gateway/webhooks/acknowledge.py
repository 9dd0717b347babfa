"""Acknowledging sendings: many answers, one transaction, one statement a table.

Owns what an answer changes: the attempt log, the delivery, its endpoint's health, and the event
``endpoint.disabled``. What an answer means is decided in ``rules``; answers are got by ``sender``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from gateway.foundation.clock import Clock
from gateway.foundation.database import SetUnit
from gateway.foundation.ids import new_id
from gateway.webhooks import delivery_store, recovery_store, rules, store
from gateway.webhooks.outbox import NewEvent, emit
from gateway.webhooks.rules import Answer, DeliveryState, DisabledReason, Verdict


@dataclass(frozen=True, slots=True)
class Sent:
    """One sending and what came of it. ``tries`` counts within the present schedule."""

    number: int
    fence: int
    tries: int
    tenant: str
    endpoint_id: str
    answer: Answer
    at: datetime
    latency_ms: int
    text: str
    jitter: float


@dataclass
class _Health:
    """An endpoint's health while answers are judged one after the other."""

    row: Row[Any]
    failing_since: datetime | None
    throttled_until: datetime | None
    disable: DisabledReason | None = None

    @property
    def enabled(self) -> bool:
        return self.row.status == store.ENABLED and self.disable is None


@dataclass
class _Changes:
    ended: dict[DeliveryState, list[tuple[int, int]]] = field(default_factory=dict)
    waits: list[tuple[int, int, datetime]] = field(default_factory=list)


def acknowledging(clock: Clock, schedule: Sequence[float]) -> SetUnit[Sent, None]:
    """The set unit for ``Database.submit``: one ``Sent`` an item."""

    def run(connection: Connection, sent: Sequence[Sent]) -> Sequence[None]:
        _acknowledge(connection, sent, clock, schedule)
        return [None] * len(sent)

    return SetUnit("webhooks.acknowledge", run)


def _acknowledge(
    connection: Connection, sent: Sequence[Sent], clock: Clock, schedule: Sequence[float]
) -> None:
    health = _load(connection, sent)
    changes = _Changes()
    for item in sorted(sent, key=lambda s: s.at):
        _judge(item, health.get(item.endpoint_id), changes, schedule)
    now = clock.now()
    for state, leases in changes.ended.items():
        delivery_store.finish(connection, leases, state, now)
    delivery_store.postpone(connection, changes.waits)
    delivery_store.log_attempts(connection, [_attempt(item) for item in sent])
    for endpoint in health.values():
        _save(connection, endpoint, clock)


def _load(connection: Connection, sent: Sequence[Sent]) -> Mapping[str, _Health]:
    """The endpoints concerned; locked only when their health may change."""
    ids = {item.endpoint_id for item in sent}
    rows = store.endpoints_by_id(connection, ids)
    unwell = any(row.failing_since is not None for row in rows.values())
    if unwell or not all(item.answer.accepted for item in sent):
        rows = store.endpoints_by_id(connection, ids, lock=True)
    return {i: _Health(row, row.failing_since, row.throttled_until) for i, row in rows.items()}


def _judge(
    item: Sent, health: _Health | None, changes: _Changes, schedule: Sequence[float]
) -> None:
    verdict = rules.judge(
        item.answer,
        attempt=item.tries,
        failing_since=health.failing_since if health else None,
        now=item.at,
        jitter=item.jitter,
        schedule=schedule,
    )
    state = _state(verdict, health)
    if state is DeliveryState.PENDING and verdict.next_at is not None:
        changes.waits.append((item.number, item.fence, verdict.next_at))
    else:
        changes.ended.setdefault(state, []).append((item.number, item.fence))
    if health is not None:
        health.failing_since = verdict.failing_since
        health.throttled_until = verdict.throttled_until or health.throttled_until
        health.disable = health.disable or verdict.disable


def _state(verdict: Verdict, health: _Health | None) -> DeliveryState:
    """The verdict, seen together with what happened to the endpoint in the meantime."""
    if verdict.state is DeliveryState.DELIVERED:
        return verdict.state
    if health is None:  # deleted while it was being called
        return DeliveryState.FAILED
    if verdict.state is DeliveryState.PENDING and not health.enabled:
        return DeliveryState.HELD
    return verdict.state


def _attempt(item: Sent) -> dict[str, Any]:
    return {
        "tenant": item.tenant,
        "delivery_number": item.number,
        "at": item.at,
        "status": item.answer.status,
        "error": item.answer.error,
        "latency_ms": item.latency_ms,
        "answer": item.text,
    }


def _save(connection: Connection, health: _Health, clock: Clock) -> None:
    row = health.row
    if (health.failing_since, health.throttled_until) != (row.failing_since, row.throttled_until):
        store.update_endpoint(
            connection,
            row.id,
            failing_since=health.failing_since,
            throttled_until=health.throttled_until,
        )
    if health.disable is not None:
        disable(connection, row, health.disable, clock)


def disable(
    connection: Connection, endpoint: Row[Any], reason: DisabledReason, clock: Clock
) -> bool:
    """Disable an endpoint, hold its deliveries and tell the tenant's other endpoints.

    Returns False when it was disabled already.
    """
    sequence = store.disable_endpoint(connection, endpoint.id, reason.value)
    if sequence is None:
        return False
    recovery_store.hold_all(connection, endpoint.id)
    event = NewEvent(
        id=new_id("evt", clock),
        tenant=endpoint.tenant,
        type=rules.DISABLED_EVENT,
        subject=endpoint.id,
        sequence=sequence,
        reference="",
        at=clock.now(),
        data={"reason": reason.value},
    )
    emit(connection, [event])
    return True
