"""The table of documents whose proof is to be completed or renewed, and every statement about it.

One row a document: its latest revision is what is extended. ``fence`` and ``lease_until`` say who
is at it; a process that died is followed by another once the lease has run out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.preservation.rules import RENEWABLE, Kind, State, falls_short
from gateway.documents.request_store import signature_requests
from gateway.documents.rules import OPEN, RequestStatus
from gateway.documents.store import document_revisions, documents
from gateway.foundation.columns import Instant, metadata
from signing.contract import Level

tasks = sa.Table(
    "preservation_tasks",
    metadata,
    sa.Column("document_id", sa.String(40), sa.ForeignKey("documents.id"), primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("wanted", sa.String(8), nullable=False),
    sa.Column("reached", sa.String(8), nullable=False),
    sa.Column("reason", sa.String(80), nullable=False),  # why it was not reached, the last time
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("alarm_at", Instant),
    sa.Column("alarmed_at", Instant),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("lease_until", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("ix_preservation_tasks_due", "state", "next_at"),
    sa.Index("ix_preservation_tasks_alarm", "alarmed_at", "alarm_at"),
)

_latest = sa.and_(
    document_revisions.c.document_id == documents.c.id,
    document_revisions.c.number == documents.c.revision,
)


def put_task(connection: Connection, new: Mapping[str, Any]) -> None:
    """Queue a document whose row the caller holds locked.

    One that is queued already keeps its age, the earlier alarm and the higher of the two levels;
    one that was told about is told about again only when ``alarmed_at`` says so.
    """
    found = find_task(connection, new["document_id"])
    if found is None:
        row = {"state": State.WAITING, "attempts": 0, "fence": 0, **new}
        connection.execute(tasks.insert(), row)
        return
    values = dict(new) | {"state": State.WAITING, "created_at": found.created_at}
    if falls_short(found.wanted, new["wanted"]):
        values["wanted"] = found.wanted
    if found.kind == Kind.RAISE:
        values["kind"] = Kind.RAISE
        if found.alarmed_at is None or "alarmed_at" not in new:
            values["alarm_at"] = min(found.alarm_at, new["alarm_at"])
    connection.execute(
        tasks.update().where(tasks.c.document_id == found.document_id).values(**values)
    )


def find_task(connection: Connection, document_id: str) -> Any:
    """A document's row in the queue, if it has one."""
    return connection.execute(sa.select(tasks).where(tasks.c.document_id == document_id)).first()


def tasks_of(connection: Connection, document_ids: Sequence[str]) -> dict[str, Any]:
    """Document id → its row in the queue."""
    rows = connection.execute(sa.select(tasks).where(tasks.c.document_id.in_(document_ids)))
    return {row.document_id: row for row in rows}


