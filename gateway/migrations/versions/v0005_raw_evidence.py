"""Keep the pages of the carriers' feeds, byte for byte."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of messages, and what names them."""
    op.create_table(
        "carrier_messages",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_carrier_messages_received_at"), "carrier_messages", ["received_at"], unique=False
    )
    op.add_column("shipment_evidence", sa.Column("message_id", sa.String(length=40), nullable=True))


def downgrade() -> None:
    """Back to readings alone."""
    op.drop_column("shipment_evidence", "message_id")
    op.drop_index(op.f("ix_carrier_messages_received_at"), table_name="carrier_messages")
    op.drop_table("carrier_messages")
