"""The authority register, the evidence log, and what steps keep for both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the register and the log; add the columns that steps and requests keep for them."""
    op.create_table(
        "authorities",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("agency_code", sa.String(length=100), nullable=False),
        sa.Column("official", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("capacities", sa.Text(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("document_kinds", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.String(length=10), nullable=False),
        sa.Column("valid_to", sa.String(length=10), nullable=True),
        sa.Column("decision_number", sa.String(length=60), nullable=False),
        sa.Column("decision_date", sa.String(length=10), nullable=False),
        sa.Column("granted_by", sa.String(length=120), nullable=True),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("credential", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_authorities_agency", "authorities", ["tenant", "agency_code", "official"])
    op.create_index("ix_authorities_tenant", "authorities", ["tenant", "id"])
    op.create_table(
        "authority_endings",
        sa.Column("authority_id", sa.String(length=40), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("decision_number", sa.String(length=60), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authorities.id"]),
        sa.PrimaryKeyConstraint("authority_id", "ended_at"),
    )
    op.create_table(
        "evidence_heads",
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "evidence_records",
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("document_id", sa.String(length=40), nullable=True),
        sa.Column("result_sha256", sa.String(length=64), nullable=True),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number"),
    )
    op.create_index(
        "ix_evidence_records_certificate", "evidence_records", ["tenant", "certificate_sha256"]
    )
    op.create_index("ix_evidence_records_document", "evidence_records", ["tenant", "document_id"])
    op.add_column(
        "signature_requests", sa.Column("agency_code", sa.String(length=100), nullable=True)
    )
    op.add_column("signature_steps", sa.Column("confirmation", sa.Text(), nullable=True))
    op.add_column("signature_steps", sa.Column("warnings", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it all away again."""
    op.drop_column("signature_steps", "warnings")
    op.drop_column("signature_steps", "confirmation")
    op.drop_column("signature_requests", "agency_code")
    op.drop_index("ix_evidence_records_document", table_name="evidence_records")
    op.drop_index("ix_evidence_records_certificate", table_name="evidence_records")
    op.drop_table("evidence_records")
    op.drop_table("evidence_heads")
    op.drop_table("authority_endings")
    op.drop_index("ix_authorities_tenant", table_name="authorities")
    op.drop_index("ix_authorities_agency", table_name="authorities")
    op.drop_table("authorities")
