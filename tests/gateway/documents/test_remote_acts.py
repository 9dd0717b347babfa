"""Two-phase signing: days and restarts between the halves, one sending, one result."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date, timedelta

import pytest

from gateway.documents import request_store
from gateway.documents.authority.rules import Mandate
from gateway.documents.authority.service import AuthorityRegister, NewEnding
from gateway.documents.confirmations import ticket_store
from gateway.documents.confirmations.hearing import Report
from gateway.foundation.problems import Problem
from signing.contract import DocumentRefused, RemoteState, SigningUnavailable
from tests.gateway.documents.desk import CLERK, DEPUTY, LEADER, TENANT, on_sqlite
from tests.gateway.documents.elsewhere import TWO_STEPS, RemoteDesk
from tests.support.paper import plain_pdf
from tests.support.remote_paper import RemotePaper, key_of

pytestmark = pytest.mark.long_on_postgresql


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


@pytest.fixture
def desk(database, clock, tmp_path) -> RemoteDesk:
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper())


async def refused(awaitable, code):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == code
    return caught.value


async def test_the_official_confirms_three_days_and_two_restarts_later(desk):
    """Prepared and stored first, sent once; then a process that knows nothing embeds it."""
    pdf = plain_pdf(2)
    request = await desk.open(pdf=pdf)
    pending = await desk.sign(request)
    assert (pending.status, pending.confirmation.state) == ("signing", "waiting_user")
    assert pending.confirmation.provider == "smartca"
    assert (pending.confirmation.part, pending.confirmation.parts) == (1, 1)
    second = desk.restarted()
    await second.later(days=1)
    await second.later(days=2)
    assert (await second.get(request)).status == "signing"
    third = second.restarted()
    desk.provider.confirm()
    await third.later(minutes=10)
    done = await third.get(request)
    assert (done.status, done.confirmation, done.steps[0].status) == ("signed", None, "signed")
    assert done.steps[0].signed_by == LEADER
    assert len(desk.provider.sendings) == 1
    assert await third.events() == [("document.signed", request.document_id)]
    content = await third.desk.documents.contents.open(TENANT, request.document_id, "latest")
    assert content.startswith(pdf)
    assert (await third.paper.validate(content)).verdict == "valid"
    (act,) = await third.acts()
    (sent,) = desk.provider.items[act.reference][1]
    assert (
        act.digest == hashlib.sha256(sent.to_be_signed).hexdigest() == pending.confirmation.digest
    )
    assert sent.title == "H55-261102-0001 qd.pdf"


async def test_everything_is_stored_before_anything_is_sent(desk):
    """What a crash at the moment of sending leaves is enough to go on."""
    seen = []

    async def look(credential, reference, items):
        seen.extend(await desk.acts())
        raise Crash

    desk.paper.start = look
    request = await desk.open()
    with pytest.raises(Crash):
        await desk.sign(request)
    (act,) = seen
    assert (act.stage, act.state) == ("waiting", "unknown")
    assert act.prepared_sha256
    assert act.to_be_signed
    assert (await desk.get(request)).status == "signing"


@pytest.mark.parametrize("lost", ["time_out", "died"])
@on_sqlite
async def test_an_unknown_sending_is_asked_about_and_never_repeated(desk, lost):
    """A time-out, or a signer process that died over it: the provider may have it."""
    desk.provider.on_start = lost
    request = await desk.open()
    pending = await desk.sign(request)
    assert (pending.status, pending.confirmation.state) == ("signing", "unknown")
    desk.provider.confirm()
    await desk.restarted().later(seconds=60)
    assert (await desk.get(request)).status == "signed"
    assert len(desk.provider.sendings) == 1


async def test_a_crash_at_the_moment_of_sending_is_unknown(desk):
    """Nobody knows whether it left the house: the next process asks with the same reference."""
    arrive = desk.paper.start

    async def die(credential, reference, items):
        await arrive(credential, reference, items)
        raise Crash

    desk.paper.start = die
    request = await desk.open()
    with pytest.raises(Crash):
        await desk.sign(request)
    after = desk.restarted()
    await after.later(seconds=61)
    assert (await after.get(request)).confirmation.state == "waiting_user"
    desk.provider.confirm()
    await after.later(minutes=5)
    assert (await after.get(request)).status == "signed"
    assert len(desk.provider.sendings) == 1


async def test_a_crash_before_sending_is_sent_by_the_next_process(desk):
    """Stored but never sent: the worker sends it once the lease has run out."""

    async def die(reference, fence):
        raise Crash

    desk.desk.confirmations.tickets.send = die
    request = await desk.open()
    with pytest.raises(Crash):
        await desk.sign(request)
    assert desk.provider.sendings == []
    after = desk.restarted()
    await after.work()
    assert desk.provider.sendings == []
    await after.later(seconds=61)
    assert len(desk.provider.sendings) == 1
    assert (await after.get(request)).confirmation.state == "waiting_user"


@on_sqlite
async def test_what_was_not_sent_is_sent_again_under_the_same_reference(desk):
    """A provider that is away has heard nothing; the official waits, and sees why."""
    desk.provider.on_start = "away"
    request = await desk.open()
    pending = await desk.sign(request)
    assert (pending.status, pending.confirmation.state) == ("signing", "requested")
    assert "gửi lại" in pending.confirmation.detail
    (before,) = await desk.tickets()
    desk.provider.on_start = None
    await desk.later(seconds=6)
    (after,) = await desk.tickets()
    assert desk.provider.sendings == [(before.reference, 1)]
    assert after.reference == before.reference
    assert (await desk.get(request)).confirmation.state == "waiting_user"


@on_sqlite
async def test_a_provider_that_stays_away_gives_the_step_back(desk):
    """After an hour the official reads that nothing was sent, and may try again."""
    desk.provider.on_start = "away"
    request = await desk.open()
    await desk.sign(request)
    for _ in range(20):
        await desk.later(minutes=5)
    given_back = await desk.get(request)
    assert (given_back.status, given_back.confirmation.state) == ("waiting", "error")
    assert given_back.confirmation.detail == "Không gửi được tới nhà cung cấp."
    desk.provider.on_start = None
    assert (await desk.sign(request)).confirmation.state == "waiting_user"


@pytest.mark.parametrize("state", [s for s in RemoteState if s.is_final and s != RemoteState.DONE])
@on_sqlite
async def test_an_end_without_signature_gives_the_step_back_with_a_reason(desk, state):
    """Rejected, expired, quota, certificate, error: Vietnamese, visible, and free again."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.end(state)
    await desk.later(seconds=10)
    given_back = await desk.get(request)
    assert (given_back.status, given_back.confirmation.state) == ("waiting", state)
    assert given_back.confirmation.detail
    assert await desk.events() == [("document.confirmation_ended", request.document_id)]
    again = await desk.sign(request)
    assert again.confirmation.state == "waiting_user"
    desk.provider.confirm()
    await desk.later(minutes=1)
    assert (await desk.get(request)).status == "signed"
    assert [n for _, n in desk.provider.sendings] == [1, 1]


