"""A payments desk on each database.

One PostgreSQL database serves all tests of this folder, emptied before each: creating one costs
more than most tests do.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.foundation.columns import metadata
from gateway.foundation.database import Database
from gateway.foundation.engines import make_engine
from tests.gateway.payments.desk import open_desk


@pytest.fixture
async def desk(sqlite, clock):
    """Where the engine does not matter."""
    async with open_desk(sqlite, clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared_postgres(postgres_server):
    """An engine on a database with every table, and their names."""
    postgres_server.execute("CREATE DATABASE payments_shared")
    engine = make_engine(postgres_server.url("payments_shared"))
    with engine.begin() as connection:
        metadata.create_all(connection)
    yield engine, ", ".join(f'"{name}"' for name in metadata.tables)
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
async def both(request, tmp_path, clock):
    """The same on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/motcua.db")
        database.create_all()
    else:
        engine, names = request.getfixturevalue("shared_postgres")
        with engine.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
        database = Database(engine.url.render_as_string(hide_password=False))
    async with open_desk(database, clock) as opened:
        yield opened
    await database.close()
