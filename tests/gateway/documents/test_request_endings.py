"""Every way in which a signature request, or an act of one, ends is told, exactly once.

The tables below name every ending there is. A status, a provider's state or a code that is added
without a story here, or whose story emits nothing, fails.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from gateway.documents import request_store
from gateway.documents.authority.rules import Mandate
from gateway.documents.authority.service import AuthorityRegister
from gateway.documents.confirmations.rules import CANCELLED, code_of
from gateway.documents.preservation.rules import REFUSE
from gateway.documents.request_endings import ENDINGS, NextStep, next_step_of
from gateway.documents.rules import OPEN, RequestStatus
from gateway.foundation.problems import Problem
from gateway.webhooks.outbox import events
from gateway.webhooks.rules import EVENT_TYPES
from signing.contract import CredentialRefused, DocumentRefused, RemoteState, SigningUnavailable
from tests.gateway.documents.desk import CLERK, DEPUTY, LEADER, NUMBER, STEPS, TENANT, on_sqlite
from tests.gateway.documents.elsewhere import RemoteDesk
from tests.support.remote_paper import RemotePaper

FINAL = [status for status in RequestStatus if status not in OPEN]
REFUSED = DocumentRefused("text_under_stamp", "Đè lên chữ “Nguyễn Văn Mẫu”.", "over a name")


async def news(database):
    """(type, facts) of every event, oldest first."""
    query = sa.select(events).order_by(events.c.number)
    rows = await database.read(lambda c: c.execute(query).all())
    return [(row.type, row.data or {}) for row in rows]


def refusing(paper, error=REFUSED):
    async def refuse(order):
        raise error

    paper.before_sign = refuse


# ------------------------------------------------------------------ requests


async def signed(desk):
    request = await desk.open(await desk.document())
    await desk.sign(request, LEADER, "246810")
    await desk.sign(request, CLERK)
    return request


async def rejected(desk):
    request = await desk.open(await desk.document())
    await desk.reject(request, LEADER)
    return request


async def failed(desk):
    request = await desk.open(await desk.document())
    refusing(desk.signatures)
    with pytest.raises(Exception, match="document_refused"):
        await desk.sign(request, LEADER, "246810")
    return request


async def expired(desk):
    deadline = desk.clock.now() + timedelta(hours=1)
    request = await desk.open(await desk.document(), deadline=deadline)
    desk.clock.advance(3600)
    await desk.requests.expire_overdue()
    return request


REQUESTS = {
    RequestStatus.SIGNED: signed,
    RequestStatus.REJECTED: rejected,
    RequestStatus.FAILED: failed,
    RequestStatus.EXPIRED: expired,
}


def test_every_final_status_has_an_event_and_a_story():
    """A new ending has to be told of, and to be tried here."""
    assert set(REQUESTS) == set(ENDINGS) == set(FINAL)
    assert set(ENDINGS.values()) <= EVENT_TYPES
    assert len(set(ENDINGS.values())) == len(ENDINGS)


@pytest.mark.parametrize("status", FINAL)
async def test_a_request_that_ended_is_told_once(desk, status):
    """Whatever ended it; asked to end again, nothing more is told."""
    request = await REQUESTS[status](desk)
    shown = await desk.requests.get(TENANT, request.id)
    assert (shown.status, shown.completed_at is not None) == (status, True)
    ((type_, facts),) = await news(desk.database)
    assert type_ == ENDINGS[status]
    if status is not RequestStatus.SIGNED:
        assert facts["signature_request"] == request.id
        assert facts["code"]
        assert facts["detail"].endswith(".")
        assert facts["instruction"].endswith(".")
        assert facts["next_step"] in list(NextStep)
    desk.clock.advance(86_400)
    assert await desk.requests.expire_overdue() == 0
    assert len(await news(desk.database)) == 1


@pytest.mark.parametrize("status", FINAL)
@on_sqlite
async def test_a_request_cannot_be_ended_without_being_told(desk, status):
    """The store refuses a final status from anybody but the room that tells."""
    request = await desk.open(await desk.document())
    for change in (
        lambda c: request_store.change_request(c, request.id, status=status),
        lambda c: request_store.change_if_held(c, request.id, 1, status=status),
    ):
        with pytest.raises(ValueError, match="request_endings"):
            await desk.database.write(change)


@on_sqlite
async def test_what_a_document_says_is_in_no_event(desk):
    """A thin event names code and next step; the page's own words stay with the request."""
    request = await failed(desk)
    ((_, facts),) = await news(desk.database)
    assert (facts["code"], facts["next_step"]) == ("text_under_stamp", "choose_place")
    assert "Mẫu" not in str(facts)
    shown = await desk.requests.get(TENANT, request.id)
    assert shown.failure["detail"] == REFUSED.message_vi


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("page_without_text", NextStep.CHOOSE_PLACE),
        ("number_already_written", NextStep.CORRECT_NUMBER),
        ("prepared_changed", NextStep.ASK_AGAIN),
        ("docmdp_no_changes", NextStep.CORRECT_DOCUMENT),
        ("something_new", NextStep.CORRECT_DOCUMENT),
    ],
)
def test_what_to_do_next_follows_from_the_code(code, step):
    """Another place, another number, the same again, or another file."""
    assert next_step_of(code) is step


