"""When a portal took a piece of news: for pages that tell the citizen so."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.webhooks.delivery_store import deliveries
from gateway.webhooks.outbox import events
from gateway.webhooks.rules import DeliveryState


def told_at(connection: Connection, subject: str, event_type: str) -> datetime | None:
    """When the first such event about a subject reached its portal; None = not yet.

    A portal without a matching endpoint pulls: for it the event counts as told once it is in
    the log.
    """
    query = (
        sa.select(
            sa.func.min(events.c.at).label("logged"),
            sa.func.count(deliveries.c.number).label("deliveries"),
            sa.func.min(
                sa.case((deliveries.c.state == DeliveryState.DELIVERED, deliveries.c.finished_at))
            ).label("delivered"),
        )
        .select_from(events)
        .outerjoin(deliveries, deliveries.c.event_number == events.c.number)
        .where(
            events.c.subject == subject,
            events.c.type == event_type,
            events.c.position.is_not(None),
        )
    )
    row = connection.execute(query).one()
    found: datetime | None = row.delivered if row.deliveries else row.logged
    return found
