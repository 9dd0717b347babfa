"""``kill -9`` around confirmations at CSC, SmartCA and MySign: nothing is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from gateway.key_simulators import holder_of
from signing.devpki.csc_simulator import PIN
from tests.scenarios.business import REFERENCE, upload_form
from tests.support.town import Client, Town, living, until

pytestmark = pytest.mark.skipif(not os.environ.get("CI"), reason="several lives: with CI=1")

BUSY = ("idempotency_in_progress", "signing_in_progress")
BY_PHONE = ("smartca", "mysign", "mysign-callback")
SLOW_S = 5.0


@dataclass
class Desk:
    """One official, one request."""

    portal: Client
    official: Client
    request: Any

    @classmethod
    async def open(cls, town: Town, portal: Client, name: str) -> Desk:
        official = await town.key(official=holder_of(name))
        document = (await portal.call("POST", "/v1/documents", data=upload_form())).json
        steps = [{"role": "person", "signer": holder_of(name), "title": "Chủ tịch"}]
        body = {"document_id": document["id"], "reference": REFERENCE, "level": "B-T"}
        request = await portal.post("/v1/signature-requests", body | {"steps": steps})
        return cls(portal, official, request)

    async def sign(self, key: str, **body: str) -> Any:
        """The answer under one key, however often the connection breaks."""
        path = f"/v1/signature-requests/{self.request['id']}/sign"
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                answer = await self.official.call("POST", path, body, key=key)
                if answer.code not in BUSY:
                    return answer
            await asyncio.sleep(0.2)

    async def seen(self) -> Any:
        return await self.portal.get(f"/v1/signature-requests/{self.request['id']}")

    async def waits(self) -> bool:
        seen = await self.seen()
        return (seen["confirmation"] or {}).get("state") == "waiting_user"

    async def is_signed(self) -> bool:
        return (await self.seen())["status"] == "signed"

    async def signatures(self) -> tuple[int, int]:
        document = await self.portal.get(f"/v1/documents/{self.request['document_id']}")
        return document["revision"], len(document["signatures"])


@contextlib.asynccontextmanager
async def asked(desk: Desk, key: str, **body: str):
    """While the call runs, into which the process is killed."""
    task = asyncio.ensure_future(desk.sign(key, **body))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.timeout(240)
async def test_killed_before_and_after_the_confirmation(tmp_path):
    """Each official is asked once; what they confirmed is embedded after the second life's end."""
    async with living(tmp_path, remote_keys=True) as town:
        portal = await town.key()
        await town.start()
        desks = {name: await _started(town, portal, name) for name in BY_PHONE}
        services, tsa = town.world.services, town.world.pki
        town.gateway.kill()
        tsa.faults.tsa_delay_s = SLOW_S
        before = tsa.calls.tsa
        for phone in (services.smartca.desk, services.mysign.desk):
            for reference in list(phone.transactions):
                phone.decide(reference, "confirmed")  # whose callbacks find nobody there
        town.gateway.later_s += 65
        town.gateway.start()
        await town.gateway.ready()
        await until(lambda: tsa.calls.tsa >= before + len(BY_PHONE))
        town.gateway.kill()
        tsa.faults.tsa_delay_s = 0.0
        town.gateway.later_s += 65
        town.gateway.start()
        await town.gateway.ready()
        for name, desk in desks.items():
            await until(desk.is_signed)
            assert await desk.signatures() == (1, 1), name
        assert services.smartca.desk.calls.start == 1
        assert services.mysign.desk.calls.start == 2

        async def three_events():
            return len(await portal.every("/v1/events?")) == len(BY_PHONE)

        await until(three_events)
        events = [e["type"] for e in await portal.every("/v1/events?")]
        assert events == ["document.signed"] * 3
        assert await town.gateway.stop() == 0


async def _started(town, portal, name):
    desk = await Desk.open(town, portal, name)
    assert (await desk.sign(name)).status == 202
    await until(desk.waits)
    return desk


@pytest.mark.timeout(240)
@pytest.mark.parametrize("late", [False, True], ids=["while signing", "while time-stamping"])
async def test_a_code_is_not_used_again_by_a_program(tmp_path, late):
    """CSC cannot be asked: the key's answer after the crash says so; a person may sign anew."""
    async with living(tmp_path, remote_keys=True) as town:
        csc, tsa = town.world.services.csc.desk, town.world.pki
        await town.start()
        desk = await Desk.open(town, await town.key(), "csc-v2")
        csc.faults.silent_after_signing = not late
        tsa.faults.tsa_delay_s = SLOW_S if late else 0.0
        async with asked(desk, "once", pin=PIN):
            await until(lambda: tsa.calls.tsa == 1 if late else csc.calls.sign_hash == 1)
            await town.crash()
        csc.faults.silent_after_signing, tsa.faults.tsa_delay_s = False, 0.0
        for _ in range(2):
            answer = await desk.sign("once", pin=PIN)
            assert (answer.status, answer.json["reason"]) == (503, "outcome_unknown")
            assert answer.json["retryable"] is False
        assert (csc.calls.authorize, csc.calls.sign_hash) == (1, 1)
        assert (await desk.seen())["status"] == "waiting"
        assert (await desk.sign("anew", pin=PIN)).status == 200
        assert await desk.signatures() == (1, 1)
        assert await town.gateway.stop() == 0
