"""Signing steps on both engines: order, crashes, doubles, slow keys, refusals."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from functools import partial

import pytest

from gateway.documents import acts, store
from gateway.documents.requests import NewStep
from gateway.documents.worker import ExpiryWorker
from gateway.foundation import idempotency
from gateway.foundation.idempotency import Claim
from gateway.foundation.listing import Window
from gateway.foundation.problems import Problem
from signing.contract import DocumentRefused, SigningUnavailable, Verdict
from tests.gateway.documents.desk import (
    CLERK,
    DEPUTY,
    LEADER,
    STEPS,
    TENANT,
    Desk,
    on_sqlite,
    until,
)
from tests.support.paper import plain_pdf

pytestmark = pytest.mark.long_on_postgresql

PIN = "246810"


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


async def refused(awaitable, code):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == code
    return caught.value


async def revisions(desk, document):
    return await desk.database.read(lambda c: store.revisions_of(c, document.id))


async def test_person_then_agency_makes_two_revisions_and_one_event(desk, paper):
    """The clerk's one act carries number, day, month and seal; the event tells the last hash."""
    document = await desk.document()
    request = await desk.open(document)
    assert (await desk.sign(request, LEADER, PIN)).status == "waiting"
    assert await desk.events() == []
    done = await desk.sign(request, CLERK)
    assert [s.status for s in done.steps] == ["signed", "signed"]
    assert (done.status, done.current_step) == ("signed", None)
    assert await desk.events() == [("document.signed", document.id, 1)]
    seen = await desk.documents.get(TENANT, document.id)
    pdf = await desk.documents.contents.open(TENANT, document.id, "latest")
    assert seen.sha256 == hashlib.sha256(pdf).hexdigest() == done.current_sha256
    assert (seen.revision, seen.level, seen.sequence) == (2, "B-LTA", 1)
    assert seen.original_sha256 == document.sha256
    first, seal = paper.signed
    assert (first.credential, first.capacity, first.title) == ("official-rsa", "KT.", "Chủ tịch")
    assert (seal.credential, seal.document_number.symbol) == ("agency", "QĐ-UBND")
    assert first.document_number is None
    shown = await desk.database.read(lambda c: desk.documents.renderers.documents(c, [document.id]))
    assert shown[document.id]["sha256"] == seen.sha256
    assert shown[document.id]["signature_request"]["status"] == "signed"


@on_sqlite
async def test_the_frozen_bytes_are_the_bytes_that_are_signed(desk, paper):
    """What was uploaded stands unchanged at the head of every revision."""
    pdf = plain_pdf(3)
    request = await desk.open(await desk.document(pdf))
    await desk.sign(request, LEADER, PIN, seen_sha256=hashlib.sha256(pdf).hexdigest())
    assert paper.signed[0].pdf == pdf
    problem = await refused(
        desk.sign(request, CLERK, seen_sha256=hashlib.sha256(pdf).hexdigest()), "document_changed"
    )
    assert problem.extra["current_sha256"] != hashlib.sha256(pdf).hexdigest()


async def test_a_crash_between_signing_and_commit_publishes_nothing_twice(desk, paper):
    """The intent outlives the crash; the step is signed again from the same bytes, once."""
    document = await desk.document()
    request = await desk.open(document)

    async def die(order):
        raise Crash

    paper.after_sign = die
    with pytest.raises(Crash):
        await desk.sign(request, LEADER, PIN)
    del paper.after_sign
    assert (await desk.requests.get(TENANT, request.id)).status == "signing"
    await refused(desk.sign(request, LEADER, PIN), "signing_in_progress")
    desk.clock.advance(acts.LEASE.total_seconds())
    assert (await desk.requests.get(TENANT, request.id)).status == "waiting"
    await desk.sign(request, LEADER, PIN)
    await desk.sign(request, CLERK)
    first, second, _ = paper.signed
    assert first.pdf == second.pdf
    assert [r.number for r in await revisions(desk, document)] == [0, 1, 2]
    assert await desk.events() == [("document.signed", document.id, 1)]


async def test_two_at_once_sign_one_step_once(desk, paper):
    """One wins; the others hear that the step is being signed, and nothing is signed twice."""
    document = await desk.document()
    request = await desk.open(document)
    outcomes = await asyncio.gather(
        *(desk.sign(request, LEADER, PIN) for _ in range(5)), return_exceptions=True
    )
    codes = sorted(o.code if isinstance(o, Problem) else o.status for o in outcomes)
    assert codes.count("waiting") == 1
    # Late comers find either the signing under way, or the next step, which is not theirs.
    assert set(codes) <= {"waiting", "signing_in_progress", "not_your_step"}
    assert len(await revisions(desk, document)) == 2
    assert len(paper.signed) == 1


