"""SIGTERM under load: what was taken in is answered, what is in flight finished, status 0."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.scenarios.business import (
    Business,
    check_the_log,
    officials,
    payment_of,
    signature_request_of,
    subscribe,
    upload_form,
)
from tests.support.receiver import receiving
from tests.support.town import living, until


@pytest.mark.long
async def test_sigterm_under_load_answers_everything_it_took_in_and_a_restart_goes_on(tmp_path):
    """Eight portals press on, a signature is being made, webhooks are on their way."""
    async with (
        living(tmp_path, server={"requests_per_second": 0}) as town,
        receiving() as receiver,
    ):
        people, portal = await officials(town), await town.key()
        await town.start()
        await subscribe(portal, receiver)
        path = await _waiting_for_a_signature(portal)
        answered, unanswered = set(), set()
        pressing = [
            asyncio.ensure_future(_press(portal, worker, answered, unanswered))
            for worker in range(8)
        ]
        await until(lambda: len(answered) >= 40)
        signing = asyncio.ensure_future(people["person"].call("POST", path, {}, key="sign"))
        await asyncio.sleep(0.2)
        assert not signing.done()
        assert await town.gateway.stop() == 0
        await asyncio.gather(*pressing)
        signed = await signing
        assert signed.status == 200, signed.raw[:500]
        assert "Traceback" not in town.gateway.log
        told_before = receiver.counts
        await town.start()
        payments = {p["id"] for p in await portal.every("/v1/payments?")}
        assert payments == answered  # nothing answered is lost, nothing unanswered was done
        assert len(unanswered) <= 8
        again = await people["person"].call("POST", path, {}, key="sign")
        assert again.raw == signed.raw
        await check_the_log(Business(town, portal), receiver)
        assert all(receiver.counts[event] == 1 for event in told_before)


async def _waiting_for_a_signature(portal):
    uploaded = await portal.call("POST", "/v1/documents", data=upload_form())
    body = signature_request_of(uploaded.json["id"])
    request = await portal.post("/v1/signature-requests", body)
    return f"/v1/signature-requests/{request['id']}/sign"


async def _press(portal, worker, answered, unanswered):
    """Open payments as fast as they are answered, until nobody answers any more."""
    number = 0
    while True:
        number += 1
        key = f"press-{worker}-{number}"
        try:
            answer = await portal.call("POST", "/v1/payments", payment_of(10_000), key=key)
        except (aiohttp.ClientError, OSError):
            unanswered.add(key)
            return
        assert answer.status == 201, answer.raw[:500]
        answered.add(answer.json["id"])