async def test_many_that_are_overdue_are_each_told_by_one_of_two_workers(desk):
    """Two workers at once, on either engine; more than one round of them."""
    deadline = desk.clock.now() + timedelta(hours=1)
    requests = [
        await desk.open(await desk.document(), STEPS, NUMBER, deadline=deadline) for _ in range(5)
    ]
    desk.clock.advance(3600)
    ended = await asyncio.gather(*(desk.requests.expire_overdue(limit=2) for _ in range(2)))
    assert sum(ended) == len(requests)
    told = await news(desk.database)
    assert [type_ for type_, _ in told] == ["document.signing_expired"] * len(requests)
    assert {facts["signature_request"] for _, facts in told} == {r.id for r in requests}


@on_sqlite
async def test_an_expiry_that_is_not_committed_is_not_told(desk):
    """Ending and telling are one transaction."""
    await desk.open(await desk.document(), deadline=desk.clock.now() + timedelta(hours=1))
    desk.clock.advance(3600)

    def crash(connection):
        desk.requests.end_overdue(connection)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await desk.database.write(crash)
    assert await news(desk.database) == []
    assert await desk.requests.expire_overdue() == 1
    assert len(await news(desk.database)) == 1


# ------------------------------------------------------------------ acts elsewhere


@pytest.fixture
def remote(database, clock, tmp_path) -> RemoteDesk:
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper())


@on_sqlite
async def test_a_document_refused_at_preparation_ends_its_request_and_is_told(remote):
    """Nothing was sent to anybody: no confirmation ended, the request did."""
    request = await remote.open()
    refusing(remote.paper)
    with pytest.raises(Exception, match="document_refused"):
        await remote.sign(request)
    assert [type_ for type_, _ in await news(remote.database)] == ["document.signing_failed"]


@on_sqlite
async def test_a_document_refused_after_its_confirmation_is_told_twice(remote):
    """The act ended, and with it the request; each is told once."""
    request = await remote.open()
    await remote.sign(request)
    changed = DocumentRefused("prepared_changed", "Đã bị thay đổi.", "changed")
    remote.paper.finish_fails.append(changed)
    remote.provider.confirm()
    await remote.later(minutes=1)
    assert (await remote.get(request)).status == "failed"
    (act, ended) = await news(remote.database)
    assert act == (
        "document.confirmation_ended", {"signature_request": request.id, "code": "error"},
    )  # fmt: skip
    assert (ended[0], ended[1]["code"]) == ("document.signing_failed", "prepared_changed")


def as_told(state):
    """The provider says so."""

    async def story(remote, request):
        remote.provider.end(state)
        await remote.later(seconds=10)

    return story


async def nobody_confirms(remote, request):
    remote.provider.answers = False
    await remote.later(days=15)


async def confirmed_in_vain(remote, request):
    remote.paper.finish_fails.extend(
        SigningUnavailable("timestamp_unavailable", "Không có dấu thời gian.") for _ in range(99)
    )
    remote.provider.confirm()
    await remote.later(minutes=1)
    await remote.later(days=15)


async def withdrawn(remote, request):
    await remote.withdraw(request)


async def never_decided(remote, request):
    """Begun anew: the answer to the sending is lost, and its provider cannot be asked about it."""
    await remote.withdraw(request)
    await remote.work()
    remote.provider.on_start, remote.provider.forgets = "time_out", True
    await remote.sign(request)
    await remote.later(days=15)


async def mandate_ended(remote, request):
    """The register let the official begin, and does not let it be published."""
    register = AuthorityRegister(remote.database, remote.clock)
    mandate = Mandate(
        "", "H55.12", DEPUTY, "person", "12/QĐ-UBND", date(2025, 12, 30), date(2026, 1, 1)
    )
    await remote.database.write(lambda c: register.enter(c, TENANT, mandate, "key_x"))
    remote.provider.confirm()
    await remote.later(minutes=1)