async def test_a_signer_that_lost_its_lease_publishes_nothing(desk, paper, monkeypatch):
    """A process that slept through its lease finds the fence moved on."""
    monkeypatch.setattr(acts, "_BEAT_S", 1e9)
    document = await desk.document()
    request = await desk.open(document)
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep_once(order):
        if not asleep.is_set():
            asleep.set()
            await wake.wait()

    paper.after_sign = sleep_once
    slow = asyncio.ensure_future(desk.sign(request, LEADER, PIN))
    await asleep.wait()
    desk.clock.advance(acts.LEASE.total_seconds())
    done = await desk.sign(request, LEADER, PIN)
    wake.set()
    await refused(slow, "signing_interrupted")
    assert (await desk.requests.get(TENANT, request.id)) == done
    assert len(await revisions(desk, document)) == 2


@on_sqlite
async def test_a_slow_key_keeps_its_step_while_it_works(desk, paper):
    """The heartbeat renews the lease for as long as the signer is busy."""
    request = await desk.open(await desk.document())
    busy, free = asyncio.Event(), asyncio.Event()

    async def wait(order):
        busy.set()
        await free.wait()

    paper.before_sign = wait
    slow = asyncio.ensure_future(desk.sign(request, LEADER, PIN))
    await busy.wait()

    async def renewed(before):
        return desk.database.units > before

    for _ in range(10):
        before = desk.database.units
        desk.clock.advance(15)
        await until(partial(renewed, before))
    await refused(desk.sign(request, LEADER, PIN), "signing_in_progress")
    free.set()
    assert (await slow).status == "waiting"


@on_sqlite
async def test_a_wrong_pin_leaves_the_step_waiting(desk, paper):
    """The key's own sentence reaches the official, who may try again at once."""
    request = await desk.open(await desk.document())
    problem = await refused(desk.sign(request, LEADER, "000000"), "credential_refused")
    assert (problem.status, problem.detail_vi) == (422, "Mã PIN không đúng.")
    assert problem.extra["reason"] == "wrong_pin"
    assert (await desk.sign(request, LEADER, PIN)).steps[0].status == "signed"


async def test_the_pin_is_kept_nowhere(sqlite, clock, tmp_path, paper, caplog):
    """Neither the database file nor a file nor a log line holds it."""
    desk = Desk.make(sqlite, clock, tmp_path, paper)
    request = await desk.open(await desk.document())
    await refused(desk.sign(request, LEADER, "135799"), "credential_refused")
    await desk.sign(request, LEADER, PIN)
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"135799" not in kept
    assert PIN.encode() not in kept
    assert PIN not in caplog.text
    act = acts.Act(None, request.id, PIN)
    assert PIN not in repr(act)


@on_sqlite
async def test_services_that_are_away_cost_nothing(desk, paper):
    """A time-stamping service that does not answer is a 503; the step waits on."""
    request = await desk.open(await desk.document())

    async def away(order):
        raise SigningUnavailable("tsa_down", "Chưa có dấu thời gian.", "no time-stamp")

    paper.before_sign = away
    problem = await refused(desk.sign(request, LEADER, PIN), "signing_unavailable")
    assert problem.status == 503
    assert problem.headers["Retry-After"]
    assert (await desk.requests.get(TENANT, request.id)).status == "waiting"


@on_sqlite
async def test_a_document_that_cannot_be_signed_ends_the_request(desk, paper):
    """Trying again would not help: failed, with the reason."""
    request = await desk.open(await desk.document())

    async def refuse(order):
        raise DocumentRefused("docmdp_no_changes", "Cấm thay đổi.", "no changes allowed")

    paper.before_sign = refuse
    await refused(desk.sign(request, LEADER, PIN), "document_refused")
    ended = await desk.requests.get(TENANT, request.id)
    assert (ended.status, ended.failure["code"]) == ("failed", "docmdp_no_changes")
    await refused(desk.sign(request, LEADER, PIN), "request_closed")


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.INVALID, "person_signature_invalid"),
        (Verdict.INDETERMINATE, "person_signature_unproven"),
    ],
)
@on_sqlite
async def test_the_agency_never_seals_an_unproven_signature(desk, paper, verdict, code):
    """The seal waits until the person's signature is found valid."""
    request = await desk.open(await desk.document())
    await desk.sign(request, LEADER, PIN)
    paper.verdicts["official-rsa"] = verdict
    await refused(desk.sign(request, CLERK), code)
    assert len(paper.signed) == 1
    paper.verdicts.clear()
    assert (await desk.sign(request, CLERK)).status == "signed"


@on_sqlite
async def test_nobody_signs_for_somebody_else(desk, paper):
    """Wrong official, the leader at the seal, a portal without an official: all refused."""
    request = await desk.open(await desk.document())
    await refused(desk.sign(request, DEPUTY), "not_your_step")
    await refused(desk.sign(request, CLERK), "not_your_step")
    await refused(desk.sign(request, None), "official_required")
    await desk.sign(request, LEADER, PIN)
    await refused(desk.sign(request, LEADER, PIN), "not_your_step")
    await refused(desk.reject(request, LEADER), "not_your_step")


async def test_sending_back_ends_the_request_and_tells_the_portal(desk):
    """The reason and who gave it are part of the document's answer."""
    document = await desk.document()
    request = await desk.open(document)
    ended = await desk.reject(request, LEADER)
    assert (ended.status, ended.rejection.by) == ("rejected", LEADER)
    assert [s.status for s in ended.steps] == ["rejected", "waiting"]
    assert await desk.events() == [("document.rejected", document.id, 1)]
    summary = (await desk.documents.get(TENANT, document.id)).signature_request
    assert summary.rejection.reason == "Sai tên người nhận"
    await refused(desk.sign(request, LEADER, PIN), "request_closed")
    assert (await desk.open(document)).status == "waiting"


