"""What the gateway stands on goes away for a while: the database, Valkey, both mid-work."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from tests.scenarios.business import Business, check_the_log, payment_of, subscribe
from tests.support import postgres, valkey
from tests.support.outage import bring_back, take_down
from tests.support.receiver import receiving
from tests.support.town import FAST, living


@pytest.fixture
def own_postgres():
    """A PostgreSQL that may be stopped without hurting other tests."""
    server = postgres.start()
    if server is None:
        pytest.skip("no PostgreSQL on this machine and no wheel of one installed")
    server.execute("CREATE DATABASE motcua")
    yield server
    postgres.stop(server)


@pytest.mark.long
async def test_a_database_that_goes_away_is_told_and_the_gateway_recovers_by_itself(
    own_postgres, tmp_path
):
    """503 with Retry-After meanwhile, nothing half done, and afterwards everything goes on."""
    database = {"url": own_postgres.url("motcua")}
    webhooks = {"retry_s": FAST, "timeout_s": 3.0}  # a delivery's lease is four times that
    async with (
        living(tmp_path, database=database, webhooks=webhooks) as town,
        receiving() as receiver,
    ):
        portal = await town.key()
        await town.start()
        await subscribe(portal, receiver)
        business = Business(town, portal)
        await asyncio.gather(*(business.pay(n, "vnpay-main") for n in range(3)))
        opened = await business.ask("/v1/payments", payment_of(44_000), "late")
        business.payments["late"] = opened
        attempt = await business.ask(
            f"/v1/payments/{opened['id']}/attempts", {"account": "vnpay-main"}, "late-try"
        )
        await take_down(own_postgres)
        refused = await asyncio.gather(
            *(
                portal.call("POST", "/v1/payments", payment_of(7_000), key=f"x{n}")
                for n in range(4)
            ),
            portal.call("GET", f"/v1/payments/{opened['id']}"),
            town.at_simulator("vnpay/control/pay", {"pay_url": attempt["action"]["url"]}),
            _ready(town.gateway.base_url),
        )
        *answers, _, (ready, checks) = refused
        for answer in answers:
            assert answer.status == 503, answer.raw[:500]
            assert answer.code == "service_unavailable"
            assert int(answer.headers["retry-after"]) > 0
        assert ready == 503
        assert checks["database"]["ok"] is False
        assert (await portal.call("GET", "/healthz")).status == 200
        unheard = [s for s in town.world.vnpay.callbacks.log if "late" in s.subject or s.status]
        assert unheard
        await bring_back(own_postgres)
        await town.gateway.ready()
        assert town.gateway.process.poll() is None
        for number in range(4):
            answer = await portal.insist("/v1/payments", payment_of(7_000), key=f"x{number}")
            assert answer.status == 201
        unpaid = await portal.every("/v1/payments?status=pending")
        assert len(unpaid) == 4  # one a key, though each was asked for twice
        # A delivery whose acknowledgement fell into the outage is sent again when its lease ends.
        await check_the_log(business, receiver, within_s=90.0)
        story = await portal.get(f"/v1/payments/{opened['id']}/timeline")
        assert [e["channel"] for e in story["data"]].count("callback") == 1


async def _ready(base):
    async with aiohttp.ClientSession() as session, session.get(f"{base}/readyz") as answer:
        return answer.status, (await answer.json())["checks"]


@pytest.mark.long
async def test_two_gateways_lose_nothing_when_valkey_forgets_and_dies(postgres_server, tmp_path):
    """``FLUSHALL`` again and again, then no Valkey at all: both go on delivering, once each."""
    server = valkey.start()
    if server is None:
        pytest.skip("no Valkey or Redis on this machine and no wheel of one installed")
    postgres_server.execute("CREATE DATABASE twins")
    sections = {
        "database": {"url": postgres_server.url("twins")},
        "redis": {"url": server.url},
    }
    try:
        async with living(tmp_path, count=2, **sections) as town, receiving() as receiver:
            portal = await town.key()
            await town.start()
            await subscribe(portal, receiver)
            business = Business(town, portal)
            other = Business(town, portal.at(town.gateways[1].base_url), business.payments)
            for round_ in range(3):
                await asyncio.gather(
                    *(_pay_both(business, other, round_ * 8 + n) for n in range(4))
                )
                if round_ < 2:
                    await asyncio.to_thread(_flush, server)
                else:
                    server.process.kill()
                    server.process.wait(10)
            await asyncio.gather(*(_pay_both(business, other, 24 + n) for n in range(4)))
            await check_the_log(business, receiver)
            assert set(receiver.counts.values()) == {1}  # no receiver failed, so none came twice
            for gateway in town.gateways:
                assert await _delivered(gateway.base_url) > 0
                status, checks = await _ready(gateway.base_url)
                assert checks["redis"]["ok"] is False
                assert status == 200  # slower is no reason to turn citizens away
            assert [await gateway.stop() for gateway in town.gateways] == [0, 0]
    finally:
        valkey.stop(server)
        postgres_server.execute("DROP DATABASE twins WITH (FORCE)")


async def _pay_both(one, two, number):
    await asyncio.gather(one.pay(number, "vnpay-main"), two.pay(number + 4, "vietqr-main"))


def _flush(server):
    with server.client() as client:
        client.flushall()


async def _delivered(base):
    async with aiohttp.ClientSession() as session, session.get(f"{base}/metrics") as answer:
        page = await answer.text()
    found = re.search(r'webhook_deliveries_total\{outcome="delivered"\} ([0-9.]+)', page)
    return float(found[1]) if found else 0.0
