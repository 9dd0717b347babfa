"""Tables of signing batches, and every statement about them.

A batch's row is also its lease: whoever works on it holds ``lease_fence``. Items are closed once
and never opened again; each closing is an event with the batch's next number, so progress can be
told from rows alone. What a confirmation covered is stored with its hash and only added to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.confirmations.claims import due_index, queue_columns
from gateway.foundation.columns import Instant, Json, metadata
from signing.contract import Confirmation


class BatchStatus(StrEnum):
    """What a batch is waiting for; the last two are final."""

    SIGNING = "signing"
    NEEDS_CONFIRMATION = "needs_confirmation"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemStatus(StrEnum):
    """One document of a batch; the last two are final."""

    WAITING = "waiting"
    SIGNED = "signed"
    REFUSED = "refused"


signing_batches = sa.Table(
    "signing_batches",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("official", sa.String(120), nullable=False),
    sa.Column("principal", sa.String(40)),  # the API key it was confirmed with
    sa.Column("signer", sa.String(120), nullable=False),
    sa.Column("confirmation", sa.String(16), nullable=False),
    sa.Column("status", sa.String(24), nullable=False),
    sa.Column("reason", Json),  # why it stopped: code and Vietnamese detail
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),  # the last event's number
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("completed_at", Instant),
    *queue_columns(),
    sa.Index("ix_signing_batches_tenant", "tenant", "id"),
    due_index("ix_signing_batches_due"),
)

signing_batch_items = sa.Table(
    "signing_batch_items",
    metadata,
    sa.Column("batch_id", sa.String(40), sa.ForeignKey("signing_batches.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("sha256", sa.String(64)),  # the bytes the official confirmed; null when refused
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", Json),
    sa.Column("output_sha256", sa.String(64)),
    sa.Column("closed_at", Instant),
)

signing_confirmations = sa.Table(
    "signing_confirmations",
    metadata,
    sa.Column("batch_id", sa.String(40), sa.ForeignKey("signing_batches.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("official", sa.String(120), nullable=False),
    sa.Column("root_sha256", sa.String(64), nullable=False),
    sa.Column("covered", Json, nullable=False),  # [[request id, sha256], …] in order
    sa.Column("created_at", Instant, nullable=False),
)

signing_batch_events = sa.Table(
    "signing_batch_events",
    metadata,
    sa.Column("batch_id", sa.String(40), sa.ForeignKey("signing_batches.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("type", sa.String(24), nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)


def insert_batch(
    connection: Connection, row: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> None:
    """A new batch with its items."""
    connection.execute(signing_batches.insert(), dict(row))
    connection.execute(signing_batch_items.insert(), [dict(item) for item in items])


def find_batch(connection: Connection, tenant: str, batch_id: str, *, lock: bool = False) -> Any:
    """The row, or None for unknown ids and other tenants' alike."""
    table = signing_batches
    query = sa.select(table).where(table.c.id == batch_id, table.c.tenant == tenant)
    return connection.execute(query.with_for_update() if lock else query).first()


def find_any_batch(connection: Connection, batch_id: str) -> Any:
    """A batch that is known to exist, of any tenant."""
    return connection.execute(
        sa.select(signing_batches).where(signing_batches.c.id == batch_id)
    ).one()


def lock_batch(connection: Connection, batch_id: str) -> Any:
    """A batch that is known to exist, locked."""
    table = signing_batches
    return connection.execute(
        sa.select(table).where(table.c.id == batch_id).with_for_update()
    ).one()


def change_batch(connection: Connection, batch_id: str, **values: Any) -> None:
    """Set columns of a batch."""
    connection.execute(
        signing_batches.update().where(signing_batches.c.id == batch_id).values(**values)
    )


def items_of(connection: Connection, batch_id: str, *statuses: ItemStatus) -> Sequence[Any]:
    """A batch's items in order; all of them when no status is named."""
    table = signing_batch_items
    query = sa.select(table).where(table.c.batch_id == batch_id)
    if statuses:
        query = query.where(table.c.status.in_(statuses))
    return connection.execute(query.order_by(table.c.position)).all()


