"""The outbox: what happened, written in the transaction in which it happened.

Owns the table ``events`` and the one way into it. Every capability calls ``emit`` inside its own
unit of work, so an event exists exactly when its cause does; after the commit the service calls
``waker.wake(TOPIC)``. It leaves ordering, deliveries and subscribers to ``dispatch``.

``number`` is the order of insertion; ``position`` is given after the commit, without gaps, and is
what readers follow (a transaction that commits late may have a small ``number``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.foundation.bulk import BulkInsert
from gateway.foundation.columns import Instant, Json, metadata
from gateway.webhooks.rules import EVENT_TYPES

TOPIC: Final = "events"
"""Wake this after a commit that emitted."""

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A row number that the database gives out (SQLite only does so for ``INTEGER``)."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("position", sa.BigInteger),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(40), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("reference", sa.String(255), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("data", Json),
    sa.UniqueConstraint("subject", "sequence", name="uq_events_subject"),
    sa.Index("ix_events_position", "position", unique=True),
    sa.Index("ix_events_tenant", "tenant", "position"),
    sa.Index("ix_events_reference", "tenant", "reference"),
    sa.Index(
        "ix_events_waiting",
        "number",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    ),
)

_INSERT = BulkInsert(
    events, ("id", "tenant", "type", "subject", "sequence", "reference", "at", "data")
)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event to be logged.

    ``sequence`` counts per ``subject`` from 1 and is kept by the object's own row; ``reference``
    is the dossier; ``data`` holds only facts that are not the object's state (that is read when
    the event is sent).
    """

    id: str
    tenant: str
    type: str
    subject: str
    sequence: int
    reference: str
    at: datetime
    data: Mapping[str, Any] | None = None


def emit(connection: Connection, new: Sequence[NewEvent]) -> None:
    """Log events in the caller's transaction, in the order given.

    Raises:
        ValueError: a type no portal could subscribe to (name it in ``rules.EVENT_FAMILIES``).
        sqlalchemy.exc.IntegrityError: a subject's ``sequence`` was used before.
    """
    unknown = sorted({event.type for event in new} - EVENT_TYPES)
    if unknown:
        raise ValueError(f"unknown event types: {', '.join(unknown)}")
    if not new:
        return
    _INSERT.run(
        connection,
        [
            {
                "id": event.id,
                "tenant": event.tenant,
                "type": event.type,
                "subject": event.subject,
                "sequence": event.sequence,
                "reference": event.reference,
                "at": event.at,
                "data": None if event.data is None else dict(event.data),
            }
            for event in new
        ],
    )
