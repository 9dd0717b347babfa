"""Deliveries over real sockets to receivers that verify with the public library."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from gateway.foundation.addresses import AddressGuard
from gateway.foundation.clock import FakeClock, SystemClock
from gateway.webhooks import signature
from tests.gateway.webhooks.kit import TENANT, Kit, hang, receiving, status, until


@pytest.fixture
def kit(sqlite):
    """Where the engine does not matter; what touches rows in new ways asks for ``both``."""
    return Kit(sqlite, SystemClock())


@pytest.fixture
def both(database):
    return Kit(database, SystemClock())


async def test_portal_is_told_and_its_library_verifies_the_message(both):
    async with receiving() as portal, both.running():
        endpoint = await both.endpoint(portal.url)
        (event_id,) = await both.emit(both.new_event("pay_1", 3, reference="H55-1"))
        await until(lambda: portal.requests)
        (request,) = portal.requests
        body = request.verified_by(endpoint.secret)
        assert body["id"] == event_id == request.headers["webhook-id"]
        assert body["type"] == "payment.paid"
        assert (body["subject"], body["sequence"], body["reference"]) == ("pay_1", 3, "H55-1")
        assert body["data"] == {
            "id": "pay_1",
            "links": {"self": "https://motcua.example/v1/payments/pay_1"},
        }
        assert body["timestamp"].endswith("+07:00")
        assert request.headers["content-type"] == "application/json"
        public = signature.PublicKey.parse(endpoint.public_key)
        now = int(SystemClock().now().timestamp())
        signature.verify([public], request.headers, request.body, now=now)
        await until(lambda: _all(both, "delivered"))
        (attempt,) = await both.attempts()
        assert (attempt.status, attempt.error) == (204, None)


async def _all(kit, state, count=1):
    states = await kit.states()
    return len(states) >= count and set(states) == {state}


async def test_state_is_read_when_sending_not_when_it_happened(kit):
    said = {"status": "pending"}
    kit.webhooks.register(
        "pay", lambda _c, ids: {i: {"id": i, "amount": 21000, **said} for i in ids}
    )
    async with receiving() as portal:
        await kit.endpoint(portal.url)
        await kit.endpoint(portal.url, mode="full")
        await kit.emit()
        await kit.webhooks.dispatcher.drain()
        said["status"] = "paid"
        async with kit.running():
            await until(lambda: len(portal.requests) == 2)
    thin, full = sorted((r.event["data"] for r in portal.requests), key=len)[::-1]
    seen = sorted([thin, full], key=lambda d: "amount" in d)
    assert seen[0]["status"] == seen[1]["status"] == "paid"
    assert "amount" not in seen[0]
    assert seen[1]["amount"] == 21000


async def test_full_body_beyond_twenty_kilobytes_is_sent_thin(kit):
    kit.webhooks.register("pay", lambda _c, ids: {i: {"id": i, "note": "x" * 30_000} for i in ids})
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url, mode="full")
        await kit.emit()
        await until(lambda: portal.requests)
        assert len(portal.requests[0].body) < 1000


async def test_only_subscribed_endpoints_of_the_same_tenant_are_told(kit):
    async with receiving() as mine, receiving() as refunds, receiving() as other, kit.running():
        await kit.endpoint(mine.url, events=["payment.*"])
        await kit.endpoint(refunds.url, events=["refund.*"])
        await kit.endpoint(other.url, tenant="cong-dvc/live")
        await kit.emit()
        await until(lambda: _all(kit, "delivered"))
        assert (len(mine.requests), len(refunds.requests), len(other.requests)) == (1, 0, 0)


async def test_both_secrets_sign_during_a_rotation(kit):
    async with receiving() as portal, kit.running():
        old = await kit.endpoint(portal.url)
        new = await kit.database.write(lambda c: kit.webhooks.endpoints.rotate(c, TENANT, old.id))
        await kit.emit()
        await until(lambda: portal.requests)
        (request,) = portal.requests
        assert request.verified_by(old.secret) == request.verified_by(new.secret)
        labels = [e.split(",")[0] for e in request.headers["webhook-signature"].split()]
        assert labels == ["v1", "v1a", "v1", "v1a"]


async def test_redirect_is_a_failure_and_is_not_followed(kit):
    async with receiving() as inner, receiving() as portal, kit.running():
        portal.answer = status(302, Location=inner.url)
        await kit.endpoint(portal.url)
        await kit.emit()
        await until(kit.attempts)
        await asyncio.sleep(0.2)
        assert not inner.requests
        (attempt,) = await kit.attempts()
        assert attempt.status == 302
        assert await kit.states() == ["pending"]


async def test_gone_disables_at_once_holds_and_tells_the_other_endpoints(both):
    async with receiving(status(410)) as gone, receiving() as watcher, both.running():
        endpoint = await both.endpoint(gone.url, events=["payment.*"])
        await both.endpoint(watcher.url, events=["endpoint.*"])
        await both.emit()
        await until(lambda: watcher.requests)
        told = watcher.requests[0].event
        assert told["type"] == "endpoint.disabled"
        assert told["subject"] == endpoint.id
        assert told["data"]["reason"] == "gone"
        shown = await both.read_endpoint(endpoint.id)
        assert (shown.status, shown.disabled_reason) == ("disabled", "gone")
        await both.emit()
        await until(lambda: _count(both, "held", 2))
        gone.answer = status(200)
        await both.database.write(lambda c: both.webhooks.endpoints.enable(c, TENANT, endpoint.id))
        await until(lambda: _all(both, "delivered", 3))
        assert len(gone.requests) == 3


async def _count(kit, state, count):
    return (await kit.states()).count(state) == count


@pytest.mark.long_on_postgresql
async def test_a_hanging_endpoint_cannot_starve_the_others(database):
    kit = Kit(database, SystemClock(), options={"per_endpoint": 4}, timeout_s=30.0)
    async with receiving(hang) as stuck, receiving() as healthy, kit.running():
        await kit.endpoint(stuck.url, events=["refund.*"])
        await kit.endpoint(healthy.url, events=["payment.*"])
        await kit.emit_many(150, type="refund.succeeded")
        await kit.webhooks.dispatcher.drain()
        await until(lambda: stuck.in_flight == 4)
        await kit.emit_many(60)
        await until(lambda: len(healthy.requests) == 60)
        assert stuck.most_in_flight == 4
        assert healthy.most_in_flight <= 4


async def test_an_endpoint_that_never_answers_is_a_time_out_and_comes_again(sqlite):
    kit = Kit(sqlite, SystemClock(), timeout_s=0.3)
    async with receiving(hang) as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit()
        (attempt,) = await until(kit.attempts)
        assert (attempt.status, attempt.error) == (None, "timeout")
        assert attempt.latency_ms >= 290
        assert await kit.states() == ["pending"]


async def test_status_counts_though_the_answer_never_ends(kit, monkeypatch):
    monkeypatch.setattr("gateway.webhooks.sender._READ_ANSWER_S", 0.2)

    async def trickle(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"thank you\0")
        await asyncio.sleep(3600)

    async with receiving(trickle) as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit()
        await until(lambda: _all(kit, "delivered"))
        (attempt,) = await kit.attempts()
        assert attempt.answer == "thank you\ufffd"


async def test_a_huge_answer_is_read_only_in_part(kit):
    async with receiving(lambda _r: web.Response(text="a" * 5_000_000)) as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit()
        await until(lambda: _all(kit, "delivered"))
        (attempt,) = await kit.attempts()
        assert len(attempt.answer) == 1000


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:1/", "connection"),
        ("http://nirgends.invalid/", "dns"),
        ("https://127.0.0.1:{port}/", "tls"),
    ],
)
async def test_unreachable_endpoint_is_logged_in_one_word(kit, url, error):
    async with receiving() as portal, kit.running():
        await kit.endpoint(url.format(port=portal.port))
        await kit.emit()
        (attempt,) = await until(kit.attempts)
        assert (attempt.status, attempt.error) == (None, error)


async def test_address_guard_decides_at_dial_time_for_endpoints_registered_before(sqlite):
    kit = Kit(sqlite, SystemClock(), guard=AddressGuard())
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.endpoint(f"http://localhost:{portal.port}/")
        await kit.emit()
        attempts = await until(lambda: _two_attempts(kit))
        assert {a.error for a in attempts} == {"address_blocked"}
        assert not portal.requests


async def _two_attempts(kit):
    attempts = await kit.attempts()
    return attempts if len(attempts) == 2 else None


async def test_a_connection_the_receiver_just_closed_is_replaced_without_a_failure(kit):
    calls = []

    async def drop_the_second(request):
        calls.append(1)
        if len(calls) == 2:
            request.transport.close()
            await asyncio.sleep(1)
        return web.Response(status=204)

    async with receiving(drop_the_second) as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit()
        await until(lambda: _all(kit, "delivered"))
        await kit.emit()
        await until(lambda: _all(kit, "delivered", 2))
        assert [a.status for a in await kit.attempts()] == [204, 204]
        assert len(calls) == 3


# ------------------------------------------------------------------ schedule, on a moved clock


@pytest.fixture
def moved(sqlite):
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    return Kit(sqlite, clock)


async def test_failures_follow_the_schedule_until_they_are_given_up(moved):
    async with receiving(status(500)) as portal, moved.running():
        endpoint = await moved.endpoint(portal.url)
        await moved.emit()
        waits = []
        for count in range(1, 11):
            await until(lambda n=count: _attempted(moved, n))
            (delivery,) = await moved.deliveries()
            if delivery.state != "pending":
                break
            waits.append((delivery.next_at - moved.clock.now()).total_seconds())
            moved.clock.advance(waits[-1])
        base = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
        assert len(waits) == 9
        for wait, nominal in zip(waits, base, strict=True):
            assert 0.8 * nominal <= wait <= 1.2 * nominal
        assert await moved.states() == ["failed"]
        assert len(portal.requests) == 10
        assert (await moved.read_endpoint(endpoint.id)).status == "enabled"
        stamps = [int(r.headers["webhook-timestamp"]) for r in portal.requests]
        assert stamps == sorted(set(stamps)), "each sending is signed anew"
        last = portal.requests[-1]
        moment = datetime.fromtimestamp(stamps[-1], UTC)
        expected = Webhook(endpoint.secret).sign(
            last.headers["webhook-id"], moment, last.body.decode()
        )
        assert expected in last.headers["webhook-signature"].split()


async def _attempted(kit, count):
    (delivery,) = await kit.deliveries() or [None]
    done = delivery is not None and delivery.leased_by is None
    return done and len(await kit.attempts()) == count


async def test_retry_after_is_honoured_and_throttles_the_whole_endpoint(moved):
    async with receiving(status(429, Retry_After="900")) as portal, moved.running():
        await moved.endpoint(portal.url)
        await moved.emit()
        await until(lambda: _attempted(moved, 1))
        (delivery,) = await moved.deliveries()
        assert delivery.next_at == moved.clock.now() + timedelta(seconds=900)
        portal.answer = status(200)
        await moved.emit()
        await asyncio.sleep(0.3)
        assert len(portal.requests) == 1, "the second waits too"
        moved.clock.advance(901)
        await until(lambda: _all(moved, "delivered", 2))


async def test_nothing_but_failures_for_120_hours_disables_and_holds(moved):
    async with receiving(status(500)) as portal, moved.running():
        endpoint = await moved.endpoint(portal.url)
        await moved.emit()
        await until(lambda: _attempted(moved, 1))
        assert (await moved.read_endpoint(endpoint.id)).failing_since is not None
        moved.clock.advance(121 * 3600)
        await moved.emit()
        await until(lambda: _count(moved, "held", 2))
        shown = await moved.read_endpoint(endpoint.id)
        assert (shown.status, shown.disabled_reason) == ("disabled", "failing")


async def test_one_success_ends_a_failing_stretch(moved):
    async with receiving(status(500)) as portal, moved.running():
        endpoint = await moved.endpoint(portal.url)
        await moved.emit()
        await until(lambda: _attempted(moved, 1))
        portal.answer = status(200)
        moved.clock.advance(10)
        await until(lambda: _all(moved, "delivered"))
        assert (await moved.read_endpoint(endpoint.id)).failing_since is None


async def test_thin_bodies_hold_no_personal_data(kit):
    person = {"payer": {"name": "Nguyễn Văn An", "phone": "0912345678"}, "status": "paid"}
    kit.webhooks.register("pay", lambda _c, ids: {i: {"id": i, **person} for i in ids})
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit()
        await until(lambda: portal.requests)
        assert json.loads(portal.requests[0].body)["data"]["status"] == "paid"
        assert "Nguy" not in portal.requests[0].body.decode()
        assert b"0912345678" not in portal.requests[0].body
