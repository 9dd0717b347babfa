"""SQL of deliveries: the queue in a table, its leases, and the log of attempts.

Owns ``webhook_deliveries`` (one row for each endpoint and event) and ``webhook_attempts`` (one row
for each sending, append-only). A claim moves ``next_at`` to the end of its lease and raises
``fence``: a worker that dies needs no cleaning up, and one that comes back late finds its fence
outdated. What an answer means is decided in ``rules``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Row
from sqlalchemy.dialects import postgresql, sqlite

from gateway.foundation.columns import Instant, metadata
from gateway.webhooks.outbox import Number, events
from gateway.webhooks.rules import DeliveryState
from gateway.webhooks.store import ENABLED, endpoints

deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("endpoint_id", sa.String(40), nullable=False),
    sa.Column("event_number", sa.BigInteger, nullable=False, index=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("ordering_key", sa.String(255)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("fence", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", Instant),
    sa.Column("leased_by", sa.String(40)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.UniqueConstraint("endpoint_id", "position", name="uq_webhook_deliveries_event"),
    sa.Index(
        "ix_webhook_deliveries_due",
        "endpoint_id",
        "next_at",
        "position",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    ),
    sa.Index(
        "ix_webhook_deliveries_order",
        "endpoint_id",
        "ordering_key",
        "position",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    ),
)

attempts = sa.Table(
    "webhook_attempts",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("delivery_number", sa.BigInteger, nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.String(40)),
    sa.Column("latency_ms", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)

# Literal, not a parameter: otherwise no engine can tell that the partial indexes apply.
_PENDING: Final[sa.ColumnElement[str]] = sa.literal_column(f"'{DeliveryState.PENDING.value}'")
_pending = deliveries.c.state == _PENDING


def insert_deliveries(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Queue events for endpoints; a pair that is there already stays as it is."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(deliveries).on_conflict_do_nothing()
    connection.execute(statement, [dict(row) for row in rows])


# ------------------------------------------------------------------ the queue


def _due_statement() -> sa.Select[tuple[str, Any]]:
    now = sa.bindparam("now", type_=Instant)
    waiting = sa.exists().where(
        deliveries.c.endpoint_id == endpoints.c.id, _pending, deliveries.c.next_at <= now
    )
    return sa.select(endpoints.c.id, endpoints.c.failing_since).where(
        endpoints.c.deleted_at.is_(None),
        endpoints.c.status == ENABLED,
        sa.or_(endpoints.c.throttled_until.is_(None), endpoints.c.throttled_until <= now),
        waiting,
    )


def _claim_statement() -> sa.UpdateBase:
    earlier = deliveries.alias("earlier")
    blocked = sa.exists().where(
        earlier.c.endpoint_id == deliveries.c.endpoint_id,
        earlier.c.ordering_key == deliveries.c.ordering_key,
        earlier.c.state == _PENDING,
        earlier.c.position < deliveries.c.position,
    )
    due = (
        sa.select(deliveries.c.number)
        .where(
            deliveries.c.endpoint_id == sa.bindparam("endpoint"),
            _pending,
            deliveries.c.next_at <= sa.bindparam("now", type_=Instant),
            sa.or_(deliveries.c.ordering_key.is_(None), ~blocked),
        )
        .order_by(deliveries.c.next_at, deliveries.c.position)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .with_for_update(skip_locked=True, of=deliveries)
        .cte("due")
    )
    return (
        deliveries.update()
        .where(deliveries.c.number.in_(sa.select(due.c.number)))
        .values(
            next_at=sa.bindparam("until", type_=Instant),
            leased_by=sa.bindparam("worker"),
            fence=deliveries.c.fence + 1,
            tries=deliveries.c.tries + 1,
        )
        .returning(*deliveries.c)
    )


def _finish_statement() -> sa.Update:
    lease = sa.tuple_(deliveries.c.number, deliveries.c.fence)
    return (
        deliveries.update()
        .where(
            lease.in_(sa.bindparam("leases", expanding=True)),
            deliveries.c.state.in_(sa.bindparam("from", expanding=True)),
        )
        .values(
            state=sa.bindparam("to"),
            next_at=None,
            leased_by=None,
            finished_at=sa.bindparam("at", type_=Instant),
        )
    )


# Built once: composing a statement costs many times what running it does.
_DUE: Final = _due_statement()
_CLAIM: Final = _claim_statement()
_FINISH: Final = _finish_statement()


def due_endpoints(connection: Connection, now: datetime) -> Sequence[Row[str, Any]]:
    """Enabled, unthrottled endpoints with something due: one index probe an endpoint."""
    return connection.execute(_DUE, {"now": now}).all()


def claim(
    connection: Connection,
    endpoint_id: str,
    *,
    limit: int,
    now: datetime,
    lease_until: datetime,
    worker: str,
) -> Sequence[Row[Any]]:
    """Take due deliveries of one endpoint; nobody else gets them before the lease ends.

    Where an endpoint wants order, only the first pending delivery of each key may be taken.
    """
    values = {
        "endpoint": endpoint_id,
        "now": now,
        "most": limit,
        "until": lease_until,
        "worker": worker,
    }
    return connection.execute(_CLAIM, values).all()


def finish(
    connection: Connection, leases: Iterable[tuple[int, int]], state: DeliveryState, at: datetime
) -> None:
    """End deliveries, one statement for all, where their fence is still the one given.

    What was delivered stays delivered although its endpoint was disabled in the meantime.
    """
    pairs = sorted(leases)
    if not pairs:
        return
    changeable = [DeliveryState.PENDING.value]
    if state is DeliveryState.DELIVERED:
        changeable.append(DeliveryState.HELD.value)
    finished = None if state is DeliveryState.HELD else at
    values = {"leases": pairs, "from": changeable, "to": state.value, "at": finished}
    connection.execute(_FINISH, values)


def postpone(connection: Connection, waits: Iterable[tuple[int, int, datetime]]) -> None:
    """Set when deliveries are due again: (number, fence, moment) each."""
    _postpone(connection, waits, {"leased_by": None})


def give_back(connection: Connection, waits: Iterable[tuple[int, int, datetime]]) -> None:
    """As ``postpone`` for what was never sent: the try does not count."""
    _postpone(connection, waits, {"leased_by": None, "tries": deliveries.c.tries - 1})


def _postpone(
    connection: Connection, waits: Iterable[tuple[int, int, datetime]], values: dict[str, Any]
) -> None:
    rows = [{"n": number, "f": fence, "due": due} for number, fence, due in sorted(waits)]
    if not rows:
        return
    statement = (
        deliveries.update()
        .where(
            deliveries.c.number == sa.bindparam("n"),
            deliveries.c.fence == sa.bindparam("f"),
            _pending,
        )
        .values(next_at=sa.bindparam("due", type_=Instant), **values)
    )
    connection.execute(statement, rows)


def release_leases(connection: Connection, now: datetime, worker: str | None = None) -> int:
    """Make leased deliveries due at once: one worker's, or everybody's.

    The latter is only for a process that knows it is alone.
    """
    mine = (
        deliveries.c.leased_by.is_not(None)
        if worker is None
        else (deliveries.c.leased_by == worker)
    )
    return connection.execute(
        deliveries.update().where(_pending, mine).values(next_at=now, leased_by=None)
    ).rowcount


def log_attempts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append sendings (at least one) to the log."""
    connection.execute(attempts.insert(), [dict(row) for row in rows])


