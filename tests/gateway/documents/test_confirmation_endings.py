"""A confirmation that ended without a signature: a code for machines, an event for the portal."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gateway.documents.confirmations.hearing import Report
from gateway.documents.preservation.rules import REFUSE
from gateway.webhooks.outbox import events
from signing.contract import Level, RemoteState
from tests.gateway.documents.desk import LEADER, on_sqlite
from tests.gateway.documents.elsewhere import ALL_HANDED, RemoteDesk
from tests.support.remote_paper import RemotePaper, key_of

pytestmark = pytest.mark.long_on_postgresql

TYPE = "document.confirmation_ended"
SAID = [s for s in RemoteState if s.is_final and s != RemoteState.DONE]


@pytest.fixture
def desk(database, clock, tmp_path) -> RemoteDesk:
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper())


async def told(desk, request):
    """The document's events, whose sequence is gapless."""
    query = sa.select(events).where(events.c.subject == request.document_id)
    rows = await desk.database.read(lambda c: c.execute(query.order_by(events.c.number)).all())
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [(row.type, row.data) for row in rows]


async def ended(desk, request, code, status="waiting"):
    """One event, and the same code where the request is shown."""
    seen = await desk.get(request)
    assert (seen.status, seen.confirmation.code) == (status, code)
    assert seen.confirmation.detail
    assert await told(desk, request) == [(TYPE, {"signature_request": request.id, "code": code})]


@pytest.mark.parametrize("state", SAID)
async def test_what_the_provider_says_is_told_once(desk, state):
    """Refused, too slow, quota, certificate, error; heard again, nothing more is told."""
    request = await desk.open()
    waiting = await desk.sign(request)
    assert waiting.confirmation.code is None
    desk.provider.end(state)
    await desk.later(seconds=10)
    await ended(desk, request, state.value)
    await desk.later(minutes=10)
    await ended(desk, request, state.value)


async def test_signing_again_is_told_after_it(desk):
    """The document's sequence goes on: ended, then signed."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.end(RemoteState.REJECTED)
    await desk.later(seconds=10)
    await desk.sign(request)
    desk.provider.confirm()
    await desk.later(minutes=1)
    assert (await desk.get(request)).confirmation is None
    assert [type_ for type_, _ in await told(desk, request)] == [TYPE, "document.signed"]


@on_sqlite
async def test_a_withdrawal_is_told(desk):
    """By the official themselves; another person at the portal may not know of it."""
    request = await desk.open()
    await desk.sign(request)
    await desk.withdraw(request)
    await ended(desk, request, "withdrawn")


@on_sqlite
async def test_a_provider_that_stays_away_is_told(desk):
    """An hour of trying to send."""
    desk.provider.on_start = "away"
    request = await desk.open()
    await desk.sign(request)
    for _ in range(20):
        await desk.later(minutes=5)
    await ended(desk, request, "error")


@on_sqlite
async def test_patience_and_the_deadline_are_told(desk, clock):
    """Nobody confirmed in two weeks, or by the request's deadline."""
    desk.provider.answers = False
    patient = await desk.open()
    hasty = await desk.open(deadline=clock.now() + timedelta(hours=1))
    await desk.sign(patient)
    await desk.sign(hasty)
    await desk.later(hours=1)
    await ended(desk, hasty, "expired", "expired")
    assert await told(desk, patient) == []
    await desk.later(days=14)
    await ended(desk, patient, "expired")


@on_sqlite
async def test_a_wrong_signature_is_told(desk):
    """What came back is not by the key."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.confirm()
    wrong = key_of("official-rsa").sign(b"something else")
    desk.provider.signatures = lambda reference: {
        item.item: wrong for item in desk.provider.items[reference][1]
    }
    await desk.later(minutes=1)
    await ended(desk, request, "error")


@on_sqlite
async def test_a_confirmation_that_could_not_be_completed_has_its_own_code(desk):
    """The official did confirm: that is not the same as nobody confirming."""
    request = await desk.open(when_unavailable=REFUSE)
    await desk.sign(request)
    desk.paper.reachable = Level.B_B
    desk.provider.confirm()
    await desk.later(minutes=1)
    assert await told(desk, request) == []
    await desk.later(days=15)
    await ended(desk, request, "not_completed")


@on_sqlite
async def test_undecided_is_a_code_and_ends_when_time_does(desk):
    """While it waits for its official's decision nothing has ended; that it waits is told once."""
    desk.provider.on_start, desk.provider.forgets = "time_out", True
    request = await desk.open()
    await desk.sign(request)
    await desk.later(minutes=1)
    seen = await desk.get(request)
    assert (seen.status, seen.confirmation.code) == ("signing", "outcome_unknown")
    ((type_, facts),) = await told(desk, request)
    assert type_ == "document.decision_needed"
    assert facts == {
        "signature_request": request.id,
        "code": "outcome_unknown",
        "official": LEADER,
        "decide_path": f"/v1/signature-requests/{request.id}/decide-signing",
        "decide_by": seen.confirmation.expires_at,
        "instruction": seen.confirmation.detail,
    }
    (reference,) = desk.provider.references
    lost = Report("ask", RemoteState.UNKNOWN, code="outcome_unknown")
    await desk.desk.confirmations.tickets.told("official-rsa", reference, lost)
    assert len(await told(desk, request)) == 1
    await desk.later(days=14)
    seen = await desk.get(request)
    assert (seen.status, seen.confirmation.code) == ("waiting", "outcome_unknown")
    over = (TYPE, {"signature_request": request.id, "code": "outcome_unknown"})
    assert await told(desk, request) == [(type_, facts), over]


@on_sqlite
async def test_every_document_of_a_batch_is_told(desk):
    """The batch's items carry the same codes."""
    requests = await desk.open_many(2)
    batch = await desk.batch(requests)
    await desk.work()
    desk.provider.end(RemoteState.QUOTA)
    await desk.later(seconds=30)
    for request in requests:
        await ended(desk, request, "quota")
    items = (await desk.get_batch(batch)).items
    assert [item.reason.code for item in items] == ["quota"] * 2


@on_sqlite
async def test_a_cancelled_batch_is_told(desk):
    """As a withdrawal of each."""
    requests = await desk.open_many(2)
    batch = await desk.batch(requests)
    await desk.work()
    cancelled = await desk.cancel_batch(batch)
    for request in requests:
        await ended(desk, request, "withdrawn")
    assert [item.reason.code for item in cancelled.items] == ["withdrawn"] * 2


@on_sqlite
async def test_a_hand_off_nobody_came_back_from_is_told(database, clock, tmp_path):
    """The addresses ran out."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_HANDED)
    request = await desk.open()
    await desk.sign(request, LEADER)
    await desk.later(hours=1)
    await ended(desk, request, "expired")