async def test_the_clerks_act_goes_part_by_part(desk):
    """Number, day, month and seal: four confirmations, one revision, all or nothing."""
    request = await desk.open(TWO_STEPS)
    await desk.sign(request)
    desk.provider.confirm()
    await desk.later(seconds=10)
    assert (await desk.sign(request, CLERK)).confirmation.parts == 4
    for part in (1, 2, 3, 4):
        shown = (await desk.get(request)).confirmation
        assert (shown.part, shown.state) == (part, "waiting_user")
        assert len(await desk.revisions(request)) == 2
        desk.provider.confirm()
        await desk.restarted().later(minutes=1)
    assert (await desk.get(request)).status == "signed"
    assert len(desk.provider.sendings) == 5
    last = (await desk.revisions(request))[-1]
    assert len(last.field_names) == 4


async def _ask(desk, reference):
    await desk.later(minutes=6)


async def _push(desk, reference):
    headers, body = desk.provider.callback(reference)
    told = await desk.paper.read_callback("official-rsa", headers, body)
    report = Report("callback", told.state, told.provider_reference, signatures=told.signatures)
    await desk.desk.confirmations.tickets.told("official-rsa", reference, report)


@pytest.mark.parametrize("ways", [(_push, _push), (_ask, _push), (_push, _ask), (_push,) * 4])
async def test_told_twice_and_asked_is_published_once(desk, ways):
    """Callbacks and answers in any order and number: one revision, one event."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.confirm()
    (reference,) = desk.provider.references
    await asyncio.gather(*(way(desk, reference) for way in ways))
    await desk.work()
    assert (await desk.get(request)).status == "signed"
    assert len(await desk.revisions(request)) == 2
    assert await desk.events() == [("document.signed", request.document_id)]


async def test_two_workers_publish_one_result(desk):
    """Both processes look at once; the claim's fence lets one of them work."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.confirm()
    desk.clock.advance(60)
    others = [desk, desk.restarted(), desk.restarted()]
    await asyncio.gather(*(other.work() for other in others))
    assert len(await desk.revisions(request)) == 2
    assert len(desk.provider.sendings) == 1


