"""A property: whatever fails, in whatever order, no kept file is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.files import FileMissing
from gateway.foundation.problems import Problem
from gateway.preservation.rules import RENEWABLE, Kind, State, is_past_retention
from gateway.preservation.service import LEASE
from signing.contract import Level
from tests.gateway.preservation.office import POLICY, SAFE, Crash, Office

YEAR = 365 * 86_400
STORIES = max(4, settings().max_examples // 5)  # each is an office of its own
STARTS = ("new", "below", "ending", "nearly past")
STEPS = (
    "sign", "certify", "cancel", "extend", "look", "work", "work", "restart", "services",
    "refuse", "crash", "files", "reader", "hour", "day", "half_year", "two_years", "authority",
    "wrong_clock",
)  # fmt: skip


@settings(
    max_examples=STORIES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.sampled_from(STARTS), st.lists(st.sampled_from(STEPS), max_size=12))
@example("below", ["wrong_clock", "services"])  # put off by thirty years
@example("below", ["services", "refuse", "hour", "work"])  # given up
@example("ending", ["refuse", "work", "authority", "extend"])  # given up, then renewed by hand
@example("ending", ["look", "crash", "work", "day", "work"])  # its lease runs out
@example("ending", ["services", "work", "half_year"])  # too late, and told
@example("nearly past", ["services", "day", "two_years", "authority", "work"])
@example("new", ["reader", "sign", "files", "reader"])  # never reckoned, and gone
def test_a_kept_file_is_never_forgotten(prepared_sqlite, start, story):
    """Each is provable for longer than the margin, in the queue, told, or past its retention."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(prepared_sqlite, Path(folder) / "motcua.db")
        asyncio.run(_live(Path(folder), start, story))


async def _live(folder, start, story):
    database = Database(f"sqlite:///{folder}/motcua.db")
    try:
        office = Office(database, FakeClock(), folder)
        await _begin(office, start)
        for step in story:
            await _happens(office, step)
            await _nothing_is_forgotten(office)
        await _in_the_end_all_is_well(office)
    finally:
        await database.close()


async def _begin(office, start):
    """A document and a copy, at the moment at which it becomes interesting."""
    await office.certify()
    if start == "below":
        office.paper.reachable = Level.B_B
    await office.sign()
    if start == "nearly past":
        end = POLICY.retained_until("ket-qua", office.clock.now())
        office.paper.until = end + timedelta(days=60)
    await office.look()
    if start == "ending":
        office.clock.set(office.paper.until - SAFE / 2)
    if start == "nearly past":
        ids = [file.id for keeper in office.keepers for file in await office.files(keeper)]
        await office.database.write(lambda c: office.kept.reckon_anew(c, ids))
        office.clock.set(end - timedelta(hours=1))


async def _happens(office, step):
    paper, clock = office.paper, office.clock
    low = paper.reachable is Level.B_B
    does = {
        "services": lambda: setattr(paper, "reachable", Level.B_LTA if low else Level.B_B),
        "refuse": paper.refuse_next,
        "crash": paper.die_next,
        "files": lambda: setattr(office, "files_away", not office.files_away),
        "reader": lambda: setattr(paper, "reader_away", not paper.reader_away),
        "hour": lambda: clock.advance(3_600),
        "day": lambda: clock.advance(86_400),
        "half_year": lambda: clock.advance(YEAR / 2),
        "two_years": lambda: clock.advance(2 * YEAR),
        "authority": lambda: _renew_authority(office),
        "restart": office.restart,
    }
    acts = {
        "sign": office.sign,
        "certify": office.certify,
        "cancel": office.cancel,
        "extend": office.extend_by_hand,
        "look": office.look,
        "work": office.work,
        "wrong_clock": lambda: _clock_goes_wrong(office),
    }
    if step in does:
        does[step]()
        return
    try:
        with contextlib.suppress(Problem, FileMissing):  # nothing can be signed right now
            await acts[step]()
    except Crash:
        office.restart()


def _renew_authority(office):
    """Its next certificate: what is stamped from now on is provable for six more years."""
    office.paper.until = office.clock.now() + timedelta(days=6 * 365)


async def _clock_goes_wrong(office):
    """Thirty years ahead for an hour of work, then right again."""
    office.clock.advance(30 * YEAR)
    with contextlib.suppress(Crash):
        await office.look()
        await office.work()
    office.clock.advance(3_600 - 30 * YEAR)


async def _nothing_is_forgotten(office):
    """As soon as somebody looks again: every file is in one of the four states."""
    await office.look()
    await office.kept.service.alarm_overdue()
    now, rows = office.clock.now(), await office.rows()
    told = {id_ for id_, _ in await office.told()}
    for keeper in office.keepers:
        for file in await office.files(keeper):
            row = rows.get(file.id)
            if is_past_retention(file, POLICY, now):
                assert row is None or _rests(row, now), "past its retention, and worked on"
            elif row is not None:
                assert file.id in told or _will_be_worked_on(row, now), row
            elif not _is_unknown(office, file):
                assert file.provable_reason in RENEWABLE
                assert file.provable_until > now + SAFE


def _rests(row, now):
    """Kept in mind only: which level was wanted."""
    return row.kind == Kind.RAISE and row.next_at > now and row.alarm_at > now


def _will_be_worked_on(row, now):
    """Tried within a day, and told before it is too late if that does not help."""
    late = row.until - SAFE / 2 if row.until is not None else now + POLICY.alarm_after
    return (
        row.state == State.WAITING
        and row.next_at <= now + POLICY.longest_wait
        and (row.lease_until is None or row.lease_until <= now + LEASE)
        and row.alarm_at <= max(late, now)
    )


def _is_unknown(office, file):
    """Only while nobody can read signatures at all."""
    return file.provable_reason is None and office.paper.reader_away


async def _in_the_end_all_is_well(office):
    """With everything back, all is renewed but what was told; past retention nothing happens."""
    paper, asked = office.paper, len(office.paper.extended)
    paper.next_extensions.clear()
    paper.reader_away = office.files_away = False
    paper.reachable = Level.B_LTA
    _renew_authority(office)
    await office.settle()
    now, rows = office.clock.now(), await office.rows()
    for keeper in office.keepers:
        for file in await office.files(keeper):
            if is_past_retention(file, POLICY, now):
                assert file.id not in rows or _rests(rows[file.id], now)
            elif file.id in rows:
                assert rows[file.id].state == State.GIVEN_UP
                assert rows[file.id].alarmed_at is not None
            else:
                assert file.provable_until > now + SAFE
    assert len(paper.extended) >= asked
    for id_, at in await office.told():
        kept = {file.id: file for keeper in office.keepers for file in await office.files(keeper)}
        if id_ in kept:  # a cancelled copy is kept no more
            assert not is_past_retention(kept[id_], POLICY, at)
