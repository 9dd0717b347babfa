"""Many rows with one statement: every kind of value, on both engines, conflicts left out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.foundation.bulk import BulkInsert
from gateway.foundation.columns import Blob, Instant, Json

kinds = sa.MetaData()
things = sa.Table(
    "bulk_things",
    kinds,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("amount", sa.BigInteger),
    sa.Column("count", sa.Integer),
    sa.Column("late", sa.Boolean),
    sa.Column("at", Instant),
    sa.Column("facts", Json),
    sa.Column("body", Blob),
    sa.Column("note", sa.Text),
)
NAMES = ("id", "amount", "count", "late", "at", "facts", "body", "note")
MOMENT = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
FULL = {
    "id": "a",
    "amount": 2**53 + 1,
    "count": -1,
    "late": True,
    "at": MOMENT,
    "facts": {"tên": ["Nguyễn", 1, None, '"']},
    "body": bytes(range(256)),
    "note": "x'y\"z\\ \u00a0 100% ? :name",
}
EMPTY = {**dict.fromkeys(NAMES), "id": "b"}


@pytest.fixture
def table(database):
    with database.engine.begin() as connection:
        kinds.create_all(connection)
    return database


async def stored(database):
    query = sa.select(*(things.c[name] for name in NAMES)).order_by(things.c.number)
    rows = await database.read(lambda c: c.execute(query).all())
    return [dict(row._mapping) for row in rows]


async def test_every_kind_of_value_comes_back_as_it_went(table):
    insert = BulkInsert(things, NAMES)
    assert await table.write(lambda c: insert.run(c, [FULL, EMPTY])) == set()
    assert await stored(table) == [FULL, EMPTY]
    assert await table.write(lambda c: insert.run(c, [])) == set()


async def test_rows_that_are_there_already_are_left_out_and_told_apart(table):
    insert = BulkInsert(things, NAMES, key="id")
    assert await table.write(lambda c: insert.run(c, [FULL])) == {"a"}
    changed = {**FULL, "amount": 1}
    assert await table.write(lambda c: insert.run(c, [changed, EMPTY, EMPTY])) == {"b"}
    assert await stored(table) == [FULL, EMPTY]


async def test_order_is_kept_and_many_rows_are_one_statement(table):
    rows = [{**EMPTY, "id": f"{number:04}"} for number in range(600)]
    await table.write(lambda c: BulkInsert(things, NAMES).run(c, rows))
    assert [row["id"] for row in await stored(table)] == [row["id"] for row in rows]


async def test_a_conflict_that_was_not_expected_is_an_error_and_nothing_is_kept(table):
    insert = BulkInsert(things, NAMES)
    with pytest.raises(IntegrityError):
        await table.write(lambda c: insert.run(c, [EMPTY, FULL, EMPTY]))
    assert await stored(table) == []


async def test_other_faults_are_database_errors_too(table):
    with table.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE bulk_things"))
    with pytest.raises(DBAPIError):
        await table.write(lambda c: BulkInsert(things, NAMES).run(c, [FULL]))
