"""Certified copies in the calendar: listed, renewed, still verified by every hash ever issued."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import pytest

from gateway.certification import kept_store, store
from gateway.certification.keeping import CopyKeeping
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.audit import EvidenceAudit
from gateway.documents.preservation.service import DocumentKeeping
from gateway.documents.preservation.store import set_provability
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Waker
from gateway.preservation.ahead import LookingAhead
from gateway.preservation.asked import COMMAND, Asked
from gateway.preservation.calendar import Calendar
from gateway.preservation.doubts import Doubts
from gateway.preservation.policy import DEFAULT_POLICY
from gateway.preservation.service import Preservation
from gateway.preservation.store import queue
from gateway.preservation.worker import QueueWorker
from signing.contract import Provability, SigningUnavailable
from tests.gateway.certification.bureau import TENANT, on_sqlite
from tests.gateway.certification.test_public_verification import JSON, Public
from tests.support.edge import make_edge, serve
from tests.support.paper import plain_pdf

pytestmark = pytest.mark.long_on_postgresql

SOON, LATER = datetime(2026, 12, 1, tzinfo=UTC), datetime(2031, 11, 2, tzinfo=UTC)
WITHIN = timedelta(days=90)


class Copies:
    """Preservation with certified copies registered, and short ways to ask it."""

    def __init__(self, bureau, paper):
        self.bureau, self.paper = bureau, paper
        doubts = Doubts()
        self.copies = CopyKeeping(
            bureau.database,
            bureau.clock,
            Waker(),
            files=bureau.files,
            signatures=paper,
            doubts=doubts,
        )
        self.kept = Preservation(bureau.database, bureau.clock, Metrics(), DEFAULT_POLICY)
        self.kept.register(self.copies)
        self.calendar = Calendar(bureau.database, bureau.clock, self.kept)
        self.ahead = LookingAhead(
            bureau.database, bureau.clock, bureau.files, paper, self.kept, doubts=doubts
        )
        self.due, self.renew = self.calendar.due, self.kept.renew

    async def reckon_missing(self):
        return await self.ahead.reckon_missing(self.copies)

    async def queue_renewals(self):
        return await self.ahead.queue_renewals(self.copies)


class Workers:
    """Queueing what is due, then the queue; tidying the queue in between is tested elsewhere."""

    def __init__(self, keeping, bureau):
        self.keeping = keeping
        self.work = QueueWorker(keeping.kept, bureau.database, bureau.clock, Metrics())

    async def once(self):
        await self.keeping.reckon_missing()
        await self.keeping.queue_renewals()
        return await self.work.once()


@pytest.fixture
def keeping(bureau, paper):
    paper.until = SOON
    return Copies(bureau, paper)


@pytest.fixture
def worker(keeping, bureau):
    return Workers(keeping, bureau)


def calendar_of(bureau, keeping, paper):
    documents = DocumentKeeping(
        bureau.database,
        bureau.clock,
        Waker(),
        files=bureau.files,
        signatures=paper,
        policy=DEFAULT_POLICY,
        doubts=Doubts(),
    )
    keeping.kept.register(documents)
    return keeping.calendar


async def files_of(bureau, issued):
    rows = await bureau.database.read(lambda c: store.files_of(c, issued.id))
    return [row.sha256 for row in rows]


async def test_a_renewal_is_a_new_file_of_the_same_number(bureau, keeping, worker, paper):
    """Queued by itself, one event and one record; register, number and first file are as before."""
    issued = await bureau.sign(await bureau.draft())
    before = await bureau.register()
    assert await keeping.reckon_missing() == 1
    paper.until = LATER
    assert await worker.once() == 1
    shown = await bureau.certifications.get(TENANT, issued.id)
    assert (shown.number, shown.volume, shown.issued_at) == (1, issued.volume, issued.issued_at)
    assert await bureau.register() == before
    assert await files_of(bureau, issued) == [shown.sha256, issued.sha256]
    old, new = await bureau.files.get(issued.sha256), await bureau.files.get(shown.sha256)
    assert new.startswith(old)
    assert len(new) == shown.size > len(old)
    assert (await bureau.events())[-1] == ("certification.extended", issued.id, 2)
    assert await worker.once() == 0
    rows = await bureau.database.read(lambda c: evidence_store.records_of(c, TENANT, issued.id))
    assert [row.kind for row in rows] == ["signature", "signature", "extension"]
    told = msgspec.json.decode(rows[-1].content)
    assert told["asked"]["by"] == "queue"
    assert (told["extension"]["from_revision"], told["extension"]["to_revision"]) == (0, 1)
    longer = {"bản sao": kept_store.lengthened()}
    (walked,) = await EvidenceAudit(bureau.database, bureau.files, longer).verify()
    assert walked.first_break is None
    unspoken = kept_store.certification_files.update().where(
        kept_store.certification_files.c.sha256 == shown.sha256
    )
    await bureau.database.write(lambda c: c.execute(unspoken.values(sha256="0" * 64)) and None)
    (walked,) = await EvidenceAudit(bureau.database, bureau.files, longer).verify()
    assert issued.id in walked.first_break.reason


async def test_copies_stand_in_the_same_calendar_as_documents_in_pages(bureau, keeping, paper):
    """Soonest first, whoever keeps them; another portal sees none."""
    calendar = calendar_of(bureau, keeping, paper)
    ids = []
    for day in range(3):
        paper.until = SOON + timedelta(days=2 * day)
        copy = await bureau.sign(await bureau.draft())
        await keeping.reckon_missing()
        new = await bureau.documents.take_in(TENANT, plain_pdf(), reference="r", kind="ket-qua")
        document = await bureau.database.write(lambda c, n=new: bureau.documents.save(c, n))
        end = SOON + timedelta(days=2 * day + 1)
        await bureau.database.write(
            lambda c, d=document, e=end: set_provability(c, d.id, 0, e, "timestamp_certificate")
        )
        ids += [copy.id, document.id]
    found, after = [], None
    while True:
        page = await calendar.expiring(TENANT, WITHIN, after, 2)
        found += page.data
        after = page.next
        if not page.has_more:
            break
    kinds = {one.id: one.kind for one in found}
    assert [one.id for one in found] == ids
    assert kinds[ids[0]] == "certified_copy"
    assert (await calendar.expiring("other/test", WITHIN, None, 10)).data == []


@on_sqlite
async def test_a_citizen_who_holds_the_earlier_file_is_told_it_is_genuine(
    bureau, keeping, worker, paper
):
    """Old and new hash on the public page; both files are the copy; the verdict is the newest's."""
    issued = await bureau.sign(await bureau.draft())
    old = await bureau.certifications.content(TENANT, issued.id)
    await keeping.reckon_missing()
    paper.until = LATER
    await worker.once()
    new = await bureau.certifications.content(TENANT, issued.id)
    server = await serve(make_edge(bureau.database, bureau.clock), bureau.routes())
    path = issued.verification_url.removeprefix("https://cong.example")
    async with aiohttp.ClientSession() as session:
        public = Public(session, server)
        status, body, _ = await public.get(path, JSON)
        assert (status, body["verdict"], body["number"]) == (200, "valid", 1)
        assert len(body["sha256"]) == 2
        assert issued.sha256 in body["sha256"]
        assert body["checks"]["person"] == body["checks"]["agency"] == "yes"
        for file in (old, new):
            assert (await public.check(path, file))[1]["file"] == "ok"
        changed = old[:200] + b"x" + old[201:]
        assert (await public.check(path, changed))[1]["file"] == "changed"
    await server.close()


