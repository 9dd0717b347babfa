"""The documents capability put together for tests, with short ways to do common things."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

import pytest
import sqlalchemy as sa

from gateway.documents import http, request_http
from gateway.documents.acts import Act, SigningActs
from gateway.documents.authority import http as authority_http
from gateway.documents.authority.rules import Mandate
from gateway.documents.authority.service import AuthorityRegister, NewEnding
from gateway.documents.chancery import Chancery
from gateway.documents.evidence import touched as touched_documents
from gateway.documents.evidence.audit import EvidenceAudit
from gateway.documents.numbers import NumberCheck
from gateway.documents.preservation import http as preservation_http
from gateway.documents.preservation.service import DocumentKeeping
from gateway.documents.requests import Actor, NewRequest, NewStep, SignatureRequests
from gateway.documents.revocation.service import Revocations
from gateway.documents.rules import Authority
from gateway.documents.service import Documents
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.preservation import http as calendar_http
from gateway.preservation import store as preservation_store
from gateway.preservation.ahead import LookingAhead
from gateway.preservation.calendar import Calendar
from gateway.preservation.doubts import Doubts
from gateway.preservation.policy import DEFAULT_POLICY
from gateway.preservation.service import Preservation
from gateway.preservation.worker import CalendarWorker, QueueWorker
from gateway.webhooks.outbox import events
from tests.support.paper import plain_pdf

TENANT = "cong-dvc/test"
LEADER, DEPUTY, CLERK = "official:nguyen.van.a", "official:tran.thi.b", "official:le.van.thu"
SEAL = "agency:H55.12"
AUTHORITY = Authority(
    {LEADER: "official-rsa", DEPUTY: "official-ec", SEAL: "agency"},
    {SEAL: frozenset({CLERK})},
)
STEPS = (NewStep("person", LEADER, "KT.", "Chủ tịch"), NewStep("agency", SEAL))
NUMBER = {"number": 5, "symbol": "QĐ-UBND", "date": "2026-11-02"}


async def until(holds):
    """Wait, at most some seconds, until an awaited condition holds."""
    for _ in range(1_000):
        if await holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


# For what no engine can get wrong: refusals and pure flow. Locks and races run on both.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Desk:
    """Everything of one gateway process."""

    database: Database
    clock: FakeClock
    files: FileStore
    documents: Documents
    requests: SignatureRequests
    acts: SigningActs
    preservation: DocumentKeeping
    kept: Preservation
    calendar: Calendar
    metrics: Metrics
    signatures: object

    @classmethod
    def make(
        cls, database, clock, folder, signatures, authority=AUTHORITY, policy=DEFAULT_POLICY
    ) -> Desk:
        files, waker, metrics = FileStore(str(folder / "files")), Waker(), Metrics()
        kept = Preservation(database, clock, metrics, policy)
        keeping = DocumentKeeping(
            database,
            clock,
            waker,
            files=files,
            signatures=signatures,
            policy=policy,
            doubts=Doubts(),
        )
        kept.register(keeping)
        return cls(
            database,
            clock,
            files,
            Documents(database, clock, files, signatures, doubts=Doubts()),
            SignatureRequests(database, clock, waker, authority, policy.when_unavailable),
            SigningActs(
                Chancery(
                    database,
                    clock,
                    waker,
                    metrics,
                    files,
                    signatures,
                    authority,
                    Doubts(),
                    policy,
                )
            ),
            keeping,
            kept,
            Calendar(database, clock, kept),
            metrics,
            signatures,
        )

    def raising(self):
        return QueueWorker(self.kept, self.database, self.clock, self.metrics)

    def ahead(self):
        ahead = LookingAhead(
            self.database, self.clock, self.files, self.signatures, self.kept, doubts=Doubts()
        )
        return CalendarWorker(ahead, Waker(), self.preservation.owner, 3_600.0)

    async def task(self, document):
        return await self.database.read(lambda c: preservation_store.find(c, document.id))

    def routes(self, upload_limit=http.UPLOAD_LIMIT):
        return [
            *http.routes(self.documents, upload_limit),
            *request_http.routes(self.requests, self.acts, self.numbers),
            *authority_http.routes(self.register),
            *touched_documents.routes(self.database, self.revocations, self.calendar.levels),
            *preservation_http.routes(self.preservation),
            *calendar_http.routes(self.calendar),
        ]

    @property
    def numbers(self):
        return NumberCheck(self.database, self.files, self.signatures)

    @property
    def revocations(self):
        return Revocations(self.database, self.clock, Waker())

    @property
    def register(self):
        return AuthorityRegister(self.database, self.clock)

    async def enter(self, official, role="person", agency_code="H55.12", **more):
        """A row of the authority register, in force since the beginning of the year."""
        facts = {"decision_number": "12/QĐ-UBND", "decision_date": date(2025, 12, 30),
                 "valid_from": date(2026, 1, 1), **more}  # fmt: skip
        new = Mandate("", agency_code, official, role, **facts)
        return await self.database.write(lambda c: self.register.enter(c, TENANT, new, "key_x"))

    async def end(self, authority, at=None, reason="nghỉ hưu"):
        ending = NewEnding(reason, ended_at=at)
        return await self.database.write(
            lambda c: self.register.end(c, TENANT, authority.id, ending, "key_x")
        )

    async def audit(self, noted=None):
        """The one tenant's chain, walked."""
        (walked,) = await EvidenceAudit(self.database, self.files).verify(noted)
        return walked

    async def document(self, pdf=None, tenant=TENANT):
        new = await self.documents.take_in(
            tenant, pdf or plain_pdf(), reference="H55-261102-0001", kind="ket-qua"
        )
        return await self.database.write(lambda c: self.documents.save(c, new))

    async def open(self, document, steps=STEPS, number=NUMBER, **more):
        new = NewRequest(TENANT, document.id, steps, document_number=number, **more)
        return await self.database.write(lambda c: self.requests.open(c, new))

    async def sign(self, request, official, pin=None, *, actor=None, **more):
        actor = actor or Actor(TENANT, official)
        return await self.acts.sign(Act(actor, request.id, pin, **more))

    async def reject(self, request, official, reason="Sai tên người nhận"):
        actor = Actor(TENANT, official)
        return await self.database.write(
            lambda c: self.requests.reject(c, actor, request.id, reason)
        )

    async def events(self):
        rows = await self.database.read(
            lambda c: c.execute(sa.select(events).order_by(events.c.number)).all()
        )
        return [(row.type, row.subject, row.sequence) for row in rows]
