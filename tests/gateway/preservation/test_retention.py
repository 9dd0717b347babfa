"""Retention periods: counted by the calendar, listed when over, then nothing but the listing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.foundation.clock import vietnam_day
from gateway.preservation.retention import Retention
from tests.gateway.certification.bureau import TENANT
from tests.gateway.documents.desk import LEADER, STEPS, on_sqlite
from tests.gateway.preservation.office import POLICY, YEARS
from tests.support.edge import make_edge, portal, serve

pytestmark = pytest.mark.long_on_postgresql

DAY = 86_400
SIGNER = STEPS[:1]
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(  # noqa: DTZ001 - hypothesis wants naive bounds
    lambda at: at.replace(tzinfo=UTC)
)


@given(moments, moments, st.integers(1, 60))
def test_the_end_and_the_cutoff_say_the_same(since, now, years):
    """One decides about a file, the other finds files in the database."""
    retention = Retention(years)
    assert (retention.ends(since) <= now) == (since < retention.cutoff(now))


@given(moments, st.integers(1, 60))
def test_a_period_ends_with_the_same_day_that_many_years_later(since, years):
    """Kept through that day; of 29 February, through the 28th where there is none."""
    last = vietnam_day(Retention(years).ends(since) - timedelta(microseconds=1))
    first = vietnam_day(since)
    assert last.year == first.year + years
    assert (last.month, last.day) in ((first.month, first.day), (2, 28))


def test_a_leap_day_and_for_ever():
    leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
    assert vietnam_day(Retention(1).ends(leap)) == date(2029, 3, 1)
    assert vietnam_day(Retention(4).ends(leap)) == date(2032, 3, 1)
    assert Retention(None).ends(leap) is None
    assert Retention(None).cutoff(leap) is None


@pytest.fixture
async def old(office):
    """A document and a copy, signed eight years ago, whose time-stamps end in a month."""
    document, copy = await office.sign(), await office.certify()
    office.paper.until = office.clock.now() + timedelta(days=YEARS * 366 + 31)
    await office.database.write(lambda c: office.kept.reckon_anew(c, [document.id, copy.id]))
    await office.look()
    office.clock.set(POLICY.retained_until("ket-qua", office.clock.now()))
    return document, copy


async def test_past_its_period_a_file_is_neither_renewed_nor_told(office, old):
    """The copy, which is kept for ever, is; the document is listed as it is, and stays."""
    document, copy = old
    office.paper.until += timedelta(days=5 * 365)
    await office.settle()
    kept = {file.id: file for keeper in office.keepers for file in await office.files(keeper)}
    assert (kept[document.id].revision, kept[copy.id].revision) == (1, 1)
    assert kept[copy.id].provable_until == office.paper.until
    office.clock.advance(40 * DAY)
    await office.settle()
    assert await office.rows() == {}
    assert await office.told() == []
    found = (await office.kept.calendar.expiring(TENANT, timedelta(days=90), None, 10)).data
    assert [(one.id, one.past_retention, one.expired) for one in found] == [
        (document.id, True, True)
    ]
    assert "lưu trữ" in found[0].detail
    assert await office.desk.files.get(kept[document.id].sha256)


@on_sqlite
async def test_a_second_before_it_is_still_renewed(office, old):
    document, _ = old
    office.clock.advance(-1)
    office.paper.until += timedelta(days=5 * 365)
    await office.look()
    assert document.id in await office.rows()
    await office.work()
    (file,) = await office.files(office.keepers[0])
    assert (file.revision, file.provable_until) == (2, office.paper.until)


@on_sqlite
async def test_what_waits_leaves_the_queue_when_the_period_ends(office):
    """Also what was never raised, and before it is told."""
    document = await office.sign()
    office.paper.next_extensions += [ConnectionError("damaged")]
    office.paper.until = office.clock.now() + timedelta(days=YEARS * 366)
    await office.database.write(lambda c: office.kept.reckon_anew(c, [document.id]))
    end = POLICY.retained_until("ket-qua", office.clock.now())
    office.clock.set(end - timedelta(seconds=10))
    await office.look()
    assert document.id in await office.rows()
    office.clock.advance(10)
    await office.kept.queue.once()  # before anybody looked ahead again
    assert await office.rows() == {}
    assert office.paper.next_extensions, "nobody tried"
    assert await office.told() == []


@on_sqlite
async def test_signing_again_begins_the_period_again_extending_does_not(office):
    document = await office.sign()
    (before,) = await office.files(office.keepers[0])
    office.clock.advance(400 * DAY)
    await office.extend_by_hand()
    (extended,) = await office.files(office.keepers[0])
    assert (extended.revision, extended.kept_since) == (2, before.kept_since)
    seen = await office.desk.documents.get(TENANT, document.id)
    request = await office.desk.open(seen, SIGNER, number=None)
    await office.desk.sign(request, LEADER)
    (signed,) = await office.files(office.keepers[0])
    assert signed.kept_since == office.clock.now()


@on_sqlite
async def test_the_list_says_when_a_period_ends(office, old):
    """Over HTTP, for documents with a period and for copies without one."""
    document, copy = old
    edge = make_edge(office.database, office.clock)
    server = await serve(edge, office.kept.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)
        _, body, _ = await caller.get("/v1/documents/expiring?within_days=3650")
    await server.close()
    shown = {one["id"]: (one["retained_until"], one["past_retention"]) for one in body["data"]}
    assert shown[copy.id] == (None, False)
    end, past = shown[document.id]
    assert (datetime.fromisoformat(end), past) == (office.clock.now(), True)
