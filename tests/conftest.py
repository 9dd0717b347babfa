"""Fixtures every level shares: clocks, databases on both engines, the edge."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from tests.support import postgres, valkey

_names = itertools.count()


@pytest.fixture
def clock() -> FakeClock:
    """Monday 2 November 2026, 09:00 in Vietnam."""
    return FakeClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """One real PostgreSQL a test process, started when the first test wants it."""
    server = postgres.start()
    if server is None:
        pytest.skip("no PostgreSQL on this machine and no wheel of one installed")
    yield server
    postgres.stop(server)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[valkey.Valkey]:
    """One real Valkey a test process."""
    server = valkey.start()
    if server is None:
        pytest.skip("no Valkey or Redis on this machine and no wheel of one installed")
    yield server
    valkey.stop(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of its own, once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/motcua.db"
        return
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    name = f"t{next(_names)}"
    server.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database on each engine."""
    database = Database(database_url)
    database.create_all()
    yield database
    await database.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    """A database where the engine does not matter."""
    database = Database(f"sqlite:///{tmp_path}/motcua.db")
    database.create_all()
    yield database
    await database.close()
