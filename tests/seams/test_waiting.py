"""While an official is waited for outside of the gateway: what is shown, refused, withdrawn."""

from __future__ import annotations

import asyncio

import pytest

from tests.scenarios.business import CLERK
from tests.seams.acts import (
    PATHS,
    REASON,
    begin,
    confirm,
    document,
    events_of,
    hand_over,
    opened,
    seen,
    sign,
)
from tests.seams.town import until

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

WAITING = [
    pytest.param(PATHS[n], id=n, marks=[] if n == "vgca" else [pytest.mark.long])
    for n in ("smartca", "mysign", "mysign-callback", "hook", "vgca", "batch elsewhere",
              "large elsewhere", "large by hand-off")
]  # fmt: skip


def is_handed(path):
    return path.service == "vgca"


async def waiting(town, path, asked):
    """Once the official is being waited for; the request, and the answer to their call."""
    answer = await begin(town, path, asked)
    assert answer.status in (201, 202), answer.raw[:500]

    async def asks():
        shown = await seen(town, asked)
        held = shown["confirmation"] or {}
        return shown if held.get("state") == "waiting_user" else None

    return await until(asks, town), answer


@pytest.mark.parametrize("path", WAITING)
async def test_a_step_that_waits_says_so_and_lets_nothing_else_happen(town, path):
    """Request and document tell; signing, rejecting, extending and another request are refused."""
    asked = await opened(town, path)
    shown, _ = await waiting(town, path, asked)
    assert shown["status"] == "signing"
    held = shown["confirmation"]
    assert (held["provider"], held["code"], held["decision_needed"]) == (path.service, None, False)
    assert "chờ người ký" in held["detail"].lower()
    assert held["expires_at"]
    assert held["hand_off"] is None  # its addresses are the official's alone
    of_document = (await document(town, asked))["signature_request"]
    assert (of_document["id"], of_document["status"]) == (asked["id"], "signing")
    why = {name: held[name] for name in ("state", "detail", "provider", "expires_at")}
    assert of_document["waiting_for"] == why
    portal, official = await town.client(), await town.client(path.official)
    base = f"/v1/signature-requests/{asked['id']}"
    tries = [
        (official, f"{base}/sign", {}, "signing_in_progress"),
        (official, f"{base}/reject", {"reason": REASON}, "signing_in_progress"),
        (official, f"{base}/decide-signing", {"finding": "not_there", "note": REASON},
         "nothing_to_decide"),
        (portal, f"/v1/documents/{asked['document_id']}/extend", {}, "signing_in_progress"),
        (portal, "/v1/signature-requests",
         {"document_id": asked["document_id"], "steps": [
             {"role": "person", "signer": path.official}]}, "document_in_signing"),
    ]  # fmt: skip
    for who, address, body, code in tries:
        refused = await who.call("POST", address, body)
        assert (refused.status, refused.code) == (409, code), (address, refused.raw[:300])
        assert refused.json["detail"]
    stranger = await (await town.client(CLERK)).call("POST", f"{base}/cancel-signing", {})
    assert (stranger.status, stranger.code) == (403, "not_your_step")
    await withdrawn(town, path, asked)


async def withdrawn(town, path, asked):
    """The official calls it off, the batch's way or the step's."""
    official = await town.client(path.official)
    base = f"/v1/signature-requests/{asked['id']}"
    answer = await official.call("POST", f"{base}/cancel-signing", {})
    if path.batch:
        assert (answer.status, answer.code) == (409, "act_of_batch")
        batch = (await seen(town, asked))["confirmation"]["batch"]
        answer = await official.call("POST", f"/v1/signing-batches/{batch}/cancel", {})
        assert answer.json["items"][0]["reason"]["code"] == "withdrawn"
    assert answer.status == 200, answer.raw[:300]
    shown = await seen(town, asked)
    assert (shown["status"], shown["confirmation"]["code"]) == ("waiting", "withdrawn")
    assert (await document(town, asked))["signature_request"]["waiting_for"] is None


@pytest.mark.parametrize("path", WAITING)
async def test_what_arrives_after_a_withdrawal_is_embedded_nowhere(town, path):
    """Confirmed all the same: the step is free, one event, and can be signed anew."""
    asked = await opened(town, path)
    _, answer = await waiting(town, path, asked)
    await withdrawn(town, path, asked)
    if is_handed(path):
        assert (await hand_over(town, answer.json))["Status"] == 1
    else:
        await confirm(town, path)
    for _ in range(3):
        town.later(30)
        await until(lambda: seen(town, asked))
    shown = await document(town, asked)
    assert (shown["revision"], shown["signatures"]) == (0, [])
    await sign(town, path, asked)

    async def told():
        found = [type_ for _, type_ in await events_of(town, asked)]
        return found if "document.signed" in found else None

    types = await until(told)
    assert types == ["document.confirmation_ended", "document.signed"]
    assert (await document(town, asked))["revision"] == 1


async def test_a_call_that_waits_for_its_official_keeps_nobody_else_waiting(town):
    """MySign's CSC dialect holds our call until its owner confirms; others sign meanwhile."""
    path = PATHS["mysign-csc"]
    asked, others = await opened(town, path), await opened(town, PATHS["lane"])
    task = asyncio.ensure_future(begin(town, path, asked))
    waits = f"{town.world.simulators.base_url}/sim/mysign/app"

    async def asks():
        async with town.session.get(waits) as answer:
            return (await answer.json())["waiting"]

    await until(asks)
    assert (await seen(town, asked))["status"] == "signing"
    await asyncio.wait_for(sign(town, PATHS["lane"], others), 30)
    assert not task.done()
    await confirm(town, path)
    assert (await task).json["status"] == "signed"