async def test_a_worker_that_dies_while_embedding_leaves_it_to_the_next(desk):
    """The raw signature is stored: nobody is asked to confirm twice."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.confirm()
    desk.paper.finish_fails = [Crash()]
    with pytest.raises(Crash):
        await desk.later(minutes=1)
    after = desk.restarted()
    await after.later(seconds=61)
    assert (await after.get(request)).status == "signed"
    assert len(desk.provider.sendings) == 1


@on_sqlite
async def test_a_time_stamp_that_is_late_does_not_cost_the_signature(desk):
    """The second half is tried again until the services it needs are back."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.confirm()
    away = SigningUnavailable("tsa_down", "Chưa có dấu thời gian.", "no time-stamp")
    desk.paper.finish_fails = [away, away]
    await desk.later(minutes=1)
    assert (await desk.get(request)).status == "signing"
    await desk.later(minutes=1)
    await desk.later(minutes=1)
    assert (await desk.get(request)).status == "signed"


@on_sqlite
async def test_a_signature_over_something_else_is_never_embedded(desk):
    """A provider's mix-up shows at the certificate; the step is free again, with the reason."""
    request = await desk.open()
    await desk.sign(request)
    desk.provider.confirm()
    wrong = key_of("official-rsa").sign(b"something else")
    desk.provider.signatures = lambda reference: {
        item.item: wrong for item in desk.provider.items[reference][1]
    }
    await desk.later(minutes=1)
    given_back = await desk.get(request)
    assert (given_back.status, given_back.confirmation.state) == ("waiting", "error")
    assert given_back.confirmation.detail == "Chữ ký không đúng."
    assert len(await desk.revisions(request)) == 1


async def test_what_was_withdrawn_embeds_nothing_even_if_signed(desk):
    """The provider is told; its DONE comes too late for this act, and the step is free."""
    request = await desk.open()
    await desk.sign(request)
    (reference,) = desk.provider.references
    withdrawn = await desk.withdraw(request)
    assert (withdrawn.status, withdrawn.confirmation.state) == ("waiting", "cancelled")
    desk.provider.confirm()
    await _push(desk, reference)
    await desk.later(minutes=1)
    assert (await desk.get(request)).status == "waiting"
    assert len(await desk.revisions(request)) == 1
    ended = await desk.database.read(lambda c: ticket_store.find_ticket(c, reference))
    assert (ended.state, ended.due_at) == ("done", None)


@on_sqlite
async def test_withdrawing_is_told_to_the_provider_once(desk):
    """Only the act's own official may, and only while it waits."""
    request = await desk.open()
    await refused(desk.withdraw(request), "nothing_to_cancel")
    await desk.sign(request)
    await refused(desk.withdraw(request, DEPUTY), "not_your_step")
    await refused(desk.withdraw(request, None), "official_required")
    await desk.withdraw(request)
    await desk.work()
    await desk.later(days=1)
    assert desk.provider.cancels == desk.provider.references
    await refused(desk.withdraw(request), "nothing_to_cancel")


