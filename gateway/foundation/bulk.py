"""Many rows into one table with one prepared statement, past SQLAlchemy's compiler.

For the hot paths alone: the statement is written once per dialect from the table's own columns.
PostgreSQL gets all rows as one JSON parameter (fifteen times less work here than an array a
column), SQLite runs its prepared statement row by row, which its driver does in C. Everything
else belongs to ordinary SQLAlchemy Core.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.types import BigInteger, Boolean, Integer, LargeBinary

from gateway.foundation.clock import to_micros
from gateway.foundation.columns import Instant, Json

Encoder = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _moment(value: Any) -> Any:
    return None if value is None else to_micros(value)


def _json(value: Any) -> Any:
    return None if value is None else msgspec.json.encode(value).decode()


class BulkInsert:
    """An insert of some columns of a table.

    Args:
        table: where the rows go.
        names: the columns given; all others take their defaults in the database.
        key: a column whose values tell the rows of one call apart. With it, rows that conflict
            with what is there are left out, and ``run`` says which were stored.
    """

    def __init__(self, table: sa.Table, names: Sequence[str], key: str | None = None) -> None:
        self._names = tuple(names)
        self._key = self._names.index(key) if key else None
        columns = [table.c[name] for name in names]
        self._encoders: list[Encoder] = [_encoder(column) for column in columns]
        listed = ", ".join(f'"{name}"' for name in names)
        picked = ", ".join(_picked(column, place) for place, column in enumerate(columns))
        # Names come from our own tables, values are always parameters.
        target = f'INSERT INTO "{table.name}" ({listed})'
        self._sqlite = f"{target} VALUES ({', '.join('?' * len(names))})"
        source = "jsonb_array_elements(%s::jsonb) AS x"
        self._postgres = f"{target} SELECT {picked} FROM {source}"  # noqa: S608 - see above
        if key:
            self._sqlite += " ON CONFLICT DO NOTHING"
            self._postgres += f' ON CONFLICT DO NOTHING RETURNING "{key}"'

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[Any]:
        """Insert rows; the keys of those that were stored (empty without a ``key``)."""
        if not rows:
            return set()
        values = [
            [encode(row[name]) for name, encode in zip(self._names, self._encoders, strict=True)]
            for row in rows
        ]
        if connection.dialect.name == "postgresql":
            payload = msgspec.json.encode(values).decode()
            result = connection.exec_driver_sql(self._postgres, (payload,))
            return set() if self._key is None else set(result.scalars())
        return self._run_sqlite(connection, values)

    def _run_sqlite(self, connection: Connection, values: list[list[Any]]) -> set[Any]:
        driver: Any = connection.connection.driver_connection
        try:
            if self._key is None:
                driver.executemany(self._sqlite, values)
                return set()
            stored = [row for row in values if driver.execute(self._sqlite, row).rowcount == 1]
        except sqlite3.IntegrityError as error:
            raise IntegrityError(self._sqlite, None, error) from error
        except sqlite3.Error as error:
            raise OperationalError(self._sqlite, None, error) from error
        return {row[self._key] for row in stored}


def _encoder(column: sa.Column[Any]) -> Encoder:
    """How a value goes into JSON and into SQLite."""
    if isinstance(column.type, Instant):
        return _moment
    if isinstance(column.type, Json):
        return _json
    return _same


def _picked(column: sa.Column[Any], place: int) -> str:
    """One column out of a row that is a JSON array."""
    text = f"x->>{place}"
    kind = column.type.impl if isinstance(column.type, Instant) else column.type
    if isinstance(kind, BigInteger):
        return f"({text})::bigint"
    if isinstance(kind, Integer):
        return f"({text})::integer"
    if isinstance(kind, Boolean):
        return f"({text})::boolean"
    # JSON has no bytes: they travel as base64.
    return f"decode({text}, 'base64')" if isinstance(kind, LargeBinary) else text
