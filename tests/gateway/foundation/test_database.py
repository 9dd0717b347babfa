"""The unit of work on both engines: grouped, isolated, durable, honest about faults."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest
import sqlalchemy as sa

from gateway.foundation.database import Database, DatabaseUnavailable, SetUnit
from tests.support.town import until

own = sa.MetaData()  # not the product's tables
notes = sa.Table(
    "test_notes",
    own,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", sa.String(50), nullable=False),
)


@pytest.fixture
async def database(database: Database) -> Database:
    """The shared fixture's database with this module's table."""
    own.create_all(database.engine)
    return database


@pytest.fixture
async def sqlite(sqlite: Database) -> Database:
    """As above, where the engine does not matter."""
    own.create_all(sqlite.engine)
    return sqlite


def add(number: int, text: str = "x"):
    return lambda c: c.execute(notes.insert().values(id=number, text=text)) and number


def count(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(notes)).scalar_one()


def kept(connection: sa.Connection) -> list[int]:
    return list(connection.execute(sa.select(notes.c.id).order_by(notes.c.id)).scalars())


def note_all(connection, numbers):
    connection.execute(notes.insert(), [{"id": number, "text": "set"} for number in numbers])
    return numbers


NOTING = SetUnit("noting", note_all)


async def test_many_units_share_one_commit(database: Database):
    """A hundred concurrent writes need far fewer than a hundred commits."""
    results = await asyncio.gather(*(database.write(add(n)) for n in range(100)))
    assert results == list(range(100))
    assert await database.read(count) == 100
    assert database.commits < 60


async def test_a_failing_unit_hurts_nobody_else(database: Database):
    """Its own changes vanish, its neighbours' stay, the caller gets its own error."""

    def half(connection: sa.Connection) -> None:
        connection.execute(notes.insert().values(id=1000, text="gone"))
        raise LookupError("changed my mind")

    outcomes = await asyncio.gather(
        *(database.write(add(n)) for n in range(10)),
        database.write(half),
        *(database.write(add(n)) for n in range(10, 20)),
        return_exceptions=True,
    )
    assert [type(o) for o in outcomes if isinstance(o, Exception)] == [LookupError]
    assert await database.read(count) == 20


async def test_a_set_unit_gets_many_items_at_once_and_isolates_the_bad_one(database: Database):
    """One statement for all; a poisoned item is refused alone."""
    sizes = []

    def run(connection: sa.Connection, items: list[int]) -> list[int]:
        sizes.append(len(items))
        if len(items) > 1 and 13 in items:
            raise ValueError("unlucky")
        if 13 in items:
            raise ValueError("thirteen")
        connection.execute(notes.insert(), [{"id": i, "text": "set"} for i in items])
        return items

    unit = SetUnit("notes", run)
    outcomes = await asyncio.gather(
        *(database.submit(unit, n) for n in range(40)), return_exceptions=True
    )
    assert [o for o in outcomes if not isinstance(o, ValueError)] == [
        n for n in range(40) if n != 13
    ]
    assert await database.read(count) == 39
    assert max(sizes) > 1


async def test_concurrent_increments_are_all_kept(database: Database):
    """Two writers on PostgreSQL may meet on one row; none of the updates is lost."""
    await database.write(lambda c: c.execute(notes.insert().values(id=1, text="0")) and None)

    def bump(connection: sa.Connection) -> None:
        row = connection.execute(sa.select(notes).where(notes.c.id == 1).with_for_update()).one()
        connection.execute(
            notes.update().where(notes.c.id == 1).values(text=str(int(row.text) + 1))
        )

    await asyncio.gather(*(database.write(bump) for _ in range(50)))
    text = await database.read(lambda c: c.execute(sa.select(notes.c.text)).scalar_one())
    assert text == "50"


async def test_what_nobody_waits_for_any_more_is_not_begun(database: Database):
    """A writer that is slow does nothing late for somebody who was cancelled; others are served."""
    begun, go_on, busy = [], threading.Event(), []

    def slow(connection):
        begun.append(connection)
        go_on.wait(30)

    for number in range(1, database._writer_count + 1):  # until no writer is left
        busy.append(asyncio.ensure_future(database.write(slow)))

        async def all_begun(number=number):
            return len(begun) == number

        await until(all_begun)
    waiting = [asyncio.ensure_future(database.write(add(n))) for n in range(3)]
    in_sets = asyncio.ensure_future(database.submit(NOTING, 3))
    await asyncio.sleep(0.01)
    waiting[1].cancel()
    in_sets.cancel()
    go_on.set()
    await asyncio.gather(*busy)
    ended = await asyncio.gather(*waiting, in_sets, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in ended] == [False, True, False, True]
    assert await database.read(kept) == [0, 2]


async def test_close_finishes_what_waits_and_then_refuses(sqlite: Database):
    """Shutdown loses nothing that was accepted and accepts nothing more."""
    writes = [asyncio.ensure_future(sqlite.write(add(n))) for n in range(20)]
    await asyncio.sleep(0)
    await sqlite.close()
    assert sorted(await asyncio.gather(*writes)) == list(range(20))
    with pytest.raises(DatabaseUnavailable):
        await sqlite.write(add(99))


async def test_postgresql_that_goes_away_and_comes_back_loses_nothing(postgres_server, tmp_path):
    """Every connection is cut in the middle; what was answered is stored, the rest was told."""
    postgres_server.execute("CREATE DATABASE away")
    database = Database(postgres_server.url("away"))
    own.create_all(database.engine)
    answered: list[int] = []

    async def write(number: int) -> None:
        with contextlib.suppress(DatabaseUnavailable):
            answered.append(await database.write(add(number)))

    for burst in range(10):
        tasks = [asyncio.ensure_future(write(burst * 20 + n)) for n in range(20)]
        if burst % 3 == 1:
            postgres_server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away'"
            )
        await asyncio.gather(*tasks)
    stored = set(await database.read(lambda c: c.execute(sa.select(notes.c.id)).scalars().all()))
    await database.close()
    postgres_server.execute("DROP DATABASE away WITH (FORCE)")
    assert set(answered) <= stored
    assert len(answered) >= 180
