"""Keeping documents provable: until when each revision is, and the queue of those to extend."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("document_revisions", sa.Column("provable_until", sa.BigInteger(), nullable=True))
    op.add_column(
        "document_revisions", sa.Column("provable_reason", sa.String(length=40), nullable=True)
    )
    op.create_index("ix_document_revisions_provable", "document_revisions", ["provable_until"])
    op.add_column(
        "signature_requests",
        sa.Column(
            "when_unavailable", sa.String(length=16), nullable=False, server_default="refuse"
        ),
    )
    op.create_table(
        "preservation_tasks",
        sa.Column("document_id", sa.String(length=40), nullable=False),
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
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"]),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index("ix_preservation_tasks_due", "preservation_tasks", ["state", "next_at"])
    op.create_index("ix_preservation_tasks_alarm", "preservation_tasks", ["alarmed_at", "alarm_at"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("preservation_tasks")
    op.drop_column("signature_requests", "when_unavailable")
    op.drop_index("ix_document_revisions_provable", "document_revisions")
    op.drop_column("document_revisions", "provable_reason")
    op.drop_column("document_revisions", "provable_until")
