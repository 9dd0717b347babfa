"""One queue for everything that is to be kept provable, and which time-stamps records rest on."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SHARED = (
    "kind, state, wanted, reached, reason, attempts, next_at, alarm_at, alarmed_at, fence,"
    " lease_until, created_at"
)


def upgrade() -> None:
    """Both queues become one; nothing that waited is lost."""
    op.create_table(
        "preservation_queue",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        *_columns(),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_preservation_queue_due", "preservation_queue", ["state", "next_at"])
    op.create_index("ix_preservation_queue_alarm", "preservation_queue", ["alarmed_at", "alarm_at"])
    op.execute(
        f"INSERT INTO preservation_queue (id, owner, tenant, until, {_SHARED})"  # noqa: S608 - names of columns, written above
        " SELECT document_id, 'document', documents.tenant, NULL,"
        f" {', '.join('t.' + name for name in _SHARED.split(', '))}"
        " FROM preservation_tasks t JOIN documents ON documents.id = document_id"
    )
    op.execute(
        f"INSERT INTO preservation_queue (id, owner, tenant, until, {_SHARED})"  # noqa: S608 - as above
        " SELECT certification_id, 'copy', certifications.tenant, until, 'renew', 'waiting',"
        " 'B-LTA', 'B-LTA', reason, attempts, due_at, alarm_at, alarmed_at, lease_fence,"
        " lease_until, due_at"
        " FROM certification_renewals JOIN certifications ON certifications.id = certification_id"
    )
    op.drop_table("certification_renewals")
    op.drop_table("preservation_tasks")
    op.add_column("certificate_revocations", sa.Column("cause", sa.String(length=24)))
    _index_authorities()


def _index_authorities() -> None:
    """Which records rest on whose time-stamps, read out of the records once."""
    table = op.create_table(
        "evidence_authorities",
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "certificate_sha256", "number"),
    )
    op.create_index("ix_evidence_authorities_number", "evidence_authorities", ["tenant", "number"])
    last: tuple[str, int] = ("", 0)
    while rows := _records_after(last):
        for tenant, number, content in rows:
            files = json.loads(content).get("files", [])
            found = {one["sha256"] for one in files if one["what"] == "authority_certificate"}
            made = [
                {"tenant": tenant, "number": number, "certificate_sha256": one} for one in found
            ]
            op.bulk_insert(table, made)
        last = (rows[-1][0], rows[-1][1])


def _records_after(last: tuple[str, int]) -> list[tuple[str, int, str]]:
    """A page of records with time-stamps: a log may be larger than the memory."""
    query = sa.text(
        "SELECT tenant, number, content FROM evidence_records"
        " WHERE content LIKE '%\"authority_certificate\"%'"
        " AND (tenant > :tenant OR (tenant = :tenant AND number > :number))"
        " ORDER BY tenant, number LIMIT 500"
    )
    found = op.get_bind().execute(query, {"tenant": last[0], "number": last[1]})
    return [(row[0], row[1], row[2]) for row in found]


def downgrade() -> None:
    """Two queues again; the log itself is as it was."""
    op.drop_table("evidence_authorities")
    op.drop_column("certificate_revocations", "cause")
    op.create_table(
        "preservation_tasks",
        sa.Column("document_id", sa.String(length=40), nullable=False),
        *_columns(),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"]),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index("ix_preservation_tasks_due", "preservation_tasks", ["state", "next_at"])
    op.create_index("ix_preservation_tasks_alarm", "preservation_tasks", ["alarmed_at", "alarm_at"])
    op.create_table(
        "certification_renewals",
        sa.Column("certification_id", sa.String(length=40), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("alarm_at", sa.BigInteger(), nullable=False),
        sa.Column("alarmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["certification_id"], ["certifications.id"]),
        sa.PrimaryKeyConstraint("certification_id"),
    )
    op.create_index("ix_certification_renewals_due_at", "certification_renewals", ["due_at"])
    op.execute(
        f"INSERT INTO preservation_tasks (document_id, {_SHARED})"  # noqa: S608 - as above
        f" SELECT id, {_SHARED} FROM preservation_queue WHERE owner = 'document'"
    )
    op.execute(
        "INSERT INTO certification_renewals (certification_id, until, due_at, lease_until,"
        " lease_fence, attempts, reason, alarm_at, alarmed_at)"
        " SELECT id, until, next_at, lease_until, fence, attempts, reason, alarm_at, alarmed_at"
        " FROM preservation_queue WHERE owner = 'copy' AND until IS NOT NULL"
        " AND alarm_at IS NOT NULL"
    )
    op.drop_table("preservation_queue")


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("wanted", sa.String(length=8), nullable=False),
        sa.Column("reached", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("alarm_at", sa.BigInteger(), nullable=True),
        sa.Column("alarmed_at", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    ]
