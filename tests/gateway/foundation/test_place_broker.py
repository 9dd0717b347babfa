"""Slots over machines: two gateways' children together never ask a service too often at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from gateway.foundation.database import DatabaseUnavailable
from gateway.foundation.place_broker import PlaceBroker, place_broker
from gateway.foundation.places import Places
from gateway.foundation.waker import Waker
from signing.contract import SignerConfig, TimestampAuthority
from signing.evidence.asked_slots import AskedSlots, authority_slots
from signing.evidence.slots import NoSlot, ProcessSlots
from tests.support.town import until

TSA = "http://tsa.example/"
HOLDING = """
import asyncio, sys
from signing.evidence.asked_slots import AskedSlots
from signing.evidence.slots import ProcessSlots

async def main():
    async with AskedSlots(ProcessSlots(1), sys.argv[1], "http://tsa.example/", 1).taken(30):
        print("taken", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def short(tmp_path, monkeypatch):
    """A folder whose sockets' names are short enough."""
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", "/tmp")


@pytest.fixture
async def machine(clock, short):
    """Make the broker of one more gateway, which answers until the test ends."""
    tasks = []

    async def start(places):
        broker = PlaceBroker(places)
        path = broker.path
        tasks.append(asyncio.ensure_future(broker.run()))

        async def listens():
            return os.path.exists(path)  # noqa: PTH110 - asked once

        await until(listens)
        return path

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def places(database, clock):
    return Places(database, clock, Waker())


def slots(path, count=1, here=9):
    return AskedSlots(ProcessSlots(here), path, TSA, count)


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.long_on_postgresql
@on_postgresql
async def test_two_machines_together_keep_to_the_number(database, clock, machine):
    """Each alone would let nine through."""
    first = await machine(places(database, clock))
    second = await machine(places(database, clock))
    present = most = 0

    async def ask(path):
        nonlocal present, most
        async with slots(path, 3).taken(60):
            present += 1
            most = max(most, present)
            await asyncio.sleep(0.01)
            present -= 1

    await asyncio.gather(*(ask(path) for path in [first, second] * 8))
    assert (most, present) == (3, 0)


@on_postgresql
async def test_a_killed_childs_slot_is_free_for_the_other_machine(database, clock, machine):
    """At once: the kernel closes its connection."""
    first = await machine(places(database, clock))
    second = await machine(places(database, clock))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDING, first, stdout=asyncio.subprocess.PIPE
    )
    assert await child.stdout.readline() == b"taken\n"
    with pytest.raises(NoSlot):
        async with slots(second).taken(0.2):
            pass
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    async with slots(second).taken(60):
        pass


async def test_who_gives_up_waiting_takes_nobodys_place(database, clock, machine):
    """On both engines: one that is told no, one that is cancelled."""
    path = await machine(places(database, clock))
    async with slots(path).taken(30):
        with pytest.raises(NoSlot):
            async with slots(path).taken(0.1):
                pass
        waiting = asyncio.ensure_future(slots(path).taken(30).__aenter__())
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with slots(path).taken(30):
        pass


class Away:
    """Places whose database cannot be reached."""

    @contextlib.asynccontextmanager
    async def taken(self, *wants):
        raise DatabaseUnavailable("away")
        yield


async def test_nobody_who_gives_leave_forbids_nothing(machine, tmp_path):
    """The database away, no gateway at the socket: this machine's own count holds."""
    away = await machine(Away())
    for path in (away, str(tmp_path / "none")):
        async with slots(path, here=1).taken(5) as held:
            assert held is None
            with pytest.raises(NoSlot):
                async with asyncio.timeout(5), AskedSlots(Full(), path, TSA, 1).taken(0.1):
                    pass


class Full:
    """No slot on this machine."""

    @contextlib.asynccontextmanager
    async def taken(self, wait_s):
        raise NoSlot
        yield


@pytest.mark.parametrize("line", [b"no\n", b'{"name": "x"}\n', b'{"name":"x","count":0}\n',
                                  b"x" * 9000, b""])  # fmt: skip
async def test_what_is_no_question_holds_nothing(database, clock, machine, line):
    path = await machine(places(database, clock))
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    if not line:
        writer.write_eof()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    async with slots(path).taken(30):
        pass


def test_a_broker_is_where_several_machines_may_work(database, clock, short):
    """Its folder is this user's alone; the configuration names its socket to the children."""
    broker = place_broker(database, clock, Waker())
    authority = TimestampAuthority(TSA, concurrent=2)
    if database.dialect == "sqlite":
        assert broker is None
        assert not isinstance(authority_slots(SignerConfig(), authority), AskedSlots)
        return
    folder = os.path.dirname(broker.path)  # noqa: PTH120 - as it is given
    assert os.stat(folder).st_mode & 0o077 == 0  # noqa: PTH116 - likewise
    config = SignerConfig(places_socket=broker.path)
    assert isinstance(authority_slots(config, authority), AskedSlots)
    broker.close()
    assert not os.path.exists(folder)  # noqa: PTH110 - likewise
