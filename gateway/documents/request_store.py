"""Tables of signature requests and their steps, and every statement about them.

The row of a request carries the lease of whoever is signing its present step: ``fence`` grows
with each taking, and what is published must hold the fence it was begun with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.rules import OPEN, RequestStatus
from gateway.foundation.columns import Instant, Json, metadata

signature_requests = sa.Table(
    "signature_requests",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("document_id", sa.String(40), sa.ForeignKey("documents.id"), nullable=False),
    sa.Column("reference", sa.String(255), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("deadline", Instant),
    sa.Column("document_number", Json),
    sa.Column("agency_code", sa.String(100)),  # in whose name, where the request says it
    sa.Column("frozen_sha256", sa.String(64), nullable=False),
    sa.Column("current_sha256", sa.String(64), nullable=False),
    sa.Column("current_step", sa.Integer, nullable=False),
    sa.Column("signer", sa.String(120)),  # of the present step; null when there is none
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("lease_until", Instant),
    sa.Column("rejection", Json),
    sa.Column("failure", Json),
    sa.Column(
        "when_unavailable", sa.String(16), nullable=False, default="refuse", server_default="refuse"
    ),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("completed_at", Instant),
    sa.Index("ix_signature_requests_tenant", "tenant", "id"),
    sa.Index("ix_signature_requests_document", "document_id"),
    sa.Index("ix_signature_requests_signer", "tenant", "signer"),
    sa.Index("ix_signature_requests_deadline", "status", "deadline"),
)

signature_steps = sa.Table(
    "signature_steps",
    metadata,
    sa.Column(
        "request_id", sa.String(40), sa.ForeignKey("signature_requests.id"), primary_key=True
    ),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("signer", sa.String(120), nullable=False),
    sa.Column("capacity", sa.String(8)),
    sa.Column("title", sa.String(200)),
    sa.Column("placement", Json),
    sa.Column("parts", Json),  # the signatures of an agency's act
    sa.Column("confirmations", sa.Integer, nullable=False, default=1, server_default="1"),
    sa.Column("status", sa.String(16), nullable=False),
    # The intent, committed before the key is touched: over which bytes, under which fence, by whom.
    sa.Column("intent_at", Instant),
    sa.Column("intent_fence", sa.Integer),
    sa.Column("intent_official", sa.String(120)),
    sa.Column("input_sha256", sa.String(64)),
    sa.Column("confirmation", Json),  # with which key, by which channel, of which shown hash
    sa.Column("output_sha256", sa.String(64)),
    sa.Column("signed_at", Instant),
    sa.Column("warnings", Json),  # Vietnamese sentences about how it was signed
)


def insert_request(
    connection: Connection, row: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> None:
    """A new request with its steps."""
    connection.execute(signature_requests.insert(), dict(row))
    connection.execute(signature_steps.insert(), [dict(s) for s in steps])


def find_request(
    connection: Connection, tenant: str, request_id: str, *, lock: bool = False
) -> Any:
    """The row, or None for unknown ids and other tenants' alike."""
    table = signature_requests
    query = sa.select(table).where(table.c.id == request_id, table.c.tenant == tenant)
    return connection.execute(query.with_for_update() if lock else query).first()


