"""The clerk's act under one time-stamp of the document, as the gateway keeps and tells it."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile

import pytest

from gateway.documents.evidence.guide import NAME
from signing.clock import SystemClock
from signing.devpki.server import Faults
from signing.service import SigningService
from tests.gateway.documents.desk import CLERK, LEADER, TENANT, Desk
from tests.gateway.documents.test_evidence_bundle import report_text
from tests.gateway.documents.test_evidence_guide import failing
from tests.signing import oracles
from tests.support.guide import commands_of

PIN = "phat-trien"
CLERKS = ("Number1", "Day1", "Month1", "Seal1")


@pytest.fixture
def pki(running_pki):
    running_pki.faults = Faults()
    yield running_pki
    running_pki.faults = Faults()


@pytest.fixture
async def desk(sqlite, clock, tmp_path, pki):
    config = dataclasses.replace(pki.signer_config(), timestamps_of_an_act="one")
    service = SigningService(config, SystemClock())
    yield Desk.make(sqlite, clock, tmp_path, service)
    await service.close()


async def issued(desk, **more):
    document = await desk.document()
    request = await desk.open(document, **more)
    await desk.sign(request, LEADER, PIN)
    return document, request


async def bundle_of(desk, document):
    return zipfile.ZipFile(io.BytesIO(await desk.documents.evidence(TENANT, document.id)))


@pytest.mark.oracle
@pytest.mark.parametrize("level", [pytest.param("B-LT", marks=pytest.mark.long), "B-LTA"])
async def test_the_bundle_tells_of_the_one_time_stamp(desk, tmp_path, level):
    """Record, manifest, report and guide: one token over four signatures, checked by openssl."""
    oracles.need("openssl")
    document, request = await issued(desk, level=level)
    await desk.sign(request, CLERK)
    bundle = await bundle_of(desk, document)
    record = json.loads(bundle.read("records.json"))["records"][-1]["content"]
    assert record["signature"]["fields"] == list(CLERKS)
    assert record["signature"]["time_source"] == "document_timestamp"
    assert record["signature"]["proven_time"] is not None
    assert [f["what"] for f in record["files"]].count("timestamp") == 1
    assert any("bao trùm 4 chữ ký" in check["detail"] for check in record["checks"])
    signatures = json.loads(bundle.read("manifest.json"))["signatures"]
    clerks = [one for one in signatures if one["field_name"] in CLERKS]
    assert [one["timestamps"] for one in clerks] == [[], [], [], []]
    assert signatures[-1]["kind"] == "archive_timestamp"
    text, _ = report_text(bundle)
    assert "dấu thời gian chung của cả tệp" in text
    bundle.extractall(tmp_path / "zip")
    guide = (tmp_path / "zip" / NAME).read_text("utf-8")
    assert guide.count(f"xem mục 3.{len(signatures)}, dấu thời gian") == 4
    commands = [c for c in commands_of(guide) if "signatures/" in c]
    assert len(commands) >= len(signatures)
    assert failing(tmp_path / "zip", commands) == []


@pytest.mark.long
async def test_an_act_without_the_time_stamp_is_raised_from_the_queue(desk, pki):
    """B-B now, told and queued; the one time-stamp comes with the proof."""
    document, request = await issued(desk, level="B-LTA", when_unavailable="sign_and_raise")
    pki.faults.tsa_down = True
    await desk.sign(request, CLERK)
    shown = await desk.task(document)
    assert (shown.reached, shown.wanted) == ("B-B", "B-LTA")
    pki.faults.tsa_down = False
    desk.clock.advance(3_600)
    assert await desk.raising().once() == 1
    bundle = await bundle_of(desk, document)
    signatures = json.loads(bundle.read("manifest.json"))["signatures"]
    assert [len(one["timestamps"]) for one in signatures if one["field_name"] in CLERKS] == [0] * 4
    verdict = json.loads(bundle.read("validation.json"))
    assert verdict["verdict"] == "valid"
    sources = {s["field_name"]: s["time_source"] for s in verdict["signatures"]}
    assert {sources[name] for name in CLERKS} == {"document_timestamp"}
    extension = json.loads(bundle.read("records.json"))["records"][-1]["content"]
    assert extension["kind"] == "extension"
    assert extension["extension"]["level"] == "B-LTA"
