"""Breakers over machines: what one found out about a service, the others need not.

Owns a row for each service in the database of gateways on PostgreSQL, and the rule by which a
machine's breakers and that row follow each other, a second later at most. What changed here is
told; what changed elsewhere is taken over; where both did, the later change holds. The breakers
themselves are files that a machine's signer processes share (``signing.contract.BreakerStates``):
they go on by themselves while the database is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from gateway.foundation.clock import Clock
from gateway.foundation.columns import Instant, Json, metadata
from gateway.foundation.database import Database
from gateway.foundation.tasks import for_ever
from signing.contract import BreakerState, BreakerStates

EVERY_S = 1.0

shared_breakers = sa.Table(
    "shared_breakers",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", Json, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
)

News = Mapping[str, tuple[BreakerState, float]]


class BreakerExchange:
    """One gateway's side; several on one machine may do the same without harm."""

    def __init__(self, database: Database, clock: Clock, states: BreakerStates) -> None:
        self._database = database
        self._clock = clock
        self._states = states
        self._known: dict[str, BreakerState] = {}  # as they were here after the last look
        self._seen: dict[str, int] = {}  # the version of each row that this machine follows

    async def run(self) -> None:
        """Exchange until cancelled."""
        rest = partial(self._clock.sleep, EVERY_S)
        await for_ever(self.once, rest, "breakers_not_exchanged")

    async def once(self) -> int:
        """One look at both sides; always 0, for nothing is left to do at once."""
        here = await asyncio.to_thread(self._states.read)
        news = {name: one for name, one in here.items() if one[0] != self._known.get(name)}
        if news:
            await self._database.write(lambda c: _tell(c, news, self._seen))
        rows = await self._database.read(_rows)
        for row in rows:
            known = here[row.name][0] if row.name in here else None
            await self._follow(row, known)
        return 0

    async def _follow(self, row: Any, known: BreakerState | None) -> None:
        state = msgspec.convert(row.state, BreakerState)
        if state != known and not await asyncio.to_thread(
            self._states.impose, row.name, state, known
        ):
            return  # it changed just now: that is news for the next look
        self._known[row.name], self._seen[row.name] = state, row.version


def _rows(connection: Connection) -> Sequence[Any]:
    return connection.execute(sa.select(shared_breakers)).all()


def _tell(connection: Connection, news: News, seen: Mapping[str, int]) -> None:
    """Write what changed here, unless somebody else's later change is there already."""
    table = shared_breakers
    for name in sorted(news):  # one order for everybody: nobody waits for each other
        state, at = news[name]
        moment = datetime.fromtimestamp(at, UTC)
        values = {"state": asdict(state), "changed_at": moment}
        new = postgresql.insert(table).values(name=name, version=1, **values)
        if connection.execute(new.on_conflict_do_nothing().returning(table.c.name)).first():
            continue
        row = connection.execute(sa.select(table).where(table.c.name == name).with_for_update())
        present = row.one()
        theirs = present.version != seen.get(name) and present.changed_at > moment
        if present.state != values["state"] and not theirs:
            statement = table.update().where(table.c.name == name)
            connection.execute(statement.values(version=present.version + 1, **values))
