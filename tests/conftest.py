"""Fixtures every level shares: clocks, databases on both engines, the edge."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import gateway.schema  # noqa: F401 - every table is known before any is made
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from tests.support import postgres, valkey

_names = itertools.count()

# A newcomer's run is quick; continuous integration looks at more examples.
# A busy machine draws slowly; that says nothing about the code.
_PATIENT = [HealthCheck.too_slow]
settings.register_profile("quick", max_examples=25, deadline=None, suppress_health_check=_PATIENT)
settings.register_profile("ci", max_examples=100, deadline=None, suppress_health_check=_PATIENT)
settings.load_profile("ci" if os.environ.get("CI") else "quick")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A newcomer's run leaves out what costs most, and says so by name."""
    if os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long: runs where CI is set"))
        elif item.get_closest_marker("long_on_postgresql") and "postgresql" in item.name:
            item.add_marker(pytest.mark.skip(reason="long on PostgreSQL: runs where CI is set"))


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


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, made once and copied for each test."""
    path = tmp_path_factory.mktemp("prepared") / "motcua.db"
    _create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def prepared_postgres(postgres_server: postgres.Postgres) -> str:
    """The name of a PostgreSQL database with every table, made once and copied likewise."""
    postgres_server.execute("CREATE DATABASE prepared")
    _create_tables(postgres_server.url("prepared"))
    return "prepared"


def _create_tables(url: str) -> None:
    database = Database(url)
    database.create_all()
    database.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own with every table, once on each engine."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("prepared_sqlite"), tmp_path / "motcua.db")
        yield f"sqlite:///{tmp_path}/motcua.db"
        return
    template = request.getfixturevalue("prepared_postgres")
    with _own_database(request.getfixturevalue("postgres_server"), template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    with _own_database(request.getfixturevalue("postgres_server"), "template1") as url:
        yield url


@contextlib.contextmanager
def _own_database(server: postgres.Postgres, template: str) -> Iterator[str]:
    name = f"t{next(_names)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """That database, open."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def sqlite(tmp_path: Path, prepared_sqlite: Path) -> AsyncIterator[Database]:
    """A database where the engine does not matter."""
    shutil.copy(prepared_sqlite, tmp_path / "motcua.db")
    database = Database(f"sqlite:///{tmp_path}/motcua.db")
    yield database
    await database.close()
