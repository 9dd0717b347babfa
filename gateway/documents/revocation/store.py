"""Tables of watched certificates, decided revocations and fetched lists, with their statements.

A revocation's rows are append-only: what the issuer said, and what operators decided instead.
Its id is per portal, because the events about it are. Watched certificates and lists are queues
(``claims``), so that of several processes one asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway.documents.confirmations.claims import due_index, queue_columns
from gateway.documents.evidence.store import (
    evidence_authorities,
    evidence_heads,
    evidence_records,
)
from gateway.foundation.columns import Blob, Instant, Json, metadata

ISSUER = "issuer"
OPERATOR = "operator"  # of the portal
GATEWAY = "gateway"  # the operator of the whole gateway

watched_certificates = sa.Table(
    "watched_certificates",
    metadata,
    sa.Column("certificate_sha256", sa.String(64), primary_key=True),
    sa.Column("chain", Json, nullable=False),  # SHA-256 in the file store, the signer's first
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("revoked_at", Instant),
    sa.Column("checked_at", Instant),
    *queue_columns(),
    due_index("ix_watched_certificates_due"),
)

certificate_revocations = sa.Table(
    "certificate_revocations",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("certificate_sha256", sa.String(64), nullable=False),
    sa.Column("source", sa.String(8), nullable=False),
    sa.Column("revoked_at", Instant),  # null: not revoked (any more), or no word of our own
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("decided_by", sa.String(120)),
    sa.Column("counts", Json, nullable=False),  # standing → how many acts, as of then
    sa.Column("cause", sa.String(24)),  # by RFC 5280 §5.3.1; null: none given
    sa.Column("at", Instant, nullable=False),
)

revocation_lists = sa.Table(
    "revocation_lists",
    metadata,
    sa.Column("url_sha256", sa.String(64), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("raw", Blob),
    sa.Column("fetched_at", Instant),
    sa.Column("next_update", Instant),
    sa.Column("failures", sa.Integer, nullable=False),
    *queue_columns(),
    due_index("ix_revocation_lists_due"),
)


def id_of(tenant: str, certificate_sha256: str) -> str:
    """The id of a portal's certificate, as events name it."""
    return f"crt_{hashlib.sha256(f'{tenant} {certificate_sha256}'.encode()).hexdigest()[:32]}"


# ------------------------------------------------------------------ watched certificates


def last_records(connection: Connection) -> list[tuple[str, int]]:
    """Every portal with the number of its last record."""
    rows = connection.execute(sa.select(evidence_heads.c.tenant, evidence_heads.c.number))
    return [(row.tenant, row.number) for row in rows]


def unwatched(connection: Connection, tenant: str, after: int, limit: int) -> Sequence[Any]:
    """Certificates that signed in a portal after a record and are not looked after yet.

    Each with its latest record; the caller remembers up to where it looked, so that a long log is
    read once.
    """
    record, watched = evidence_records, watched_certificates
    known = sa.exists().where(watched.c.certificate_sha256 == record.c.certificate_sha256)
    latest = (
        sa.select(sa.func.max(record.c.number))
        .where(
            record.c.tenant == tenant,
            record.c.number > after,
            record.c.certificate_sha256.is_not(None),
            ~known,
        )
        .group_by(record.c.certificate_sha256)
        .limit(limit)
    )
    query = sa.select(record).where(record.c.tenant == tenant, record.c.number.in_(latest))
    return connection.execute(query).all()


def watch(connection: Connection, row: Mapping[str, Any]) -> None:
    """Look after a certificate from now on, unless somebody does."""
    new = {"status": "unknown", "lease_fence": 0, **row}
    connection.execute(_insert(connection, watched_certificates, new))


def watched(connection: Connection, certificate_sha256: str) -> Any:
    """What was found about a certificate; None when nobody looks after it."""
    table = watched_certificates
    return connection.execute(
        sa.select(table).where(table.c.certificate_sha256 == certificate_sha256)
    ).first()


def change_watched(
    connection: Connection, certificate_sha256: str, fence: int, **values: Any
) -> bool:
    """Write down what was found, while the lease of ``fence`` is still the present one."""
    table = watched_certificates
    mine = (table.c.certificate_sha256 == certificate_sha256, table.c.lease_fence == fence)
    return connection.execute(table.update().where(*mine).values(**values)).rowcount == 1


