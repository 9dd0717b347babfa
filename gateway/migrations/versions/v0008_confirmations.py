"""Of what an agency's act consists, how often its owner confirms, what only they can decide."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; acts of before are asked about once, as they were."""
    op.add_column("signature_steps", sa.Column("parts", sa.Text(), nullable=True))
    op.add_column(
        "signature_steps",
        sa.Column("confirmations", sa.Integer(), nullable=False, server_default="1"),
    )
    op.add_column("remote_acts", sa.Column("undecided_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("remote_acts", "undecided_at")
    op.drop_column("signature_steps", "confirmations")
    op.drop_column("signature_steps", "parts")
