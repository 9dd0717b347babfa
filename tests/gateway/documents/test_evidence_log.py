"""The chain of evidence on both engines: gapless, tied to what is published, tampering is found."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime

import msgspec
import pytest
import sqlalchemy as sa

from gateway.documents import store
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.audit import EvidenceAudit, Head
from gateway.documents.evidence.chain import GENESIS, Walk, canonical, link, link_sha256
from gateway.documents.evidence.log import append
from gateway.documents.requests import Actor, NewStep
from gateway.foundation.database import Database
from gateway.foundation.problems import Problem
from signing.contract import ActCheck, ActEvidence, CheckOutcome
from tests.gateway.documents.desk import CLERK, LEADER, TENANT, on_sqlite

pytestmark = pytest.mark.long_on_postgresql

PIN = "246810"
ALONE = (NewStep("person", LEADER),)
NOW = datetime(2026, 11, 2, 2, tzinfo=UTC)
records, heads = evidence_store.evidence_records, evidence_store.evidence_heads


def left_by(order):
    """Evidence as a signing service leaves it, with bytes that tell the acts apart."""
    mark = hashlib.sha256(order.pdf).digest()
    passed, warned = CheckOutcome.PASSED, CheckOutcome.WARNED
    return ActEvidence(
        chain=(order.credential.encode(), b"issuer", b"root"),
        authority_certificates=(b"tsa",),
        ocsps=(b"ocsp" + mark,),
        crls=(b"crl",),
        timestamps=(b"token" + mark,),
        checks=(
            ActCheck("chain", passed, NOW, "Đúng."),
            ActCheck("revocation", warned, NOW, "Lạ."),
        ),
        algorithm="RSASSA-PSS SHA-256",
        proven_time=NOW,
    )


@pytest.fixture
def paper(paper):
    paper.leaves = left_by
    return paper


async def contents(desk):
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 100))
    return [msgspec.json.decode(row.content) for row in rows]


async def signed_twice(desk):
    document = await desk.document()
    request = await desk.open(document)
    await desk.sign(request, LEADER, PIN)
    await desk.sign(request, CLERK)
    return document


async def tamper(desk, statement):
    await desk.database.write(lambda c: c.execute(statement) and None)


def record(number):
    return sa.and_(records.c.tenant == TENANT, records.c.number == number)


async def test_every_published_act_has_a_record_of_who_agreed_to_what(desk, paper):
    """Official, key, channel, shown and signed hash, level, checks, and every raw byte string."""
    document = await desk.document()
    request = await desk.open(document)
    actor = Actor(TENANT, LEADER, "key_01", "console")
    done = await desk.sign(request, LEADER, PIN, actor=actor, seen_sha256=document.sha256)
    (content,) = await contents(desk)
    assert content["confirmation"] == {
        "official": LEADER, "principal": "key_01", "channel": "console",
        "credential": "official-rsa", "shown_sha256": document.sha256,
        "input_sha256": document.sha256, "confirmed_at": "2026-11-02T02:00:00Z",
    }  # fmt: skip
    assert content["document"] == {
        "id": document.id, "reference": document.reference, "kind": "ket-qua",
    }  # fmt: skip
    assert content["authority"] is None
    assert content["step"]["capacity"] == "KT."
    assert content["signature"]["result_sha256"] == done.current_sha256
    assert content["signature"]["algorithm"] == "RSASSA-PSS SHA-256"
    assert [c["outcome"] for c in content["checks"]] == ["passed", "warned"]
    left = left_by(paper.signed[0])
    kept = {(f["what"], f["sha256"]) for f in content["files"]}
    for what, several in (
        ("certificate", left.chain), ("authority_certificate", left.authority_certificates),
        ("ocsp", left.ocsps), ("crl", left.crls), ("timestamp", left.timestamps),
    ):  # fmt: skip
        for raw in several:
            digest = hashlib.sha256(raw).hexdigest()
            assert (what, digest) in kept
            assert await desk.files.get(digest) == raw
    assert PIN not in json.dumps(content)


async def test_a_warning_is_recorded_and_answered(desk):
    """Whoever signs under a lenient policy is told, and so is the portal."""
    request = await desk.open(await desk.document(), ALONE, None)
    assert (await desk.sign(request, LEADER, PIN)).steps[0].warnings == ["Lạ."]


async def test_a_mandate_is_cited(desk):
    """The decision an act rests on is part of its record."""
    row = await desk.enter(LEADER, capacities=("KT.",))
    await desk.enter(CLERK, "agency")
    request = await desk.open(await desk.document())
    await desk.sign(request, LEADER, PIN)
    (content,) = await contents(desk)
    assert (content["authority"]["id"], content["authority"]["decision_number"]) == (
        row.id, "12/QĐ-UBND",
    )  # fmt: skip


async def test_the_chain_has_no_gap_however_many_write(desk, database_url):
    """Four processes at once: numbers 1 to 24, each on the one before."""
    others = [Database(database_url) for _ in range(4)]

    async def write(database):
        for _ in range(6):
            await database.write(lambda c: append(c, TENANT, {"kind": "drill"}, NOW))

    try:
        await asyncio.gather(*(write(database) for database in others))
    finally:
        for database in others:
            await database.close()
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 100))
    assert [r.number for r in rows] == list(range(1, 25))
    assert [r.previous_sha256 for r in rows] == [GENESIS, *(r.sha256 for r in rows[:-1])]
    assert (await desk.audit()).first_break is None


async def test_what_is_not_published_is_not_recorded(desk, paper):
    """Record and revision commit together or not at all; what is left says that it was refused."""
    request = await desk.open(await desk.document(), ALONE, None)

    async def end_it(order):
        await desk.enter(CLERK, agency_code="H55.99")  # now the register binds, and has no leader

    paper.after_sign = end_it
    with pytest.raises(Problem):
        await desk.sign(request, LEADER, PIN)
    assert [one["kind"] for one in (await contents(desk))] == ["refusal"]


async def test_chains_of_tenants_are_apart(desk):
    """Each tenant counts from 1 and has a head of its own."""
    for tenant in ("a/live", "b/live", "a/live"):
        await desk.database.write(
            lambda c, t=tenant: append(c, t, {"kind": "drill"}, desk.clock.now())
        )
    walked = await EvidenceAudit(desk.database, desk.files).verify()
    assert [(w.tenant, w.head.number, w.first_break) for w in walked] == [
        ("a/live", 2, None), ("b/live", 1, None),
    ]  # fmt: skip


# ------------------------------------------------------------------ tampering


async def test_an_honest_log_holds(desk):
    """Two documents, four acts; the head is what the last link is."""
    await signed_twice(desk)
    await signed_twice(desk)
    walked = await desk.audit()
    assert walked.first_break is None
    head = await desk.database.read(lambda c: evidence_store.head_of(c, TENANT))
    assert (walked.head.number, walked.head.sha256) == (4, head.sha256)


TAMPERINGS = {
    "one letter of a content": (
        lambda: records.update().where(record(2)).values(
            content=sa.func.replace(records.c.content, "ket-qua", "ket-quá")
        ),
        2,
        "nội dung đã bị sửa",
    ),
    "a record": (lambda: records.delete().where(record(2)), 2, "thiếu bản ghi"),
    "the last record": (lambda: records.delete().where(record(4)), 4, "thiếu bản ghi"),
    "the head": (lambda: heads.update().values(number=3), 3, "đầu chuỗi"),
    "a repeated column": (
        lambda: records.update().where(record(3)).values(certificate_sha256="0" * 64),
        3,
        "cột certificate_sha256",
    ),
    "the moment of a record": (
        lambda: records.update().where(record(1)).values(recorded_at=NOW.replace(year=2025)),
        1,
        "cột recorded_at",
    ),
    "the order of two records": (
        lambda: records.update().where(record(1)).values(number=9), 1, "thiếu bản ghi",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_changed_rows_are_found_and_named(desk, what):
    """Whatever is changed, added or cut in the tables: the first broken number is told."""
    statement, number, words = TAMPERINGS[what]
    await signed_twice(desk)
    await signed_twice(desk)
    await tamper(desk, statement())
    found = (await desk.audit()).first_break
    assert found is not None
    assert (found.number, words in found.reason) == (number, True)
    assert str(found).startswith(f"{TENANT} số {found.number}: ")


async def test_a_record_forged_with_its_own_hash_breaks_the_next_one(desk):
    """Whoever knows how links are made must still change all that follow."""
    await signed_twice(desk)
    await signed_twice(desk)
    first, second, *_ = await desk.database.read(
        lambda c: evidence_store.records_after(c, TENANT, 0, 100)
    )
    content = second.content.replace("official", "ai.do")
    forged = link_sha256(link(TENANT, 2, first.sha256, content.encode()))
    await tamper(desk, records.update().where(record(2)).values(content=content, sha256=forged))
    found = (await desk.audit()).first_break
    assert (found.number, "không nối" in found.reason) == (3, True)


async def test_a_chain_rewritten_to_its_end_is_found_by_a_noted_head(desk):
    """Only somebody who kept an earlier head can tell; the head is there to be kept."""
    await signed_twice(desk)
    noted = (await desk.audit()).head
    await signed_twice(desk)
    assert (await desk.audit({TENANT: noted})).first_break is None
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 100))
    previous = GENESIS
    for row in rows:
        content = row.content.replace("ket-qua", "khac").encode()
        digest = link_sha256(link(TENANT, row.number, previous, content))
        values = {"content": content.decode(), "previous_sha256": previous, "sha256": digest}
        await tamper(desk, records.update().where(record(row.number)).values(**values))
        previous = digest
    await tamper(desk, heads.update().values(sha256=previous))
    assert (await desk.audit()).first_break is None
    found = (await desk.audit({TENANT: noted})).first_break
    assert (found.number, "khác với đầu chuỗi" in found.reason) == (2, True)
    longer = Head(9, "0" * 64)
    assert (await desk.audit({TENANT: longer})).first_break.number == 9
    walked = await EvidenceAudit(desk.database, desk.files).verify({"ai/live": noted})
    assert walked[0].first_break.tenant == "ai/live"


@pytest.mark.parametrize("what", ["ocsp", "timestamp", "crl", "certificate", "result", "input"])
@on_sqlite
async def test_changed_and_lost_files_are_found_and_named(desk, tmp_path, what):
    """One byte of any kept file, or the whole file: the record and the file are told."""
    await signed_twice(desk)
    content = (await contents(desk))[0]
    digest = next(f["sha256"] for f in content["files"] if f["what"] == what)
    path = tmp_path / "files" / digest[:2] / digest[2:4] / digest
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    found = (await desk.audit()).first_break
    assert (found.number, digest in found.reason, "đã bị sửa" in found.reason) == (1, True, True)
    path.unlink()
    found = (await desk.audit()).first_break
    assert (found.number, "không còn trong kho tệp" in found.reason) == (1, True)
    path.write_bytes(raw)
    assert (await desk.audit()).first_break is None


async def test_a_signed_file_that_nobody_recorded_is_found(desk):
    """A publication that went round the log shows as a revision without a record."""
    document = await signed_twice(desk)
    table = store.document_revisions
    await tamper(
        desk,
        table.insert().values(
            document_id=document.id, number=3, sha256="1" * 64, size=1, created_at=NOW,
            request_id="sig_smuggled", step=0, role="person",
        ),
    )  # fmt: skip
    found = (await desk.audit()).first_break
    assert (found.number, document.id in found.reason) == (0, True)


def test_a_link_depends_on_everything_it_joins():
    """Tenant, number, the one before and the content: another value, another hash."""
    plain = link_sha256(link("t/live", 1, GENESIS, b"{}"))
    others = {
        link_sha256(link(*changed))
        for changed in (
            ("u/live", 1, GENESIS, b"{}"), ("t/live", 2, GENESIS, b"{}"),
            ("t/live", 1, "1" * 64, b"{}"), ("t/live", 1, GENESIS, b"{ }"),
        )
    }  # fmt: skip
    assert len({plain, *others}) == 5
    assert canonical({"b": 1, "a": "Đ"}) == '{"a":"Đ","b":1}'.encode()
    assert Walk("t/live").end(None) is None