@on_sqlite
async def test_a_passed_deadline_expires_the_request(desk, clock):
    """Answers say so at once, the worker's round writes it down, and the document is free again."""
    document = await desk.document()
    request = await desk.open(document, deadline=clock.now() + timedelta(hours=1))
    await refused(desk.open(document), "document_in_signing")
    clock.advance(3600)
    await refused(desk.sign(request, LEADER, PIN), "request_expired")
    assert (await desk.requests.get(TENANT, request.id)).completed_at is None
    worker = asyncio.ensure_future(ExpiryWorker(desk.requests, clock).run())

    async def written():
        return (await desk.requests.get(TENANT, request.id)).completed_at is not None

    await until(written)
    worker.cancel()
    assert (await desk.requests.get(TENANT, request.id)).status == "expired"
    assert (await desk.open(document)).status == "waiting"


async def test_two_requests_for_one_document_at_once_open_one(desk):
    """Incremental signatures in parallel would break each other: one request at a time."""
    document = await desk.document()
    outcomes = await asyncio.gather(
        *(desk.open(document) for _ in range(4)), return_exceptions=True
    )
    codes = [o.code for o in outcomes if isinstance(o, Problem)]
    assert codes == ["document_in_signing"] * 3


@on_sqlite
async def test_blocked_content_is_kept_but_never_signed(desk):
    """A PDF with a script is evidence of what was handed in."""
    document = await desk.document(plain_pdf(script=True))
    assert "block" in {f.severity for f in document.findings}
    await refused(desk.open(document), "document_blocked")
    assert await desk.documents.contents.open(TENANT, document.id, "latest") == plain_pdf(
        script=True
    )


@on_sqlite
async def test_every_wrong_step_is_named_at_once(desk, clock):
    """Unknown signers, wrong order and a past deadline in one answer."""
    document = await desk.document()
    steps = (STEPS[1], NewStep("person", "official:nobody"))
    problem = await refused(desk.open(document, steps, deadline=clock.now()), "validation_failed")
    assert {e.pointer for e in problem.errors} == {"/steps/1/signer", "/steps", "/deadline"}


async def test_an_answer_lost_by_a_slow_key_is_given_to_the_next_try(desk, paper):
    """Longer than the idempotency lease: the retry waits its turn, then gets the one result."""
    request = await desk.open(await desk.document())
    busy, free = asyncio.Event(), asyncio.Event()

    async def wait(order):
        busy.set()
        await free.wait()

    def begin(connection):
        claim = Claim("tenant|POST sign", "key", "mark", desk.clock.now())
        return idempotency.begin(connection, claim)

    paper.before_sign = wait
    first = await desk.database.write(begin)
    slow = asyncio.ensure_future(desk.sign(request, LEADER, PIN, lease=first))
    await busy.wait()

    async def renewed(before):
        return desk.database.units > before

    for _ in range(5):
        before = desk.database.units
        desk.clock.advance(15)
        await until(partial(renewed, before))
    second = await desk.database.write(begin)
    assert second.resumed
    await refused(desk.sign(request, LEADER, PIN, lease=second), "signing_in_progress")
    await desk.database.write(lambda c: idempotency.release(c, second))
    free.set()
    done = await slow
    third = await desk.database.write(begin)
    assert await desk.sign(request, LEADER, PIN, lease=third) == done
    assert len(paper.signed) == 1
    kept = await desk.database.write(begin)
    assert (kept.status, kept.replayed) == (200, True)


async def test_requests_are_found_by_what_they_wait_for(desk, paper, clock):
    """The filter sees what answers say: dead signings wait, overdue ones have expired."""

    async def found(**equal):
        page = await desk.requests.page(TENANT, Window(equal=equal))
        return {request.id for request in page.data}

    waiting = await desk.open(await desk.document())
    overdue = await desk.open(await desk.document(), deadline=clock.now() + timedelta(seconds=90))
    stuck = await desk.open(await desk.document())
    ended = await desk.open(await desk.document())
    await desk.reject(ended, LEADER)

    async def die(order):
        raise Crash

    paper.before_sign = die
    with pytest.raises(Crash):
        await desk.sign(stuck, LEADER, PIN)
    assert await found(status="signing") == {stuck.id}
    assert await found(status="waiting") == {waiting.id, overdue.id}
    assert await found(status="expired") == set()
    assert await found(signer=LEADER) == {waiting.id, overdue.id, stuck.id}
    clock.advance(90)
    assert await found(status="signing") == set()
    assert await found(status="waiting") == {waiting.id, stuck.id}
    assert await found(status="expired") == {overdue.id}
    assert await found(status="rejected") == {ended.id}
    await desk.requests.expire_overdue()
    assert await found(status="expired") == {overdue.id}
    assert await found(status="waiting") == {waiting.id, stuck.id}
