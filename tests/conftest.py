"""Fixtures every level shares: clocks, databases on both engines, the edge."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import gateway.schema  # noqa: F401 - every table is known before any is made
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from tests.support import postgres, valkey

_names = itertools.count()

# A newcomer's run is quick; continuous integration looks at more examples.
settings.register_profile("quick", max_examples=30)
settings.register_profile("ci", max_examples=100)
settings.load_profile("ci" if os.environ.get("CI") else "quick")


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


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, made once and copied for each test."""
    path = tmp_path_factory.mktemp("prepared") / "motcua.db"
    prepared = Database(f"sqlite:///{path}")
    prepared.create_all()
    prepared.engine.dispose()
    return path


@pytest.fixture
async def database(database_url: str, prepared_sqlite: Path) -> AsyncIterator[Database]:
    """A database with every table, once on each engine."""
    if database_url.startswith("sqlite"):
        shutil.copy(prepared_sqlite, database_url.removeprefix("sqlite:///"))
    database = Database(database_url)
    if database.dialect != "sqlite":
        database.create_all()
    yield database
    await database.close()


@pytest.fixture
async def sqlite(tmp_path: Path, prepared_sqlite: Path) -> AsyncIterator[Database]:
    """A database where the engine does not matter."""
    shutil.copy(prepared_sqlite, tmp_path / "motcua.db")
    database = Database(f"sqlite:///{tmp_path}/motcua.db")
    yield database
    await database.close()
