"""Alembic's entry: runs over the connection handed to it, never reads a configuration file."""

from __future__ import annotations

from alembic import context

from gateway.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
