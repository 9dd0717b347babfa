"""Tables of the evidence log, and every statement about them.

``evidence_heads`` holds one row a tenant: locked by whoever appends, so that numbers have no gap
and no double however many processes write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway.documents.evidence.chain import GENESIS
from gateway.documents.store import document_revisions, documents
from gateway.foundation.columns import Instant, metadata
from gateway.foundation.listing import Window

evidence_records = sa.Table(
    "evidence_records",
    metadata,
    sa.Column("tenant", sa.String(80), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("previous_sha256", sa.String(64), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("content", sa.Text, nullable=False),  # the canonical JSON, as it was hashed
    # Repeated from the content, to be found by.
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("document_id", sa.String(40)),
    sa.Column("result_sha256", sa.String(64)),
    sa.Column("certificate_sha256", sa.String(64)),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Index("ix_evidence_records_document", "tenant", "document_id"),
    sa.Index("ix_evidence_records_certificate", "tenant", "certificate_sha256"),
)

# Certificates that came with records' time-stamps: repeated from their files, to be found by.
evidence_authorities = sa.Table(
    "evidence_authorities",
    metadata,
    sa.Column("tenant", sa.String(80), primary_key=True),
    sa.Column("certificate_sha256", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Index("ix_evidence_authorities_number", "tenant", "number"),
)

evidence_heads = sa.Table(
    "evidence_heads",
    metadata,
    sa.Column("tenant", sa.String(80), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)


def lock_head(connection: Connection, tenant: str) -> Any:
    """The end of a tenant's chain, locked; a chain that is not begun yet is begun."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    first = {"tenant": tenant, "number": 0, "sha256": GENESIS}
    connection.execute(dialect.insert(evidence_heads).values(first).on_conflict_do_nothing())
    query = sa.select(evidence_heads).where(evidence_heads.c.tenant == tenant)
    return connection.execute(query.with_for_update()).one()


def append_record(connection: Connection, row: Mapping[str, Any]) -> None:
    """The next record, and the head that the caller holds locked."""
    connection.execute(evidence_records.insert(), dict(row))
    connection.execute(
        evidence_heads.update()
        .where(evidence_heads.c.tenant == row["tenant"])
        .values(number=row["number"], sha256=row["sha256"])
    )


def head_of(connection: Connection, tenant: str) -> Any:
    """The end of a tenant's chain, or None before its first record."""
    return connection.execute(
        sa.select(evidence_heads).where(evidence_heads.c.tenant == tenant)
    ).first()


def last_number(connection: Connection, tenant: str) -> int:
    """The highest number that a tenant's records have; 0 without any."""
    table = evidence_records
    query = sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0))
    return int(connection.execute(query.where(table.c.tenant == tenant)).scalar_one())


def tenants(connection: Connection, lengthened: Sequence[sa.Select[Any]] = ()) -> list[str]:
    """Everybody who has a chain, records without one, or files that records must speak of."""
    files = [sa.select(one.subquery().c.tenant) for one in lengthened]
    heads, records = sa.select(evidence_heads.c.tenant), sa.select(evidence_records.c.tenant)
    found = sa.union(heads, records, *files)
    return sorted(connection.execute(found).scalars())


def records_after(connection: Connection, tenant: str, number: int, limit: int) -> Sequence[Any]:
    """A stretch of a chain, in order."""
    table = evidence_records
    return connection.execute(
        sa.select(table)
        .where(table.c.tenant == tenant, table.c.number > number)
        .order_by(table.c.number)
        .limit(limit)
    ).all()


def records_of(connection: Connection, tenant: str, document_id: str) -> Sequence[Any]:
    """What was recorded about one document, in order."""
    table = evidence_records
    return connection.execute(
        sa.select(table)
        .where(table.c.tenant == tenant, table.c.document_id == document_id)
        .order_by(table.c.number)
    ).all()


def records_by_certificate(
    connection: Connection, tenant: str, certificate_sha256: str, window: Window
) -> Sequence[Any]:
    """What rests on one certificate, newest first, with its document's present level.

    It signed, or came with the time-stamps of what was signed or extended. One more than the
    window's limit, to tell whether there are more; ``after`` is a number.
    """
    table, stamps = evidence_records, evidence_authorities
    signed, stamped = (
        sa.select(one.c.number).where(
            one.c.tenant == tenant, one.c.certificate_sha256 == certificate_sha256
        )
        for one in (table, stamps)
    )
    numbers = sa.union_all(signed, stamped)
    query = (
        sa.select(
            table.c.number,
            table.c.content,
            documents.c.level.label("document_level"),
        )
        .outerjoin(documents, documents.c.id == table.c.document_id)
        .where(table.c.tenant == tenant, table.c.number.in_(numbers))
        .order_by(table.c.number.desc())
        .limit(window.limit + 1)
    )
    if window.after is not None:
        query = query.where(table.c.number < int(window.after))
    if window.created_from is not None:
        query = query.where(table.c.recorded_at >= window.created_from)
    if window.created_to is not None:
        query = query.where(table.c.recorded_at < window.created_to)
    return connection.execute(query).all()


def first_of_kind(connection: Connection, tenant: str, kind: str) -> datetime | None:
    """When a tenant's chain got its first record of a kind."""
    table = evidence_records
    query = (
        sa.select(table.c.recorded_at)
        .where(table.c.tenant == tenant, table.c.kind == kind)
        .order_by(table.c.number)
    )
    found: datetime | None = connection.execute(query.limit(1)).scalar()
    return found


def unrecorded_elsewhere(
    connection: Connection, tenant: str, lengthened: sa.Select[Any]
) -> Sequence[Any]:
    """The first longer file that another capability published without a record: ``id``, ``number``.

    ``lengthened``: every one it ever published; columns ``id``, ``tenant``, ``number``, ``sha256``.
    """
    file, record = lengthened.subquery(), evidence_records
    recorded = sa.exists().where(
        record.c.tenant == tenant,
        record.c.document_id == file.c.id,
        record.c.result_sha256 == file.c.sha256,
    )
    query = sa.select(file.c.id, file.c.number).where(file.c.tenant == tenant, ~recorded)
    return connection.execute(query.order_by(file.c.id, file.c.number).limit(1)).all()


def unrecorded_revisions(
    connection: Connection, tenant: str, since: datetime, extended_since: datetime | None
) -> Sequence[Any]:
    """Signed files published since then, and extended ones, that no record speaks of.

    Extensions have been recorded since ``extended_since``; None: not yet.
    """
    revision, record = document_revisions, evidence_records
    recorded = sa.exists().where(
        record.c.tenant == tenant,
        record.c.document_id == revision.c.document_id,
        record.c.result_sha256 == revision.c.sha256,
    )
    return connection.execute(
        sa.select(revision.c.document_id, revision.c.number)
        .join(documents, documents.c.id == revision.c.document_id)
        .where(
            documents.c.tenant == tenant,
            sa.or_(
                sa.and_(revision.c.request_id.is_not(None), revision.c.created_at >= since),
                sa.and_(
                    revision.c.role == "extension",
                    sa.literal(extended_since is not None),
                    revision.c.created_at >= (extended_since or since),
                ),
            ),
            ~recorded,
        )
        .order_by(revision.c.document_id, revision.c.number)
    ).all()
