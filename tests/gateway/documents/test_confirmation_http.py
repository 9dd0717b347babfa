"""Confirmations over HTTP: answers, callbacks in the provider's form, tenants, replays."""

from __future__ import annotations

import json

import aiohttp
import pytest

from gateway.documents.confirmations import ticket_store
from gateway.documents.confirmations.hearing import Report
from signing.contract import RemoteState, Told
from tests.gateway.documents.desk import LEADER
from tests.gateway.documents.elsewhere import RemoteDesk
from tests.support.edge import make_edge, portal, serve
from tests.support.remote_paper import RemotePaper


@pytest.fixture
async def world(sqlite, clock, tmp_path):
    desk = RemoteDesk.make(sqlite, clock, tmp_path, RemotePaper())
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session:

        async def caller(**more):
            return await portal(edge, server, session, **more)

        yield desk, caller, session, str(server.make_url("")).rstrip("/")
    await server.close()


async def push(session, base, headers, body, key="official-rsa"):
    address = f"{base}/callbacks/signing/{key}"
    async with session.post(address, data=body, headers=headers) as response:
        return response.status, await response.read()


async def test_asking_to_sign_is_accepted_and_waits(world):
    """202 with what is being waited for; a replay is the same bytes and sends nothing."""
    desk, caller, _, _ = world
    request = await desk.open()
    official = await caller(official=LEADER)
    path = f"/v1/signature-requests/{request.id}/sign"
    status, body, _ = await official.post(path, {}, key="once")
    assert (status, body["status"]) == (202, "signing")
    confirmation = body["confirmation"]
    assert (confirmation["state"], confirmation["provider"]) == ("waiting_user", "smartca")
    assert confirmation["detail"]
    assert confirmation["expires_at"].endswith("+07:00")
    status, again, headers = await official.post(path, {}, key="once")
    assert (status, again, headers["Idempotent-Replayed"]) == (202, body, "true")
    assert len(desk.provider.sendings) == 1
    _, listed, _ = await official.get("/v1/signature-requests?status=signing")
    assert [r["id"] for r in listed["data"]] == [request.id]


async def test_a_try_whose_answer_was_lost_gets_it_again(world):
    """The process died after sending, before the answer was stored: same key, no second ticket."""
    desk, caller, _, _ = world
    request = await desk.open()
    official = await caller(official=LEADER)
    path = f"/v1/signature-requests/{request.id}/sign"
    follow = desk.desk.confirmations.elsewhere["elsewhere"].follow

    async def lose(act):
        await follow.__self__._tickets.send((await desk.acts())[0].reference, 1)
        raise RuntimeError("gone")

    follow.__self__.follow = lose
    status, _, _ = await official.post(path, {}, key="once")
    assert status == 500
    del follow.__self__.follow
    desk.clock.advance(61)
    status, body, _ = await official.post(path, {}, key="once")
    assert (status, body["confirmation"]["state"]) == (202, "waiting_user")
    assert len(desk.provider.sendings) == 1


async def test_a_callback_is_answered_in_the_providers_form_and_publishes(world):
    """Told, stored, embedded; told again, the same reply and nothing more."""
    desk, caller, session, base = world
    request = await desk.open()
    await desk.sign(request)
    (reference,) = desk.provider.references
    desk.provider.confirm()
    headers, body = desk.provider.callback(reference)
    for _ in range(3):
        assert await push(session, base, headers, body) == (200, b'{"status_code":"00"}')
        await desk.work()
    official = await caller(official=LEADER)
    _, seen, _ = await official.get(f"/v1/signature-requests/{request.id}")
    assert (seen["status"], seen["confirmation"]) == ("signed", None)
    assert len(await desk.revisions(request)) == 2


async def test_a_forged_callback_changes_nothing(world):
    """One byte, or no signature at all: refused before anything in it is believed."""
    desk, _, session, base = world
    request = await desk.open()
    await desk.sign(request)
    (reference,) = desk.provider.references
    headers, body = desk.provider.callback(reference, RemoteState.REJECTED, {})
    for bad, content in ((headers, body + b" "), ({}, body)):
        status, raw = await push(session, base, bad, content)
        assert (status, json.loads(raw)["code"]) == (401, "callback_refused")
    assert (await desk.get(request)).confirmation.state == "waiting_user"


async def test_a_callback_for_another_keys_ticket_changes_nothing(world):
    """A provider speaks for its own tickets: well signed is not enough."""
    desk, _, session, base = world
    request = await desk.open()
    await desk.sign(request)
    (reference,) = desk.provider.references
    headers, body = desk.provider.callback(reference, RemoteState.REJECTED, {})
    assert (await push(session, base, headers, body, "agency"))[0] == 200
    assert (await desk.get(request)).confirmation.state == "waiting_user"
    unknown, told = desk.provider.callback(reference, RemoteState.REJECTED, {})
    told = told.replace(reference.encode(), b"tkt_unknown")
    assert (await push(session, base, unknown, told))[0] == 401


