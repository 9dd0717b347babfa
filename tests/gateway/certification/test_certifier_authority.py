"""Certified copies under the authority register, and their acts in the evidence log."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from gateway.documents.authority.rules import Mandate
from gateway.documents.authority.service import AuthorityRegister, NewEnding
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.audit import EvidenceAudit
from gateway.foundation.listing import Window
from gateway.foundation.problems import Problem
from signing.contract import CertificateBinding
from tests.gateway.certification.bureau import AGENCY, CERTIFIER, TENANT, Bureau, on_sqlite
from tests.support.paper import PaperSignatures

pytestmark = pytest.mark.long_on_postgresql

DAY = date(2026, 1, 1)


@pytest.fixture
def register(bureau):
    return AuthorityRegister(bureau.database, bureau.clock)


async def enter(bureau, register, official=CERTIFIER, **more):
    mandate = Mandate("", AGENCY, official, "person", "12/QĐ-UBND", DAY, DAY, **more)
    return await bureau.database.write(lambda c: register.enter(c, TENANT, mandate, "key_x"))


async def end(bureau, register, row):
    ending = NewEnding("luân chuyển")
    await bureau.database.write(lambda c: register.end(c, TENANT, row.id, ending, "key_x"))


async def refused(awaitable):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == "authority_refused"
    return caught.value


async def test_a_certifier_whose_mandate_ended_certifies_nothing(bureau, register, paper):
    """No number is taken, no key is used, and the reason names the day."""
    row = await enter(bureau, register, title="Chủ tịch")
    draft = await bureau.draft()
    await end(bureau, register, row)
    problem = await refused(bureau.sign(draft))
    assert "đã hết ngày 02.11.2026" in problem.detail_vi
    assert paper.signed == []
    await enter(bureau, register, title="Chủ tịch")
    assert (await bureau.sign(draft)).number == 1


@on_sqlite
async def test_nobody_is_asked_to_certify_without_a_mandate(bureau, register):
    """Told when it is drafted, at the field that is wrong."""
    await enter(bureau, register, title="Phó Chủ tịch")
    with pytest.raises(Problem) as caught:
        await bureau.draft()
    assert [(e.pointer, e.code) for e in caught.value.errors] == [("/certifier", "authority_title")]


async def test_a_mandate_that_ends_while_signing_enters_nothing(bureau, register, paper):
    """The register is asked again in the transaction that enters the number, which stays free."""
    row = await enter(bureau, register)
    draft = await bureau.draft()

    async def end_it(order):
        if len(paper.signed) == 2:
            await end(bureau, register, row)

    paper.after_sign = end_it
    await refused(bureau.sign(draft))
    del paper.after_sign
    await enter(bureau, register)
    assert (await bureau.sign(draft)).number == 1


async def test_both_signatures_of_a_copy_are_in_the_log(bureau, register, paper):
    """The certifier's and the agency's, in one chain, with the decision they rest on."""
    row = await enter(bureau, register, document_kinds=frozenset({"certified_copy"}))
    issued = await bureau.sign(await bureau.draft())
    rows = await bureau.database.read(lambda c: evidence_store.records_of(c, TENANT, issued.id))
    first, second = (msgspec.json.decode(r.content) for r in rows)
    assert [c["step"]["role"] for c in (first, second)] == ["certifier", "agency"]
    assert [c["confirmation"]["credential"] for c in (first, second)] == ["official-rsa", "agency"]
    assert {c["confirmation"]["official"] for c in (first, second)} == {CERTIFIER}
    assert {c["authority"]["id"] for c in (first, second)} == {row.id}
    assert second["signature"]["result_sha256"] == issued.sha256
    assert first["signature"]["result_sha256"] == second["confirmation"]["input_sha256"]
    (walked,) = await EvidenceAudit(bureau.database, bureau.files).verify()
    assert (walked.first_break, walked.head.number) == (None, 2)
    digest = PaperSignatures.certificate_sha256("official-rsa")
    (touched,) = await bureau.database.read(
        lambda c: evidence_store.records_by_certificate(c, TENANT, digest, Window())
    )
    assert (touched.number, touched.document_level) == (1, None)


@on_sqlite
async def test_the_certifiers_certificate_may_be_named(bureau, register, paper):
    """Only the certifier's: the agency's key is not theirs."""
    wanted = CertificateBinding(sha256=PaperSignatures.certificate_sha256("official-rsa"))
    await enter(bureau, register, binding=wanted)
    assert (await bureau.sign(await bureau.draft())).number == 1
    assert [o.bindings for o in paper.signed] == [(wanted,), ()]


async def test_a_certifiers_refused_try_is_one_record(sqlite, clock, tmp_path, paper):
    """Somebody else's copy, then a refused key: each in the chain, the number still free."""
    bureau = Bureau.make(sqlite, clock, tmp_path, paper)
    draft = await bureau.draft()
    for _ in range(2):
        with pytest.raises(Problem):
            await bureau.sign(draft, official="official:tran.thi.b")
    paper.pins["official-rsa"] = "1"
    with pytest.raises(Problem, match="credential_refused"):
        await bureau.sign(draft, pin="2")
    rows = await sqlite.read(lambda c: evidence_store.records_after(c, TENANT, 0, 10))
    told = [msgspec.json.decode(row.content) for row in rows]
    assert [(t["kind"], t["refused"]["code"]) for t in told] == [
        ("refusal", "not_your_certification"),
        ("refusal", "wrong_pin"),
    ]
    assert told[0]["document"]["id"] == draft.id
    assert (await bureau.numbers()) == []
