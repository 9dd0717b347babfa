"""Acts that wait for an official elsewhere, their tickets, and signing batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0005"
branch_labels = None
depends_on = None

_WAITING = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "remote_acts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=True),
        sa.Column("confirmation", sa.String(length=16), nullable=False),
        sa.Column("credential", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("official", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("input_sha256", sa.String(length=64), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("prepared_sha256", sa.String(length=64), nullable=True),
        sa.Column("prepared_state", sa.LargeBinary(), nullable=True),
        sa.Column("to_be_signed", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("reference", sa.String(length=40), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("download_hash", sa.String(length=64), nullable=True),
        sa.Column("upload_hash", sa.String(length=64), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("upload_sha256", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirm_by", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_fence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["signature_requests.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("download_hash"),
        sa.UniqueConstraint("request_id", "fence", name="uq_remote_acts_fence"),
        sa.UniqueConstraint("upload_hash"),
    )
    op.create_index(op.f("ix_remote_acts_batch_id"), "remote_acts", ["batch_id"], unique=False)
    op.create_index(
        "ix_remote_acts_due",
        "remote_acts",
        ["due_at"],
        unique=False,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(op.f("ix_remote_acts_reference"), "remote_acts", ["reference"], unique=False)
    op.create_table(
        "signing_tickets",
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("credential", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("provider_reference", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("ask_after_s", sa.Float(), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sending_at", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reference"),
    )
    op.create_index(
        op.f("ix_signing_tickets_batch_id"), "signing_tickets", ["batch_id"], unique=False
    )
    op.create_index(
        "ix_signing_tickets_due",
        "signing_tickets",
        ["due_at"],
        unique=False,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "ix_signing_tickets_theirs",
        "signing_tickets",
        ["credential", "provider_reference"],
        unique=False,
    )
    op.create_table(
        "signing_reports",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("provider_reference", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_signing_reports_reference"), "signing_reports", ["reference"], unique=False
    )
    op.create_table(
        "signing_batches",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("official", sa.String(length=120), nullable=False),
        sa.Column("principal", sa.String(length=40), nullable=True),
        sa.Column("signer", sa.String(length=120), nullable=False),
        sa.Column("confirmation", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_signing_batches_due",
        "signing_batches",
        ["due_at"],
        unique=False,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index("ix_signing_batches_tenant", "signing_batches", ["tenant", "id"], unique=False)
    op.create_table(
        "signing_batch_items",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("output_sha256", sa.String(length=64), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["signing_batches.id"],
        ),
        sa.PrimaryKeyConstraint("batch_id", "position"),
    )
    op.create_table(
        "signing_confirmations",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("official", sa.String(length=120), nullable=False),
        sa.Column("root_sha256", sa.String(length=64), nullable=False),
        sa.Column("covered", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["signing_batches.id"],
        ),
        sa.PrimaryKeyConstraint("batch_id", "number"),
    )
    op.create_table(
        "signing_batch_events",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=24), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["signing_batches.id"],
        ),
        sa.PrimaryKeyConstraint("batch_id", "number"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("signing_batch_events")
    op.drop_table("signing_confirmations")
    op.drop_table("signing_batch_items")
    op.drop_index("ix_signing_batches_tenant", table_name="signing_batches")
    op.drop_index(
        "ix_signing_batches_due",
        table_name="signing_batches",
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.drop_table("signing_batches")
    op.drop_index(op.f("ix_signing_reports_reference"), table_name="signing_reports")
    op.drop_table("signing_reports")
    op.drop_index("ix_signing_tickets_theirs", table_name="signing_tickets")
    op.drop_index(
        "ix_signing_tickets_due",
        table_name="signing_tickets",
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.drop_index(op.f("ix_signing_tickets_batch_id"), table_name="signing_tickets")
    op.drop_table("signing_tickets")
    op.drop_index(op.f("ix_remote_acts_reference"), table_name="remote_acts")
    op.drop_index(
        "ix_remote_acts_due",
        table_name="remote_acts",
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.drop_index(op.f("ix_remote_acts_batch_id"), table_name="remote_acts")
    op.drop_table("remote_acts")