def claim_due(
    connection: Connection, now: datetime, lease_until: datetime, limit: int
) -> Sequence[Any]:
    """Take documents that are due and that nobody is at; with their rows."""
    due = (
        sa.select(tasks.c.document_id)
        .where(
            tasks.c.state == State.WAITING,
            tasks.c.next_at <= now,
            sa.or_(tasks.c.lease_until.is_(None), tasks.c.lease_until <= now),
        )
        .order_by(tasks.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(due).scalars().all()
    connection.execute(
        tasks.update()
        .where(tasks.c.document_id.in_(ids))
        .values(fence=tasks.c.fence + 1, lease_until=lease_until)
    )
    query = sa.select(tasks, documents.c.tenant).join(
        documents, documents.c.id == tasks.c.document_id
    )
    return connection.execute(query.where(tasks.c.document_id.in_(ids))).all()


def change_task_if_held(
    connection: Connection, document_id: str, fence: int, **values: Any
) -> bool:
    """Set columns while the lease of ``fence`` is still the present one."""
    mine = (tasks.c.document_id == document_id, tasks.c.fence == fence)
    return connection.execute(tasks.update().where(*mine).values(**values)).rowcount == 1


def remove_task(connection: Connection, document_id: str) -> None:
    """Nothing is missing any more; whoever is at it finds out by the fence."""
    connection.execute(tasks.delete().where(tasks.c.document_id == document_id))


def overdue(connection: Connection, now: datetime) -> Sequence[Any]:
    """Documents whose alarm is due and not told yet; with their tenants."""
    query = (
        sa.select(tasks, documents.c.tenant)
        .join(documents, documents.c.id == tasks.c.document_id)
        .where(*_untold(now))
    )
    return connection.execute(query.limit(100)).all()


def mark_told(connection: Connection, document_id: str, now: datetime) -> bool:
    """Whether it is for us to tell; the caller holds the document's row locked."""
    statement = tasks.update().where(tasks.c.document_id == document_id, *_untold(now))
    return connection.execute(statement.values(alarmed_at=now)).rowcount == 1


def _untold(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (tasks.c.alarmed_at.is_(None), tasks.c.alarm_at <= now)


def count_by_kind(connection: Connection) -> dict[str, int]:
    """How many documents wait, by kind."""
    query = sa.select(tasks.c.kind, sa.func.count()).where(tasks.c.state == State.WAITING)
    return {row[0]: row[1] for row in connection.execute(query.group_by(tasks.c.kind))}


# ------------------------------------------------------------------ the documents themselves


def being_signed(
    connection: Connection, document_id: str, now: datetime, *, lock: bool = False
) -> bool:
    """Whether somebody's key is at the document right now: its bytes must not change.

    ``lock`` keeps everybody from beginning to sign until the transaction ends. Requests are
    locked before their document, as the act of signing does.
    """
    table = signature_requests
    query = sa.select(table.c.status, table.c.lease_until).where(
        table.c.document_id == document_id, table.c.status.in_(OPEN)
    )
    rows = connection.execute(query.with_for_update() if lock else query).all()
    return any(
        row.status == RequestStatus.SIGNING and row.lease_until and row.lease_until > now
        for row in rows
    )


def own_fields(connection: Connection, document_id: str) -> set[str]:
    """The signature and time-stamp fields that were made here."""
    query = sa.select(document_revisions.c.field_names).where(
        document_revisions.c.document_id == document_id,
        document_revisions.c.field_names.is_not(None),
    )
    return {name for names in connection.execute(query).scalars() for name in names}


def move_open_requests(connection: Connection, document_id: str, digest: str) -> None:
    """Let the next signer sign the new revision; an act that had died cannot publish any more."""
    table = signature_requests
    connection.execute(
        table.update()
        .where(table.c.document_id == document_id, table.c.status.in_(OPEN))
        .values(
            current_sha256=digest,
            status=RequestStatus.WAITING,
            fence=table.c.fence + 1,
            lease_until=None,
        )
    )


def set_provability(
    connection: Connection, document_id: str, number: int, until: datetime | None, reason: str
) -> None:
    """What was reckoned about one revision."""
    connection.execute(
        document_revisions.update()
        .where(
            document_revisions.c.document_id == document_id, document_revisions.c.number == number
        )
        .values(provable_until=until, provable_reason=reason)
    )


def latest_provability(connection: Connection, document_ids: Sequence[str]) -> dict[str, Any]:
    """Document id → ``provable_until`` and ``provable_reason`` of its latest revision."""
    query = sa.select(
        documents.c.id, document_revisions.c.provable_until, document_revisions.c.provable_reason
    ).join(document_revisions, _latest)
    rows = connection.execute(query.where(documents.c.id.in_(document_ids)))
    return {row.id: row for row in rows}


def unreckoned(connection: Connection, limit: int) -> Sequence[Any]:
    """Signed documents whose latest revision was never reckoned: (id, revision, sha256)."""
    query = (
        sa.select(documents.c.id, documents.c.revision, documents.c.sha256)
        .join(document_revisions, _latest)
        .where(
            document_revisions.c.provable_reason.is_(None),
            sa.or_(
                documents.c.level.is_not(None),
                documents.c.signatures != sa.literal([], documents.c.signatures.type),
            ),
        )
        .order_by(documents.c.id)
    )
    return connection.execute(query.limit(limit)).all()


def renewable(connection: Connection, before: datetime, limit: int) -> Sequence[Any]:
    """Documents of any tenant whose archive time-stamp ends before a moment, soonest first."""
    query = (
        _with_provability()
        .outerjoin(tasks, tasks.c.document_id == documents.c.id)
        .where(
            document_revisions.c.provable_until <= before,
            document_revisions.c.provable_reason.in_(RENEWABLE),
            documents.c.level.in_((Level.B_LT, Level.B_LTA)),
            tasks.c.document_id.is_(None),
        )
        .order_by(document_revisions.c.provable_until, documents.c.id)
    )
    return connection.execute(query.limit(limit)).all()


def expiring(
    connection: Connection,
    tenant: str,
    before: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Any]:
    """A portal's documents that lose their proof before a moment, soonest first."""
    end, id_ = document_revisions.c.provable_until, documents.c.id
    query = _with_provability().where(documents.c.tenant == tenant, end <= before)
    if after is not None:
        later = sa.and_(end == after[0], id_ > after[1])
        query = query.where(sa.or_(end > after[0], later))
    return connection.execute(query.order_by(end, id_).limit(limit)).all()


def end_of(connection: Connection, tenant: str, document_id: str) -> datetime | None:
    """Until when one document is provable; None for unknown ids."""
    mine = (documents.c.id == document_id, documents.c.tenant == tenant)
    row = connection.execute(_with_provability().where(*mine)).first()
    return row.provable_until if row is not None else None


def _with_provability() -> sa.Select[Any]:
    return sa.select(
        documents,
        document_revisions.c.provable_until,
        document_revisions.c.provable_reason,
    ).join(document_revisions, _latest)
