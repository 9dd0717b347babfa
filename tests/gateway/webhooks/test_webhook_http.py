"""The API of webhooks: endpoints, secrets, events, deliveries, published keys."""

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web

from gateway.foundation.addresses import AddressGuard
from gateway.foundation.clock import FakeClock, iso
from gateway.foundation.idempotency import records
from gateway.foundation.openapi import document
from gateway.foundation.web import mount
from gateway.webhooks import rules
from tests.gateway.webhooks.kit import Kit, hang, receiving, status, until
from tests.support.edge import make_edge, portal, serve

pytestmark = pytest.mark.long_on_postgresql

BASE = "/v1/webhook-endpoints"


async def resolve(host, _port):
    """The tests' own name service."""
    addresses = {"portal.example": ["93.184.216.34"], "inside.example": ["10.1.2.3"]}
    if host not in addresses:
        raise OSError("unknown name")
    return addresses[host]


class Api:
    """A served gateway with one portal's key."""

    def __init__(self, kit, edge, server, session):
        self.kit, self.edge, self.server, self.session = kit, edge, server, session

    async def portal(self, name="cong-dvc", mode="test", scopes=("*",)):
        return await portal(self.edge, self.server, self.session, name, mode, scopes)


@contextlib.asynccontextmanager
async def serving(database):
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    kit = Kit(database, clock, resolve=resolve)
    edge = make_edge(database, clock)
    server = await serve(edge, kit.webhooks.routes())
    async with aiohttp.ClientSession() as session:
        yield Api(kit, edge, server, session)
    await server.close()


@pytest.fixture
async def api(sqlite):
    """Where the engine does not matter."""
    async with serving(sqlite) as served:
        yield served


@pytest.fixture
async def both(database):
    """On each engine in turn."""
    async with serving(database) as served:
        yield served


async def register(caller, **body):
    code, made, _ = await caller.post(BASE, {"url": "https://portal.example/hook", **body})
    assert code == 201, made
    return made


# ------------------------------------------------------------------ endpoints


async def test_endpoint_is_registered_and_its_secret_is_shown_once(both):
    caller = await both.portal()
    made = await register(caller, events=["payment.*"], description="Cổng DVC", mode="full")
    assert made["id"].startswith("whe_")
    assert made["secret"].startswith("whsec_")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    assert made["public_key"].startswith("whpk_")
    code, shown, _ = await caller.get(f"{BASE}/{made['id']}")
    assert code == 200
    assert "secret" not in shown
    assert (shown["description"], shown["mode"], shown["status"]) == ("Cổng DVC", "full", "enabled")
    code, page, _ = await caller.get(BASE)
    assert "whsec_" not in json.dumps(page)
    assert [e["id"] for e in page["data"]] == [made["id"]]


async def test_a_repeated_registration_gets_the_same_bytes_and_the_record_holds_no_secret(both):
    caller = await both.portal()
    body = {"url": "https://portal.example/hook"}
    first = await caller.post(BASE, body, key="once")
    again = await caller.post(BASE, body, key="once")
    assert (first[0], first[1]) == (again[0], again[1])
    assert again[2]["Idempotent-Replayed"] == "true"
    stored = await both.edge.database.read(
        lambda c: c.execute(sa.select(records.c.body)).scalars().all()
    )
    secret = first[1]["secret"].removeprefix("whsec_").encode()
    assert stored
    assert all(secret not in bytes(body) for body in stored)
    code, _, _ = await caller.post(BASE, {"url": "https://portal.example/b"}, key="once")
    assert code == 422
    code, problem, _ = await caller.post(BASE, body, key=None)
    assert (code, problem["code"]) == (400, "idempotency_key_required")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://10.0.0.1/hook", "address_not_allowed"),
        ("https://169.254.169.254/latest/meta-data", "address_not_allowed"),
        ("https://[::ffff:10.0.0.1]/", "address_not_allowed"),
        ("https://inside.example/", "address_not_allowed"),
        ("https://2130706433/", "url_invalid"),
        ("https://user:pw@portal.example/", "url_invalid"),
        ("portal.example", "url_invalid"),
        ("https://portal.example:22/", "port_not_allowed"),
    ],
)
async def test_a_target_that_leads_inside_is_refused_at_registration(api, url, code):
    caller = await api.portal()
    answer, problem, _ = await caller.post(BASE, {"url": url})
    assert answer == 422
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/url", code)]


