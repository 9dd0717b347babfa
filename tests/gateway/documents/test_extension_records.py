"""Raising, extending, renewing leave one record each: in the chain, the bundle, the report."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import msgspec

from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.log import append
from gateway.documents.preservation.rules import SIGN_AND_RAISE
from gateway.documents.requests import NewStep
from gateway.preservation.asked import Asked
from gateway.preservation.policy import DEFAULT_POLICY
from signing.contract import ActCheck, CheckOutcome, ExtensionEvidence, Level
from tests.gateway.documents.desk import LEADER, TENANT, on_sqlite
from tests.gateway.documents.test_evidence_log import NOW, PIN, record, records

ALONE = (NewStep("person", LEADER),)


def left_by(pdf):
    """What an extension of exactly these bytes leaves."""
    mark = hashlib.sha256(pdf).digest()
    return ExtensionEvidence(
        certificates=(b"signer", b"root"),
        authority_certificates=(b"tsa",),
        ocsps=(b"ocsp" + mark,),
        crls=(b"crl",),
        timestamps=(b"token" + mark,),
        checks=(ActCheck("archive_timestamp", CheckOutcome.PASSED, NOW, "Đúng."),),
    )


def leaving(paper):
    """Let the paper service leave evidence of what it extends."""
    extend = paper.extend

    async def leave(pdf, level, void=()):
        return replace(await extend(pdf, level), evidence=left_by(pdf))

    paper.extend = leave
    return paper


async def low(desk, paper, level=Level.B_B):
    document = await desk.document()
    request = await desk.open(document, ALONE, None, when_unavailable=SIGN_AND_RAISE)
    paper.reachable = level
    await desk.sign(request, LEADER, PIN)
    return document


async def chain(desk):
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 100))
    return [msgspec.json.decode(row.content) for row in rows]


async def test_a_queued_raise_is_one_record_of_what_became_what_by_which_proof(desk, paper):
    """Revision to revision, hashes, token, OCSP, CRL, checks, and that the queue asked."""
    leaving(paper)
    document = await low(desk, paper)
    paper.reachable = Level.B_LTA
    desk.clock.advance(DEFAULT_POLICY.retry_s[-1])
    before = await desk.documents.get(TENANT, document.id)
    assert await desk.raising().once() == 1
    after = await desk.documents.get(TENANT, document.id)
    signed, extended = await chain(desk)
    assert (signed["kind"], extended["kind"]) == ("signature", "extension")
    assert extended["document"]["id"] == document.id
    assert extended["asked"] == {
        "by": "queue", "reason": "timestamp_unavailable", "official": None, "principal": None,
    }  # fmt: skip
    step = extended["extension"]
    assert (step["from_revision"], step["to_revision"]) == (1, 2)
    assert (step["input_sha256"], step["result_sha256"]) == (before.sha256, after.sha256)
    assert (step["from_level"], step["level"], step["wanted"]) == ("B-B", "B-LTA", "B-LTA")
    assert step["fields"] == ["ArchiveTime1"]
    assert step["provable_until"] == "2031-11-02T00:00:00Z"
    assert [c["code"] for c in extended["checks"]] == ["archive_timestamp"]
    left = left_by(await desk.files.get(before.sha256))
    kept = {(f["what"], f["sha256"]) for f in extended["files"]}
    for what, raw in (
        ("certificate", b"signer"), ("authority_certificate", b"tsa"), ("ocsp", left.ocsps[0]),
        ("crl", b"crl"), ("timestamp", left.timestamps[0]),
    ):  # fmt: skip
        digest = hashlib.sha256(raw).hexdigest()
        assert (what, digest) in kept
        assert await desk.files.get(digest) == raw
    assert {("input", before.sha256), ("result", after.sha256)} <= kept
    assert (await desk.audit()).first_break is None


@on_sqlite
async def test_who_asks_for_a_renewal_is_recorded(desk, paper):
    """Over HTTP the key and its official, by command the operator; once for each revision."""
    leaving(paper)
    document = await low(desk, paper, Level.B_LTA)
    asked = Asked("request", "extend", principal="key_01", official=LEADER)
    extension = await desk.preservation.prepare(TENANT, document.id, "B-LTA", asked=asked)
    await desk.database.write(lambda c: desk.preservation.publish(c, extension))
    _, renewed = await chain(desk)
    assert renewed["asked"] == {
        "by": "request", "reason": "extend", "official": LEADER, "principal": "key_01",
    }  # fmt: skip
    assert renewed["extension"]["from_level"] == renewed["extension"]["level"] == "B-LTA"


@on_sqlite
async def test_what_adds_nothing_is_no_record(desk, paper):
    leaving(paper)
    document = await low(desk, paper, Level.B_T)
    paper.reachable = Level.B_T
    extension = await desk.preservation.prepare(TENANT, document.id, "B-T")
    await desk.database.write(lambda c: desk.preservation.publish(c, extension))
    assert [c["kind"] for c in await chain(desk)] == ["signature"]


@on_sqlite
async def test_the_bundle_and_its_report_tell_of_the_extension(desk, paper):
    """The raw token lies in the ZIP; the record stands in records.json and the Vietnamese PDF."""
    leaving(paper)
    document = await low(desk, paper, Level.B_LTA)
    extension = await desk.preservation.prepare(TENANT, document.id, "B-LTA")
    await desk.database.write(lambda c: desk.preservation.publish(c, extension))
    raw = await desk.documents.evidence(TENANT, document.id)
    with zipfile.ZipFile(io.BytesIO(raw)) as bundle:
        names = bundle.namelist()
        told = json.loads(bundle.read("records.json"))
        report = bundle.read("report.pdf")
    token = left_by(await desk.files.get(extension.document.sha256)).timestamps[0]
    assert f"timestamps/{hashlib.sha256(token).hexdigest()}.tst" in names
    assert [one["content"]["kind"] for one in told["records"]] == ["signature", "extension"]
    assert "Bổ sung bằng chứng" in text_of(report)
    assert "Bổ sung theo yêu cầu của phía gọi" in text_of(report)


@on_sqlite
async def test_the_audit_finds_an_extension_without_a_record(desk, paper):
    """But only since extensions are recorded at all: older chains still verify."""
    document = await low(desk, paper, Level.B_LTA)
    extension = await desk.preservation.prepare(TENANT, document.id, "B-LTA")
    await desk.database.write(lambda c: desk.preservation.publish(c, extension))
    stolen = evidence_store.evidence_records.c.kind == "extension"
    await desk.database.write(lambda c: c.execute(records.delete().where(stolen)) and None)
    heads = evidence_store.evidence_heads
    (signed,) = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 100))
    await desk.database.write(
        lambda c: c.execute(heads.update().values(number=1, sha256=signed.sha256)) and None
    )
    assert (await desk.audit()).first_break is None  # as chains of earlier versions are
    about = {"kind": "extension", "document": {"id": "doc_x"}}
    await desk.database.write(lambda c: append(c, TENANT, about, signed.recorded_at))
    found = (await desk.audit()).first_break
    assert found is not None
    assert document.id in found.reason


@on_sqlite
async def test_a_changed_column_of_an_extension_is_found(desk, paper):
    document = await low(desk, paper, Level.B_LTA)
    extension = await desk.preservation.prepare(TENANT, document.id, "B-LTA")
    await desk.database.write(lambda c: desk.preservation.publish(c, extension))
    changed = records.update().where(record(2)).values(result_sha256="0" * 64)
    await desk.database.write(lambda c: c.execute(changed) and None)
    found = (await desk.audit()).first_break
    assert (found.number, "result_sha256" in found.reason) == (2, True)


def text_of(pdf):
    import pypdfium2  # noqa: PLC0415 - native, only here

    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return " ".join(" ".join(pages).split())
