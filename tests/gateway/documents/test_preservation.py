"""Signed now, raised later: the queue on both engines, crashes, alarms, the seal, renewal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.documents import store
from gateway.documents.preservation.rules import SIGN_AND_RAISE
from gateway.preservation import store as preservation_store
from gateway.preservation.policy import DEFAULT_POLICY
from gateway.preservation.service import LEASE
from signing.contract import DocumentRefused, Level, SigningUnavailable
from tests.gateway.documents.desk import CLERK, LEADER, NUMBER, STEPS, TENANT, on_sqlite
from tests.gateway.documents.test_signing_acts import PIN, Crash, refused, revisions
from tests.support.paper import plain_pdf

pytestmark = pytest.mark.long_on_postgresql

HOUR, DAY = 3600, 86_400
TWICE = (STEPS[0], STEPS[0])  # two persons, one after the other


@pytest.fixture
def low(desk, paper):
    """A document whose person signed at B-B because the time-stamps were down."""

    async def make(steps=STEPS, pdf=None):
        document = await desk.document(pdf)
        number = NUMBER if steps is STEPS else None
        request = await desk.open(document, steps, number, when_unavailable=SIGN_AND_RAISE)
        paper.reachable = Level.B_B
        await desk.sign(request, LEADER, PIN)
        return document, request

    return make


def due(desk):
    desk.clock.advance(DEFAULT_POLICY.retry_s[-1])


async def latest(desk, document):
    return await desk.documents.get(TENANT, document.id)


async def test_a_step_below_its_level_is_published_with_its_shortfall(desk, low):
    """One transaction: the revision at the level reached, and the queue's row."""
    document, request = await low()
    seen = await latest(desk, document)
    assert (seen.revision, seen.level) == (1, "B-B")
    assert (seen.preservation.kind, seen.preservation.state) == ("raise", "waiting")
    assert (seen.preservation.wanted, seen.preservation.reached) == ("B-LTA", "B-B")
    assert seen.preservation.reason == "timestamp_unavailable"
    assert not seen.preservation.overdue
    assert (await desk.requests.get(TENANT, request.id)).when_unavailable == "sign_and_raise"


@on_sqlite
async def test_refusing_is_the_default(desk, paper):
    """Nothing is signed and nothing is queued; the request waits."""
    document = await desk.document()
    request = await desk.open(document)
    paper.reachable = Level.B_B
    problem = await refused(desk.sign(request, LEADER, PIN), "signing_unavailable")
    assert problem.extra["retryable"]
    assert await desk.task(document) is None
    assert (await desk.requests.get(TENANT, request.id)).status == "waiting"


@on_sqlite
async def test_the_operators_choice_holds_for_requests_that_do_not_say(desk, paper):
    desk.requests._when_unavailable = SIGN_AND_RAISE
    document = await desk.document()
    request = await desk.open(document)
    paper.reachable = Level.B_T
    await desk.sign(request, LEADER, PIN)
    assert (await desk.task(document)).reached == "B-T"


async def test_levels_rise_as_services_come_back_and_the_queue_empties(desk, paper, low):
    """B-B → B-T → B-LT → B-LTA, each a revision over the one before; nothing is tried too early."""
    document, _ = await low()
    worker = desk.raising()
    assert await worker.once() == 0
    for level in (Level.B_T, Level.B_LT, Level.B_LTA):
        due(desk)
        paper.reachable = level
        assert await worker.once() == 1
        assert (await latest(desk, document)).level == level
    assert await desk.task(document) is None
    rows = await revisions(desk, document)
    assert [(r.number, r.role, r.level) for r in rows[1:]] == [
        (1, "person", "B-B"),
        (2, "extension", "B-T"),
        (3, "extension", "B-LT"),
        (4, "extension", "B-LTA"),
    ]
    files = [await desk.files.get(r.sha256) for r in rows]
    assert all(later.startswith(earlier) for earlier, later in pairwise(files))
    told = [event for event, _, _ in await desk.events()]
    assert told == ["document.extended"] * 3


async def test_the_seal_waits_until_the_person_is_proven(desk, paper, low):
    """A clear reason meanwhile; the clerk seals the raised revision, not the old one."""
    document, request = await low()
    problem = await refused(desk.sign(request, CLERK), "level_pending")
    assert "B-B" in problem.detail_vi
    assert problem.extra["retryable"]
    assert problem.headers["Retry-After"]
    paper.reachable = Level.B_LTA
    due(desk)
    await desk.raising().once()
    done = await desk.sign(request, CLERK)
    assert done.status == "signed"
    rows = await revisions(desk, document)
    assert [r.role for r in rows] == [None, "person", "extension", "agency"]
    assert paper.signed[-1].pdf == await desk.files.get(rows[2].sha256)


