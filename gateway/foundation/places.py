"""At most N at once over all processes: places that are leased in the database.

Owns counting for services that must not be asked too much at once (a provider of keys, the
time-stamping authorities). On PostgreSQL, where several processes on several machines work, a place
is a row with a lease: whoever is killed frees it when the lease runs out, and the fence keeps one
that slept through its lease from giving back what is another's by now. On SQLite one process works,
so it counts by itself. Redis has no part in the counting, so that losing it loosens no limit; where
there is one, it passes on the wake-up when a place becomes free.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from gateway.foundation.clock import Clock
from gateway.foundation.columns import Instant, metadata
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.leases import kept_alive
from gateway.foundation.waker import Waker

TOPIC = "places"
LEASE_S = 30.0
_LOOK_AGAIN_S = 0.25

Want = tuple[str, int]  # which service, and how many may be at it at once

leased_places = sa.Table(
    "leased_places",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("lease_until", Instant),
)


@dataclass(frozen=True, slots=True)
class _Held:
    name: str
    slot: int
    fence: int


class _NoneFree(Exception):
    """One of several wanted places is not to be had: the others are given back."""


class Places:
    """The places of one process, counted with those of the others.

    ``lease_s``: how long the places of a killed process stay taken.
    """

    def __init__(
        self, database: Database, clock: Clock, waker: Waker, *, lease_s: float = LEASE_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._lease_s = lease_s
        self._gates: dict[Want, asyncio.Semaphore] = {}
        self._known: set[Want] = set()

    @contextlib.asynccontextmanager
    async def taken(self, *wants: Want) -> AsyncIterator[None]:
        """Hold a place of each service, all of them or none; waits until they are free."""
        async with contextlib.AsyncExitStack() as stack:
            for want in wants:  # of this process: only as many as may be at it ask the database
                gate = self._gates.setdefault(want, asyncio.Semaphore(want[1]))
                await stack.enter_async_context(gate)
            if self._database.dialect != "postgresql":
                yield
                return
            held = await self._wait(wants)
            try:
                async with kept_alive(self._clock, self._lease_s / 3, lambda: self._renew(held)):
                    yield
            finally:
                await asyncio.shield(self._give_back(held))

    async def _wait(self, wants: Sequence[Want]) -> list[_Held]:
        while True:
            try:
                return await self._database.write(lambda c: self._take(c, wants))
            except _NoneFree:
                await self._waker.wait(TOPIC, _LOOK_AGAIN_S)

    def _take(self, connection: Connection, wants: Sequence[Want]) -> list[_Held]:
        now = self._clock.now()
        until = now + timedelta(seconds=self._lease_s)
        held = []
        for want in wants:
            if want not in self._known:
                _make(connection, *want)
            found = _take_one(connection, want, now, until)
            if found is None:
                raise _NoneFree
            held.append(found)
        self._known.update(wants)
        return held

    async def _renew(self, held: Sequence[_Held]) -> None:
        until = self._clock.now() + timedelta(seconds=self._lease_s)
        await self._database.write(lambda c: _set(c, held, until))

    async def _give_back(self, held: Sequence[_Held]) -> None:
        with contextlib.suppress(DatabaseUnavailable):  # then the leases run out by themselves
            await self._database.write(lambda c: _set(c, held, None))
            self._waker.wake(TOPIC)


def _make(connection: Connection, name: str, count: int) -> None:
    rows = [{"name": name, "slot": slot, "fence": 0} for slot in range(count)]
    connection.execute(postgresql.insert(leased_places).values(rows).on_conflict_do_nothing())


def _take_one(connection: Connection, want: Want, now: datetime, until: datetime) -> _Held | None:
    """The first place of a service that is free or whose lease has run out."""
    table, (name, count) = leased_places, want
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
    chosen = (
        sa.select(table.c.slot)
        .where(table.c.name == name, table.c.slot < count, free)
        .order_by(table.c.slot)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    slot = connection.execute(chosen).scalar()
    if slot is None:
        return None
    statement = (
        table.update()
        .where(table.c.name == name, table.c.slot == slot)
        .values(fence=table.c.fence + 1, lease_until=until)
    )
    fence = connection.execute(statement.returning(table.c.fence)).scalar_one()
    return _Held(name, slot, fence)


def _set(connection: Connection, held: Sequence[_Held], until: datetime | None) -> None:
    """Renew or give back what is still ours."""
    table = leased_places
    for one in held:
        mine = (table.c.name == one.name, table.c.slot == one.slot, table.c.fence == one.fence)
        connection.execute(table.update().where(*mine).values(lease_until=until))