def are_watched(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Which of these certificates are looked after."""
    column = watched_certificates.c.certificate_sha256
    return set(connection.execute(sa.select(column).where(column.in_(digests))).scalars())


def tenants_with(connection: Connection, certificate_sha256: str) -> Sequence[str]:
    """The portals in which a certificate has signed."""
    table = evidence_records
    query = sa.select(table.c.tenant).where(table.c.certificate_sha256 == certificate_sha256)
    return connection.execute(query.distinct().order_by(table.c.tenant)).scalars().all()


# ------------------------------------------------------------------ decided revocations


def decisions(connection: Connection, tenant: str, certificate_sha256: str) -> Sequence[Any]:
    """Everything that was said about a certificate in a portal, in order."""
    table, id_ = certificate_revocations, id_of(tenant, certificate_sha256)
    query = sa.select(table).where(table.c.id == id_).order_by(table.c.sequence)
    return connection.execute(query).all()


def held(connection: Connection, tenant: str, certificate_sha256: str) -> Sequence[Any]:
    """What counts in a portal, in order: all that was said, but by other portals' operators.

    What is true of the world counts before a portal has been told of it.
    """
    rows = said_about(connection, certificate_sha256)
    return [row for row in rows if row.source != OPERATOR or row.tenant == tenant]


def decisions_by_id(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    """The same by id, for events."""
    table = certificate_revocations
    query = sa.select(table).where(table.c.id.in_(ids)).order_by(table.c.id, table.c.sequence)
    return connection.execute(query).all()


def doubted(connection: Connection) -> Sequence[str]:
    """Certificates that came with time-stamps, and about which something was said."""
    table, stamps, heads = certificate_revocations, evidence_authorities, evidence_heads
    stamped = sa.exists().where(  # portal by portal: that is how the long table is indexed
        stamps.c.tenant == heads.c.tenant,
        stamps.c.certificate_sha256 == table.c.certificate_sha256,
    )
    query = sa.select(table.c.certificate_sha256).where(stamped).distinct()
    return connection.execute(query.order_by(table.c.certificate_sha256)).scalars().all()


def said_about(connection: Connection, certificate_sha256: str) -> Sequence[Any]:
    """Everything that was said about a certificate in any portal, oldest first."""
    table, ids = certificate_revocations, _ids(connection, certificate_sha256)
    query = sa.select(table).where(table.c.id.in_(ids))
    return connection.execute(query.order_by(table.c.at, table.c.sequence, table.c.id)).all()


def _ids(connection: Connection, certificate_sha256: str) -> list[str]:
    """The certificate's id in each portal; whoever was told of something has a chain."""
    tenants = connection.execute(sa.select(evidence_heads.c.tenant)).scalars()
    return [id_of(tenant, certificate_sha256) for tenant in tenants]


def add_decision(connection: Connection, row: Mapping[str, Any]) -> None:
    """One more word; the primary key refuses a sequence twice."""
    connection.execute(certificate_revocations.insert(), dict(row))


# ------------------------------------------------------------------ lists


def want_list(connection: Connection, url: str, now: datetime) -> None:
    """Fetch the list of an address from now on, unless somebody does."""
    row = {
        "url_sha256": hashlib.sha256(url.encode()).hexdigest(),
        "url": url,
        "failures": 0,
        "due_at": now,
        "lease_fence": 0,
    }
    connection.execute(_insert(connection, revocation_lists, row))


def change_list(connection: Connection, url_sha256: str, fence: int, **values: Any) -> bool:
    """Write down what was fetched, while the lease of ``fence`` is still the present one."""
    table = revocation_lists
    mine = (table.c.url_sha256 == url_sha256, table.c.lease_fence == fence)
    return connection.execute(table.update().where(*mine).values(**values)).rowcount == 1


def fetched_lists(connection: Connection, now: datetime) -> Sequence[Any]:
    """Address and time of every list that holds now, without its bytes."""
    table = revocation_lists
    query = sa.select(table.c.url_sha256, table.c.url, table.c.fetched_at)
    return connection.execute(query.where(table.c.next_update > now)).all()


def list_bytes(connection: Connection, url_sha256: str) -> bytes | None:
    """The list as it was received."""
    table = revocation_lists
    query = sa.select(table.c.raw).where(table.c.url_sha256 == url_sha256)
    raw = connection.execute(query).scalar()
    return bytes(raw) if raw is not None else None


def _insert(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> Any:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).values(dict(row)).on_conflict_do_nothing()