async def test_a_crash_between_signing_and_raising_loses_nothing(desk, paper, low):
    """The row is there; a worker that dies at it is followed by another after its lease."""
    document, _ = await low()
    paper.reachable = Level.B_LTA
    due(desk)

    async def die(pdf, level, void=()):
        raise Crash

    extend, paper.extend = paper.extend, die
    with pytest.raises(Crash):
        await desk.raising().once()
    paper.extend = extend
    assert await desk.raising().once() == 0  # the dead one's lease
    desk.clock.advance(LEASE.total_seconds())
    assert await desk.raising().once() == 1
    assert (await latest(desk, document)).level == "B-LTA"
    assert [r.number for r in await revisions(desk, document)] == [0, 1, 2]


async def test_two_workers_raise_one_document_once(desk, paper, low):
    document, _ = await low()
    paper.reachable = Level.B_LTA
    due(desk)
    assert sorted(await asyncio.gather(desk.raising().once(), desk.raising().once())) == [0, 1]
    assert [r.number for r in await revisions(desk, document)] == [0, 1, 2]


async def test_a_document_that_is_being_signed_is_left_alone(desk, paper, low):
    """The key is at the old bytes: the raising waits, both results stand in one chain."""
    document, request = await low(steps=TWICE)
    due(desk)
    started, go = asyncio.Event(), asyncio.Event()

    async def wait(order):
        started.set()
        await go.wait()

    paper.before_sign = wait
    signing = asyncio.ensure_future(desk.sign(request, LEADER, PIN))
    await started.wait()
    del paper.before_sign
    paper.reachable = Level.B_LTA
    await desk.raising().once()
    assert (await desk.task(document)).reason == "signing_in_progress"
    go.set()
    assert (await signing).status == "signed"
    due(desk)
    await desk.raising().once()
    rows = await revisions(desk, document)
    assert [r.role for r in rows] == [None, "person", "person", "extension"]
    assert (await desk.files.get(rows[3].sha256)).startswith(await desk.files.get(rows[2].sha256))


async def test_signing_that_begins_while_proof_is_made_wins(desk, paper, low):
    """The extension of old bytes is thrown away and made again over the new ones."""
    document, request = await low(steps=TWICE)
    paper.reachable = Level.B_LTA
    due(desk)
    extend = paper.extend

    async def slow(pdf, level, void=()):
        paper.extend = extend
        await desk.sign(request, LEADER, PIN)
        return await extend(pdf, level)

    paper.extend = slow
    await desk.raising().once()
    assert [r.role for r in await revisions(desk, document)] == [None, "person", "person"]
    assert (await desk.task(document)).reason == "document_changed"
    due(desk)
    await desk.raising().once()
    assert (await latest(desk, document)).revision == 3


async def test_an_act_that_died_cannot_undo_a_raised_revision(desk, paper, low):
    """Its lease ran out; the document was raised; its late result is refused."""
    document, request = await low(steps=TWICE)

    async def no_heartbeat(intent):
        return False

    desk.acts._renew = no_heartbeat
    started, go = asyncio.Event(), asyncio.Event()

    async def wait(order):
        started.set()
        await go.wait()

    paper.before_sign = wait
    late = asyncio.ensure_future(desk.sign(request, LEADER, PIN))
    await started.wait()
    del paper.before_sign
    paper.reachable = Level.B_LTA
    due(desk)
    await desk.raising().once()
    assert (await latest(desk, document)).level == "B-LTA"
    go.set()
    await refused(late, "signing_interrupted")
    assert [r.role for r in await revisions(desk, document)] == [None, "person", "extension"]


async def test_failures_wait_longer_and_longer(desk, paper, low):
    """60 s, 5 min, 15 min, then every hour; the last reason is kept."""
    document, _ = await low()
    for wait in (60, 300, 900, 3600, 3600):
        before = await desk.task(document)
        desk.clock.set(before.next_at)
        await desk.raising().once()
        after = await desk.task(document)
        assert after.attempts == before.attempts + 1
        assert after.next_at - desk.clock.now() == timedelta(seconds=wait)
    assert (await latest(desk, document)).revision == 1