async def test_every_wrong_field_is_named_at_once(api):
    caller = await api.portal()
    body = {"url": "https://10.0.0.1/", "events": ["payment.payed", "refund.*", "x"]}
    _, problem, _ = await caller.post(BASE, body)
    assert [e["code"] for e in problem["errors"]] == ["unknown_event"] * 2 + ["address_not_allowed"]
    code, problem, _ = await caller.post(
        BASE, {"url": "https://portal.example/", "mode": "fat", "colour": "red", "events": []}
    )
    assert code == 422
    assert {e["pointer"] for e in problem["errors"]} == {"/mode", "/colour", "/events"}


async def test_plain_http_is_for_test_keys_and_loopback_for_operators_who_allow_it(api):
    test, live = await api.portal(), await api.portal(mode="live")
    await register(test, url="http://127.0.0.1:8081/hook")
    code, problem, _ = await live.post(BASE, {"url": "http://portal.example/"})
    assert (code, problem["errors"][0]["code"]) == (422, "https_required")
    await register(live, url="https://portal.example/")
    strict = AddressGuard()
    api.kit.webhooks.endpoints._guard = strict
    code, problem, _ = await test.post(BASE, {"url": "http://127.0.0.1:8081/hook"})
    assert (code, problem["errors"][0]["code"]) == (422, "address_not_allowed")


async def test_another_tenants_or_modes_endpoint_and_event_do_not_exist(api):
    mine, other, live = await api.portal(), await api.portal("khac"), await api.portal(mode="live")
    made = await register(mine)
    (event_id,) = await api.kit.emit()
    await api.kit.webhooks.dispatcher.drain()
    one = f"{BASE}/{made['id']}"
    for stranger in (other, live):
        for method, path, body in [
            ("GET", one, None),
            ("PATCH", one, {"description": "x"}),
            ("DELETE", one, None),
            ("POST", f"{one}/rotate-secret", None),
            ("POST", f"{one}/enable", None),
            ("POST", f"{one}/disable", None),
            ("POST", f"{one}/test", None),
            ("POST", f"{one}/recover", {"since": iso(api.kit.clock.now())}),
            ("GET", f"{one}/deliveries", None),
            ("GET", f"/v1/events/{event_id}", None),
            ("POST", f"/v1/events/{event_id}/resend", None),
        ]:
            code, problem, _ = await stranger.call(method, path, body)
            assert (code, problem["code"]) == (404, "not_found"), path
        code, page, _ = await stranger.get("/v1/events")
        assert page["data"] == []
    assert (await mine.get(one))[0] == 200


async def test_scopes_are_asked_for(api):
    reader = await api.portal(scopes=("webhooks:read",))
    assert (await reader.get(BASE))[0] == 200
    code, problem, _ = await reader.post(BASE, {"url": "https://portal.example/"})
    assert (code, problem["code"]) == (403, "missing_scope")
    assert (await (await api.portal(scopes=("payments:read",))).get("/v1/events"))[0] == 403


async def test_endpoint_is_changed_and_deleted(both):
    caller = await both.portal()
    made = await register(caller)
    one = f"{BASE}/{made['id']}"
    code, shown, _ = await caller.call("PATCH", one, {"events": ["refund.*"], "mode": "full"})
    assert (code, shown["events"], shown["mode"], shown["url"]) == (
        200,
        ["refund.*"],
        "full",
        made["url"],
    )
    code, problem, _ = await caller.call("PATCH", one, {"url": "https://10.0.0.1/"})
    assert (code, problem["errors"][0]["code"]) == (422, "address_not_allowed")
    assert (await caller.call("PATCH", one, {}))[0] == 200
    code, body, _ = await caller.call("DELETE", one)
    assert (code, body) == (204, None)
    assert (await caller.get(one))[0] == 404
    assert (await caller.get(BASE))[1]["data"] == []


async def test_lists_are_paged_newest_first_and_wrong_limits_are_refused(both):
    caller = await both.portal()
    made = [(await register(caller))["id"] for _ in range(3)]
    _, page, _ = await caller.get(f"{BASE}?limit=2")
    assert [e["id"] for e in page["data"]] == made[:0:-1]
    assert page["has_more"]
    _, rest, _ = await caller.get(f"{BASE}?limit=2&after={page['next']}")
    assert ([e["id"] for e in rest["data"]], rest["has_more"], rest["next"]) == (
        made[:1],
        False,
        None,
    )
    for limit in ("0", "101", "x", "-1", "0000000000001", "١"):
        assert (await caller.get(f"{BASE}?limit={limit}"))[0] == 400


