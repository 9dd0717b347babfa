"""Lists: ``?limit=1..100&after=<id>`` newest first, with equality filters and a span of time.

Owns the window's reading and its SQL; which filters exist is the capability's choice. Ids sort by
creation, so ``after`` is an id and a page never shifts under new objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.foundation.ids import has_prefix
from gateway.foundation.problems import FieldError, invalid

LIMIT = 20
MOST = 100
WINDOW_QUERY = {
    "limit": "1–100, default 20",
    "after": "the last id of the page before",
    "created_from": "RFC 3339, inclusive",
    "created_to": "RFC 3339, exclusive",
}


@dataclass(frozen=True, slots=True)
class Window:
    """One page of a list, as asked."""

    limit: int = LIMIT
    after: str | None = None
    equal: Mapping[str, str] = field(default_factory=dict)
    created_from: datetime | None = None
    created_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one page, newest first."""

    rows: Sequence[Any]
    has_more: bool

    @property
    def next(self) -> str | None:
        """What to pass as ``after`` for the following page."""
        return str(self.rows[-1].id) if self.has_more else None


def read_window(query: Mapping[str, str], filters: Sequence[str] = (), *, of: str | None) -> Window:
    """Parse the query of a list of objects whose ids begin with ``of`` (None: lists by position).

    Raises:
        Problem: ``validation_failed`` naming every wrong or unknown parameter.
    """
    errors = [
        FieldError(f"/{name}", "unknown_field", f"Không có tham số “{name}”.")
        for name in query
        if name not in WINDOW_QUERY and name not in filters
    ]
    limit = query.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST):
        errors.append(FieldError("/limit", "invalid", f"Số từ 1 đến {MOST}."))
    after = query.get("after")
    if after and of is not None and not has_prefix(after, of):
        errors.append(FieldError("/after", "invalid", f"Cần mã {of}_… của trang trước."))
    moments = {name: read_moment(query, name, errors) for name in ("created_from", "created_to")}
    if errors:
        raise invalid(errors)
    equal = {name: query[name] for name in filters if name in query}
    return Window(int(limit), after, equal, **moments)


def fetch(
    connection: Connection, table: sa.Table, window: Window, *conditions: sa.ColumnElement[bool]
) -> Slice:
    """The page of a table with columns ``id`` and ``created_at``; filters name its columns."""
    query = sa.select(table).where(*conditions).order_by(table.c.id.desc()).limit(window.limit + 1)
    for name, value in window.equal.items():
        query = query.where(table.c[name] == value)
    if window.after:
        query = query.where(table.c.id < window.after)
    if window.created_from:
        query = query.where(table.c.created_at >= window.created_from)
    if window.created_to:
        query = query.where(table.c.created_at < window.created_to)
    rows = connection.execute(query).all()
    return Slice(rows[: window.limit], len(rows) > window.limit)


def read_moment(query: Mapping[str, str], name: str, errors: list[FieldError]) -> datetime | None:
    """A moment among the parameters; what is wrong with it is added to the errors."""
    if name not in query:
        return None
    try:
        moment = datetime.fromisoformat(query[name].replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        errors.append(FieldError(f"/{name}", "invalid", "Thời điểm RFC 3339 có múi giờ."))
        return None
    return moment
