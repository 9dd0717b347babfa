"""Taking numbers on both engines: gapless under failures, crashes, slow keys and crowds."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from gateway.certification import issuing, store
from gateway.foundation import idempotency
from gateway.foundation.database import Database
from gateway.foundation.idempotency import Claim
from gateway.foundation.problems import Problem
from signing.contract import CredentialRefused, Role, SigningUnavailable, Verdict
from tests.gateway.certification.bureau import CERTIFIER, DEPUTY, TENANT, Bureau, on_sqlite
from tests.support.paper import PaperSignatures, attested_lines, plain_pdf


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


async def refused(awaitable, code):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == code
    return caught.value


def printed_number(pdf):
    return int(re.search(r"Số chứng thực: (\d+)", attested_lines(pdf)[0])[1])


async def test_a_number_is_taken_when_signed_never_before(bureau, paper):
    """Drafts have none; the first signed is 01, and says so on its page."""
    early, late = await bureau.draft(), await bureau.draft()
    assert (early.status, early.number, early.verification_url) == ("draft", None, None)
    issued = await bureau.sign(late)
    assert (issued.status, issued.number, issued.volume, issued.year) == (
        "issued", 1, "01/2026", 2026,
    )  # fmt: skip
    assert (await bureau.sign(early)).number == 2
    pdf = await bureau.certifications.content(TENANT, late.id)
    assert attested_lines(pdf) == [
        "Số chứng thực: 01   Quyển số: 01/2026 - SCT/BS", "Ngày 02 tháng 11 năm 2026",
    ]  # fmt: skip
    assert [o.role for o in paper.signed[:2]] == [Role.CERTIFIER, Role.AGENCY]
    assert paper.signed[1].document_number is None
    assert await bureau.events() == [
        ("certification.issued", late.id, 1), ("certification.issued", early.id, 1),
    ]  # fmt: skip
    shown = await bureau.database.read(lambda c: bureau.shower.render(c, [late.id]))
    assert shown[late.id]["sha256"] == issued.sha256


FAULTS = {
    "wrong pin": (Role.CERTIFIER, CredentialRefused("wrong_pin", "Sai PIN."), "credential_refused"),
    "no seal": (Role.AGENCY, SigningUnavailable("tsa", "Không có TSA."), "signing_unavailable"),
}


@pytest.mark.parametrize("fault", FAULTS)
@on_sqlite
async def test_a_refused_signature_leaves_the_number_to_the_next(bureau, paper, fault):
    """Neither the certifier's nor the agency's failure burns a number."""
    role, error, code = FAULTS[fault]

    async def fail(order):
        if order.role is role:
            raise error

    paper.before_sign = fail
    draft = await bureau.draft()
    await refused(bureau.sign(draft), code)
    del paper.before_sign
    assert (await bureau.sign(await bureau.draft())).number == 1
    assert (await bureau.sign(draft)).number == 2


@on_sqlite
async def test_signatures_that_do_not_validate_are_never_issued(bureau, paper):
    """Both signatures are judged before the number is entered."""
    paper.verdicts["agency"] = Verdict.INDETERMINATE
    draft = await bureau.draft()
    await refused(bureau.sign(draft), "certified_copy_not_valid")
    assert await bureau.numbers() == []
    assert await bureau.events() == []


async def test_a_crash_between_signing_and_commit_frees_the_number(bureau, paper):
    """The register stays blocked until the lease runs out; then the same number is used."""
    draft, other = await bureau.draft(), await bureau.draft()

    async def die(order):
        if order.role is Role.AGENCY:
            raise Crash

    paper.after_sign = die
    with pytest.raises(Crash):
        await bureau.sign(draft)
    del paper.after_sign
    impatient = issuing.Issuing.__new__(issuing.Issuing)
    impatient.__dict__.update(bureau.issuing.__dict__, _patience_s=0.2, _lines={})
    problem = await refused(
        impatient.sign(issuing.IssueOrder(TENANT, "test", other.id, CERTIFIER)), "register_busy"
    )
    assert problem.headers["Retry-After"]
    bureau.clock.advance(issuing.LEASE.total_seconds())
    assert (await bureau.sign(other)).number == 1
    assert (await bureau.sign(draft)).number == 2
    assert await bureau.numbers() == [1, 2]


@on_sqlite
async def test_the_process_after_a_crash_need_not_wait(bureau, paper):
    """Alone on its SQLite file, it knows that whoever held the register is dead."""
    draft = await bureau.draft()

    async def die(_):
        raise Crash

    paper.after_sign = die
    with pytest.raises(Crash):
        await bureau.sign(draft)
    del paper.after_sign
    await bureau.issuing.take_over()
    assert (await bureau.sign(draft)).number == 1


async def test_a_signer_that_lost_the_register_enters_nothing(bureau, paper, monkeypatch):
    """A process that slept through its lease printed a number that is now somebody else's."""
    monkeypatch.setattr(issuing, "_BEAT_S", 1e9)
    slow_draft, quick_draft = await bureau.draft(), await bureau.draft()
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep_once(order):
        if not asleep.is_set():
            asleep.set()
            await wake.wait()

    paper.after_sign = sleep_once
    slow = asyncio.ensure_future(bureau.sign(slow_draft))
    await asleep.wait()
    bureau.clock.advance(issuing.LEASE.total_seconds())
    bureau.issuing._lines.clear()  # another process does not share this one's line
    assert (await bureau.sign(quick_draft)).number == 1
    wake.set()
    await refused(slow, "signing_interrupted")
    assert (await bureau.sign(slow_draft)).number == 2


