"""Evidence beyond signatures: refusals, copies kept provable, certificates looked after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table that keeps a refusal to one record."""
    op.create_table(
        "evidence_refusals",
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("who", sa.String(length=250), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mark"),
    )
    op.create_index("ix_evidence_refusals_day", "evidence_refusals", ["tenant", "day", "who"])
    op.create_index("ix_evidence_refusals_last", "evidence_refusals", ["last_at"])
    _keep_copies()
    _watch_certificates()
    op.create_table(
        "leased_places",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", "slot"),
    )


def _keep_copies() -> None:
    """What is reckoned of each file, and the queue of renewals."""
    for column in (
        sa.Column("level", sa.String(length=8), nullable=True),
        sa.Column("provable_until", sa.BigInteger(), nullable=True),
        sa.Column("provable_reason", sa.String(length=40), nullable=True),
    ):
        op.add_column("certification_files", column)
    op.create_index(
        "ix_certification_files_provable_until", "certification_files", ["provable_until"]
    )
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


def _watch_certificates() -> None:
    """Certificates that have signed, what was decided about them, and the lists that tell."""
    queue = (
        ("due_at", sa.BigInteger(), True),
        ("lease_until", sa.BigInteger(), True),
        ("lease_fence", sa.Integer(), False),
    )
    op.create_table(
        "watched_certificates",
        sa.Column("certificate_sha256", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        *[sa.Column(name, kind, nullable=nullable) for name, kind, nullable in queue],
        sa.PrimaryKeyConstraint("certificate_sha256"),
    )
    op.create_table(
        "certificate_revocations",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "sequence"),
    )
    op.create_table(
        "revocation_lists",
        sa.Column("url_sha256", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.Column("next_update", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        *[sa.Column(name, kind, nullable=nullable) for name, kind, nullable in queue],
        sa.PrimaryKeyConstraint("url_sha256"),
    )
    waiting = sa.text("due_at IS NOT NULL")
    for table in ("watched_certificates", "revocation_lists"):
        op.create_index(
            f"ix_{table}_due",
            table,
            ["due_at"],
            sqlite_where=waiting,
            postgresql_where=waiting,
        )


def downgrade() -> None:
    """Take it away again; the records stay in the chain, the renewed files in the store."""
    op.drop_table("leased_places")
    for table in ("revocation_lists", "certificate_revocations", "watched_certificates"):
        op.drop_table(table)
    op.drop_table("certification_renewals")
    op.drop_index("ix_certification_files_provable_until", "certification_files")
    for name in ("provable_reason", "provable_until", "level"):
        op.drop_column("certification_files", name)
    op.drop_table("evidence_refusals")