# ------------------------------------------------------------------ the delivery log


def list_deliveries(
    connection: Connection,
    endpoint_id: str,
    *,
    limit: int,
    before: int | None = None,
    state: str | None = None,
) -> Sequence[Row[Any]]:
    """An endpoint's deliveries with their events, newest first."""
    query = (
        sa.select(
            deliveries,
            events.c.id.label("event_id"),
            events.c.type.label("event_type"),
            events.c.reference,
        )
        .join(events, events.c.number == deliveries.c.event_number)
        .where(deliveries.c.endpoint_id == endpoint_id)
    )
    if before is not None:
        query = query.where(deliveries.c.position < before)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    return connection.execute(query.order_by(deliveries.c.position.desc()).limit(limit)).all()


def attempts_of(connection: Connection, numbers: Iterable[int]) -> dict[int, list[Row[Any]]]:
    """The sendings of some deliveries, in order."""
    query = (
        sa.select(attempts)
        .where(attempts.c.delivery_number.in_(sorted(numbers)))
        .order_by(attempts.c.number)
    )
    found: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.delivery_number, []).append(row)
    return found


def backlog(connection: Connection) -> int:
    """Deliveries that are not finished, held ones aside."""
    query = sa.select(sa.func.count()).select_from(deliveries).where(_pending)
    return int(connection.execute(query).scalar_one())
