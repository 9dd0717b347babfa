"""The queue of files whose proof is to be completed or renewed, and every statement about shelves.

One row a file, whoever keeps it. ``fence`` and ``lease_until`` say who is at it; a process that
died is followed by another once the lease has run out. A shelf is its keeper's query (``kept``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.foundation.columns import Instant, metadata
from gateway.preservation.kept import Keeper, KeptFile, Window
from gateway.preservation.levels import falls_short
from gateway.preservation.rules import RENEWABLE, REVOKED_STAMP, Kind, State

queue = sa.Table(
    "preservation_queue",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(16), nullable=False),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("wanted", sa.String(8), nullable=False),
    sa.Column("reached", sa.String(8), nullable=False),
    sa.Column("reason", sa.String(80), nullable=False),  # why it was not reached, the last time
    sa.Column("until", Instant),  # the end of the proof that a renewal is to put off
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("alarm_at", Instant),
    sa.Column("alarmed_at", Instant),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("lease_until", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("ix_preservation_queue_due", "state", "next_at"),
    sa.Index("ix_preservation_queue_alarm", "alarmed_at", "alarm_at"),
)

_FIELDS = tuple(name for name in KeptFile.__dataclass_fields__ if name != "owner")


def put(connection: Connection, new: Mapping[str, Any]) -> None:
    """Queue a file whose own row the caller holds locked.

    One that is queued already keeps its age, the earlier alarm and the higher of the two levels;
    one that was told about is told about again only when ``alarmed_at`` says so.
    """
    found = find(connection, new["id"])
    if found is None:
        row = {"state": State.WAITING, "attempts": 0, "fence": 0, **new}
        connection.execute(queue.insert(), row)
        return
    values = {"state": State.WAITING, **new, "created_at": found.created_at}
    if falls_short(found.wanted, new["wanted"]):
        values["wanted"] = found.wanted
    if found.kind == Kind.RAISE:
        values["kind"] = Kind.RAISE
        if found.alarmed_at is None or "alarmed_at" not in new:
            values["alarm_at"] = min(found.alarm_at, new["alarm_at"])
    connection.execute(queue.update().where(queue.c.id == found.id).values(**values))


def find(connection: Connection, id_: str) -> Any:
    """A file's row in the queue, if it has one."""
    return connection.execute(sa.select(queue).where(queue.c.id == id_)).first()


