"""Tables of documents and their revisions, and every statement about them.

A document's row is its latest state; each published file is a row of ``document_revisions``
(0 is the upload, 1 its repaired form if it was broken). One revision a step of a request,
enforced by the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.foundation.columns import Blob, Instant, Json, metadata

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("reference", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("pdf_version", sa.String(8), nullable=False),
    sa.Column("level", sa.String(8)),
    sa.Column("findings", Json, nullable=False),
    sa.Column("signatures", Json, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("template", sa.String(82)),  # name@version, as it was named at the upload
    sa.Index("ix_documents_tenant", "tenant", "id"),
    sa.Index("ix_documents_reference", "tenant", "reference"),
)

document_revisions = sa.Table(
    "document_revisions",
    metadata,
    sa.Column("document_id", sa.String(40), sa.ForeignKey("documents.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("request_id", sa.String(40)),
    sa.Column("step", sa.Integer),
    sa.Column("role", sa.String(16)),
    sa.Column("level", sa.String(8)),
    sa.Column("field_names", Json),
    sa.Column("certificate", Blob),  # DER, of the key that signed
    sa.Column("provable_until", Instant),  # until when the file's signatures can be proven
    sa.Column("provable_reason", sa.String(40)),  # what ends it; null: not reckoned
    sa.Index("ix_document_revisions_provable", "provable_until"),
    sa.Index("ix_document_revisions_sha256", "sha256"),
    sa.UniqueConstraint("request_id", "step", name="uq_document_revisions_step"),
)


def insert_document(
    connection: Connection, row: Mapping[str, Any], revisions: Sequence[Mapping[str, Any]]
) -> None:
    """A new document with its revision 0, and 1 if it had to be repaired."""
    connection.execute(documents.insert(), dict(row))
    connection.execute(document_revisions.insert(), [dict(one) for one in revisions])


def find_document(
    connection: Connection, tenant: str, document_id: str, *, lock: bool = False
) -> Any:
    """The row, or None for unknown ids and other tenants' alike."""
    query = sa.select(documents).where(documents.c.id == document_id, documents.c.tenant == tenant)
    return connection.execute(query.with_for_update() if lock else query).first()


def template_of(connection: Connection, tenant: str, sha256: str) -> str | None:
    """What the portal's newest document with this file as a revision was named after."""
    query = (
        sa.select(documents.c.template)
        .join(document_revisions, document_revisions.c.document_id == documents.c.id)
        .where(document_revisions.c.sha256 == sha256, documents.c.tenant == tenant)
        .where(documents.c.template.is_not(None))
        .order_by(documents.c.id.desc())
        .limit(1)
    )
    found: str | None = connection.execute(query).scalar()
    return found


def documents_by_id(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    """Many rows, of any tenant (for events, whose subject they are)."""
    return connection.execute(sa.select(documents).where(documents.c.id.in_(ids))).all()


def revisions_of(connection: Connection, document_id: str) -> Sequence[Any]:
    """Every published file, oldest first."""
    return connection.execute(
        sa.select(document_revisions)
        .where(document_revisions.c.document_id == document_id)
        .order_by(document_revisions.c.number)
    ).all()


def original_hashes(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Document id → SHA-256 of the file as uploaded."""
    rows = connection.execute(
        sa.select(document_revisions.c.document_id, document_revisions.c.sha256).where(
            document_revisions.c.document_id.in_(ids), document_revisions.c.number == 0
        )
    )
    return {row.document_id: row.sha256 for row in rows}


def add_revision(
    connection: Connection, revision: Mapping[str, Any], latest: Mapping[str, Any]
) -> None:
    """Publish a signed file: its revision, and the document's new latest state."""
    connection.execute(document_revisions.insert(), dict(revision))
    connection.execute(
        documents.update()
        .where(documents.c.id == revision["document_id"])
        .values(revision=revision["number"], **latest)
    )


def next_sequence(connection: Connection, document_id: str) -> int:
    """Count one more event of a document."""
    return int(
        connection.execute(
            documents.update()
            .where(documents.c.id == document_id)
            .values(sequence=documents.c.sequence + 1)
            .returning(documents.c.sequence)
        ).scalar_one()
    )


def person_fields(connection: Connection, request_id: str) -> list[str]:
    """The signature fields that persons filled under a request."""
    rows = connection.execute(
        sa.select(document_revisions.c.field_names).where(
            document_revisions.c.request_id == request_id,
            document_revisions.c.role == "person",
        )
    ).scalars()
    return [name for names in rows for name in names]
