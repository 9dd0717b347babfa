"""Documents know the template they were made after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; documents from before have no template."""
    op.add_column("documents", sa.Column("template", sa.String(length=82), nullable=True))
    op.create_index("ix_document_revisions_sha256", "document_revisions", ["sha256"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_document_revisions_sha256", "document_revisions")
    op.drop_column("documents", "template")
