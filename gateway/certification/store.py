"""Tables of certification and every statement about them.

``registers`` holds one row a run of numbers: its last number, and the lease of whoever is signing
with the next one. ``register_entries`` is the legal record: appended in the transaction that
issues, never changed, never deleted; the database refuses a number twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway.certification.rules import Register, RegisterKey, Status
from gateway.foundation.columns import Instant, Json, metadata

certifications = sa.Table(
    "certifications",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("agency_code", sa.String(40), nullable=False),
    sa.Column("book", sa.String(20), nullable=False),
    sa.Column("document_id", sa.String(40), nullable=False),
    sa.Column("source_sha256", sa.String(64), nullable=False),
    sa.Column("source_pages", sa.Integer, nullable=False),
    sa.Column("original", Json, nullable=False),
    sa.Column("requester_name", sa.String(200), nullable=False),
    sa.Column("copies", sa.Integer, nullable=False),
    sa.Column("certifier", sa.String(120), nullable=False),
    sa.Column("reference", sa.String(255), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("token", sa.String(32), nullable=False, unique=True),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # Known once issued
    sa.Column("year", sa.Integer),
    sa.Column("number", sa.Integer),
    sa.Column("volume", sa.Integer),
    sa.Column("issued_at", Instant),
    sa.Column("agency_name", sa.String(200)),
    sa.Column("certifier_name", sa.String(200)),
    sa.Column("certifier_title", sa.String(200)),
    sa.Column("legal_basis", sa.String(500)),
    sa.Column("pages", sa.Integer),
    sa.Column("sha256", sa.String(64)),
    sa.Column("size", sa.BigInteger),
    # Known once cancelled
    sa.Column("revoked_at", Instant),
    sa.Column("decision_number", sa.String(60)),
    sa.Column("revoke_reason", sa.String(500)),
    sa.Index("ix_certifications_tenant", "tenant", "id"),
    sa.Index("ix_certifications_reference", "tenant", "reference"),
)

certification_files = sa.Table(
    "certification_files",
    metadata,
    sa.Column(
        "certification_id", sa.String(40), sa.ForeignKey("certifications.id"), primary_key=True
    ),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("signature_fields", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # Reckoned by the calendar; null: not yet
    sa.Column("level", sa.String(8)),
    sa.Column("provable_until", Instant, index=True),
    sa.Column("provable_reason", sa.String(40)),
)

registers = sa.Table(
    "registers",
    metadata,
    sa.Column("mode", sa.String(4), primary_key=True),
    sa.Column("agency_code", sa.String(40), primary_key=True),
    sa.Column("book", sa.String(20), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("volume", sa.Integer, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("lease_until", Instant),
)

register_entries = sa.Table(
    "register_entries",
    metadata,
    sa.Column("mode", sa.String(4), primary_key=True),
    sa.Column("agency_code", sa.String(40), primary_key=True),
    sa.Column("book", sa.String(20), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("volume", sa.Integer, nullable=False),
    sa.Column(
        "certification_id",
        sa.String(40),
        sa.ForeignKey("certifications.id"),
        nullable=False,
        unique=True,
    ),
    sa.Column("issued_at", Instant, nullable=False),
    sa.CheckConstraint("number >= 1", name="ck_register_entries_number"),
)


def insert_certification(connection: Connection, row: Mapping[str, Any]) -> None:
    """A new draft."""
    connection.execute(certifications.insert(), dict(row))


def find(connection: Connection, tenant: str, certification_id: str, *, lock: bool = False) -> Any:
    """The row, or None for unknown ids and other tenants' alike."""
    query = sa.select(certifications).where(
        certifications.c.id == certification_id, certifications.c.tenant == tenant
    )
    return connection.execute(query.with_for_update() if lock else query).first()


def find_by_token(connection: Connection, token: str) -> Any:
    """The issued or revoked certification that a QR code names; drafts are nobody's business."""
    return connection.execute(
        sa.select(certifications).where(
            certifications.c.token == token, certifications.c.status != Status.DRAFT
        )
    ).first()