async def test_a_done_without_signatures_only_makes_us_ask(world):
    """Some providers push the news and not the value: the value is asked for at once."""
    desk, _, session, base = world
    request = await desk.open()
    await desk.sign(request)
    await desk.later(hours=10)
    (reference,) = desk.provider.references
    desk.provider.confirm()
    asked = len(desk.provider.asks)
    headers, body = desk.provider.callback(reference, signatures={})
    assert (await push(session, base, headers, body))[0] == 200
    await desk.work()
    assert len(desk.provider.asks) == asked + 1
    assert (await desk.get(request)).status == "signed"


async def test_an_open_state_told_is_a_hint_to_ask(world):
    """Whoever pushes 'waiting' proves nothing: we ask at once, and once a second at most."""
    desk, _, session, base = world
    request = await desk.open()
    await desk.sign(request)
    await desk.later(hours=10)
    (reference,) = desk.provider.references
    headers, body = desk.provider.callback(reference, RemoteState.WAITING_USER, {})
    desk.provider.confirm()
    asked = len(desk.provider.asks)
    for _ in range(20):
        await push(session, base, headers, body)
        await desk.work()
    assert len(desk.provider.asks) == asked
    await desk.later(seconds=1)
    assert len(desk.provider.asks) == asked + 1
    assert (await desk.get(request)).status == "signed"


async def test_the_name_of_a_lost_sending_is_learned_from_a_callback(world):
    """A provider that knows its own transactions only can be asked from then on."""
    desk, _, session, base = world
    desk.provider.on_start = "time_out"
    request = await desk.open()
    await desk.sign(request)
    (before,) = await desk.tickets()
    assert before.provider_reference == ""
    headers, body = desk.provider.callback(before.reference, RemoteState.WAITING_USER, {})
    assert (await push(session, base, headers, body))[0] == 200
    (after,) = await desk.tickets()
    assert after.provider_reference == f"P-{before.reference}"
    assert (await desk.get(request)).status == "signing"


@pytest.mark.parametrize("kept", ["T-1", "T-1 act_x"])
async def test_a_callback_that_names_only_the_providers_transaction_is_found(world, kept):
    """MySign's refusals and open states list no document; our name for one may stand beside it."""
    desk, _, _, _ = world
    request = await desk.open()
    await desk.sign(request)
    (ticket,) = await desk.tickets()
    await desk.database.write(
        lambda c: ticket_store.change_ticket(c, ticket.reference, provider_reference=kept)
    )
    tickets = desk.desk.confirmations.tickets
    for stranger in ("T", "T-", "T-11", "T-1_", "%"):
        report = Report("callback", RemoteState.REJECTED, stranger)
        assert not await tickets.told("official-rsa", "", report)
    rejected = Report("callback", RemoteState.REJECTED, "T-1")
    assert await tickets.told("official-rsa", "", rejected)
    seen = await desk.get(request)
    assert (seen.status, seen.confirmation.state) == ("waiting", "rejected")


async def test_a_call_with_get_is_read_as_a_form(world):
    """Some deployments ask for a token with what stands in the address; HEAD is nobody's."""
    desk, _, session, base = world
    seen = []

    async def read(credential, headers, body):
        seen.append((credential, headers["content-type"], body))
        return Told("", "", RemoteState.UNKNOWN, reply=b'{"data":{}}')

    desk.paper.read_callback = read
    address = f"{base}/callbacks/signing/official-rsa?grant_type=client_credentials&client_id=a%20b"
    async with session.get(address) as response:
        assert (response.status, await response.text()) == (200, '{"data":{}}')
    form = "application/x-www-form-urlencoded"
    sent = b"grant_type=client_credentials&client_id=a%20b"
    assert seen == [("official-rsa", form, sent)]
    async with session.get(address, data=b"{}", headers={"Content-Type": "text/json"}) as response:
        assert response.status == 200
    assert seen[1:] == [("official-rsa", "text/json", b"{}")]
    async with session.head(address) as response:
        assert response.status == 405


async def test_other_portals_see_none_of_it(world):
    """Requests, withdrawals and batches of another tenant are not there."""
    desk, caller, _, _ = world
    request = await desk.open()
    await desk.sign(request)
    stranger = await caller(name="khac", official=LEADER)
    path = f"/v1/signature-requests/{request.id}/cancel-signing"
    status, body, _ = await stranger.post(path, None)
    assert (status, body["code"]) == (404, "not_found")
    reader = await caller(scopes=("documents:read",), official=LEADER)
    status, body, _ = await reader.post(path, None)
    assert (status, body["code"]) == (403, "missing_scope")
    official = await caller(official=LEADER)
    status, body, _ = await official.post(path, None, key="w")
    assert (status, body["status"]) == (200, "waiting")
    status, again, headers = await official.post(path, None, key="w")
    assert (status, again, headers["Idempotent-Replayed"]) == (200, body, "true")
