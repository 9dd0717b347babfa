"""Tables of tickets and of what was heard about them, and every statement about those.

A ticket is one request for confirmation to one provider, over one or many acts. ``sending_at``
is committed before the provider is called: from then on its outcome is unknown until somebody
says otherwise, and it is never sent again. Reports are only added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.confirmations.claims import due_index, queue_columns
from gateway.foundation.columns import Instant, Json, metadata

signing_tickets = sa.Table(
    "signing_tickets",
    metadata,
    sa.Column("reference", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("credential", sa.String(120), nullable=False),
    sa.Column("provider", sa.String(40), nullable=False),
    sa.Column("batch_id", sa.String(40), index=True),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("provider_reference", sa.String(255), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("code", sa.String(80), nullable=False),  # the provider's, for machines
    sa.Column("items", Json, nullable=False),  # what was asked for, in the order sent
    sa.Column("expires_at", Instant),
    sa.Column("ask_after_s", sa.Float, nullable=False),
    sa.Column("asks", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("sending_at", Instant),
    sa.Column("asked_at", Instant),
    sa.Column("withdrawn_at", Instant),
    sa.Column("ended_at", Instant),
    *queue_columns(),
    sa.Index("ix_signing_tickets_theirs", "credential", "provider_reference"),
    due_index("ix_signing_tickets_due"),
)

signing_reports = sa.Table(
    "signing_reports",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("reference", sa.String(40), nullable=False, index=True),
    sa.Column("channel", sa.String(16), nullable=False),  # start, ask, callback, cancel
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("provider_reference", sa.String(255), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("signatures", Json, nullable=False),  # item → SHA-256 of the raw signature
    sa.Column("received_at", Instant, nullable=False),
)


def insert_ticket(connection: Connection, row: Mapping[str, Any]) -> None:
    """A new ticket, not sent yet."""
    connection.execute(signing_tickets.insert(), dict(row))


def find_ticket(connection: Connection, reference: str, *, lock: bool = False) -> Any:
    """One ticket, or None."""
    query = sa.select(signing_tickets).where(signing_tickets.c.reference == reference)
    return connection.execute(query.with_for_update() if lock else query).first()


def ticket_told(
    connection: Connection, credential: str, reference: str, provider_reference: str
) -> str | None:
    """The ticket a callback is about: by our reference, or by theirs where that is all it says.

    What is kept to ask with may have our own name for the one document after theirs.
    """
    table = signing_tickets
    if reference:
        about = table.c.reference == reference
    elif provider_reference:
        theirs = table.c.provider_reference
        longer = theirs.startswith(f"{provider_reference} ", autoescape=True)
        about = sa.or_(theirs == provider_reference, longer)
    else:
        return None
    query = sa.select(table.c.reference).where(table.c.credential == credential, about)
    return connection.execute(query.order_by(table.c.reference.desc()).limit(1)).scalar()


def change_ticket(connection: Connection, reference: str, **values: Any) -> None:
    """Set columns of a ticket."""
    connection.execute(
        signing_tickets.update().where(signing_tickets.c.reference == reference).values(**values)
    )


def begin_sending(connection: Connection, reference: str, fence: int, now: datetime) -> bool:
    """Note that the provider is about to be called; True for exactly one caller a sending."""
    table = signing_tickets
    return (
        connection.execute(
            table.update()
            .where(
                table.c.reference == reference,
                table.c.lease_fence == fence,
                table.c.sending_at.is_(None),
                table.c.withdrawn_at.is_(None),
                table.c.ended_at.is_(None),
            )
            .values(sending_at=now)
        ).rowcount
        == 1
    )


def tickets_of_batch(connection: Connection, batch_id: str) -> Sequence[Any]:
    """A batch's tickets, oldest first."""
    table = signing_tickets
    return connection.execute(
        sa.select(table).where(table.c.batch_id == batch_id).order_by(table.c.reference)
    ).all()


def insert_report(connection: Connection, row: Mapping[str, Any]) -> None:
    """One thing a provider said."""
    connection.execute(signing_reports.insert(), dict(row))


def reports_of(connection: Connection, reference: str) -> Sequence[Any]:
    """Everything that was heard about a ticket, in order."""
    table = signing_reports
    return connection.execute(
        sa.select(table).where(table.c.reference == reference).order_by(table.c.id)
    ).all()