def by_id(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    """Many rows, of any tenant (for events, whose subject they are)."""
    return connection.execute(sa.select(certifications).where(certifications.c.id.in_(ids))).all()


def files_of(connection: Connection, certification_id: str) -> Sequence[Any]:
    """Every file ever issued for it, newest first."""
    table = certification_files
    return connection.execute(
        sa.select(table)
        .where(table.c.certification_id == certification_id)
        .order_by(table.c.created_at.desc(), table.c.size.desc())  # a later one is longer
    ).all()


def change(connection: Connection, certification_id: str, **values: Any) -> int:
    """Set columns of a locked row and count one more event; returns its sequence."""
    return int(
        connection.execute(
            certifications.update()
            .where(certifications.c.id == certification_id)
            .values(sequence=certifications.c.sequence + 1, **values)
            .returning(certifications.c.sequence)
        ).scalar_one()
    )


def lock_register(connection: Connection, key: RegisterKey) -> Any:
    """The register's row, locked; made when this is the first act of its year."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(registers)
        .values(**_columns(key), volume=1, last=0, fence=0)
        .on_conflict_do_nothing()
    )
    query = sa.select(registers).where(_is(registers, key)).with_for_update()
    return connection.execute(query).one()


def state_of(row: Any) -> Register:
    """What the rules need of a register's row."""
    return Register(row.last, row.fence, row.lease_until)


def take_lease(connection: Connection, key: RegisterKey, fence: int, until: datetime) -> None:
    """Hold a locked register under a new fence."""
    connection.execute(
        registers.update().where(_is(registers, key)).values(fence=fence, lease_until=until)
    )


def renew_lease(connection: Connection, key: RegisterKey, fence: int, until: datetime) -> bool:
    """Hold it longer, unless somebody took it."""
    return _if_held(connection, key, fence, until)


def release_lease(connection: Connection, key: RegisterKey, fence: int) -> bool:
    """Give it back: the next to come gets the same number."""
    return _if_held(connection, key, fence, None)


def release_all(connection: Connection) -> int:
    """Give back every register that is held; how many there were."""
    held = registers.c.lease_until.is_not(None)
    return connection.execute(registers.update().where(held).values(lease_until=None)).rowcount


def enter(
    connection: Connection, key: RegisterKey, entry: Mapping[str, Any], file: Mapping[str, Any]
) -> None:
    """Write the number down: the entry, the issued file, and the register's new last number."""
    connection.execute(register_entries.insert(), {**_columns(key), **entry})
    connection.execute(certification_files.insert(), dict(file))
    connection.execute(
        registers.update().where(_is(registers, key)).values(last=entry["number"], lease_until=None)
    )


def entries_of(connection: Connection, key: RegisterKey) -> Sequence[Any]:
    """The register's lines in order, each with its certification."""
    entry, owner = register_entries, certifications
    return connection.execute(
        sa.select(
            entry.c.number,
            entry.c.volume,
            entry.c.issued_at,
            owner.c.id,
            owner.c.tenant,
            owner.c.status,
            owner.c.requester_name,
            owner.c.original,
            owner.c.copies,
            owner.c.certifier_name,
            owner.c.certifier_title,
            owner.c.decision_number,
            owner.c.revoked_at,
        )
        .join(owner, owner.c.id == entry.c.certification_id)
        .where(_is(entry, key))
        .order_by(entry.c.number)
    ).all()


def _if_held(connection: Connection, key: RegisterKey, fence: int, until: datetime | None) -> bool:
    return (
        connection.execute(
            registers.update()
            .where(
                _is(registers, key),
                registers.c.fence == fence,
                registers.c.lease_until.is_not(None),
            )
            .values(lease_until=until)
        ).rowcount
        == 1
    )


def _columns(key: RegisterKey) -> dict[str, Any]:
    return {
        "mode": key.mode,
        "agency_code": key.agency_code,
        "book": key.book,
        "year": key.year,
    }


def _is(table: sa.Table, key: RegisterKey) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == value for name, value in _columns(key).items()))
