"""SQL of the event log: positions given after the commit, reading on, durable cursors.

Owns the table ``event_cursors``; the table ``events`` belongs to ``outbox``. The dispatcher's own
cursor holds the last position given out, so that counting and dispatching commit together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Row
from sqlalchemy.dialects import postgresql, sqlite

from gateway.foundation.columns import metadata
from gateway.webhooks.outbox import events

_DISPATCHER: Final = "$dispatcher"
_LOCK: Final = 0x6D6F7463_75610001  # this gateway's dispatcher among PostgreSQL's advisory locks

cursors = sa.Table(
    "event_cursors",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)

# Built once: composing a statement costs more than running it.
_BY_NUMBER: Final = sa.select(events).where(
    events.c.number.in_(sa.bindparam("numbers", expanding=True))
)


def _assign_statement() -> sa.UpdateBase:
    waiting = (
        sa.select(
            events.c.number, sa.func.row_number().over(order_by=events.c.number).label("place")
        )
        .where(events.c.position.is_(None))
        .order_by(events.c.number)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .cte("waiting")
    )
    return (
        events.update()
        .where(events.c.number == waiting.c.number)
        .values(position=waiting.c.place + sa.bindparam("last", type_=sa.BigInteger))
        .returning(*events.c)
    )


_ASSIGN: Final = _assign_statement()
_WAITING: Final = sa.select(events.c.number).where(events.c.position.is_(None)).limit(1)


def claim_dispatcher(connection: Connection) -> bool:
    """Become the one dispatcher until this transaction ends; False while another one is.

    On SQLite there is one writer at a time anyway.
    """
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))).scalar())


def assign_positions(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """Give the next events their positions; returns them in that order.

    Within a subject insertion order is sequence order, because its row is locked by whoever
    emits. The caller holds the dispatcher's claim.
    """
    last = read_cursor(connection, _DISPATCHER)
    rows = connection.execute(_ASSIGN, {"last": last, "most": limit}).all()
    if rows:
        write_cursor(connection, _DISPATCHER, last + len(rows))
    return sorted(rows, key=lambda row: row.position)


def read_cursor(connection: Connection, name: str) -> int:
    """A cursor's position, locked; a new one starts before the first event."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(cursors).values(name=name, position=0).on_conflict_do_nothing()
    )
    query = sa.select(cursors.c.position).where(cursors.c.name == name).with_for_update()
    return int(connection.execute(query).scalar_one())


def write_cursor(connection: Connection, name: str, position: int) -> None:
    """Move a cursor whose lock this transaction holds."""
    connection.execute(cursors.update().where(cursors.c.name == name).values(position=position))


def events_after(
    connection: Connection,
    position: int,
    *,
    limit: int,
    upto: int | None = None,
    tenant: str | None = None,
    types: Iterable[str] | None = None,
    reference: str | None = None,
) -> Sequence[Row[Any]]:
    """Events behind a position, in order and without gaps."""
    query = sa.select(events).where(events.c.position > position)
    if upto is not None:
        query = query.where(events.c.position <= upto)
    if tenant is not None:
        query = query.where(events.c.tenant == tenant)
    if types is not None:
        query = query.where(events.c.type.in_(sorted(types)))
    if reference is not None:
        query = query.where(events.c.reference == reference)
    return connection.execute(query.order_by(events.c.position).limit(limit)).all()


def peek_cursor(connection: Connection, name: str) -> int:
    """A cursor's position without locking it."""
    query = sa.select(cursors.c.position).where(cursors.c.name == name)
    return int(connection.execute(query).scalar() or 0)


def last_position(connection: Connection) -> int:
    """The last position given out."""
    return peek_cursor(connection, _DISPATCHER)


def find_event(connection: Connection, tenant: str, event_id: str) -> Row[Any] | None:
    """One event of this tenant, dispatched or not."""
    query = sa.select(events).where(events.c.id == event_id, events.c.tenant == tenant)
    return connection.execute(query).first()


def events_by_number(connection: Connection, numbers: Iterable[int]) -> dict[int, Row[Any]]:
    """Events by their row numbers."""
    values = {"numbers": sorted(set(numbers))}
    return {row.number: row for row in connection.execute(_BY_NUMBER, values)}


def is_waiting(connection: Connection) -> bool:
    """Whether there are events that no dispatcher has seen yet."""
    return connection.execute(_WAITING).first() is not None