async def test_one_portal_cannot_register_without_end(api, monkeypatch):
    monkeypatch.setattr(rules, "MAX_ENDPOINTS", 2)
    caller = await api.portal()
    await register(caller)
    await register(caller)
    code, problem, _ = await caller.post(BASE, {"url": "https://portal.example/"})
    assert (code, problem["code"]) == (409, "conflict")


async def test_rotation_overlaps_for_24_hours_and_is_bounded(both):
    caller = await both.portal()
    made = await register(caller)
    rotate = f"{BASE}/{made['id']}/rotate-secret"
    code, first, _ = await caller.post(rotate)
    assert code == 201
    assert first["secret"] != made["secret"]
    assert first["public_keys"] == [first["public_key"], made["public_key"]]
    end = datetime.fromisoformat(first["previous_secrets_expire_at"])
    assert end == both.kit.clock.now() + timedelta(hours=24)
    await caller.post(rotate)
    assert (await caller.post(rotate))[0] == 409
    both.kit.clock.advance(24 * 3600 + 1)
    _, shown, _ = await caller.get(f"{BASE}/{made['id']}")
    assert len(shown["public_keys"]) == 1


async def test_public_keys_are_published_as_jwk_while_in_force(both):
    caller = await both.portal()
    made, gone = await register(caller), await register(caller)
    await caller.call("DELETE", f"{BASE}/{gone['id']}")
    await caller.post(f"{BASE}/{made['id']}/rotate-secret")
    url = both.server.make_url("/.well-known/motcua/webhook-keys.json")
    async with both.session.get(url) as reply:
        keys = (await reply.json())["keys"]
    assert {k["endpoint"] for k in keys} == {made["id"]}
    assert len(keys) == 2
    old = next(k for k in keys if k["public_key"] == made["public_key"])
    assert (old["kty"], old["crv"], old["alg"], old["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    raw = base64.urlsafe_b64decode(old["x"] + "=")
    assert "whpk_" + base64.b64encode(raw).decode() == made["public_key"]
    assert old["expires_at"] is not None
    both.kit.clock.advance(25 * 3600)
    async with both.session.get(url) as reply:
        assert len((await reply.json())["keys"]) == 1


# ------------------------------------------------------------------ test, disable, enable


async def test_test_event_goes_to_this_endpoint_alone_whatever_it_subscribed_to(api):
    caller = await api.portal()
    async with receiving() as one, receiving() as two, api.kit.running():
        made = await register(caller, url=one.url, events=["refund.*"])
        await register(caller, url=two.url)
        code, event, _ = await caller.post(f"{BASE}/{made['id']}/test")
        assert (code, event["type"], event["subject"]) == (202, "endpoint.test", made["id"])
        await until(lambda: one.requests)
        assert one.ids == [event["id"]]
        await asyncio.sleep(0.2)
        assert not two.requests


async def test_disabled_endpoint_holds_and_enabling_sends_what_was_held(both):
    caller = await both.portal()
    async with receiving() as target, both.kit.running():
        made = await register(caller, url=target.url)
        one = f"{BASE}/{made['id']}"
        code, shown, _ = await caller.post(f"{one}/disable")
        assert (code, shown["status"], shown["disabled_reason"]) == (200, "disabled", "manual")
        assert (await caller.post(f"{one}/disable"))[0] == 200
        for path in ("test", "recover"):
            body = {"since": iso(both.kit.clock.now())} if path == "recover" else None
            assert (await caller.post(f"{one}/{path}", body))[0] == 409
        ids = await both.kit.emit_many(3)
        await until(lambda: _held(caller, one, 3))
        assert not target.requests
        code, shown, _ = await caller.post(f"{one}/enable")
        assert (code, shown["status"]) == (200, "enabled")
        await until(lambda: len(target.requests) == 3)
        assert sorted(target.ids) == sorted(ids)
        assert (await caller.post(f"{one}/enable"))[0] == 200


async def _held(caller, one, count):
    _, page, _ = await caller.get(f"{one}/deliveries?status=held")
    return len(page["data"]) == count


# ------------------------------------------------------------------ events and deliveries


async def test_events_are_pulled_in_order_without_gaps(both):
    caller = await both.portal()
    ids = await both.kit.emit_many(5)
    await both.kit.emit(both.kit.new_event(tenant="khac/test"))
    await both.kit.webhooks.dispatcher.drain()
    _, page, _ = await caller.get("/v1/events?limit=3")
    assert ([e["id"] for e in page["data"]], page["has_more"]) == (ids[:3], True)
    _, rest, _ = await caller.get(f"/v1/events?limit=3&after={page['next']}")
    assert ([e["id"] for e in rest["data"]], rest["has_more"]) == (ids[3:], False)
    _, nothing, _ = await caller.get(f"/v1/events?after={rest['next']}")
    assert (nothing["data"], nothing["next"]) == ([], rest["next"])
    more = await both.kit.emit_many(1)
    _, waiting, _ = await caller.get(f"/v1/events?after={more[0]}")
    assert waiting["data"] == [], "not dispatched yet: nothing comes after it"
    await both.kit.webhooks.dispatcher.drain()
    _, fresh, _ = await caller.get(f"/v1/events?after={nothing['next']}")
    assert [e["id"] for e in fresh["data"]] == more


async def test_events_are_filtered_by_type_and_dossier(both):
    caller = await both.portal()
    a, b = await both.kit.emit(
        both.kit.new_event(reference="A"),
        both.kit.new_event(reference="B", type="refund.succeeded"),
    )
    await both.kit.webhooks.dispatcher.drain()
    for query, expected in [
        ("type=refund.*", [b]),
        ("type=payment.paid", [a]),
        ("reference=A", [a]),
        ("reference=A&type=refund.*", []),
    ]:
        _, page, _ = await caller.get(f"/v1/events?{query}")
        assert [e["id"] for e in page["data"]] == expected
    for query in ("type=payment.payed", "after=evt_nothing"):
        assert (await caller.get(f"/v1/events?{query}"))[0] == 400


async def test_an_event_shows_the_state_of_now_thin_or_full(api):
    caller = await api.portal()
    view = {"object": "payment", "status": "paid", "amount": 21000}
    api.kit.webhooks.register("pay", lambda _c, ids: {i: {"id": i, **view} for i in ids})
    (event_id,) = await api.kit.emit()
    _, thin, _ = await caller.get(f"/v1/events/{event_id}")
    assert thin["data"]["status"] == "paid"
    assert "amount" not in thin["data"]
    _, full, _ = await caller.get(f"/v1/events/{event_id}?mode=full")
    assert full["data"]["amount"] == 21000
    assert (await caller.get("/v1/events/evt_none"))[0] == 404


async def test_delivery_log_shows_each_attempt(both):
    caller = await both.portal()
    async with receiving(status(500)) as target, both.kit.running():
        made = await register(caller, url=target.url)
        one = f"{BASE}/{made['id']}"
        ids = await both.kit.emit_many(1)
        await until(lambda: _attempts(caller, one, 1))
        target.answer = status(200)
        both.kit.clock.advance(6)
        await until(lambda: _attempts(caller, one, 2))
        ids += await both.kit.emit_many(1)
        await until(lambda: _attempts(caller, one, 3))
    _, page, _ = await caller.get(f"{one}/deliveries")
    newest, oldest = page["data"]
    assert [newest["event"], oldest["event"]] == ids[::-1]
    assert [(a["status"], a["answer"]) for a in oldest["attempts"]] == [
        (500, "said 500"),
        (200, "said 200"),
    ]
    assert all(a["latency_ms"] >= 0 and a["error"] is None for a in oldest["attempts"])
    assert (oldest["status"], oldest["next_attempt_at"]) == ("delivered", None)
    _, first, _ = await caller.get(f"{one}/deliveries?limit=1")
    assert (first["has_more"], first["next"]) == (True, ids[1])
    _, second, _ = await caller.get(f"{one}/deliveries?limit=1&after={first['next']}")
    assert [d["event"] for d in second["data"]] == ids[:1]
    assert (await caller.get(f"{one}/deliveries?status=pending"))[1]["data"] == []
    assert (await caller.get(f"{one}/deliveries?status=lost"))[0] == 400


async def _attempts(caller, one, count):
    _, page, _ = await caller.get(f"{one}/deliveries")
    settled = [d for d in page["data"] if d["status"] != "pending" or d["next_attempt_at"]]
    return sum(len(d["attempts"]) for d in settled) == count


@pytest.mark.long
async def test_resend_sends_a_delivered_event_again(both):
    caller = await both.portal()
    async with receiving() as one, receiving() as two, both.kit.running():
        first = await register(caller, url=one.url, events=["payment.*"])
        await register(caller, url=two.url, events=["payment.*"])
        (event_id,) = await both.kit.emit()
        await until(lambda: one.requests and two.requests)
        await until(lambda: _attempts(caller, f"{BASE}/{first['id']}", 1))
        code, answer, _ = await caller.post(f"/v1/events/{event_id}/resend?endpoint={first['id']}")
        assert (code, answer) == (202, {"count": 1})
        await until(lambda: len(one.requests) == 2)
        assert len(two.requests) == 1
        code, answer, _ = await caller.post(f"/v1/events/{event_id}/resend")
        assert answer == {"count": 2}
        await until(lambda: len(one.requests) == 3 and len(two.requests) == 2)
        assert set(one.ids + two.ids) == {event_id}


async def test_resend_reaches_an_endpoint_registered_after_the_event(api):
    caller = await api.portal()
    (event_id,) = await api.kit.emit()
    assert (await caller.post(f"/v1/events/{event_id}/resend"))[1] == {"count": 0}
    async with receiving() as late, api.kit.running():
        await api.kit.webhooks.dispatcher.drain()
        await register(caller, url=late.url)
        assert (await caller.post(f"/v1/events/{event_id}/resend"))[1] == {"count": 1}
        await until(lambda: late.ids == [event_id])


async def test_recover_queues_what_failed_and_what_was_never_sent(database):
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    kit = Kit(database, clock, resolve=resolve, options={"schedule": (0,)})
    edge = make_edge(database, clock)
    server = await serve(edge, kit.webhooks.routes())
    async with aiohttp.ClientSession() as session, receiving(status(500)) as target:
        caller = await portal(edge, server, session)
        old = await kit.emit_many(1)
        await kit.webhooks.dispatcher.drain()
        clock.advance(3600)
        since = clock.now()
        missed = await kit.emit_many(2)
        await kit.webhooks.dispatcher.drain()
        made = await register(caller, url=target.url, events=["payment.*"])
        async with kit.running():
            failed = await kit.emit_many(2)
            await until(lambda: _states(kit, ["failed"] * 2))
            target.answer = status(200)
            target.requests.clear()
            recover = f"{BASE}/{made['id']}/recover"
            code, answer, _ = await caller.post(recover, {"since": iso(since)})
            assert (code, answer) == (202, {"count": 4})
            await until(lambda: _states(kit, ["delivered"] * 4))
        assert sorted(target.ids) == sorted(missed + failed)
        assert old[0] not in target.ids
        assert (await caller.post(recover, {"since": iso(since)}))[1] == {"count": 0}
        too_old = iso(clock.now() - timedelta(days=15))
        assert (await caller.post(recover, {"since": too_old}))[0] == 400
        assert (await caller.post(recover, {"since": "2026-11-02T09:00:00"}))[0] == 422
        assert (await caller.post(recover, {"since": "gestern"}))[0] == 422
    await server.close()


async def _states(kit, expected):
    return sorted(await kit.states()) == sorted(expected)


@pytest.mark.long
async def test_resending_while_an_attempt_is_under_way_sends_again_and_forgets_the_old_answer(api):
    caller = await api.portal()
    async with receiving(hang) as target, api.kit.running():
        made = await register(caller, url=target.url)
        (event_id,) = await api.kit.emit()
        await until(lambda: target.in_flight == 1)
        target.answer = status(200)
        assert (await caller.post(f"/v1/events/{event_id}/resend"))[1] == {"count": 1}
        await until(lambda: len(target.requests) == 2)
        await until(lambda: _attempts(caller, f"{BASE}/{made['id']}", 1))
        assert await api.kit.states() == ["delivered"]


def test_every_route_is_described_in_openapi_with_its_types(sqlite):
    clock = FakeClock()
    kit = Kit(sqlite, clock)
    routes = kit.webhooks.routes()
    app = web.Application()
    mount(app, make_edge(sqlite, clock), routes)
    described = document(routes, "0", "https://motcua.example")
    create = described["paths"][BASE]["post"]
    assert create["x-scope"] == "webhooks:write"
    assert "201" in create["responses"]
    assert "NewEndpoint" in json.dumps(create["requestBody"])
    names = described["components"]["schemas"]
    assert {"EndpointView", "EventList", "DeliveryList", "EndpointWithSecret"} <= set(names)