@on_sqlite
async def test_a_cancelled_copy_is_not_renewed(bureau, keeping, worker, paper):
    """Also when it is cancelled between queueing and renewing."""
    issued = await bureau.sign(await bureau.draft())
    await keeping.reckon_missing()
    assert await keeping.queue_renewals() == 1
    (copy,) = await keeping.due(WITHIN)
    await bureau.revoke(issued)
    paper.until = LATER
    assert await worker.once() == 1
    assert await files_of(bureau, issued) == [issued.sha256]
    assert await worker.once() == 0
    with pytest.raises(Problem, match="document_changed"):
        await keeping.renew(copy, Asked(COMMAND, "renew"))


async def test_two_processes_renew_a_copy_once(bureau, keeping, paper):
    """Both made the longer file; the second to publish finds other bytes."""
    await bureau.sign(await bureau.draft())
    await keeping.reckon_missing()
    (copy,) = await keeping.due(WITHIN)
    paper.until = LATER
    await keeping.renew(copy, Asked(COMMAND, "renew"))
    with pytest.raises(Problem, match="document_changed"):
        await keeping.renew(copy, Asked(COMMAND, "renew"))
    assert await keeping.due(WITHIN) == []


@on_sqlite
async def test_what_cannot_be_renewed_waits_and_is_told_before_it_is_too_late(
    bureau, keeping, worker, paper
):
    """No gain and no answer are tried again; halfway to the end somebody is told, once."""
    issued = await bureau.sign(await bureau.draft())
    await keeping.reckon_missing()
    assert await worker.once() == 1  # the authority's own certificate ends as soon
    assert await worker.once() == 0
    told = ("certification.renewal_overdue", issued.id, 2)
    assert (await bureau.events())[-1] == told

    async def away(pdf, level, void=()):
        raise SigningUnavailable("timestamp_unavailable", "Không có dấu thời gian.")

    extend, paper.extend = paper.extend, away
    bureau.clock.advance(86_400)
    assert await worker.once() == 1
    row = await bureau.database.read(lambda c: c.execute(queue.select()).one())
    assert (row.attempts, row.reason) == (2, "timestamp_unavailable")
    paper.extend, paper.until = extend, LATER
    bureau.clock.advance(3_600)
    assert await worker.once() == 1
    events = await bureau.events()
    assert events[-1] == ("certification.extended", issued.id, 3)
    assert events.count(told) == 1


@on_sqlite
async def test_a_result_that_changes_the_file_is_published_nowhere(bureau, keeping, worker, paper):
    issued = await bureau.sign(await bureau.draft())
    await keeping.reckon_missing()
    extend = paper.extend

    async def damaged(pdf, level, void=()):
        made = await extend(pdf, level)
        return replace(
            made, pdf=b"%" + made.pdf, provability=Provability(LATER, "algorithm", "…", level)
        )

    paper.extend = damaged
    assert await worker.once() == 1
    assert await files_of(bureau, issued) == [issued.sha256]
