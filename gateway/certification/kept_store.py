"""Issued copies as files to be kept provable, and the queue of their renewals.

The latest file of a copy is the one its row names; earlier ones stay, because citizens hold them.
One row of the queue a copy: ``lease_fence`` and ``lease_until`` say who is at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway.certification.rules import RENEWABLE, Status
from gateway.certification.store import certification_files, certifications
from gateway.foundation.columns import Instant, metadata

renewals = sa.Table(
    "certification_renewals",
    metadata,
    sa.Column(
        "certification_id", sa.String(40), sa.ForeignKey("certifications.id"), primary_key=True
    ),
    sa.Column("until", Instant, nullable=False),  # the end of the proof it has
    sa.Column("due_at", Instant, nullable=False, index=True),
    sa.Column("lease_until", Instant),
    sa.Column("lease_fence", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(80), nullable=False),
    sa.Column("alarm_at", Instant, nullable=False),
    sa.Column("alarmed_at", Instant),
)

_latest = sa.and_(
    certification_files.c.certification_id == certifications.c.id,
    certification_files.c.sha256 == certifications.c.sha256,
)
_FILE = (
    certification_files.c.level,
    certification_files.c.provable_until,
    certification_files.c.provable_reason,
    certification_files.c.signature_fields,
)


def unreckoned(connection: Connection, limit: int) -> Sequence[Any]:
    """Issued copies whose latest file was never reckoned."""
    query = _kept().where(certification_files.c.provable_reason.is_(None))
    return connection.execute(query.order_by(certifications.c.id).limit(limit)).all()


def set_provability(
    connection: Connection, certification_id: str, sha256: str, **values: Any
) -> None:
    """What was reckoned about one file: ``level``, ``provable_until``, ``provable_reason``."""
    table = certification_files
    this = (table.c.certification_id == certification_id, table.c.sha256 == sha256)
    connection.execute(table.update().where(*this).values(**values))


def renewable(connection: Connection, before: datetime, limit: int) -> Sequence[Any]:
    """Copies of any tenant whose archive time-stamp ends before a moment, soonest first."""
    query = _kept().where(*_ends_before(before))
    end = certification_files.c.provable_until
    return connection.execute(query.order_by(end, certifications.c.id).limit(limit)).all()


def unqueued(connection: Connection, before: datetime, limit: int) -> Sequence[Any]:
    """Those of them that wait for nobody yet."""
    query = (
        _kept()
        .outerjoin(renewals, renewals.c.certification_id == certifications.c.id)
        .where(*_ends_before(before), renewals.c.certification_id.is_(None))
    )
    end = certification_files.c.provable_until
    return connection.execute(query.order_by(end).limit(limit)).all()


def expiring(
    connection: Connection,
    tenant: str,
    before: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Any]:
    """A portal's copies that lose their proof before a moment, soonest first."""
    end, id_ = certification_files.c.provable_until, certifications.c.id
    query = _kept().where(certifications.c.tenant == tenant, end <= before)
    if after is not None:
        later = sa.and_(end == after[0], id_ > after[1])
        query = query.where(sa.or_(end > after[0], later))
    return connection.execute(query.order_by(end, id_).limit(limit)).all()


def latest_of(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    """The rows of many copies, each with its latest file."""
    query = sa.select(certifications, *_FILE).join(certification_files, _latest)
    return connection.execute(query.where(certifications.c.id.in_(ids))).all()


def count_files(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Id → how many files were ever issued for it."""
    owner = certification_files.c.certification_id
    query = sa.select(owner, sa.func.count()).where(owner.in_(ids)).group_by(owner)
    return {row[0]: row[1] for row in connection.execute(query)}


def add_file(connection: Connection, row: Mapping[str, Any]) -> None:
    """One more file of a copy, beside the earlier ones."""
    connection.execute(certification_files.insert(), dict(row))


# ------------------------------------------------------------------ the queue


def queue(connection: Connection, row: Mapping[str, Any]) -> None:
    """Queue a copy, unless somebody did."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = {"lease_fence": 0, "attempts": 0, **row}
    connection.execute(dialect.insert(renewals).values(new).on_conflict_do_nothing())


def claim(
    connection: Connection, now: datetime, lease_until: datetime, limit: int
) -> Sequence[Any]:
    """Take copies that are due and in nobody's hands."""
    free = sa.or_(renewals.c.lease_until.is_(None), renewals.c.lease_until <= now)
    chosen = (
        sa.select(renewals.c.certification_id)
        .where(renewals.c.due_at <= now, free)
        .order_by(renewals.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        renewals.update()
        .where(renewals.c.certification_id.in_(chosen))
        .values(lease_until=lease_until, lease_fence=renewals.c.lease_fence + 1)
    )
    return connection.execute(statement.returning(*renewals.c)).all()


def put_back(connection: Connection, certification_id: str, fence: int, **values: Any) -> bool:
    """Let it wait, while the lease of ``fence`` is still the present one."""
    mine = (renewals.c.certification_id == certification_id, renewals.c.lease_fence == fence)
    statement = renewals.update().where(*mine).values(lease_until=None, **values)
    return connection.execute(statement).rowcount == 1


def settle(connection: Connection, certification_id: str) -> None:
    """It was renewed, or need not be any more."""
    connection.execute(renewals.delete().where(renewals.c.certification_id == certification_id))


def queued_among(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Which of these wait for their renewal."""
    column = renewals.c.certification_id
    return set(connection.execute(sa.select(column).where(column.in_(ids))).scalars())


def overdue(connection: Connection, now: datetime) -> Sequence[Any]:
    """Copies that were not renewed in time and of which nobody was told; with their owners."""
    query = (
        sa.select(renewals, certifications.c.tenant, certifications.c.reference)
        .join(certifications, certifications.c.id == renewals.c.certification_id)
        .where(renewals.c.alarmed_at.is_(None), renewals.c.alarm_at <= now)
    )
    return connection.execute(query.limit(100)).all()


def mark_told(connection: Connection, certification_id: str, now: datetime) -> bool:
    """Whether it is for us to tell."""
    mine = (renewals.c.certification_id == certification_id, renewals.c.alarmed_at.is_(None))
    return connection.execute(renewals.update().where(*mine).values(alarmed_at=now)).rowcount == 1


def _kept() -> sa.Select[Any]:
    """Copies that are worth keeping: issued, not cancelled; each with its latest file."""
    return (
        sa.select(certifications, *_FILE)
        .join(certification_files, _latest)
        .where(certifications.c.status == Status.ISSUED)
    )


def _ends_before(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        certification_files.c.provable_until <= before,
        certification_files.c.provable_reason.in_(RENEWABLE),
    )
