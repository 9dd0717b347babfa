"""Refused acts leave one record: who tried, over which hash, which check said what, when."""

from __future__ import annotations

import aiohttp
import msgspec
import pytest

from gateway.documents.evidence import refusal_store, refusals
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.refusals import Attempt, Why, record_refusal
from gateway.documents.requests import Actor, NewStep
from gateway.documents.rules import RequestStatus
from gateway.foundation.problems import Problem
from signing.contract import CredentialRefused, DocumentRefused, SigningUnavailable, Verdict
from tests.gateway.documents.desk import CLERK, DEPUTY, LEADER, SEAL, TENANT, on_sqlite
from tests.gateway.documents.test_signing_acts import PIN, refused
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf

ALONE = (NewStep("person", LEADER),)
DAY = 86_400
EXPIRED = CredentialRefused("certificate_expired", "Chứng thư số đã hết hạn.")


async def chain(desk):
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 5_000))
    return [msgspec.json.decode(row.content) for row in rows]


def failing(paper, error):
    async def fail(order):
        raise error

    paper.before_sign = fail


async def opened(desk, steps=ALONE):
    document = await desk.document()
    return document, await desk.open(document, steps, None)


@pytest.mark.parametrize(
    "error",
    [
        EXPIRED,
        CredentialRefused("certificate_revoked", "Chứng thư số đã bị thu hồi."),
        SigningUnavailable("revocation_unavailable", "Chưa kiểm tra được tình trạng thu hồi."),
        DocumentRefused("javascript", "Văn bản có mã lệnh."),
        CredentialRefused("key_disabled", "Khóa ký đã bị khóa."),
    ],
    ids=lambda e: e.code,
)
@on_sqlite
async def test_what_a_check_refuses_is_one_record(desk, paper, error):
    """Official, key, channel, shown and present hash, the check's code, sentence and moment."""
    document, request = await opened(desk)
    failing(paper, error)
    actor = Actor(TENANT, LEADER, "key_01", "console")
    with pytest.raises(Problem) as caught:
        await desk.sign(request, LEADER, PIN, actor=actor, seen_sha256=document.sha256)
    assert caught.value.extra["reason"] == error.code
    (content,) = await chain(desk)
    assert content["kind"] == "refusal"
    assert content["document"]["id"] == document.id
    assert content["attempt"] == {
        "subject": request.id, "position": 0, "role": "person", "official": LEADER,
        "principal": "key_01", "channel": "console", "credential": "official-rsa",
        "input_sha256": document.sha256, "shown_sha256": document.sha256,
        "tried_at": "2026-11-02T02:00:00Z",
    }  # fmt: skip
    assert content["refused"] == {"code": error.code, "detail": error.message_vi}
    (check,) = content["checks"]
    assert (check["code"], check["outcome"]) == (error.code, "failed")
    assert (await desk.audit()).first_break is None


async def test_the_registers_no_is_recorded_and_nothing_else_changes(desk):
    """On both engines: the refused transaction is undone, the record is not."""
    await desk.enter(DEPUTY)
    document = await desk.document()
    row = await desk.enter(LEADER)
    request = await desk.open(document, ALONE, None, agency_code="H55.12")
    await desk.end(row)
    desk.clock.advance(1)
    await refused(desk.sign(request, LEADER, PIN), "authority_refused")
    (content,) = await chain(desk)
    assert content["refused"]["code"].startswith("authority")
    assert (await desk.requests.get(TENANT, request.id)).status == RequestStatus.WAITING


@on_sqlite
async def test_somebody_elses_step_is_recorded_under_their_own_name(desk):
    _, request = await opened(desk)
    await refused(desk.sign(request, DEPUTY, PIN), "not_your_step")
    (content,) = await chain(desk)
    assert (content["attempt"]["official"], content["refused"]["code"]) == (DEPUTY, "not_your_step")


@on_sqlite
async def test_a_wrong_pin_is_in_the_chain_but_not_the_documents_business(desk):
    """No PIN is written; the document's bundle does not hold it against the document."""
    document, request = await opened(desk)
    await refused(desk.sign(request, LEADER, "975318"), "credential_refused")
    (content,) = await chain(desk)
    assert "document" not in content
    assert content["attempt"]["subject"] == request.id
    assert "975318" not in str(content)
    rows = await desk.database.read(lambda c: evidence_store.records_of(c, TENANT, document.id))
    assert rows == []


@pytest.mark.parametrize("code", ["signer_died", "signer_timeout", "outcome_unknown"])
@on_sqlite
async def test_what_broke_is_no_refusal(desk, paper, code):
    _, request = await opened(desk)
    failing(paper, SigningUnavailable(code, "Gián đoạn."))
    await refused(desk.sign(request, LEADER, PIN), "signing_unavailable")
    assert await chain(desk) == []