def counts_of(connection: Connection, batch_ids: Sequence[str]) -> dict[str, Counter[str]]:
    """Batch → item status → how many."""
    table = signing_batch_items
    rows = connection.execute(
        sa.select(table.c.batch_id, table.c.status, sa.func.count().label("many"))
        .where(table.c.batch_id.in_(batch_ids))
        .group_by(table.c.batch_id, table.c.status)
    )
    found: dict[str, Counter[str]] = {batch_id: Counter() for batch_id in batch_ids}
    for row in rows:
        found[row.batch_id][row.status] = row.many
    return found


def add_event(
    connection: Connection, batch_id: str, type_: str, data: Mapping[str, Any], now: datetime
) -> None:
    """One more thing to tell about a batch whose row the caller holds locked or changes now."""
    number = connection.execute(
        signing_batches.update()
        .where(signing_batches.c.id == batch_id)
        .values(events=signing_batches.c.events + 1)
        .returning(signing_batches.c.events)
    ).scalar_one()
    row = {"batch_id": batch_id, "number": number, "type": type_, "data": dict(data)}
    connection.execute(signing_batch_events.insert(), row | {"created_at": now})


def events_after(
    connection: Connection, batch_id: str, number: int, limit: int = 200
) -> Sequence[Any]:
    """What happened since an event, oldest first."""
    table = signing_batch_events
    return connection.execute(
        sa.select(table)
        .where(table.c.batch_id == batch_id, table.c.number > number)
        .order_by(table.c.number)
        .limit(limit)
    ).all()


def insert_confirmation(connection: Connection, row: Mapping[str, Any]) -> None:
    """What an official confirmed, with its hash."""
    connection.execute(signing_confirmations.insert(), dict(row))


def confirmations_of(connection: Connection, batch_id: str) -> Sequence[Any]:
    """Every confirmation of a batch, oldest first."""
    table = signing_confirmations
    return connection.execute(
        sa.select(table).where(table.c.batch_id == batch_id).order_by(table.c.number)
    ).all()


def close_item(
    connection: Connection, batch_id: str, request_id: str, now: datetime, **values: Any
) -> bool:
    """End one waiting item: ``status`` and what goes with it; False when it had ended."""
    table = signing_batch_items
    item = connection.execute(
        table.update()
        .where(
            table.c.batch_id == batch_id,
            table.c.request_id == request_id,
            table.c.status == ItemStatus.WAITING,
        )
        .values(closed_at=now, **values)
        .returning(*table.c)
    ).first()
    if item is None:
        return False
    add_event(connection, batch_id, "document", item_data(item), now)
    _finish_if_closed(connection, batch_id, now)
    look_again(connection, batch_id, now)
    return True


def look_again(connection: Connection, batch_id: str, now: datetime) -> None:
    """Have the worker look at a batch that is confirmed elsewhere: what it waited for changed."""
    table = signing_batches
    connection.execute(
        table.update()
        .where(
            table.c.id == batch_id,
            table.c.confirmation == Confirmation.ELSEWHERE,
            table.c.completed_at.is_(None),
        )
        .values(due_at=now)
    )


def item_data(item: Any) -> dict[str, Any]:
    """What is told about an item."""
    return {
        "position": item.position,
        "request_id": item.request_id,
        "status": item.status,
        "sha256": item.sha256,
        "signed_sha256": item.output_sha256,
        "reason": item.reason,
    }


def _finish_if_closed(connection: Connection, batch_id: str, now: datetime) -> None:
    """A batch whose last item has ended is done; its row is locked by the event just added."""
    counts = counts_of(connection, [batch_id])[batch_id]
    if counts[ItemStatus.WAITING]:
        return
    finished = connection.execute(
        signing_batches.update()
        .where(signing_batches.c.id == batch_id, signing_batches.c.completed_at.is_(None))
        .values(
            status=BatchStatus.DONE,
            reason=None,
            completed_at=now,
            due_at=None,
            lease_until=None,
        )
    ).rowcount
    if finished:
        add_event(connection, batch_id, "done", dict(counts), now)
