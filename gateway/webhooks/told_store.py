"""When a portal took a piece of news: for pages that tell the citizen so."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.webhooks.delivery_store import deliveries
from gateway.webhooks.outbox import events
from gateway.webhooks.rules import DeliveryState


def told_at(connection: Connection, subject: str, event_type: str) -> datetime | None:
    """When the first endpoint answered the first such event about a subject; None = not yet."""
    query = (
        sa.select(sa.func.min(deliveries.c.finished_at))
        .join_from(events, deliveries, deliveries.c.event_number == events.c.number)
        .where(
            events.c.subject == subject,
            events.c.type == event_type,
            deliveries.c.state == DeliveryState.DELIVERED,
        )
    )
    found: datetime | None = connection.execute(query).scalar()
    return found