async def test_the_same_refusal_again_is_counted_not_recorded(desk, paper):
    """A day later it is a new fact; on the same day it is the same one."""
    _, request = await opened(desk)
    failing(paper, EXPIRED)
    for _ in range(3):
        await refused(desk.sign(request, LEADER, PIN), "credential_refused")
    assert len(await chain(desk)) == 1
    rows = await desk.database.read(
        lambda c: c.execute(refusal_store.evidence_refusals.select()).all()
    )
    assert [row.times for row in rows] == [3]
    desk.clock.advance(DAY)
    await refused(desk.sign(request, LEADER, PIN), "credential_refused")
    assert len(await chain(desk)) == 2


@on_sqlite
async def test_a_replay_of_one_idempotency_key_is_no_second_record(desk, paper):
    """Over HTTP a refusal is not frozen, so the key tries again: days later it is still one try."""
    document, request = await opened(desk)
    failing(paper, EXPIRED)
    edge = make_edge(desk.database, desk.clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session, official=LEADER)
        path, body = f"/v1/signature-requests/{request.id}/sign", {"pin": PIN}
        for _ in range(3):
            status, problem, _ = await caller.post(path, json=body, key="k-1")
            assert (status, problem["reason"]) == (422, "certificate_expired")
            desk.clock.advance(DAY)
        assert len(await chain(desk)) == 1
        await caller.post(path, json=body, key="k-2")
        assert len(await chain(desk)) == 2
    await server.close()
    assert (await desk.documents.get(TENANT, document.id)).revision == 0


@on_sqlite
async def test_a_blocked_document_and_the_registers_no_at_opening_are_recorded(desk):
    """The portal's key is who tried; faults of the asking itself leave nothing."""
    blocked = await desk.document(plain_pdf(script=True))
    edge = make_edge(desk.database, desk.clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)
        asked = {"document_id": blocked.id, "steps": [{"role": "person", "signer": LEADER}]}
        path = "/v1/signature-requests"
        status, problem, _ = await caller.post(path, json=asked)
        assert (status, problem["code"]) == (409, "document_blocked")
        await desk.enter(DEPUTY)
        plain = await desk.document()
        asked |= {"document_id": plain.id, "agency_code": "H55.12"}
        assert (await caller.post(path, json=asked))[0] == 422
        asked |= {"steps": [{"role": "person", "signer": "official:khong.co"}]}
        assert (await caller.post(path, json=asked))[0] == 422
    await server.close()
    first, second = await chain(desk)
    assert first["document"]["id"] == blocked.id
    assert first["refused"]["code"] == "document_blocked"
    assert first["attempt"]["principal"]
    assert second["refused"]["code"].startswith("authority")


@on_sqlite
async def test_the_log_cannot_be_flooded(desk, monkeypatch):
    """Of one person so many a day, then one record that says so; others are still recorded."""
    monkeypatch.setattr(refusals, "MOST_OF_ONE", 3)
    now = desk.clock.now()

    def tries(official, count):
        def unit(connection):
            for number in range(count):
                about = {"id": f"doc_{number}", "reference": "r", "kind": "k"}
                attempt = Attempt(TENANT, f"sig_{number}", about, "0" * 64, official)
                record_refusal(connection, attempt, Why("not_your_step", "Không."), now)

        return unit

    await desk.database.write(tries(LEADER, 50))
    await desk.database.write(tries(DEPUTY, 1))
    found = await chain(desk)
    assert [one["refused"]["code"] for one in found] == [
        *["not_your_step"] * 3, "more_not_listed", "not_your_step",
    ]  # fmt: skip
    count = await desk.database.read(
        lambda c: len(c.execute(refusal_store.evidence_refusals.select()).all())
    )
    assert count == 5


@on_sqlite
async def test_refusals_stand_in_the_bundle_beside_the_act_that_came_after(desk, paper):
    document, request = await opened(desk)
    failing(paper, EXPIRED)
    await refused(desk.sign(request, LEADER, PIN), "credential_refused")
    del paper.before_sign
    await desk.sign(request, LEADER, PIN)
    rows = await desk.database.read(lambda c: evidence_store.records_of(c, TENANT, document.id))
    assert [row.kind for row in rows] == ["refusal", "signature"]
    assert len(await desk.documents.evidence(TENANT, document.id)) > 1_000


@on_sqlite
async def test_a_seal_over_an_unproven_person_is_a_recorded_refusal(desk, paper):
    document = await desk.document()
    request = await desk.open(document, (ALONE[0], NewStep("agency", SEAL)))
    await desk.sign(request, LEADER, PIN)
    paper.verdicts["official-rsa"] = Verdict.INVALID
    await refused(desk.sign(request, CLERK), "person_signature_invalid")
    kinds = [(one["kind"], one.get("refused", {}).get("code")) for one in await chain(desk)]
    assert kinds == [("signature", None), ("refusal", "person_signature_invalid")]
