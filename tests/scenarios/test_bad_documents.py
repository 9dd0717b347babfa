"""Files that attack, or were signed strangely, from upload to signature through a real gateway.

Each ends signed or in a named refusal, in Vietnamese; nothing is our fault and nothing is traced.
"""

from __future__ import annotations

import asyncio
import struct
import zlib

import pytest
import pytest_asyncio
from pyhanko.sign.fields import MDPPerm

from tests.scenarios.business import AGENCY, PERSON, officials, upload_form
from tests.signing.commands import hostile
from tests.signing.validation.signing_kit import make_pdf, sign
from tests.support.paper import plain_pdf
from tests.support.town import living

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


def certified():
    """P=1: nobody may change anything any more."""
    return sign(make_pdf(), certify=MDPPerm.NO_CHANGES)


def outside_its_box():
    """A page whose box begins below zero."""
    return make_pdf(media="-300 -400 295 442")


def _picture_bomb():
    """A few kilobytes that say they are 60,000 by 60,000 points."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = (header, b"IDAT" + hostile.zeros(8), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks
    )


# what → (maker, status of the upload, its code or None, outcome of asking for signatures)
FILES = {
    "bomb": (hostile.bomb, 422, "file_unreadable", None),
    "bomb in a bomb": (hostile.bomb_in_a_bomb, 422, "file_unreadable", None),
    "bomb of objects": (hostile.bomb_of_objects, 422, "file_unreadable", None),
    "nested": (hostile.nested, 422, "file_unreadable", None),
    "password": (lambda: plain_pdf(password="bi-mat"), 422, "file_encrypted", None),
    "certified P=1": (certified, 201, "", "document_blocked"),
    "two SignerInfos": (hostile.two_signer_infos, 201, "", "document_blocked"),
    "empty Contents": (hostile.empty_contents, 201, "", "document_blocked"),
    "box below zero": (outside_its_box, 201, "", "signed"),
    "25 signatures": (hostile.many_signatures, 201, "", "signed"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad-documents")
    async with living(folder, server={"requests_per_second": 0}) as town:
        await town.start()
        yield town
        for word in ("unhandled", "Traceback", "internal_error"):
            assert word not in town.gateway.log
        assert await town.gateway.stop() == 0


def asking(document):
    steps = [{"role": "person", "signer": PERSON, "capacity": "TM.", "title": "Chủ tịch"}]
    return {"document_id": document, "level": "B-B", "steps": steps}


@pytest.mark.long
@pytest.mark.parametrize("what", FILES)
async def test_every_file_ends_signed_or_in_a_named_refusal(town, what):
    """Status, code and a Vietnamese sentence; whatever was stored can be judged and exported."""
    make, status, code, outcome = FILES[what]
    portal = await town.key()
    content = await asyncio.to_thread(make)
    answer = await portal.call("POST", "/v1/documents", data=upload_form(content))
    assert (answer.status, answer.code) == (status, code), answer.raw[:600]
    if outcome is None:
        assert answer.json["detail"]
        assert any(f["severity"] == "block" for f in answer.json["findings"])
        return
    document = answer.json["id"]
    asked = await portal.call("POST", "/v1/signature-requests", asking(document))
    if outcome == "signed":
        assert asked.status == 201, asked.raw[:600]
        person = (await officials(town))["person"]
        path = f"/v1/signature-requests/{asked.json['id']}/sign"
        signed = await person.call("POST", path, {"pin": "phat-trien"})
        assert (signed.status, signed.json["status"]) == (200, "signed"), signed.raw[:600]
    else:
        assert (asked.status, asked.code) == (409, outcome), asked.raw[:600]
        assert asked.json["detail"]
        assert asked.json["findings"]
    bundle = await portal.call("GET", f"/v1/documents/{document}/evidence")
    assert (bundle.status, bundle.raw[:2]) == (200, b"PK")


@pytest.mark.long
async def test_a_picture_that_would_fill_the_memory_is_refused_by_the_act(tmp_path):
    """A PNG of gigabytes as a seal: the clerk is told why, and the leader's signature stays."""
    async with living(tmp_path, server={"requests_per_second": 0}) as town:
        (town.world.pki.pki.directory / "agency.png").write_bytes(_picture_bomb())
        await town.start()
        portal, people = await town.key(), await officials(town)
        document = await portal.call("POST", "/v1/documents", data=upload_form())
        steps = [*asking("")["steps"], {"role": "agency", "signer": AGENCY}]
        body = {"document_id": document.json["id"], "steps": steps}
        request = await portal.post("/v1/signature-requests", body)
        path = f"/v1/signature-requests/{request['id']}/sign"
        assert (await people["person"].call("POST", path, {"pin": "phat-trien"})).status == 200
        refused = await people["clerk"].call("POST", path, {})
        assert (refused.status, refused.code) == (422, "credential_refused"), refused.raw[:600]
        assert refused.json["reason"] == "image_too_large"
        assert "ảnh" in refused.json["detail"].lower()
        shown = await portal.get(f"/v1/signature-requests/{request['id']}")
        assert shown["steps"][0]["status"] == "signed"
        for word in ("unhandled", "Traceback"):
            assert word not in town.gateway.log
