"""SQL of deliveries that wait for more than time: held, given up, revived, sent again.

The tables belong to ``delivery_store`` and ``outbox``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from gateway.webhooks.delivery_store import deliveries
from gateway.webhooks.outbox import events
from gateway.webhooks.rules import DeliveryState


def hold_all(connection: Connection, endpoint_id: str) -> None:
    """Keep what is pending for when the endpoint is enabled again."""
    connection.execute(
        deliveries.update()
        .where(
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.state == DeliveryState.PENDING.value,
        )
        .values(state=DeliveryState.HELD.value, next_at=None, leased_by=None)
    )


def give_up_all(connection: Connection, endpoint_id: str, now: datetime) -> None:
    """End what waits for an endpoint that is deleted."""
    connection.execute(
        deliveries.update()
        .where(
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.state.in_([DeliveryState.PENDING.value, DeliveryState.HELD.value]),
        )
        .values(state=DeliveryState.FAILED.value, next_at=None, leased_by=None, finished_at=now)
    )


def revive(
    connection: Connection,
    endpoint_id: str,
    now: datetime,
    *,
    states: Iterable[DeliveryState],
    since: datetime | None = None,
) -> int:
    """Start the schedule of an endpoint's deliveries in these states afresh."""
    condition: list[sa.ColumnElement[bool]] = [
        deliveries.c.endpoint_id == endpoint_id,
        deliveries.c.state.in_([state.value for state in states]),
    ]
    if since is not None:
        recent = sa.exists().where(
            events.c.number == deliveries.c.event_number, events.c.at >= since
        )
        condition.append(recent)
    return connection.execute(_revival(now).where(*condition)).rowcount


def resend(
    connection: Connection, position: int, endpoint_ids: Iterable[str], now: datetime
) -> None:
    """Send an event again, whatever became of it; an attempt under way loses its fence."""
    connection.execute(
        _revival(now)
        .where(
            deliveries.c.position == position,
            deliveries.c.endpoint_id.in_(sorted(endpoint_ids)),
        )
        .values(fence=deliveries.c.fence + 1)
    )


def _revival(now: datetime) -> sa.Update:
    return deliveries.update().values(
        state=DeliveryState.PENDING.value, next_at=now, tries=0, leased_by=None, finished_at=None
    )


def missing_events(
    connection: Connection,
    endpoint_id: str,
    tenant: str,
    *,
    since: datetime,
    types: Iterable[str],
    limit: int,
) -> Sequence[Row[Any]]:
    """Events since then that were never queued for this endpoint, oldest first."""
    queued = sa.exists().where(
        deliveries.c.endpoint_id == endpoint_id, deliveries.c.position == events.c.position
    )
    query = (
        sa.select(events)
        .where(
            events.c.tenant == tenant,
            events.c.position.is_not(None),
            events.c.at >= since,
            events.c.type.in_(sorted(types)),
            events.c.subject != endpoint_id,
            ~queued,
        )
        .order_by(events.c.position)
        .limit(limit)
    )
    return connection.execute(query).all()
