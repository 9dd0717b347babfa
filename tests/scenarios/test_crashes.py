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

PAYMENTS, COPIES = 18, 3
ACCOUNTS = ("vnpay-main", "vietqr-main")


@pytest.mark.timeout(180)
async def test_a_gateway_killed_at_any_moment_keeps_every_promise(tmp_path):
    """Three kills, each in the middle of another kind of work, under one day's business."""
    chance = random.Random(20261102)
    async with living(tmp_path) as town, receiving() as receiver:
        people = await officials(town)
        portal = await town.key()
        await town.start()
        await subscribe(portal, receiver)
        business = Business(town, portal)
        gate = asyncio.Semaphore(3)

        async def pay(number):
            async with gate:
                await asyncio.sleep(chance.uniform(0, 0.2))
                await business.pay(number, ACCOUNTS[number % 2])

        async def certify_all():
            for number in range(COPIES):
                await business.certify(number, people["certifier"])

        work = asyncio.gather(
            *(pay(number) for number in range(PAYMENTS)),
            business.sign(1, people["person"], people["clerk"]),
            certify_all(),
        )
        signers = await _killed_while(town, business, "paid", 4, chance.uniform(0, 0.05))
        signers += await _killed_while(town, business, "signing", 1, chance.uniform(0.1, 0.6))
        signers += await _killed_while(town, business, "certifying", 2, chance.uniform(0.1, 0.6))
        await work
        assert town.gateway.ends == [-9, -9, -9]
        events = await check_the_log(business, receiver)
        await _evidence_is_complete(town, business)
        await _objects_exist_once(business, events)
        await _register_is_gapless(business)
        await _replays_are_the_same(business)
        await until(lambda: not any(is_running(pid) for pid in signers), 15)
        assert await town.gateway.stop() == 0


async def _killed_while(town, business, what, count, delay_s):
    await until(lambda: business.stage.get(what, 0) >= count, 60, 0.005)
    await asyncio.sleep(delay_s)
    children = town.gateway.children()
    await town.crash()
    return children


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
    payments = await business.portal.every("/v1/payments?")
    assert sorted(p["id"] for p in payments) == sorted(p["id"] for p in business.payments.values())
    assert all(len(p["attempts"]) == 1 for p in payments)
    documents = await business.portal.every("/v1/documents?")
    assert len(documents) == 1 + COPIES
    (signed,) = (d for d in documents if d["level"] is not None)
    assert signed["revision"] == 2
    names = [s["field_name"] for s in signed["signatures"] if "Time" not in s["field_name"]]
    assert len(names) == 5, names  # the person; number, day, month and seal: none twice
    facts = [(e["type"], e["subject"]) for e in events]
    for document in business.documents.values():
        assert facts.count(("document.signed", document["id"])) == 1
    for copy in business.certifications.values():
        assert facts.count(("certification.issued", copy["id"])) == 1
    for payment in payments:
        paid = payment["id"] not in business.in_doubt
        assert facts.count(("payment.paid", payment["id"])) == int(paid)


async def _register_is_gapless(business):
    issued = list(business.certifications.values())
    assert sorted(copy["number"] for copy in issued) == list(range(1, COPIES + 1))
    path = f"/v1/registers/{AGENCY_CODE}/SCT-BS/{issued[0]['year']}"
    register = await business.portal.get(path)
    assert sorted(entry["number"] for entry in register["entries"]) == list(range(1, COPIES + 1))


async def _replays_are_the_same(business):
    """The answer a portal got, perhaps after many tries, is the answer it gets again."""
    for key, (path, body, raw) in business.requests.items():
        again = await business.portal.call("POST", path, body, key=key)
        assert again.headers.get("idempotent-replayed") == "true", key
        assert again.raw == raw
