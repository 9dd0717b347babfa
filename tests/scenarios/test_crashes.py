"""``kill -9`` in the middle of work, then a restart: no promise is lost and none kept twice."""

from __future__ import annotations

import asyncio
import json
import random
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.development import AGENCY_CODE
from tests.scenarios.business import (
    Business,
    check_the_log,
    officials,
    subscribe,
)
from tests.support.process import is_running
from tests.support.receiver import receiving
from tests.support.town import living, until

PAYMENTS, COPIES = 12, 2
ACCOUNTS = ("vnpay-main", "vietqr-main")

# What is being done when the gateway is killed: (work, how often it was begun, seconds later).
KILLS = {
    "sqlite": [("paid", 3, (0, 0.05)), ("signing", 2, (0.1, 0.6))],  # signing is by the clerk
    "postgresql": [("paid", 5, (0, 0.05)), ("certifying", 1, (0.1, 0.6))],
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
async def test_a_gateway_killed_at_any_moment_keeps_every_promise(engine, tmp_path, request):
    """Killed in the middle of paying, signing and certifying, under one day's business."""
    chance = random.Random(20261102)
    sections = _database(engine, request)
    async with living(tmp_path, **sections) as town, receiving() as receiver:
        people = await officials(town)
        portal = await town.key()
        await town.start()
        await subscribe(portal, receiver)
        business = Business(town, portal)
        work = asyncio.ensure_future(_a_days_work(engine, business, people, chance))
        signers = []
        for what, count, window in KILLS[engine]:
            await until(lambda w=what, n=count: business.stage.get(w, 0) >= n, 60, 0.005)
            await asyncio.sleep(chance.uniform(*window))
            signers += town.gateway.children()
            await town.crash()
        await work
        assert town.gateway.ends == [-9] * len(KILLS[engine])
        events = await check_the_log(business, receiver)
        await _evidence_is_complete(town, business)
        await _objects_exist_once(business, events)
        await _replays_are_the_same(business)
        await until(lambda: not any(is_running(pid) for pid in signers), 15)
        assert await town.gateway.stop() == 0


def _database(engine, request):
    if engine == "sqlite":
        return {}
    server = request.getfixturevalue("postgres_server")
    server.execute("CREATE DATABASE crashes")
    return {"database": {"url": server.url("crashes")}}


async def _a_days_work(engine, business, people, chance):
    gate = asyncio.Semaphore(3)

    async def pay(number):
        async with gate:
            await asyncio.sleep(chance.uniform(0, 0.2))
            await business.pay(number, ACCOUNTS[number % 2])

    async def use_keys():
        if engine == "sqlite":
            await business.sign(1, people["person"], people["clerk"])
            return
        for number in range(COPIES):
            await business.certify(number, people["certifier"])

    await asyncio.gather(*(pay(number) for number in range(PAYMENTS)), use_keys())


async def _evidence_is_complete(town, business):
    """Every callback that was answered with an acknowledgement stands in a timeline."""
    by_reference = {}
    for payment in business.payments.values():
        seen = await business.portal.get(f"/v1/payments/{payment['id']}")
        if payment["id"] in business.in_doubt:
            assert (seen["status"], seen["amount_collected"]) == ("processing", 0)
            continue
        assert seen["amount_collected"] == seen["amount"]
        assert seen["amount_surplus"] == 0
        assert seen["review"] == []
        story = await business.portal.get(f"/v1/payments/{payment['id']}/timeline")
        for attempt in seen["attempts"]:
            by_reference[attempt["provider_reference"]] = story["data"]
    told = 0
    for sending in town.world.vnpay.callbacks.log:
        if sending.status == 200 and json.loads(sending.answer)["RspCode"] in ("00", "02"):
            (reference,) = parse_qs(urlsplit(sending.url).query)["vnp_TxnRef"]
            assert [e["channel"] for e in by_reference[reference]].count("callback") == 1
            told += 1
    lines = {line.reference: line for line in town.world.bank.statement}
    for sending in town.world.bank.callbacks.log:
        service, _, reference = sending.subject.partition(" ")
        if sending.status == 200:
            story = by_reference[lines[reference].memo]
            assert [e["account"] for e in story].count(f"{service}-main") == 1
            told += 1
    # one callback of VNPAY, two of the bank's
    assert told >= PAYMENTS // 2 * 3 - 2 * len(business.in_doubt)
    assert len(business.in_doubt) <= 6  # at most what was in flight at a kill


async def _objects_exist_once(business, events):
    facts = [(event["type"], event["subject"]) for event in events]
    assert all(facts.count(fact) == 1 for fact in business.expected())
    payments = await business.portal.every("/v1/payments?")
    assert sorted(p["id"] for p in payments) == sorted(p["id"] for p in business.payments.values())
    for payment in payments:
        living_attempts = [a for a in payment["attempts"] if a["status"] != "failed"]
        assert len(living_attempts) == 1  # what was cut off before it was shown may be replaced
    documents = await business.portal.every("/v1/documents?")
    assert len(documents) == len(business.documents) + len(business.certifications)
    for document in documents:
        if document["id"] in {signed["id"] for signed in business.documents.values()}:
            assert document["revision"] == 2
            names = [s["field_name"] for s in document["signatures"]]
            visible = [name for name in names if "Time" not in name]
            assert len(visible) == 5, names  # the person; number, day, month and seal: none twice
    if business.certifications:
        await _register_is_gapless(business)


async def _register_is_gapless(business):
    issued = list(business.certifications.values())
    gapless = list(range(1, COPIES + 1))
    assert sorted(copy["number"] for copy in issued) == gapless
    path = f"/v1/registers/{AGENCY_CODE}/SCT-BS/{issued[0]['year']}"
    register = await business.portal.get(path)
    assert sorted(entry["number"] for entry in register["entries"]) == gapless


async def _replays_are_the_same(business):
    """The answer a portal got, perhaps after many tries, is the answer it gets again."""
    for key, (path, body, raw) in business.requests.items():
        again = await business.portal.call("POST", path, body, key=key)
        assert again.headers.get("idempotent-replayed") == "true", key
        assert again.raw == raw
