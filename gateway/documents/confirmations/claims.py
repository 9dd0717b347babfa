"""Taking what is due: one statement for every table that is a queue.

A queue's row has ``due_at`` (null: nothing to do), ``lease_until`` and ``lease_fence``. Whoever
dies over a claimed row leaves it to the next once the lease has run out; what must happen once is
guarded by the fence that the claim returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from gateway.foundation.columns import Instant

LEASE = timedelta(seconds=60)


def queue_columns() -> tuple[sa.Column[Any], ...]:
    """The columns that make a table a queue."""
    return (
        sa.Column("due_at", Instant),
        sa.Column("lease_until", Instant),
        sa.Column("lease_fence", sa.Integer, nullable=False),
    )


def due_index(name: str) -> sa.Index:
    """The index a claim looks at: only what waits for something."""
    waiting = sa.text("due_at IS NOT NULL")
    return sa.Index(name, "due_at", sqlite_where=waiting, postgresql_where=waiting)


def is_due(table: sa.Table, now: datetime) -> sa.ColumnElement[bool]:
    """Due, and in nobody's hands."""
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
    return sa.and_(table.c.due_at <= now, free)


def claim(connection: Connection, table: sa.Table, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Take due rows for a lease; each comes back with its new fence."""
    (key,) = table.primary_key.columns
    chosen = (
        sa.select(key)
        .where(is_due(table, now))
        .order_by(table.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        table.update()
        .where(key.in_(chosen))
        .values(lease_until=now + LEASE, lease_fence=table.c.lease_fence + 1)
    )
    return connection.execute(statement.returning(*table.c)).all()


def renew(connection: Connection, table: sa.Table, key: str, fence: int, until: datetime) -> bool:
    """Keep a claimed row for longer; False when it is somebody else's by now."""
    (column,) = table.primary_key.columns
    held = sa.and_(column == key, table.c.lease_fence == fence)
    return connection.execute(table.update().where(held).values(lease_until=until)).rowcount == 1
