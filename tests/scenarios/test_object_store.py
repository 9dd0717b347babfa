"""Documents beyond ``files.large_from`` whose files are in a store that speaks S3, over HTTP."""

from __future__ import annotations

import hashlib
import io

import aiohttp
import pytest

from signing.devpki.csc_simulator import PIN
from tests.scenarios.business import (
    CERTIFIER,
    PERSON,
    REFERENCE,
    certification_of,
    upload_form,
)
from tests.support.object_store import BUCKET, ENVIRONMENT, ObjectStore
from tests.support.scans import write_scans
from tests.support.town import living

pytestmark = pytest.mark.long  # a whole gateway with its processes

LARGE_FROM = 1_000_000
PLACE = {"page": 1, "rect_mm": [100, 200, 60, 25]}
SIGNERS = {PERSON: None, "official:thu.csc-v2": PIN}


@pytest.fixture
async def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    async with ObjectStore(tmp_path / "objects") as served:
        said = {"AWS_ENDPOINT_URL": served.url, "TMPDIR": str(tmp_path / "tmp")}
        for name, value in {**ENVIRONMENT, **said}.items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def scans(tmp_path):
    path = tmp_path / "scans.pdf"
    write_scans(path, 9)  # more than one part of an upload
    return path.read_bytes()


def spools(tmp_path):
    return list((tmp_path / "tmp").glob("motcua-spool-*"))


async def content(client, path):
    answer = await client.call("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pdf"
    return answer.raw


async def uploaded(client, pdf):
    answer = await client.call("POST", "/v1/documents", data=upload_form(pdf))
    assert answer.status == 201, answer.raw[:500]
    return answer.json


async def judged(client, pdf):
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(pdf), filename="a.pdf")
    return (await client.call("POST", "/v1/validations", data=form)).json["verdict"]


async def test_a_large_document_lives_in_an_object_store(tmp_path, elsewhere, scans):
    """Uploaded, signed here and at CSC, raised, judged, certified, fetched; no spool stays."""
    files = {"url": f"s3://{BUCKET}/phuong-mau", "large_from": LARGE_FROM}
    async with living(tmp_path, remote_keys=True, files=files) as town:
        await town.start()
        portal = await town.key()
        for signer, pin in SIGNERS.items():
            document = await uploaded(portal, scans)
            assert document["sha256"] == hashlib.sha256(scans).hexdigest()
            step = {"role": "person", "signer": signer, "placement": PLACE}
            asked = await portal.post(
                "/v1/signature-requests",
                {
                    "document_id": document["id"],
                    "reference": REFERENCE,
                    "level": "B-T",
                    "steps": [step],
                },
            )
            official = await town.key(official=signer)
            address = f"/v1/signature-requests/{asked['id']}/sign"
            signed = await official.post(address, {"pin": pin} if pin else {}, status=200)
            assert signed["status"] == "signed"
            address = f"/v1/documents/{document['id']}"
            raised = await portal.post(f"{address}/extend", {"level": "B-LTA"}, status=200)
            assert raised["level"] == "B-LTA"
            pdf = await content(portal, f"{address}/content")
            assert hashlib.sha256(pdf[: len(scans)]).hexdigest() == document["sha256"]
            assert hashlib.sha256(pdf).hexdigest() == raised["sha256"]
            assert await judged(portal, pdf) == "valid"
        document = await uploaded(portal, scans)
        draft = await portal.post("/v1/certifications", certification_of(document["id"]))
        certifier = await town.key(official=CERTIFIER)
        address = f"/v1/certifications/{draft['id']}"
        await certifier.post(f"{address}/sign", {}, status=200)
        copy = await content(portal, f"{address}/content")
        assert await judged(portal, copy) == "valid"
        assert spools(tmp_path) == []
        elsewhere.refuses = "AccessDenied"
        answer = await portal.call("POST", "/v1/documents", data=upload_form(scans))
        assert (answer.status, answer.code) == (503, "service_unavailable")
        assert spools(tmp_path) == []
        assert "Traceback" not in town.gateway.log
    assert elsewhere.parts == {}