ACTS = {
    "rejected": as_told(RemoteState.REJECTED),
    "quota": as_told(RemoteState.QUOTA),
    "certificate_invalid": as_told(RemoteState.CERTIFICATE_INVALID),
    "error": mandate_ended,
    "expired": nobody_confirms,
    "not_completed": confirmed_in_vain,
    "withdrawn": withdrawn,
    "outcome_unknown": never_decided,
}


def test_every_code_of_an_act_has_a_story():
    """Whatever state a provider may end in, or we ourselves: a new one has to be tried here."""
    ends = [state for state in RemoteState if state.is_final and state is not RemoteState.DONE]
    found = {code_of(s, confirmed=c) for s in (*ends, RemoteState.UNKNOWN, CANCELLED)
             for c in (True, False)}  # fmt: skip
    assert found == set(ACTS)


@pytest.mark.parametrize("code", ACTS)
@on_sqlite
async def test_an_act_that_ended_is_told_once_and_leaves_its_request_open(remote, code):
    """What ends an act elsewhere ends no request: it can be signed again."""
    request = await remote.open(when_unavailable=REFUSE)
    await remote.sign(request)
    await ACTS[code](remote, request)
    told = await news(remote.database)
    if code == "outcome_unknown":  # the first try was withdrawn; that its official decides is told
        assert [facts["code"] for _, facts in told] == ["withdrawn", code, code]
        told = told[2:]
    facts = {"signature_request": request.id, "code": code}
    assert told == [("document.confirmation_ended", facts)]
    assert (await remote.get(request)).status == "waiting"


STAYS_OPEN = {
    "pin_required": CredentialRefused("pin_required", "Cần nhập mã PIN.", "a PIN"),
    "certificate_revoked": CredentialRefused("certificate_revoked", "Đã bị thu hồi.", "revoked"),
    "certificate_not_authorised": CredentialRefused("certificate_not_authorised", "Khác.", "other"),
    "timestamp_unavailable": SigningUnavailable("timestamp_unavailable", "Không có.", "down"),
    "outcome_unknown": SigningUnavailable("outcome_unknown", "Không rõ đã ký chưa.", "silence"),
}


@pytest.mark.parametrize("code", STAYS_OPEN)
@on_sqlite
async def test_what_is_answered_to_the_caller_ends_nothing(desk, code):
    """A key that opens here: its official has the reason in hand and may try again at once."""
    request = await desk.open(await desk.document())
    refusing(desk.signatures, STAYS_OPEN[code])
    with pytest.raises(Problem):
        await desk.sign(request, LEADER, "246810")
    assert await news(desk.database) == []
    assert (await desk.requests.get(TENANT, request.id)).status == "waiting"


# ------------------------------------------------------------------ places in a batch


async def ends_of(remote, requests):
    """Request → (code, batch) of every act that is told to have ended."""
    told = await news(remote.database)
    found = {}
    for type_, facts in told:
        if type_ == "document.confirmation_ended":
            found.setdefault(facts["signature_request"], []).append(facts["code"])
    return [found.get(request.id, []) for request in requests]


@on_sqlite
async def test_a_batch_signed_here_tells_of_what_it_did_not_sign(remote):
    """The caller has their answer by then; the step is open again, or its request has failed."""
    here = RemoteDesk.make(remote.database, remote.clock, remote.folder, RemotePaper(), {})
    requests = await here.open_many(2)
    refusing(here.paper)
    async with here.running():
        batch = await here.batch(requests)
        await here.settled(batch, "done")
    assert await ends_of(here, requests) == [["text_under_stamp"]] * 2
    types = [type_ for type_, _ in await news(here.database)]
    assert types.count("document.signing_failed") == 2


@on_sqlite
async def test_a_batch_elsewhere_tells_of_what_could_not_be_prepared(remote):
    """Refused before anything was sent."""
    requests = await remote.open_many(2)
    refusing(remote.paper)
    await remote.batch(requests)
    await remote.work()
    assert await ends_of(remote, requests) == [["text_under_stamp"]] * 2


@on_sqlite
async def test_a_cancelled_batch_tells_of_what_was_not_begun(remote):
    """Nothing was prepared yet, so there is no act to end; each place ended all the same."""
    requests = await remote.open_many(2)
    batch = await remote.batch(requests)
    await remote.cancel_batch(batch)
    assert await ends_of(remote, requests) == [["withdrawn"]] * 2