def requests_by_id(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    """Many rows, of any tenant."""
    return connection.execute(
        sa.select(signature_requests).where(signature_requests.c.id.in_(ids))
    ).all()


def latest_requests(connection: Connection, document_ids: Sequence[str]) -> dict[str, Any]:
    """The newest request of each document that has one."""
    rows = connection.execute(
        sa.select(signature_requests)
        .where(signature_requests.c.document_id.in_(document_ids))
        .order_by(signature_requests.c.id)
    )
    return {row.document_id: row for row in rows}


def steps_of(connection: Connection, request_ids: Sequence[str]) -> dict[str, list[Any]]:
    """The steps of many requests, in order."""
    rows = connection.execute(
        sa.select(signature_steps)
        .where(signature_steps.c.request_id.in_(request_ids))
        .order_by(signature_steps.c.request_id, signature_steps.c.position)
    )
    found: dict[str, list[Any]] = {request_id: [] for request_id in request_ids}
    for row in rows:
        found[row.request_id].append(row)
    return found


def has_open_request(connection: Connection, document_id: str, now: datetime) -> bool:
    """Whether somebody is still to sign this document."""
    table = signature_requests
    query = sa.select(table.c.id).where(
        table.c.document_id == document_id,
        table.c.status.in_(OPEN),
        sa.or_(table.c.deadline.is_(None), table.c.deadline > now, table.c.lease_until > now),
    )
    return connection.execute(query.limit(1)).first() is not None


def change_request(connection: Connection, request_id: str, **values: Any) -> None:
    """Set columns of a row that the caller holds locked."""
    _stays_open(values)
    connection.execute(
        signature_requests.update().where(signature_requests.c.id == request_id).values(**values)
    )


def change_step(connection: Connection, request_id: str, position: int, **values: Any) -> None:
    """Set columns of one step of a request that the caller holds locked."""
    connection.execute(
        signature_steps.update()
        .where(signature_steps.c.request_id == request_id, signature_steps.c.position == position)
        .values(**values)
    )


def change_if_held(connection: Connection, request_id: str, fence: int, **values: Any) -> bool:
    """Set columns while the lease of ``fence`` is still the present one."""
    _stays_open(values)
    return (
        connection.execute(
            signature_requests.update()
            .where(
                signature_requests.c.id == request_id,
                signature_requests.c.fence == fence,
                signature_requests.c.status == RequestStatus.SIGNING,
            )
            .values(**values)
        ).rowcount
        == 1
    )


def renew_lease(connection: Connection, request_id: str, fence: int, until: datetime) -> bool:
    """Lengthen the lease of ``fence``; never shortens one that waits for an official elsewhere."""
    table = signature_requests
    return (
        connection.execute(
            table.update()
            .where(
                table.c.id == request_id,
                table.c.fence == fence,
                table.c.status == RequestStatus.SIGNING,
                table.c.lease_until < until,
            )
            .values(lease_until=until)
        ).rowcount
        == 1
    )


def close_request(
    connection: Connection,
    request_id: str,
    status: RequestStatus,
    fence: int | None,
    **values: Any,
) -> bool:
    """End an open request; with a fence, only while its lease is the present one.

    For ``request_endings`` alone, which tells of it.
    """
    table = signature_requests
    conditions = [table.c.id == request_id, table.c.status.in_(OPEN)]
    if fence is not None:
        conditions += [table.c.fence == fence, table.c.status == RequestStatus.SIGNING]
    change = table.update().where(*conditions).values(status=status, **values)
    return connection.execute(change).rowcount == 1


def overdue(connection: Connection, now: datetime, limit: int) -> Sequence[Any]:
    """Open requests whose deadline has passed and which nobody is signing right now, locked.

    What another process has locked is left to it.
    """
    table = signature_requests
    query = sa.select(table).where(
        table.c.status.in_(OPEN),
        table.c.deadline <= now,
        sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now),
    )
    query = query.order_by(table.c.id).limit(limit).with_for_update(skip_locked=True)
    return connection.execute(query).all()


def _stays_open(values: Mapping[str, Any]) -> None:
    if values.get("status", RequestStatus.WAITING) not in OPEN:
        raise ValueError("a request is ended by request_endings, which tells of it")


def status_is(status: RequestStatus, now: datetime) -> sa.ColumnElement[bool]:
    """The condition that a request's visible status (``rules.visible_status``) is this one."""
    table = signature_requests
    is_open = table.c.status.in_(OPEN)
    held = sa.and_(table.c.status == RequestStatus.SIGNING, table.c.lease_until > now)
    overdue = sa.and_(table.c.deadline.is_not(None), table.c.deadline <= now)
    free = sa.and_(is_open, sa.not_(sa.func.coalesce(held, sa.false())))
    conditions: dict[RequestStatus, sa.ColumnElement[bool]] = {
        RequestStatus.SIGNING: held,
        RequestStatus.WAITING: sa.and_(free, sa.not_(overdue)),
        RequestStatus.EXPIRED: sa.or_(table.c.status == status, sa.and_(free, overdue)),
    }
    return conditions.get(status, table.c.status == status)