@on_sqlite
async def test_after_the_deadline_a_signature_is_too_late(desk, clock):
    """The request has expired; what arrives then is kept as evidence and embedded nowhere."""
    request = await desk.open(deadline=clock.now() + timedelta(hours=1))
    pending = await desk.sign(request)
    assert pending.confirmation.expires_at == pending.deadline
    clock.advance(3600)
    desk.provider.confirm()
    (reference,) = desk.provider.references
    await _push(desk, reference)
    await desk.desk.requests.expire_overdue()
    await desk.later(minutes=10)
    assert (await desk.get(request)).status == "expired"
    assert len(await desk.revisions(request)) == 1
    reports = await desk.database.read(lambda c: ticket_store.reports_of(c, reference))
    assert [r.state for r in reports][-1] == "done"


@on_sqlite
async def test_patience_ends_and_the_step_is_free(desk):
    """A provider that never says anything holds a step for two weeks at most."""
    desk.provider.answers = False
    request = await desk.open()
    await desk.sign(request)
    await desk.later(days=14)
    given_back = await desk.get(request)
    assert (given_back.status, given_back.confirmation.state) == ("waiting", "expired")
    await desk.work()
    assert desk.provider.cancels == desk.provider.references


@on_sqlite
async def test_polling_keeps_the_providers_distance_and_slows_down(desk):
    """Never sooner than asked for; a day-old act is asked about every five minutes."""
    request = await desk.open()
    await desk.sign(request)
    for _ in range(10):
        await desk.later(seconds=1)
    assert len(desk.provider.asks) <= 2
    await desk.later(days=1)
    before = len(desk.provider.asks)
    for _ in range(60):
        await desk.later(seconds=10)
    assert 1 <= len(desk.provider.asks) - before <= 2
    assert (await desk.get(request)).status == "signing"


@on_sqlite
async def test_a_document_that_cannot_be_prepared_ends_the_request(desk):
    """Nothing was sent; the reason is the request's."""

    async def refuse(order):
        raise DocumentRefused("docmdp_no_changes", "Cấm thay đổi.", "no changes allowed")

    desk.paper.before_sign = refuse
    request = await desk.open()
    await refused(desk.sign(request), "document_refused")
    assert (await desk.get(request)).status == "failed"
    assert desk.provider.sendings == []


@on_sqlite
async def test_a_late_heartbeat_does_not_shorten_the_wait(desk):
    """The beat of the first half may still be on its way when the act is stored."""
    request = await desk.open()
    await desk.sign(request)
    soon = desk.clock.now() + timedelta(seconds=60)
    assert not await desk.database.write(
        lambda c: request_store.renew_lease(c, request.id, 1, soon)
    )
    await desk.later(minutes=2)
    assert (await desk.get(request)).status == "signing"


@on_sqlite
async def test_a_mandate_that_ended_meanwhile_publishes_nothing(desk):
    """The register is asked again when the signature is embedded."""
    register = AuthorityRegister(desk.database, desk.clock)
    new = Mandate(
        "", "H55.12", LEADER, "person", capacities=(None, "KT."), title="Chủ tịch",
        decision_number="12/QĐ-UBND", decision_date=date(2025, 12, 30),
        valid_from=date(2026, 1, 1),
    )  # fmt: skip
    mandate = await desk.database.write(lambda c: register.enter(c, TENANT, new, "key_x"))
    request = await desk.open(agency_code="H55.12")
    await desk.sign(request)
    ending = NewEnding("nghỉ hưu", ended_at=None)
    await desk.database.write(lambda c: register.end(c, TENANT, mandate.id, ending, "key_x"))
    desk.provider.confirm()
    await desk.later(days=2)
    given_back = await desk.get(request)
    assert (given_back.status, given_back.confirmation.state) == ("waiting", "error")
    assert given_back.confirmation.detail
    assert len(await desk.revisions(request)) == 1
    await refused(desk.sign(request), "authority_refused")


@on_sqlite
async def test_nobody_else_takes_a_step_that_waits(desk):
    """Signing again or sending back must wait for the confirmation or its withdrawal."""
    request = await desk.open()
    await desk.sign(request)
    await refused(desk.sign(request), "signing_in_progress")
    await refused(desk.sign(request, DEPUTY), "not_your_step")
