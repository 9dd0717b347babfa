"""Evidence beyond signatures: refusals are recorded once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
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


def downgrade() -> None:
    """Take it away again; the records stay in the chain."""
    op.drop_table("evidence_refusals")
