"""Which records rest on time-stamps of which authority: every statement to find them by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.evidence.store import evidence_authorities, evidence_heads, evidence_records


def add(connection: Connection, tenant: str, number: int, digests: Iterable[str]) -> None:
    """Note the certificates that came with a record's time-stamps."""
    rows = [
        {"tenant": tenant, "number": number, "certificate_sha256": digest}
        for digest in dict.fromkeys(digests)
    ]
    if rows:
        connection.execute(evidence_authorities.insert(), rows)


def of_records(connection: Connection, tenant: str, first: int, last: int) -> dict[int, set[str]]:
    """Number → its certificates, for a stretch of a chain."""
    table = evidence_authorities
    query = sa.select(table.c.number, table.c.certificate_sha256).where(
        table.c.tenant == tenant, table.c.number.between(first, last)
    )
    found: dict[int, set[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.number, set()).add(row.certificate_sha256)
    return found


def is_authority(connection: Connection, tenant: str, certificate_sha256: str) -> bool:
    """Whether any record of a portal rests on time-stamps that came with this certificate."""
    table = evidence_authorities
    query = sa.select(table.c.number).where(
        table.c.tenant == tenant, table.c.certificate_sha256 == certificate_sha256
    )
    return connection.execute(query.limit(1)).first() is not None


def subjects(
    connection: Connection, tenant: str, certificate_sha256: str, after: str, limit: int
) -> Sequence[str]:
    """The documents and copies with such records, by id."""
    table, record = evidence_authorities, evidence_records
    query = (
        sa.select(record.c.document_id)
        .join(table, sa.and_(table.c.tenant == record.c.tenant, table.c.number == record.c.number))
        .where(
            table.c.tenant == tenant,
            table.c.certificate_sha256 == certificate_sha256,
            record.c.document_id > after,
        )
    )
    rows = connection.execute(query.distinct().order_by(record.c.document_id).limit(limit))
    return rows.scalars().all()


def latest_since(connection: Connection, tenant: str, after: int) -> Sequence[Any]:
    """Certificate → the last record after ``after`` that it came with."""
    table = evidence_authorities
    query = (
        sa.select(table.c.certificate_sha256, sa.func.max(table.c.number).label("number"))
        .where(table.c.tenant == tenant, table.c.number > after)
        .group_by(table.c.certificate_sha256)
    )
    return connection.execute(query).all()


def tenants_with(connection: Connection, certificate_sha256: str) -> Sequence[str]:
    """The portals that have such records."""
    table, heads = evidence_authorities, evidence_heads
    has = sa.exists().where(  # portal by portal: that is how the long table is indexed
        table.c.tenant == heads.c.tenant, table.c.certificate_sha256 == certificate_sha256
    )
    return connection.execute(sa.select(heads.c.tenant).where(has)).scalars().all()
