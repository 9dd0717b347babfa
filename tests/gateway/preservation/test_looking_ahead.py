"""Looking ahead: what cannot be read is told, the queue is kept honest, keepers show one form."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.foundation.files import FilesUnavailable
from gateway.preservation import store
from gateway.preservation.kept import SHELF
from signing.contract import Level
from tests.gateway.certification.bureau import TENANT
from tests.gateway.documents.desk import LEADER, STEPS, on_sqlite
from tests.gateway.preservation.office import POLICY

pytestmark = pytest.mark.long_on_postgresql


def test_every_keeper_shows_its_files_in_the_same_form(office):
    assert {tuple(keeper.shelf().selected_columns.keys()) for keeper in office.keepers} == {SHELF}


async def test_a_file_that_cannot_be_reckoned_is_told_once_and_comes_back(office):
    """Nothing else would ever look at it; the other keeper's files are reckoned meanwhile."""
    office.paper.reader_away = True
    document, copy = await office.sign(), await office.certify()
    office.paper.reader_away, office.files_away = False, True
    await office.look()
    rows = await office.rows()
    assert {rows[one.id].reason for one in (document, copy)} == {"file_missing"}
    for _ in range(2):
        await office.work()
        await office.look()
    assert sorted(id_ for id_, _ in await office.told()) == sorted([document.id, copy.id])
    office.files_away = False
    await office.look()
    assert await office.rows() == {}
    files = [file for keeper in office.keepers for file in await office.files(keeper)]
    assert {file.provable_until for file in files} == {office.paper.until}


@on_sqlite
async def test_a_store_that_is_away_is_no_fault_of_a_file(office):
    """What has to be renewed waits and is renewed later; nobody is told of damage."""
    office.paper.reader_away = True
    unreckoned = await office.sign()
    office.paper.reader_away = False
    document = await office.sign()
    office.clock.set(office.paper.until - timedelta(days=60))
    office.files_away, office.files_fault = True, FilesUnavailable
    await office.look()
    await office.work()
    row = (await office.rows())[document.id]
    assert (row.state, row.reason, row.attempts) == ("waiting", "files_unavailable", 1)
    assert unreckoned.id not in await office.rows()
    assert b"motcua_alerts_total{" not in office.metrics.page()
    office.files_away = False
    office.paper.until += timedelta(days=400)
    await office.settle()
    assert await office.rows() == {}
    assert await office.told() == []


@on_sqlite
async def test_a_file_that_was_given_up_and_renewed_by_hand_is_kept_again(office):
    """Its old row does not hide it from the next renewal."""
    document = await office.sign()
    await office.look()
    office.clock.set(office.paper.until - timedelta(days=60))
    await office.look()
    office.paper.refuse_next()
    await office.work()
    assert (await office.rows())[document.id].state == "given_up"
    office.paper.until += timedelta(days=400)
    await office.extend_by_hand()
    await office.look()
    assert await office.rows() == {}
    office.clock.set(office.paper.until - timedelta(days=60))
    await office.look()
    assert (await office.rows())[document.id].state == "waiting"


@on_sqlite
async def test_signing_anew_brings_back_what_was_given_up(office):
    """Also where the newer time-stamp ends soon too."""
    document = await office.sign()
    office.clock.set(office.paper.until - timedelta(days=60))
    await office.look()
    office.paper.refuse_next()
    await office.work()
    assert (await office.rows())[document.id].state == "given_up"
    office.paper.until += timedelta(days=20)
    seen = await office.desk.documents.get(TENANT, document.id)
    await office.desk.sign(await office.desk.open(seen, STEPS[:1], number=None), LEADER)
    await office.look()
    row = (await office.rows())[document.id]
    assert (row.state, row.until) == ("waiting", office.paper.until)


@on_sqlite
async def test_what_a_wrong_clock_put_off_is_drawn_in(office):
    """Tried and told as if it had been right; a lease from then does not hold either."""
    office.paper.reachable = Level.B_B
    document = await office.sign()
    office.clock.advance(3_600)
    far = office.clock.now() + timedelta(days=10_000)
    wrong = store.queue.update().values(next_at=far, lease_until=far, alarm_at=far)
    await office.database.write(lambda c: c.execute(wrong) and None)
    await office.look()
    row, now = (await office.rows())[document.id], office.clock.now()
    assert row.next_at <= now + POLICY.longest_wait
    assert row.alarm_at <= now + POLICY.alarm_after
    office.paper.reachable = Level.B_LTA
    await office.settle()
    assert await office.rows() == {}


@on_sqlite
async def test_a_renewal_that_is_not_due_any_more_leaves_the_queue(office):
    """As when a clock was wrong for an hour: no time-stamp is spent on it."""
    await office.certify()  # kept for ever
    await office.look()
    office.clock.advance(30 * 365 * 86_400)
    await office.look()
    assert len(await office.rows()) == 1
    office.clock.advance(-30 * 365 * 86_400)
    await office.look()
    assert await office.rows() == {}
    assert office.paper.extended == []