async def test_an_alarm_is_told_once_before_it_is_too_late(desk, paper, low):
    """After a day: log, metric and event; the raising goes on."""
    document, _ = await low()
    worker = desk.raising()
    desk.clock.advance(DAY - 1)
    await worker.once()
    assert await desk.events() == []
    desk.clock.advance(1)
    for _ in range(3):
        await worker.once()
    assert await desk.events() == [("document.level_overdue", document.id, 1)]
    alerts = desk.metrics.alerts.labels("document_level_overdue")._value.get()
    assert alerts == 1
    assert (await latest(desk, document)).preservation.overdue
    paper.reachable = Level.B_LTA
    due(desk)
    await worker.once()
    assert (await latest(desk, document)).preservation is None


async def test_the_end_of_the_certificate_hurries_the_alarm(desk, paper, low):
    """Seven days before the proof ends, even when the day is not over."""
    paper.until = desk.clock.now() + timedelta(days=7, hours=3)
    document, _ = await low()
    assert (await desk.task(document)).alarm_at == desk.clock.now() + timedelta(hours=3)


async def test_what_can_never_be_raised_is_given_up_and_told(desk, paper, low):
    """A refusal of the document itself is for a person, at once."""
    document, _ = await low()
    due(desk)

    async def refuse(pdf, level, void=()):
        raise DocumentRefused("broken_signature", "Chữ ký bị hỏng.", "broken")

    paper.extend = refuse
    await desk.raising().once()
    seen = await latest(desk, document)
    assert (seen.preservation.state, seen.preservation.reason) == ("given_up", "broken_signature")
    assert await desk.events() == [("document.level_overdue", document.id, 1)]
    due(desk)
    assert await desk.raising().once() == 0


async def test_a_signature_that_lost_its_proof_is_told_not_forgotten(desk, paper, low):
    """Nobody answers for an expired certificate any more: given up, with an alarm."""
    document, _ = await low()
    due(desk)
    paper.reachable = Level.B_T
    extend = paper.extend

    async def lost(pdf, level, void=()):
        made = await extend(pdf, level)
        names = tuple((await revisions(desk, document))[1].field_names)
        return replace(made, shortfall="validation_data_missing", missing=names)

    paper.extend = lost
    await desk.raising().once()
    seen = await latest(desk, document)
    assert (seen.level, seen.preservation.state) == ("B-T", "given_up")
    assert ("document.level_overdue", document.id, 2) in await desk.events()


@on_sqlite
async def test_one_bad_file_does_not_stop_the_others(desk, paper, low):
    """A surprise with one document is logged; its lease runs out; the next is raised."""
    first, _ = await low()
    second, _ = await low(pdf=plain_pdf(2))
    paper.reachable = Level.B_LTA
    due(desk)
    extend, broken = paper.extend, await desk.task(first)
    bad = await desk.files.get((await latest(desk, first)).sha256)

    async def stumble(pdf, level, void=()):
        if pdf == bad:
            raise ZeroDivisionError
        return await extend(pdf, level)

    paper.extend = stumble
    assert await desk.raising().once() == 2
    assert [(await latest(desk, d)).level for d in (first, second)] == ["B-B", "B-LTA"]
    assert (await desk.task(first)).fence == broken.fence + 1


# ------------------------------------------------------------------ renewal


async def signed(desk, **more):
    document = await desk.document()
    await desk.sign(await desk.open(document, STEPS[:1], number=None, **more), LEADER, PIN)
    return document


async def test_renewal_is_queued_in_time_and_moves_the_end(desk, paper):
    """Ninety days before the stamp's end, not earlier; once; afterwards the new end counts."""
    document = await signed(desk)
    ahead, worker = desk.ahead(), desk.raising()
    desk.clock.set(paper.until - timedelta(days=91))
    assert await ahead.once() == 0
    desk.clock.set(paper.until - timedelta(days=89))
    assert (await ahead.once(), await ahead.once()) == (1, 0)
    assert (await latest(desk, document)).preservation.kind == "renew"
    paper.until += timedelta(days=5 * 365)
    await worker.once()
    seen = await latest(desk, document)
    assert (seen.revision, seen.preservation) == (2, None)
    assert await ahead.once() == 0
    rows = await revisions(desk, document)
    assert rows[2].provable_until == paper.until


async def test_a_renewal_that_gains_nothing_is_not_published(desk, paper):
    """The authority's certificate ends as soon as the old stamp: tried daily, told in time."""
    document = await signed(desk)
    desk.clock.set(paper.until - timedelta(days=80))
    await desk.ahead().once()
    for _ in range(3):
        await desk.raising().once()
        seen = await latest(desk, document)
        assert (seen.revision, seen.preservation.reason) == (1, "renewal_no_gain")
        desk.clock.advance(HOUR)
    assert len(paper.extended) == 1
    desk.clock.advance(DAY)
    paper.until += timedelta(days=365)
    await desk.raising().once()
    assert (await latest(desk, document)).revision == 2


