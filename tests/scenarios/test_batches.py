"""``kill -9`` in the middle of a batch, then a restart and a new confirmation."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from tests.scenarios.business import PERSON, REFERENCE, upload_form
from tests.support.town import living, until

COUNT = 8
BASE = "/v1/signing-batches"


@pytest.mark.long
@pytest.mark.timeout(150)
async def test_a_batch_survives_its_process(tmp_path):
    """Nothing is signed twice, progress has no gap, and only the official lets it go on."""
    async with living(tmp_path) as town:
        portal = await town.key()
        person = await town.key(official=PERSON)
        await town.start()
        requests = [await _request(portal) for _ in range(COUNT)]
        batch = await person.post(BASE, {"requests": requests})
        told = await _listen(person, batch["id"], enough=4)
        town.gateway.kill()
        town.gateway.later_s += 65
        town.gateway.start()
        await town.gateway.ready()
        path = f"{BASE}/{batch['id']}"

        async def stopped():
            seen = await person.get(path)
            return seen if seen["status"] == "needs_confirmation" else None

        seen = await until(stopped)
        signed_before = seen["signed"]
        assert 0 < signed_before < COUNT
        assert seen["waiting"] == COUNT - signed_before
        again = await person.post(f"{path}/confirm", {}, status=200)
        assert [c["documents"] for c in again["confirmations"]] == [COUNT, COUNT - signed_before]
        told += await _listen(person, batch["id"], last=told[-1]["id"])
        assert [e["id"] for e in told] == list(range(1, COUNT + 5))
        kinds = [e["event"] for e in told]
        assert kinds.count("document") == COUNT
        assert kinds[0] == "confirmed"
        assert kinds[-1] == "done"
        await _each_is_signed_once(portal, await person.get(path))
        assert await town.gateway.stop() == 0


@pytest.mark.long
@pytest.mark.timeout(150)
async def test_a_batch_outlives_one_of_two_gateways(postgres_server, tmp_path):
    """On PostgreSQL: confirmed at one, watched at the other, ``kill -9`` of the first.

    The other goes on by itself: it sees the dead one's leases run out, asks for a confirmation,
    signs what is left, and its stream tells every event once, without a gap.
    """
    postgres_server.execute("CREATE DATABASE pair")
    database = {"url": postgres_server.url("pair")}
    ahead = tmp_path / "ahead"
    ahead.write_text("0", "utf-8")
    try:
        async with living(tmp_path, count=2, database=database) as town:
            for gateway in town.gateways:
                gateway.clock_file = ahead
            portal, person = await town.key(), await town.key(official=PERSON)
            await town.start()
            other = town.gateways[1].base_url
            portal_there, person_there = portal.at(other), person.at(other)
            requests = [await _request(portal) for _ in range(COUNT)]
            batch = await person.post(BASE, {"requests": requests})
            listening = asyncio.ensure_future(_listen(person_there, batch["id"]))
            await _listen(person, batch["id"], enough=4)
            town.gateway.kill()
            part = ahead.with_suffix(".new")
            part.write_text("65", "utf-8")
            part.replace(ahead)
            path = f"{BASE}/{batch['id']}"

            async def stopped():
                seen = await person_there.get(path)
                return seen if seen["status"] == "needs_confirmation" else None

            seen = await until(stopped)
            assert 0 < seen["signed"] < COUNT
            assert seen["waiting"] == COUNT - seen["signed"]
            again = await person_there.post(f"{path}/confirm", {}, status=200)
            covered = [c["documents"] for c in again["confirmations"]]
            assert covered == [COUNT, COUNT - seen["signed"]]
            told = await listening
            assert [e["id"] for e in told] == list(range(1, COUNT + 5))
            documents = [e["data"]["request_id"] for e in told if e["event"] == "document"]
            assert sorted(documents) == sorted(requests)
            await _each_is_signed_once(portal_there, await person_there.get(path))
            assert await town.gateways[1].stop() == 0
    finally:
        postgres_server.execute("DROP DATABASE pair WITH (FORCE)")


async def _request(portal):
    answer = await portal.call("POST", "/v1/documents", data=upload_form())
    assert answer.status == 201, answer.raw[:300]
    steps = [{"role": "person", "signer": PERSON, "capacity": "TM.", "title": "Chủ tịch"}]
    body = {"document_id": answer.json["id"], "reference": REFERENCE, "level": "B-B"}
    return (await portal.post("/v1/signature-requests", body | {"steps": steps}))["id"]


async def _listen(client, batch_id, *, last=0, enough=None):
    """Events after one, until there are enough, or the stream ends with the batch."""
    headers = {"Authorization": f"Bearer {client.secret}", "Last-Event-ID": str(last)}
    address = f"{client.base}{BASE}/{batch_id}/events"
    found, event = [], {}
    timeout = aiohttp.ClientTimeout(total=90)
    async with client.session.get(address, headers=headers, timeout=timeout) as response:
        async for raw in response.content:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if not name and "data" in event:
                data = json.loads(event["data"])
                found.append({"id": int(event["id"]), "event": event["event"], "data": data})
                if enough is not None and len(found) >= enough:
                    return found
                event = {}
            elif name:
                event[name] = value
    return found


async def _each_is_signed_once(portal, batch):
    assert (batch["status"], batch["signed"]) == ("done", COUNT)
    requests = await asyncio.gather(
        *(portal.get(f"/v1/signature-requests/{item['request_id']}") for item in batch["items"])
    )
    for request, item in zip(requests, batch["items"], strict=True):
        document = await portal.get(f"/v1/documents/{request['document_id']}")
        assert (document["revision"], len(document["signatures"])) == (1, 1)
        assert document["sha256"] == item["signed_sha256"]

    async def told():
        """The log is written after the commit: it may be a moment behind the batch."""
        events = await portal.every("/v1/events?")
        signed = [e["subject"] for e in events if e["type"] == "document.signed"]
        return signed if len(signed) >= COUNT else None

    signed = await until(told)
    assert len(signed) == len(set(signed)) == COUNT
