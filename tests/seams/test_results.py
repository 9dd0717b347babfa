"""What comes out, whoever's key it was: the same proof, records and events on every path."""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import zipfile

import pytest

from gateway.documents.evidence.audit import EvidenceAudit
from gateway.documents.evidence.guide import NAME
from tests.scenarios.business import CLERK, certification_of
from tests.seams.acts import (
    NUMBER,
    PATHS,
    document,
    events_of,
    fetch,
    judge,
    opened,
    raised,
    seal,
    seen,
    sign,
)
from tests.seams.town import LARGE_FROM, until
from tests.signing import oracles
from tests.support.guide import commands_of

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

QUICK = ("smartca",)
ROWS = [
    pytest.param(PATHS[name], id=name, marks=[] if name in QUICK else [pytest.mark.long])
    for name in PATHS
]


def needed(town, path):
    """Skip what this machine has not."""
    if path.official not in town.gateway.documents.acts._authority.keys:
        pytest.skip("SoftHSM2 is not on this machine")


async def sealed(town, asked):
    """The clerk's one act with a key that is held here."""
    clerk = await town.client(CLERK)
    answer = await clerk.call("POST", f"/v1/signature-requests/{asked['id']}/sign", {})
    assert answer.status == 200, answer.raw[:800]
    return answer.json


@pytest.mark.oracle
@pytest.mark.parametrize("path", ROWS)
async def test_a_decision_is_signed_numbered_sealed_and_provable(town, path, tmp_path):
    """Person, then clerk: levels, dotted places, records, events, verdicts, ZIP, copy, renewal."""
    needed(town, path)
    asked = await opened(town, path, seal(), document_number=NUMBER)
    await sign(town, path, asked)
    shown = await document(town, asked)
    assert (shown["level"], shown["revision"]) == (path.top, 1)
    assert shown["provable_until"] is not None
    if path.top != "B-LTA":
        assert (shown["preservation"]["wanted"], shown["preservation"]["reached"]) == (
            "B-LTA", path.top,
        )  # fmt: skip
        clerk = await town.client(CLERK)
        early = await clerk.call("POST", f"/v1/signature-requests/{asked['id']}/sign", {})
        assert (early.status, early.code) == (503, "level_pending")
        shown = await raised(town, asked)
    await sealed(town, asked)
    assert (await seen(town, asked))["status"] == "signed"

    await check_file(town, path, asked, tmp_path)
    await check_evidence(town, asked, tmp_path)
    await check_events(town, asked)
    await check_copy(town, asked)
    await check_renewal(town, asked)


async def check_file(town, path, asked, tmp_path):
    """Our validator and pdfsig agree; the number and date stand in their dotted places."""
    shown = await document(town, asked)
    assert (shown["level"], shown["preservation"]) == ("B-LTA", None)
    pdf = await fetch(town, shown["content_path"])
    assert pdf.startswith(await fetch(town, f"{shown['content_path']}?revision=original"))
    assert (len(pdf) > LARGE_FROM) is path.heavy
    verdict = await judge(town, pdf)
    assert verdict["verdict"] == "valid", (verdict["summary"], verdict["messages"])
    signatures = [s for s in verdict["signatures"] if s["level"] is not None]
    assert len(signatures) == 5
    assert {(s["indication"], s["sub_indication"]) for s in signatures} == {("TOTAL-PASSED", None)}
    assert all(s["time_status"] == "proven" for s in signatures)
    file = tmp_path / "signed.pdf"
    file.write_bytes(pdf)
    found, text = oracles.pdfsig_verdicts(file)
    valid = [verdict for _, verdict in found if verdict.startswith("Signature is Valid")]
    assert len(valid) == 5, text
    assert oracles.qpdf_accepts(file)
    lines = oracles.run("pdftotext", "-layout", str(file), "-").splitlines()
    printed = " ".join(" ".join(lines).replace(".", " ").split())
    assert re.search(r"Số:( 05)? /QĐ-UBND( 05)? ", printed), printed
    assert printed.count(" 05 ") == 1
    assert "ngày 21 tháng 11 năm 2026" in printed, printed


def failing(folder):
    """The commands of the ZIP's own guide that do not hold, with what they say."""
    found = []
    for command in commands_of((folder / NAME).read_text("utf-8")):
        done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=False)
        if done.returncode:
            found.append((command, done.stderr))
    return found


async def check_evidence(town, asked, tmp_path):
    """One record a publication, and a ZIP that verifies with its own commands."""
    raw = await fetch(town, f"/v1/documents/{asked['document_id']}/evidence")
    folder = tmp_path / "zip"
    zipfile.ZipFile(io.BytesIO(raw)).extractall(folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert (manifest["missing"], manifest["unreadable_signatures"]) == ([], [])
    records = json.loads((folder / "records.json").read_text("utf-8"))["records"]
    contents = [one["content"] for one in records if one["content"]["kind"] != "refusal"]
    results = [(c.get("signature") or c.get("extension"))["result_sha256"] for c in contents]
    assert results == [r["sha256"] for r in manifest["revisions"][1:]]
    for content in contents:
        what = {file["what"] for file in content["files"]}
        assert {"input", "result"} <= what, content
        assert content["checks"], content
    person = contents[0]
    assert "ocsp" in {f["what"] for f in person["files"]} or "crl" in {
        f["what"] for f in person["files"]
    }, person
    failed = await asyncio.to_thread(failing, folder)
    assert failed == []
    audit = EvidenceAudit(town.gateway.database, town.gateway.files)
    assert {walked.first_break for walked in await audit.verify()} == {None}


async def check_events(town, asked):
    """Sequences from one without a gap, signed exactly once, and each delivered."""

    async def told():
        found = await events_of(town, asked)
        return found if "document.signed" in {type_ for _, type_ in found} else None

    found = await until(told)
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    types = [type_ for _, type_ in found]
    assert types.count("document.signed") == 1
    assert types[-1] == "document.signed"

    async def delivered():
        bodies = [b for b in town.receiver.events.values() if b["subject"] == asked["document_id"]]
        return len(bodies) == len(found)

    await until(delivered, town)


async def check_copy(town, asked):
    """What is signed is an original itself: a copy is certified from a scan of paper."""
    portal = await town.client()
    body = certification_of(asked["document_id"])
    refused = await portal.call("POST", "/v1/certifications", body)
    assert (refused.status, refused.code) == (409, "source_signed")
    assert "chữ ký số" in refused.json["detail"]


async def check_renewal(town, asked):
    """Extending afterwards renews: a longer or equal proof, still valid, one more record."""
    portal, before = await town.client(), await document(town, asked)
    path = f"/v1/documents/{asked['document_id']}/extend"
    answer = await portal.call("POST", path, {"level": "B-LTA"})
    assert answer.status == 200, answer.raw[:800]
    after = answer.json
    assert after["revision"] == before["revision"] + 1
    assert after["provable_until"] >= before["provable_until"]
    verdict = await judge(town, await fetch(town, after["content_path"]))
    assert verdict["verdict"] == "valid", verdict["summary"]