@on_sqlite
async def test_asking_for_less_does_not_empty_the_queue(desk, paper, low):
    """B-T by hand; the request's B-LTA is still to be reached."""
    document, _ = await low()
    paper.reachable = Level.B_LTA
    extension = await desk.preservation.prepare(TENANT, document.id, "B-T")
    shown = await desk.database.write(lambda c: desk.preservation.publish(c, extension))
    assert (shown.level, shown.preservation.wanted) == ("B-T", "B-LTA")
    assert shown.preservation.reached == "B-T"
    due(desk)
    await desk.raising().once()
    assert (await latest(desk, document)).level == "B-LTA"


@on_sqlite
async def test_a_renewal_that_fails_is_told_half_way(desk, paper):
    """Forty-five of ninety days before the end."""
    document = await signed(desk)
    desk.clock.set(paper.until - timedelta(days=80))
    await desk.ahead().once()
    paper.reachable = Level.B_B

    async def away(pdf, level, void=()):
        raise SigningUnavailable("timestamp_unavailable", "Không có.", "down")

    paper.extend = away
    await desk.raising().once()
    assert await desk.events() == [("document.signed", document.id, 1)]
    desk.clock.set(paper.until - timedelta(days=44))
    await desk.raising().once()
    assert (await desk.events())[1:] == [("document.level_overdue", document.id, 2)]


@on_sqlite
@pytest.mark.parametrize("level", ["B-B", "B-T"])
async def test_documents_that_chose_a_low_level_are_listed_not_renewed(desk, paper, level):
    document = await signed(desk, level=level)
    desk.clock.set(paper.until - timedelta(days=10))
    assert await desk.ahead().once() == 0
    (found,) = (await desk.calendar.expiring(TENANT, timedelta(days=30), None, 10)).data
    assert (found.id, found.reason, found.expired) == (document.id, "signer_certificate", False)


async def test_expiring_documents_are_listed_soonest_first_in_pages(desk, paper):
    """Only this portal's, ended ones included; pages do not shift."""
    ids = []
    for days in (40, 10, 20, 400):
        paper.until = desk.clock.now() + timedelta(days=days)
        ids.append((await signed(desk)).id)
    wanted, found, after = [ids[1], ids[2], ids[0]], [], None
    desk.clock.advance(15 * DAY)
    while True:
        page = await desk.calendar.expiring(TENANT, timedelta(days=90), after, 2)
        found += page.data
        after = page.next
        if not page.has_more:
            break
    assert [one.id for one in found] == wanted
    assert [one.expired for one in found] == [True, False, False]
    assert (await desk.calendar.expiring("other/test", timedelta(days=90), None, 2)).data == []


async def test_documents_of_before_an_upgrade_are_reckoned(desk, paper):
    """Published without an end; the next look ahead fills it in and renews what is due."""
    document = await signed(desk)
    await desk.database.write(
        lambda c: c.execute(
            store.document_revisions.update().values(provable_until=None, provable_reason=None)
        )
    )
    assert (await latest(desk, document)).provable_until is None
    desk.clock.set(paper.until - timedelta(days=1))
    assert await desk.ahead().once() == 1
    assert (await latest(desk, document)).provable_until is not None


async def test_a_later_shortfall_joins_the_row_that_waits(desk, paper, low):
    """The higher level and the earlier alarm stay; what was told is told again for new work."""
    document, request = await low(steps=TWICE)
    first = await desk.task(document)
    desk.clock.advance(HOUR)
    await desk.sign(request, LEADER, PIN)
    second = await desk.task(document)
    assert (second.created_at, second.alarm_at) == (first.created_at, first.alarm_at)
    waiting = await desk.database.read(preservation_store.count_by_kind)
    assert waiting == {"raise": 1}


async def test_a_lost_signer_does_not_cost_a_signature(desk, paper):
    """Nobody could say until when; it is published, and reckoned at the next look ahead."""
    reckoned = paper.provability

    async def lost(pdf, void=()):
        raise SigningUnavailable("signer_died", "Tiến trình ký dừng.", "lost")

    paper.provability = lost
    document = await signed(desk)
    seen = await latest(desk, document)
    assert (seen.level, seen.provable_until) == ("B-LTA", None)
    await desk.ahead().once()
    assert (await latest(desk, document)).provable_until is None
    paper.provability = reckoned
    await desk.ahead().once()
    assert (await latest(desk, document)).provable_until is not None
