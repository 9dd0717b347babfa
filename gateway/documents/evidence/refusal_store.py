"""The table that keeps refusals to one record each, and every statement about it.

A row is one refusal of a day: who, what, which check. ``times`` counts its repetitions, which the
chain does not. The rows are bookkeeping; what happened is in the chain.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway.foundation.columns import Instant, metadata

evidence_refusals = sa.Table(
    "evidence_refusals",
    metadata,
    sa.Column("tenant", sa.String(80), primary_key=True),
    sa.Column("mark", sa.String(64), primary_key=True),  # SHA-256 of who, what and which check
    sa.Column("day", sa.String(10), nullable=False),  # in Vietnam, of the latest record
    sa.Column("who", sa.String(250), nullable=False),
    sa.Column("key_sha256", sa.String(64)),  # of the idempotency key of the latest record
    sa.Column("number", sa.Integer),  # of the latest record in the chain; null: being appended
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Index("ix_evidence_refusals_day", "tenant", "day", "who"),
    sa.Index("ix_evidence_refusals_last", "last_at"),
)


def lock_mark(connection: Connection, tenant: str, mark: str, **first: Any) -> Any:
    """A refusal's row, locked; made with ``times`` 0 when it is new."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"tenant": tenant, "mark": mark, "times": 0, **first}
    connection.execute(dialect.insert(evidence_refusals).values(row).on_conflict_do_nothing())
    query = sa.select(evidence_refusals).where(_is(tenant, mark)).with_for_update()
    return connection.execute(query).one()


def is_known(connection: Connection, tenant: str, mark: str) -> bool:
    """Whether this refusal has a row already."""
    query = sa.select(evidence_refusals.c.mark).where(_is(tenant, mark))
    return connection.execute(query).first() is not None


def change_mark(connection: Connection, tenant: str, mark: str, **values: Any) -> None:
    """Set columns of a locked row."""
    connection.execute(evidence_refusals.update().where(_is(tenant, mark)).values(**values))


def recorded_on(connection: Connection, tenant: str, day: date, who: str | None = None) -> int:
    """How many refusals of a day are recorded: of one person, or of everybody."""
    table = evidence_refusals
    query = sa.select(sa.func.count()).where(
        table.c.tenant == tenant, table.c.day == day.isoformat()
    )
    if who is not None:
        query = query.where(table.c.who == who)
    return int(connection.execute(query).scalar_one())


def forget_old(connection: Connection, before: datetime) -> int:
    """Delete rows that were last met before a moment; their records stay."""
    table = evidence_refusals
    return connection.execute(table.delete().where(table.c.last_at < before)).rowcount


def _is(tenant: str, mark: str) -> sa.ColumnElement[bool]:
    table = evidence_refusals
    return sa.and_(table.c.tenant == tenant, table.c.mark == mark)
