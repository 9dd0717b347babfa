"""A sending that nobody can be asked about: it stays unknown until its official decides."""

from __future__ import annotations

import json

import aiohttp
import pytest
import sqlalchemy as sa

from gateway.documents.confirmations import ticket_store
from gateway.documents.confirmations.hearing import Report
from gateway.documents.evidence.audit import EvidenceAudit
from gateway.documents.evidence.store import evidence_records
from signing.contract import RemoteState
from tests.gateway.documents.desk import CLERK, DEPUTY, LEADER
from tests.gateway.documents.elsewhere import TWO_STEPS, RemoteDesk
from tests.support.edge import make_edge, portal, serve
from tests.support.remote_paper import RemotePaper

pytestmark = pytest.mark.long_on_postgresql

NOT_THERE = {"finding": "not_there", "note": "Ứng dụng không có yêu cầu nào sáng nay."}
LOST = {"finding": "signed_but_lost", "note": "Ứng dụng ghi đã ký lúc 8 giờ 15 phút."}


@pytest.fixture
def desk(database, clock, tmp_path) -> RemoteDesk:
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper())
    desk.provider.on_start = "time_out"
    desk.provider.forgets = True
    return desk


@pytest.fixture
async def world(desk, database, clock):
    edge = make_edge(database, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session:

        async def official(name=LEADER):
            return await portal(edge, server, session, official=name)

        yield desk, official
    await server.close()


async def lost(desk, request, official=LEADER):
    """Its sending was never answered, and asking has come to its end."""
    await desk.sign(request, official)
    await desk.later(minutes=1)


def deciding(request):
    return f"/v1/signature-requests/{request.id}/decide-signing"


async def records(desk):
    query = sa.select(evidence_records.c.content).order_by(evidence_records.c.number)
    rows = await desk.database.read(lambda c: c.execute(query).scalars().all())
    return [json.loads(row) for row in rows]


async def test_it_stays_unknown_and_is_never_sent_again(desk):
    """Not an error, not free: a reason in Vietnamese, and a decision that a person makes."""
    request = await desk.open()
    await lost(desk, request)
    for _ in range(3):
        await desk.restarted().later(days=1)
    seen = await desk.get(request)
    assert (seen.status, seen.confirmation.state) == ("signing", "unknown")
    assert seen.confirmation.decision_needed
    assert "không tự gửi lại" in seen.confirmation.detail
    assert len(desk.provider.sendings) == 1
    assert len(desk.provider.asks) == 1
    assert (
        desk.desk.confirmations._metrics.alerts.labels("signing_outcome_unknown")._value.get() == 1
    )


@pytest.mark.parametrize("decision", [NOT_THERE, LOST], ids=lambda one: one["finding"])
async def test_the_official_decides_and_may_sign_again(world, decision):
    """The step is free, the record says who said what about which sending."""
    desk, official = world
    request = await desk.open()
    await lost(desk, request)
    caller = await official()
    status, body, _ = await caller.post(deciding(request), decision)
    assert (status, body["status"]) == (200, "waiting")
    assert body["confirmation"]["state"] == "unknown"
    assert not body["confirmation"]["decision_needed"]
    assert "Người ký xác định" in body["confirmation"]["detail"]
    (record,) = await records(desk)
    (act,) = await desk.acts()
    assert record["kind"] == "decision"
    assert record["decision"]["official"] == LEADER
    assert (record["decision"]["finding"], record["decision"]["note"]) == tuple(decision.values())
    assert record["sending"]["reference"] == act.reference
    assert record["sending"]["digest"] == act.digest
    (walked,) = await EvidenceAudit(desk.database, desk.files).verify(None)
    assert walked.first_break is None
    desk.provider.on_start, desk.provider.forgets = None, False
    assert (await desk.sign(request)).confirmation.state == "waiting_user"
    desk.provider.confirm()
    await desk.later(minutes=1)
    assert (await desk.get(request)).status == "signed"
    assert [count for _, count in desk.provider.sendings] == [1, 1]


async def test_only_its_official_decides_and_only_what_is_undecided(world):
    """Not while the provider is asked, not somebody else, not twice, not without words."""
    desk, official = world
    request = await desk.open()
    leader = await official()

    async def code(caller, body=NOT_THERE):
        status, answer, _ = await caller.post(deciding(request), body)
        return status, answer.get("code")

    assert await code(leader) == (409, "nothing_to_decide")
    await desk.sign(request)
    assert await code(leader) == (409, "nothing_to_decide")
    await desk.later(minutes=1)
    assert await code(await official(DEPUTY)) == (403, "not_your_step")
    assert await code(await official(None)) == (403, "official_required")
    assert (await code(leader, {"finding": "not_there", "note": "không"}))[0] == 422
    assert (await code(leader, {**NOT_THERE, "finding": "signed"}))[0] == 422
    assert await code(leader) == (200, None)
    assert await code(leader) == (409, "nothing_to_decide")
    assert len(await records(desk)) == 1


async def push(desk, reference, state, signatures=None):
    theirs = f"P-{reference}"
    report = Report("callback", state, theirs, signatures=signatures or {})
    await desk.desk.confirmations.tickets.told("official-rsa", reference, report)
    await desk.work()


async def test_a_callback_that_comes_after_all_is_believed(desk):
    """It names the request: what it brings is embedded, nobody has to decide."""
    request = await desk.open()
    await lost(desk, request)
    (reference,) = desk.provider.references
    desk.provider.confirm()
    await push(desk, reference, RemoteState.DONE, desk.provider.signatures(reference))
    assert (await desk.get(request)).status == "signed"


async def test_a_name_learned_late_is_asked_about(desk):
    """An open state in a callback brings the provider's own name; asking goes on with it."""
    request = await desk.open()
    await lost(desk, request)
    (reference,) = desk.provider.references
    desk.provider.confirm()
    await push(desk, reference, RemoteState.WAITING_USER)
    await desk.later(seconds=1)
    assert (await desk.get(request)).status == "signed"
    assert len(desk.provider.sendings) == 1


async def test_a_signature_after_the_decision_is_embedded_nowhere(world):
    """Kept as what was heard; the step is free or somebody else's by then."""
    desk, official = world
    request = await desk.open()
    await lost(desk, request)
    (reference,) = desk.provider.references
    await (await official()).post(deciding(request), NOT_THERE)
    desk.provider.confirm()
    await push(desk, reference, RemoteState.DONE, desk.provider.signatures(reference))
    assert (await desk.get(request)).status == "waiting"
    assert len(await desk.revisions(request)) == 1
    reports = await desk.database.read(lambda c: ticket_store.reports_of(c, reference))
    assert [r.state for r in reports if r.channel == "callback"] == ["done"]


async def test_nobody_decides_for_two_weeks(desk):
    """The step is free again, and what is said stays honest."""
    request = await desk.open()
    await lost(desk, request)
    await desk.later(days=14)
    seen = await desk.get(request)
    assert (seen.status, seen.confirmation.state) == ("waiting", "unknown")
    assert "không ai xác định" in seen.confirmation.detail


@pytest.mark.long
async def test_documents_of_a_batch_are_decided_one_by_one(world):
    """Each one's place in the batch is refused with what was found."""
    desk, official = world
    requests = await desk.open_many(2)
    batch = await desk.batch(requests)
    await desk.work()
    await desk.later(minutes=1)
    caller = await official()
    for request in requests:
        assert (await desk.get(request)).confirmation.decision_needed
        assert (await caller.post(deciding(request), NOT_THERE))[0] == 200
    seen = await desk.get_batch(batch)
    assert [item.reason.code for item in seen.items] == ["outcome_unknown"] * 2
    (ticket,) = await desk.tickets()
    assert ticket.ended_at is not None


async def test_a_part_of_the_clerks_act_is_lost(world):
    """The whole act is begun anew: what was signed of it is published nowhere."""
    desk, official = world
    desk.provider.on_start, desk.provider.forgets = None, False
    request = await desk.open(TWO_STEPS)
    await desk.sign(request)
    desk.provider.confirm()
    await desk.later(minutes=1)
    await desk.sign(request, CLERK)
    desk.provider.confirm()
    desk.provider.on_start, desk.provider.forgets = "time_out", True
    await desk.later(minutes=1)
    await desk.later(minutes=1)
    assert (await desk.get(request)).confirmation.part == 2
    caller = await official(CLERK)
    assert (await caller.post(deciding(request), LOST))[0] == 200
    assert len(await desk.revisions(request)) == 2
    desk.provider.on_start, desk.provider.forgets = None, False
    assert (await desk.sign(request, CLERK)).confirmation.part == 1