def find_many(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    """Id → its row in the queue."""
    rows = connection.execute(sa.select(queue).where(queue.c.id.in_(ids)))
    return {row.id: row for row in rows}


def claim(
    connection: Connection, now: datetime, lease_until: datetime, limit: int
) -> Sequence[Any]:
    """Take files that are due and that nobody is at."""
    free = sa.or_(queue.c.lease_until.is_(None), queue.c.lease_until <= now)
    chosen = (
        sa.select(queue.c.id)
        .where(queue.c.state == State.WAITING, queue.c.next_at <= now, free)
        .order_by(queue.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        queue.update()
        .where(queue.c.id.in_(chosen))
        .values(fence=queue.c.fence + 1, lease_until=lease_until)
    )
    return connection.execute(statement.returning(*queue.c)).all()


def change_if_held(connection: Connection, id_: str, fence: int, **values: Any) -> bool:
    """Set columns while the lease of ``fence`` is still the present one."""
    mine = (queue.c.id == id_, queue.c.fence == fence)
    return connection.execute(queue.update().where(*mine).values(**values)).rowcount == 1


def put_off(connection: Connection, id_: str, later: datetime) -> None:
    """Neither try nor tell until then."""
    values = {"next_at": later, "alarm_at": later, "lease_until": None}
    connection.execute(queue.update().where(queue.c.id == id_).values(**values))


def remove(connection: Connection, id_: str) -> None:
    """Nothing is missing any more; whoever is at it finds out by the fence."""
    connection.execute(queue.delete().where(queue.c.id == id_))


def overdue(connection: Connection, now: datetime) -> Sequence[Any]:
    """Rows whose alarm is due and not told yet."""
    return connection.execute(sa.select(queue).where(*_untold(now)).limit(100)).all()


def mark_told(connection: Connection, id_: str, now: datetime) -> bool:
    """Whether it is for us to tell; the caller holds the file's own row locked."""
    statement = queue.update().where(queue.c.id == id_, *_untold(now)).values(alarmed_at=now)
    return connection.execute(statement).rowcount == 1


def _untold(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (queue.c.alarmed_at.is_(None), queue.c.alarm_at <= now)


def queued(connection: Connection, owner: str, after: str, limit: int) -> Sequence[Any]:
    """A keeper's rows, by id."""
    query = sa.select(queue).where(queue.c.owner == owner, queue.c.id > after)
    return connection.execute(query.order_by(queue.c.id).limit(limit)).all()


def count_by_kind(connection: Connection) -> dict[str, int]:
    """How many files wait, by kind."""
    query = sa.select(queue.c.kind, sa.func.count()).where(queue.c.state == State.WAITING)
    return {row[0]: row[1] for row in connection.execute(query.group_by(queue.c.kind))}


def set_right(
    connection: Connection,
    *,
    next_at: datetime,
    lease_until: datetime,
    raise_alarm_at: datetime,
) -> None:
    """Draw in what is later than anything could have been put: a clock was wrong by then."""
    later = {
        queue.c.next_at: (next_at, sa.true()),
        queue.c.lease_until: (lease_until, sa.true()),
        queue.c.alarm_at: (raise_alarm_at, queue.c.kind == Kind.RAISE),
    }
    for column, (most, which) in later.items():
        connection.execute(queue.update().where(column > most, which).values({column.name: most}))


# ------------------------------------------------------------------ what stands on a shelf


def find_files(connection: Connection, keeper: Keeper, ids: Sequence[str]) -> dict[str, KeptFile]:
    """Id → the file in its latest form, for those that are (still) kept."""
    kept = _shelf(keeper)
    files = _files(connection, keeper, sa.select(kept).where(kept.c.id.in_(ids)))
    return {file.id: file for file in files}


def unreckoned(
    connection: Connection, keeper: Keeper, after: str, limit: int
) -> Sequence[KeptFile]:
    """Signed files whose latest form was never reckoned, by id."""
    kept = _shelf(keeper)
    query = sa.select(kept).where(
        kept.c.provable_reason.is_(None), kept.c.is_signed.is_(sa.true()), kept.c.id > after
    )
    return _files(connection, keeper, query.order_by(kept.c.id).limit(limit))


def renewable(
    connection: Connection,
    keeper: Keeper,
    before: datetime,
    cutoffs: Mapping[str, datetime],
    limit: int,
    *,
    unqueued: bool = False,
) -> Sequence[KeptFile]:
    """Files of any portal whose archive time-stamp ends before a moment, soonest first.

    ``cutoffs``: kind → those from before it are past their retention period, and left out.
    """
    kept = _shelf(keeper)
    ends = sa.or_(
        kept.c.provable_until <= before,
        sa.and_(kept.c.provable_reason == REVOKED_STAMP, kept.c.provable_until.is_not(None)),
    )
    query = sa.select(kept).where(
        ends,
        kept.c.provable_reason.in_(RENEWABLE),
        kept.c.is_renewable.is_(sa.true()),
        ~_past(kept, cutoffs),
    )
    if unqueued:
        query = query.outerjoin(queue, queue.c.id == kept.c.id).where(queue.c.id.is_(None))
    return _files(connection, keeper, query.order_by(kept.c.provable_until, kept.c.id).limit(limit))


def expiring(connection: Connection, keeper: Keeper, window: Window) -> Sequence[KeptFile]:
    """A page of a portal's files that lose their proof before a moment, soonest first."""
    kept = _shelf(keeper)
    end, id_ = kept.c.provable_until, kept.c.id
    query = sa.select(kept).where(kept.c.tenant == window.tenant, end <= window.before)
    if window.after is not None:
        last, seen = window.after
        query = query.where(sa.or_(end > last, sa.and_(end == last, id_ > seen)))
    return _files(connection, keeper, query.order_by(end, id_).limit(window.limit))


def _shelf(keeper: Keeper) -> sa.Subquery:
    return keeper.shelf().subquery("kept")


def _past(kept: sa.Subquery, cutoffs: Mapping[str, datetime]) -> sa.ColumnElement[bool]:
    ended = [sa.and_(kept.c.kind == kind, kept.c.kept_since < at) for kind, at in cutoffs.items()]
    return sa.or_(sa.false(), *ended)


def _files(connection: Connection, keeper: Keeper, query: sa.Select[Any]) -> list[KeptFile]:
    rows = connection.execute(query).mappings()
    return [KeptFile(owner=keeper.owner, **{name: row[name] for name in _FIELDS}) for row in rows]
