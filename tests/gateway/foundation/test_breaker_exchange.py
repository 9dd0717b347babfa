"""Two machines, each with breakers of its own in a folder, over one database."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import timedelta

import pytest

from gateway.foundation.breaker_exchange import BreakerExchange, shared_breakers
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.waker import Waker
from gateway.over_machines import OverMachines
from signing.contract import BreakerState
from signing.evidence.breaker import FAILURES, REST
from signing.evidence.shared_breaker import BreakerFolder, SharedBreaker, breaker_for

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
TSA = "http://tsa.example/"
PROBE = timedelta(seconds=30)


@dataclasses.dataclass
class Machine:
    """One machine: its breaker of one service, and its gateway's exchange."""

    exchange: BreakerExchange
    breaker: SharedBreaker
    folder: object

    @classmethod
    def make(cls, database, clock, folder):
        folder.mkdir()
        exchange = BreakerExchange(database, clock, BreakerFolder(str(folder)))
        return cls(exchange, breaker_for(TSA, clock, str(folder), PROBE), folder)

    def file(self):
        (path,) = self.folder.glob("*.breaker")
        return path


@pytest.fixture
def machines(database, clock, tmp_path):
    return [Machine.make(database, clock, tmp_path / name) for name in ("a", "b")]


async def exchange(*machines):
    for machine in machines:
        await machine.exchange.once()


async def test_what_one_machine_found_out_the_other_need_not(machines):
    """Its failures open the other's breaker; the other's probe that works closes both."""
    one, other = machines
    for _ in range(FAILURES):
        one.breaker.failed()
    assert not other.breaker.is_open
    await exchange(one, other)
    assert other.breaker.is_open
    assert not other.breaker.enter()
    one.breaker._clock.advance(REST.total_seconds() + 1)
    assert other.breaker.enter()  # the probe
    await exchange(other, one)
    assert not one.breaker.enter()  # one is enough
    other.breaker.succeeded()
    await exchange(other, one)
    assert one.breaker.enter()
    assert not one.breaker.is_troubled


async def test_failures_add_up_over_machines(machines):
    """Three in a row, wherever they were made."""
    one, other = machines
    one.breaker.failed()
    await exchange(one, other)
    assert not other.breaker.failed()
    await exchange(other, one)
    assert one.breaker.failed()
    await exchange(one, other)
    assert other.breaker.is_open


async def test_of_two_changes_at_once_the_later_holds(machines):
    """Either way round, and both sides come to rest."""
    one, other = machines
    for opened_later in (True, False):
        one.breaker.failed()
        await exchange(one, other)  # both know of the same trouble
        for _ in range(FAILURES):
            one.breaker.failed()
        other.breaker.succeeded()
        first, second = (other, one) if opened_later else (one, other)
        os.utime(first.file(), (1_000.0, 1_000.0))
        os.utime(second.file(), (2_000.0, 2_000.0))
        await exchange(one, other, one, other)
        assert one.breaker.is_open is other.breaker.is_open is opened_later
        one.breaker.succeeded()
        await exchange(one, other)


async def test_nothing_is_written_while_nothing_changes(machines, database):
    """Looking costs a read a second, and no version."""
    one, other = machines
    for _ in range(FAILURES):
        one.breaker.failed()
    await exchange(one, other, one, other)
    written = [machine.file().stat().st_mtime_ns for machine in machines]
    commits = database.commits
    await exchange(one, other, one, other)
    assert [machine.file().stat().st_mtime_ns for machine in machines] == written
    assert database.commits == commits
    (row,) = await database.read(lambda c: c.execute(shared_breakers.select()).all())
    assert row.version == 1


async def test_a_damaged_file_is_no_news_for_others(machines):
    """It reads as closed on its machine; it closes nothing elsewhere."""
    one, other = machines
    for _ in range(FAILURES):
        one.breaker.failed()
    await exchange(one, other)
    one.file().write_text('{"failures": NaN, "open_until": 0}')
    await exchange(one, other)
    assert other.breaker.is_open
    assert json.loads(other.file().read_text())["failures"] == FAILURES


async def test_what_changes_in_between_is_not_overwritten(machines):
    """It is news for the next look."""
    one, other = machines
    one.breaker.failed()
    await exchange(one, other)
    folder, name = BreakerFolder(str(other.folder)), other.file().stem
    stale = BreakerState(failures=7)
    assert not folder.impose(name, BreakerState(), stale)
    assert other.breaker.is_troubled


async def test_a_database_that_is_away_stops_no_breaker(machines):
    """Each machine goes on by itself; afterwards they agree again."""
    one, other = machines

    class Gone:
        async def write(self, unit):
            raise DatabaseUnavailable("away")

        read = write

    there: Database = one.exchange._database
    one.exchange._database = Gone()
    for _ in range(FAILURES):
        one.breaker.failed()
    with pytest.raises(DatabaseUnavailable):
        await one.exchange.once()
    assert one.breaker.is_open
    one.exchange._database = there
    await exchange(one, other)
    assert other.breaker.is_open


def test_it_is_part_of_a_gateway_with_a_shared_folder(database, clock, tmp_path):
    """Without one each process keeps its own breaker, and there is nothing to exchange."""
    shared = OverMachines(database, clock, Waker(), str(tmp_path))
    assert set(shared.tasks()) == {"places.broker", "breakers.exchange"}
    alone = OverMachines(database, clock, Waker(), "")
    assert set(alone.tasks()) == {"places.broker"}