async def test_one_draft_signed_twice_at_once_is_issued_once(bureau):
    """The second finds it issued."""
    draft = await bureau.draft()
    outcomes = await asyncio.gather(*(bureau.sign(draft) for _ in range(3)), return_exceptions=True)
    codes = sorted(o.code if isinstance(o, Problem) else o.status for o in outcomes)
    assert codes == ["certification_closed", "certification_closed", "issued"]
    assert await bureau.numbers() == [1]


@on_sqlite
async def test_a_new_year_starts_at_one_in_vietnam(bureau):
    """31 December 23:59 and 1 January 00:00, by Vietnamese clocks."""
    bureau.clock.set(datetime(2026, 12, 31, 16, 59, tzinfo=UTC))
    assert [(await bureau.sign(await bureau.draft())).number for _ in range(2)] == [1, 2]
    bureau.clock.set(datetime(2026, 12, 31, 17, 0, tzinfo=UTC))
    issued = await bureau.sign(await bureau.draft())
    assert (issued.number, issued.year, issued.volume) == (1, 2027, "01/2027")
    assert (await bureau.numbers(2026), await bureau.numbers(2027)) == ([1, 2], [1])


@on_sqlite
async def test_a_page_dated_yesterday_is_not_issued(bureau, paper):
    """Midnight during the signing: nothing is entered, the next try has the right day."""
    bureau.clock.set(datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC))
    draft = await bureau.draft()

    async def midnight(order):
        bureau.clock.set(datetime(2026, 12, 31, 17, 0, 1, tzinfo=UTC))

    paper.after_sign = midnight
    await refused(bureau.sign(draft), "day_changed")
    del paper.after_sign
    assert (await bureau.sign(draft)).year == 2027
    assert await bureau.numbers(2026) == []


async def test_modes_have_their_own_books_and_portals_of_a_mode_share_one(bureau):
    """A test never takes a live number; another portal's lines show no names."""
    mine = await bureau.sign(await bureau.draft())
    live, other = "cong-dvc/live", "portal-khac/test"
    assert (await bureau.sign(await bureau.draft(tenant=live), tenant=live)).number == 1
    theirs = await bureau.sign(await bureau.draft(tenant=other), tenant=other)
    assert (mine.number, theirs.number) == (1, 2)
    lines = (await bureau.register()).entries
    assert [line.number for line in lines] == [1, 2]
    assert lines[0].requester
    assert (lines[1].requester, lines[1].title, lines[1].certification_id) == (None, None, None)


@on_sqlite
async def test_nobody_certifies_for_somebody_else(bureau):
    """Another official, nobody at all, another portal."""
    draft = await bureau.draft()
    await refused(bureau.sign(draft, DEPUTY), "not_your_certification")
    await refused(bureau.sign(draft, None), "official_required")
    await refused(bureau.sign(draft, tenant="portal-khac/test"), "not_found")
    await refused(bureau.draft(certifier=DEPUTY), "validation_failed")
    await refused(bureau.draft(book="SCT/CK"), "attestation_missing")
    await refused(bureau.draft(pdf=plain_pdf(script=True)), "source_blocked")


@on_sqlite
async def test_cancelling_keeps_the_number_and_tells_the_portal(bureau):
    """Only issued copies, only once; the register's line stays, with the decision."""
    draft = await bureau.draft()
    await refused(bureau.revoke(draft), "certification_closed")
    issued = await bureau.sign(draft)
    ended = await bureau.revoke(issued)
    assert (ended.status, ended.number) == ("revoked", 1)
    assert ended.revocation.decision_number == "12/QĐ-UBND"
    await refused(bureau.revoke(issued), "certification_closed")
    await refused(bureau.sign(issued), "certification_closed")
    assert (await bureau.events())[-1] == ("certification.revoked", draft.id, 2)
    line = (await bureau.register()).entries[0]
    assert line.note == "Đã hủy theo Quyết định số 12/QĐ-UBND ngày 02/11/2026"
    assert (await bureau.sign(await bureau.draft())).number == 2


