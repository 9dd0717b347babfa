"""A property: whatever fails, in whatever order, no kept file is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.files import FileMissing
from gateway.foundation.problems import Problem
from gateway.preservation.rules import RENEWABLE, State, is_past_retention
from gateway.preservation.service import LEASE
from signing.contract import Level
from tests.gateway.preservation.office import POLICY, SAFE, Crash, Office

YEAR = 365 * 86_400
STORIES = max(15, settings().max_examples // 3)  # each is an office of its own
STEPS = (
    "sign", "certify", "cancel", "extend", "look", "work", "restart",
    "down", "up", "refuse", "crash", "files_away", "files_back", "reader_away", "reader_back",
    "day", "half_year", "two_years", "authority_renews", "clock_wrong",
)  # fmt: skip


@settings(
    max_examples=STORIES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.sampled_from(STEPS), max_size=16))
def test_a_kept_file_is_never_forgotten(prepared_sqlite, story):
    """Each is provable for longer than the margin, in the queue, told, or past its retention."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(prepared_sqlite, Path(folder) / "motcua.db")
        asyncio.run(_live(Path(folder), story))


async def _live(folder, story):
    database = Database(f"sqlite:///{folder}/motcua.db")
    try:
        office = Office(database, FakeClock(), folder)
        await office.sign()
        await office.certify()
        for step in story:
            await _happens(office, step)
            await _nothing_is_forgotten(office)
        await _in_the_end_all_is_well(office)
    finally:
        await database.close()


async def _happens(office, step):
    paper, clock = office.paper, office.clock
    does = {
        "down": lambda: setattr(paper, "reachable", Level.B_B),
        "up": lambda: setattr(paper, "reachable", Level.B_LTA),
        "refuse": paper.refuse_next,
        "crash": paper.die_next,
        "files_away": lambda: setattr(office, "files_away", True),
        "files_back": lambda: setattr(office, "files_away", False),
        "reader_away": lambda: setattr(paper, "reader_away", True),
        "reader_back": lambda: setattr(paper, "reader_away", False),
        "day": lambda: clock.advance(86_400),
        "half_year": lambda: clock.advance(YEAR / 2),
        "two_years": lambda: clock.advance(2 * YEAR),
        "authority_renews": lambda: _renew_authority(office),
        "restart": office.restart,
    }
    acts = {
        "sign": office.sign,
        "certify": office.certify,
        "cancel": office.cancel,
        "extend": office.extend_by_hand,
        "look": office.look,
        "work": office.work,
        "clock_wrong": lambda: _clock_goes_wrong(office),
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
                assert row is None, "past its retention, and still worked on"
            elif row is not None:
                assert file.id in told or _will_be_worked_on(row, now), row
            elif not _is_unknown(office, file):
                assert file.provable_reason in RENEWABLE
                assert file.provable_until > now + SAFE


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
                assert file.id not in rows
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
