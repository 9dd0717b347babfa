"""Batches over HTTP: replays, tenants, scopes, PINs kept nowhere, progress as events."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from tests.gateway.documents.desk import DEPUTY, LEADER
from tests.gateway.documents.elsewhere import RemoteDesk
from tests.support.edge import make_edge, portal, serve
from tests.support.remote_paper import RemotePaper

PIN = "246810"
BASE = "/v1/signing-batches"


@pytest.fixture
async def world(sqlite, clock, tmp_path):
    desk = RemoteDesk.make(sqlite, clock, tmp_path, RemotePaper(pins={"official-rsa": PIN}), {})
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session, desk.running():

        async def caller(**more):
            return await portal(edge, server, session, **more)

        yield desk, caller
    await server.close()


async def events_of(caller, batch_id, last=None, until="done"):
    """Every event of a stream, until one of that type or its end."""
    headers = {"Authorization": f"Bearer {caller.secret}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    found, event = [], {}
    address = f"{caller.base}{BASE}/{batch_id}/events"
    async with caller.session.get(address, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith(":"):
                found.append({"event": "heartbeat"})
            elif line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif "data" in event:
                found.append({**event, "data": json.loads(event.pop("data"))})
                if event["event"] == until:
                    return found, True
                event = {}
            else:
                event = {}
    return found, False


async def test_a_batch_is_confirmed_once_and_replayed_without_signing(world):
    """The stored answer comes back; the PIN is part of neither the key nor anything kept."""
    desk, caller = world
    requests = [r.id for r in await desk.open_many(3)]
    official = await caller(official=LEADER)
    body = {"requests": requests, "pin": PIN}
    status, made, _ = await official.post(BASE, body, key="once")
    assert (status, made["status"], made["waiting"]) == (201, "signing", 3)
    assert made["confirmations"][0]["root_sha256"]
    status, again, headers = await official.post(BASE, body | {"pin": "1"}, key="once")
    assert (status, again, headers["Idempotent-Replayed"]) == (201, made, "true")
    status, other, _ = await official.post(BASE, {"requests": requests[:1]}, key="once")
    assert (status, other["code"]) == (422, "idempotency_key_reused")
    events, _ = await events_of(official, made["id"])
    assert events[-1]["event"] == "done"
    _, done, _ = await official.get(f"{BASE}/{made['id']}")
    assert (done["status"], done["signed"]) == ("done", 3)
    assert len(desk.paper.signed) == 3
    _, listed, _ = await official.get(f"{BASE}?status=done")
    assert [b["id"] for b in listed["data"]] == [made["id"]]
    assert "items" not in listed["data"][0]


async def test_the_pin_of_a_batch_is_kept_nowhere(world, tmp_path, caplog):
    """Not in the tables, not in files, not in logs, whether it was right or wrong."""
    desk, caller = world
    official = await caller(official=LEADER)
    for pin in ("135799", PIN):
        requests = [r.id for r in await desk.open_many(2)]
        _, made, _ = await official.post(BASE, {"requests": requests, "pin": pin})
        until = "done" if pin == PIN else "needs_confirmation"
        assert (await events_of(official, made["id"], until=until))[1]
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for pin in ("135799", PIN):
        assert pin.encode() not in kept
        assert pin not in caplog.text


async def test_progress_is_told_and_resumed_after_an_event(world):
    """Numbers without gaps; a listener that comes back gets what it missed, then the end."""
    desk, caller = world
    requests = await desk.open_many(4)
    official = await caller(official=LEADER)
    _, made, _ = await official.post(BASE, {"requests": [r.id for r in requests], "pin": PIN})
    told, _ = await events_of(official, made["id"])
    assert [int(e["id"]) for e in told] == list(range(1, 7))
    assert told[0]["data"]["root_sha256"] == made["confirmations"][0]["root_sha256"]
    outcomes = {e["data"]["request_id"]: e["data"]["status"] for e in told[1:5]}
    assert outcomes == {r.id: "signed" for r in requests}
    rest, _ = await events_of(official, made["id"], last=4)
    assert rest == told[4:]
    ended, found = await events_of(official, made["id"], last=6)
    assert (ended, found) == ([], False)


async def test_a_quiet_stream_beats_and_ends_with_the_process(world, clock):
    """Nothing happens: a comment now and then; a stopping process sends listeners on."""
    desk, caller = world

    async def hang(order):
        await asyncio.Event().wait()

    desk.paper.before_sign = hang
    (request,) = await desk.open_many(1)
    official = await caller(official=LEADER)
    _, made, _ = await official.post(BASE, {"requests": [request.id], "pin": PIN})
    listening = asyncio.ensure_future(events_of(official, made["id"]))
    for _ in range(60):
        clock.advance(5)
        desk.desk.batches._waker.wake("documents.confirmations")
        await asyncio.sleep(0.005)
    desk.desk.close()
    told, found = await listening
    assert not found
    assert told[0]["event"] == "confirmed"
    assert {"event": "heartbeat"} in told


async def test_who_may_do_what_with_a_batch(world):
    """Portals without an official, other officials, other tenants, missing scopes, bad input."""
    desk, caller = world
    requests = [r.id for r in await desk.open_many(2)]
    official, machine = await caller(official=LEADER), await caller()
    status, body, _ = await machine.post(BASE, {"requests": requests})
    assert (status, body["code"]) == (403, "official_required")
    reader = await caller(official=LEADER, scopes=("documents:read",))
    status, body, _ = await reader.post(BASE, {"requests": requests})
    assert (status, body["code"]) == (403, "missing_scope")
    _, made, _ = await official.post(BASE, {"requests": requests, "pin": "1"})
    await events_of(official, made["id"], until="needs_confirmation")
    for scopes, seen in ((("documents:read",), 200), (("documents:sign",), 200), ((), 403)):
        follower = await caller(official=LEADER, scopes=scopes)
        assert (await follower.get(f"{BASE}/{made['id']}"))[0] == seen
    other = await caller(official=DEPUTY)
    status, body, _ = await other.post(f"{BASE}/{made['id']}/confirm", {"pin": PIN})
    assert (status, body["code"]) == (403, "not_your_step")
    stranger = await caller(name="khac", official=LEADER)
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        status, body, _ = await stranger.call(method, f"{BASE}/{made['id']}{path}")
        assert (status, body["code"]) == (404, "not_found")
    status, seen, _ = await official.post(f"{BASE}/{made['id']}/confirm", {"pin": PIN})
    assert (status, seen["status"]) == (200, "signing")
    assert (await events_of(official, made["id"]))[1]
    status, body, _ = await official.post(f"{BASE}/{made['id']}/cancel", None)
    assert (status, body["code"]) == (409, "batch_closed")


@pytest.mark.parametrize("requests", [[], ["sig_x"] * 501, [""], [1]])
async def test_a_batch_has_one_to_five_hundred_documents(world, requests):
    """Refused with the field's name, and nothing is made."""
    _, caller = world
    official = await caller(official=LEADER)
    status, body, _ = await official.post(BASE, {"requests": requests})
    assert (status, body["code"]) == (422, "validation_failed")
    assert body["errors"][0]["pointer"].startswith("/requests")
    _, listed, _ = await official.get(BASE)
    assert listed["data"] == []


async def test_a_strange_last_event_id_is_refused(world):
    """Only our own numbers mean something."""
    _, caller = world
    official = await caller(official=LEADER)
    _, made, _ = await official.post(BASE, {"requests": ["sig_unknown"]})
    assert (made["status"], made["refused"]) == ("done", 1)
    headers = {"Last-Event-ID": "-1"}
    status, body, _ = await official.get(f"{BASE}/{made['id']}/events", headers=headers)
    assert (status, body["code"]) == (400, "invalid_request")
