"""Places counted over real processes: never more than there are, a killed holder frees its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
import sqlalchemy as sa

from gateway.foundation.clock import SystemClock
from gateway.foundation.database import Database
from gateway.foundation.places import Places, _NoneFree, leased_places
from gateway.foundation.waker import Waker
from tests.gateway.foundation.place_holder import LEASE_S, WANT
from tests.support.town import until

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def start(url, mode, rounds):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.gateway.foundation.place_holder", url, mode, str(rounds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def leases(database):
    query = sa.select(leased_places.c.lease_until)
    return await database.read(lambda c: c.execute(query).scalars().all())


def most_at_once(spans):
    moments = sorted([(begun, 1) for begun, _ in spans] + [(ended, -1) for _, ended in spans])
    present = most = 0
    for _, step in moments:
        present += step
        most = max(most, present)
    return most


@pytest.mark.long_on_postgresql
@on_postgresql
async def test_two_processes_together_hold_no_more_than_there_are(database_url):
    """Each would take three by itself; together they are never at it with more than three."""
    processes = [await start(database_url, "work", 12) for _ in range(2)]
    told = [(await process.communicate())[0].decode().split() for process in processes]
    spans = [
        (float(begun), float(ended))
        for words in told
        for begun, ended in zip(words[::2], words[1::2], strict=True)
    ]
    assert [len(words) for words in told] == [24, 24]
    assert most_at_once(spans) <= WANT[1]
    assert len(spans) == 24


@pytest.mark.long
@on_postgresql
async def test_places_of_a_killed_process_are_free_after_their_lease(database, database_url):
    """kill -9 of one that holds them all: the other waits, then goes on; nothing was given back."""
    holder = await start(database_url, "hold", WANT[1])
    for _ in range(WANT[1]):
        assert (await holder.stdout.readline()).strip() == b"held"
    first = await leases(database)

    async def renewed():  # it lives, so its leases go on
        return min(await leases(database)) > max(first)

    await until(renewed)
    places = Places(database, SystemClock(), Waker(), lease_s=LEASE_S)
    with pytest.raises(_NoneFree):
        await database.write(lambda c: places._take(c, [WANT]))
    os.kill(holder.pid, signal.SIGKILL)
    await holder.wait()
    async with asyncio.timeout(60), places.taken(WANT):
        pass
    taken = await database.read(
        lambda c: c.execute(sa.select(leased_places).where(leased_places.c.fence > 1)).all()
    )
    assert len(taken) == 1


@on_postgresql
async def test_who_slept_through_a_lease_gives_back_nothing_of_the_next_ones(database, clock):
    """The fence: the place was taken anew meanwhile, and stays taken."""
    want = ("key:x", 1)
    mine = Places(database, clock, Waker())
    theirs = Places(database, clock, Waker())
    held = await mine._wait([want])
    clock.advance(31)
    taken = await theirs._wait([want])
    await mine._give_back(held)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(mine._wait([want]), 1)
    await theirs._give_back(taken)
    assert await mine._wait([want])


@on_postgresql
async def test_of_several_wanted_places_all_are_held_or_none(database, clock):
    """Waiting for the second keeps nobody from the first."""
    places = Places(database, clock, Waker())
    other = Places(database, clock, Waker())
    key, provider = ("key:x", 2), ("provider:p", 1)
    held = await other._wait([provider])
    waiting = asyncio.ensure_future(places._wait([key, provider]))
    for _ in range(2):  # both places of the key can be had by somebody else
        one = await asyncio.wait_for(other._wait([key]), 10)
        await other._give_back(one)
    await other._give_back(held)
    assert [one.name for one in await asyncio.wait_for(waiting, 10)] == ["key:x", "provider:p"]


async def test_one_process_counts_by_itself_too(database, clock):
    """On both engines; somebody who gives up while waiting takes nobody's place."""
    places = Places(database, clock, Waker())
    present, most = 0, 0

    async def once():
        nonlocal present, most
        async with places.taken(("x", 2)):
            present += 1
            most = max(most, present)
            await asyncio.sleep(0.01)
            present -= 1

    tasks = [asyncio.ensure_future(once()) for _ in range(9)]
    await asyncio.sleep(0)
    tasks[5].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (most, present) == (2, 0)
    await asyncio.wait_for(once(), 10)


async def test_an_error_inside_gives_the_place_back(database: Database, clock):
    places = Places(database, clock, Waker())
    with pytest.raises(ValueError, match="x"):
        async with places.taken(("x", 1)):
            raise ValueError("x")
    async with asyncio.timeout(10), places.taken(("x", 1)):
        pass
