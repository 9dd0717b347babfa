"""Bring a database's schema up, and say when it is not what this version expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from gateway.schema import metadata


class SchemaOutdated(Exception):
    """The database's schema is not this version's; ``motcua migrate`` brings it up."""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply every missing step in one transaction."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take steps back (tests; operators restore a backup instead)."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def check(engine: Engine) -> None:
    """Refuse to start on another schema.

    Raises:
        SchemaOutdated: with both revisions.
    """
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != head:
        raise SchemaOutdated(f"lược đồ {found or 'chưa có'}, bản này cần {head} / another schema")


def drift(engine: Engine) -> list[Any]:
    """Differences between the migrated schema and the tables the code declares."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
