"""An official who confirms on a phone: two ``kill -9`` and three days between the two halves."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import pytest

from signing.clock import SystemClock
from signing.devpki import DevPki
from tests.scenarios.business import PERSON, REFERENCE, upload_form
from tests.support.town import living, until

smartca = pytest.importorskip("signing.devpki.smartca_simulator")

THREE_DAYS_S = 3 * 86_400


@pytest.mark.long
@pytest.mark.timeout(150)
async def test_a_confirmation_outlives_two_crashes_and_three_days(tmp_path):
    """Killed while sending, killed while waiting: sent once, signed once, and valid."""
    pki = DevPki.create(tmp_path / "pki", SystemClock())
    async with (
        smartca.SmartCaSimulator(pki) as phone,
        living(tmp_path, signing={"keys": {"lanh-dao": _key(phone)}}) as town,
    ):
        phone.pki = town.world.pki.pki  # whose issuing authority exists by now
        portal, person = await town.key(), await town.key(official=PERSON)
        await town.start()
        request = await _request(portal)
        path = f"/v1/signature-requests/{request['id']}"
        phone.faults.silent_after_work = True
        asked = asyncio.ensure_future(person.call("POST", f"{path}/sign", {}, key="once"))
        await until(lambda: phone.calls.start == 1)
        await town.crash()
        with contextlib.suppress(aiohttp.ClientError):
            await asked
        phone.faults.silent_after_work = False
        pending = await person.insist(f"{path}/sign", {}, key="once")
        assert (pending.status, pending.json["status"]) == (202, "signing")

        async def waits_for_the_phone():
            seen = await portal.get(path)
            return seen["confirmation"]["state"] == "waiting_user"

        await until(waits_for_the_phone)
        town.gateway.kill()
        phone.confirm("official-rsa")
        town.gateway.later_s += THREE_DAYS_S
        town.gateway.start()
        await town.gateway.ready()

        async def is_signed():
            seen = await portal.get(path)
            return seen if seen["status"] == "signed" else None

        signed = await until(is_signed, 60)
        assert signed["confirmation"] is None
        assert phone.calls.start == 1
        await _is_valid_and_single(portal, request["document_id"])
        assert await town.gateway.stop() == 0


def _key(phone):
    configured = phone.key_config(valid_s=30 * 86_400.0).remote
    remote = {
        "url": configured.url,
        "client_id": configured.client_id,
        "client_secret": configured.client_secret,
        "user_id": configured.user_id,
        "valid_s": configured.valid_s,
        "timeout_s": 60.0,
    }
    return {"kind": "smartca", "holder": PERSON, "allow_pkcs1v15": True, "remote": remote}


async def _request(portal):
    answer = await portal.call("POST", "/v1/documents", data=upload_form())
    assert answer.status == 201, answer.raw[:300]
    steps = [{"role": "person", "signer": PERSON, "capacity": "TM.", "title": "Chủ tịch"}]
    body = {"document_id": answer.json["id"], "reference": REFERENCE, "level": "B-LT"}
    return await portal.post("/v1/signature-requests", body | {"steps": steps})


async def _is_valid_and_single(portal, document_id):
    document = await portal.get(f"/v1/documents/{document_id}")
    assert (document["revision"], len(document["signatures"])) == (1, 1)
    content = await portal.call("GET", f"/v1/documents/{document_id}/content")
    form = aiohttp.FormData()
    form.add_field("file", content.raw, filename="da-ky.pdf", content_type="application/pdf")
    judged = await portal.call("POST", "/v1/validations", data=form, key=None)
    assert judged.json["verdict"] == "valid", judged.json
    events = await portal.every("/v1/events?")
    assert [e["type"] for e in events].count("document.signed") == 1