async def test_the_database_itself_refuses_a_number_twice(bureau):
    """Even a fault of ours could not enter it."""
    issued = await bureau.sign(await bureau.draft())
    other = await bureau.draft()

    def again(connection):
        row = connection.execute(sa.select(store.register_entries)).one()._asdict()
        connection.execute(store.register_entries.insert(), row | {"certification_id": other.id})

    with pytest.raises(sa.exc.IntegrityError):
        await bureau.database.write(again)
    assert issued.number == 1


async def tick(clock):
    """Time flies: leases of the dead run out while the living renew theirs."""
    while True:
        await asyncio.sleep(0.02)
        clock.advance(2)


@pytest.mark.long_on_postgresql
@pytest.mark.parametrize("seed", range(2))
async def test_a_crowd_with_faults_leaves_no_gap_and_no_double(database_url, clock, tmp_path, seed):
    """Two processes, random refusals, crashes and lost files: numbers are 1…n, as printed."""
    chance, papers = random.Random(seed), [PaperSignatures(), PaperSignatures()]
    databases = [Database(database_url), Database(database_url)]
    databases[0].create_all()
    bureaus = [Bureau.make(d, clock, tmp_path, p) for d, p in zip(databases, papers, strict=True)]

    async def fault(order):
        await asyncio.sleep(chance.random() / 200)
        fate = chance.random()
        if fate < 0.1:
            raise SigningUnavailable("tsa", "Không có TSA.")
        if fate < 0.15:
            raise OSError("disk full")
        if fate < 0.2:
            raise Crash

    for paper in papers:
        paper.before_sign = paper.after_sign = fault
    drafts = [await bureaus[0].draft() for _ in range(10)]

    async def insist(bureau, draft):
        while True:
            try:
                return await bureau.sign(draft)
            except (Problem, OSError, Crash):
                await asyncio.sleep(0.01)

    time = asyncio.ensure_future(tick(clock))
    issued = await asyncio.gather(
        *(insist(bureaus[position % 2], draft) for position, draft in enumerate(drafts))
    )
    time.cancel()
    assert sorted(answer.number for answer in issued) == list(range(1, len(drafts) + 1))
    assert await bureaus[0].numbers() == list(range(1, len(drafts) + 1))
    for answer in issued:
        pdf = await bureaus[0].certifications.content(TENANT, answer.id)
        assert printed_number(pdf) == answer.number
    assert len(await bureaus[0].events()) == len(drafts)
    for database in databases:
        await database.close()


async def test_a_key_whose_answer_was_lost_finds_its_number(bureau, paper):
    """The retry of an issued copy gets the same number, and signs nothing."""
    draft = await bureau.draft()

    def begin(connection):
        claim = Claim("tenant|POST sign", "key", "mark", bureau.clock.now())
        return idempotency.begin(connection, claim)

    def order(lease):
        return issuing.IssueOrder(TENANT, "test", draft.id, CERTIFIER, lease=lease)

    first = await bureau.database.write(begin)
    busy, free = asyncio.Event(), asyncio.Event()

    async def wait(_order):
        busy.set()
        await free.wait()

    paper.before_sign = wait
    slow = asyncio.ensure_future(bureau.issuing.sign(order(first)))
    await busy.wait()
    bureau.clock.advance(61)
    second = await bureau.database.write(begin)
    await bureau.database.write(lambda c: idempotency.release(c, second))
    free.set()
    issued = await slow
    third = await bureau.database.write(begin)
    assert await bureau.issuing.sign(order(third)) == issued
    assert len(paper.signed) == 2
    assert (await bureau.database.write(begin)).status == 200


@on_sqlite
async def test_a_service_is_not_called_again_under_a_key_that_was_broken_off(bureau, paper):
    """Nobody can say whether it signed: a person decides, under another key."""
    offices = dataclasses.replace(bureau.issuing._offices, at_service=frozenset({"agency"}))
    bureau.issuing._offices = offices
    draft = await bureau.draft()

    async def order(mark):
        claim = Claim("tenant|POST sign", mark, "mark", bureau.clock.now())
        lease = await bureau.database.write(lambda c: idempotency.begin(c, claim))
        return issuing.IssueOrder(TENANT, "test", draft.id, CERTIFIER, lease=lease)

    async def die(_):
        raise Crash

    paper.after_sign = die
    with pytest.raises(Crash):
        await bureau.issuing.sign(await order("once"))
    del paper.after_sign
    bureau.clock.advance(65)
    signed = len(paper.signed)
    problem = await refused(bureau.issuing.sign(await order("once")), "signing_unavailable")
    assert problem.extra == {"reason": "outcome_unknown", "retryable": False}
    assert (len(paper.signed), await bureau.numbers()) == (signed, [])
    assert (await bureau.issuing.sign(await order("anew"))).number == 1
