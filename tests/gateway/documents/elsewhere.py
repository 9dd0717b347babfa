"""A desk whose officials confirm elsewhere: the capability as the product assembles it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from gateway.documents import act_store, store, ticket_store
from gateway.documents.acts import Act
from gateway.documents.assembly import DocumentDesk
from gateway.documents.confirmations import ConfirmationPolicy
from gateway.documents.hand_off import HandOffPolicy
from gateway.documents.requests import Actor, NewRequest, NewStep
from gateway.documents.rules import KeyUse
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import events
from signing.contract import Confirmation
from tests.gateway.documents.desk import AUTHORITY, LEADER, NUMBER, SEAL, TENANT
from tests.support.paper import plain_pdf
from tests.support.remote_paper import RemotePaper

REMOTE = KeyUse(Confirmation.ELSEWHERE, "smartca", most_at_once=40)
HANDED = KeyUse(Confirmation.HAND_OFF, "vgca")
ALL_REMOTE = {"official-rsa": REMOTE, "agency": REMOTE}
ALL_HANDED = {"official-rsa": HANDED, "agency": HANDED}
ONE_STEP = (NewStep("person", LEADER, "KT.", "Chủ tịch"),)
TWO_STEPS = (*ONE_STEP, NewStep("agency", SEAL))
SECRET = b"s" * 32


@dataclass
class RemoteDesk:
    """One gateway process; ``restarted`` is the next one on the same database and files."""

    database: Database
    clock: FakeClock
    folder: object
    paper: RemotePaper
    desk: DocumentDesk

    @classmethod
    def make(cls, database, clock, folder, paper, uses=ALL_REMOTE) -> RemoteDesk:
        desk = DocumentDesk(
            database,
            clock,
            Waker(),
            Metrics(),
            files=FileStore(str(folder / "files")),
            signatures=paper,
            authority=dataclasses.replace(AUTHORITY, uses=uses),
            upload_limit=8 * 2**20,
            confirmations=ConfirmationPolicy(
                wait=timedelta(days=14),
                per_provider=4,
                hand_off=HandOffPolicy("https://cong.example", SECRET),
            ),
        )
        return cls(database, clock, folder, paper, desk)

    def restarted(self, uses=ALL_REMOTE) -> RemoteDesk:
        paper = RemotePaper(self.paper.provider)
        return RemoteDesk.make(self.database, self.clock, self.folder, paper, uses)

    @property
    def provider(self):
        return self.paper.provider

    async def open(self, steps=ONE_STEP, pdf=None, **more):
        new = await self.desk.documents.take_in(
            TENANT, pdf or plain_pdf(), reference="H55-261102-0001", kind="ket-qua", name="qd.pdf"
        )
        document = await self.database.write(lambda c: self.desk.documents.save(c, new))
        number = NUMBER if len(steps) == 2 else None
        asked = NewRequest(TENANT, document.id, steps, document_number=number, **more)
        return await self.database.write(lambda c: self.desk.requests.open(c, asked))

    async def sign(self, request, official=LEADER, **more):
        return await self.desk.acts.sign(Act(Actor(TENANT, official), request.id, **more))

    async def get(self, request):
        return await self.desk.requests.get(TENANT, request.id)

    async def withdraw(self, request, official=LEADER):
        actor, withdrawals = Actor(TENANT, official), self.desk.confirmations.withdrawals
        return await self.database.write(lambda c: withdrawals.withdraw(c, actor, request.id))

    async def work(self, rounds=4):
        """The worker's rounds, until nothing is due."""
        for _ in range(rounds):
            if not await self.desk.worker.once():
                return

    async def later(self, **span):
        """Time passes, then the worker looks."""
        self.clock.advance(timedelta(**span).total_seconds())
        await self.work()

    async def revisions(self, request):
        return await self.database.read(lambda c: store.revisions_of(c, request.document_id))

    async def acts(self):
        table = act_store.remote_acts
        return await self.database.read(lambda c: c.execute(sa.select(table)).all())

    async def tickets(self):
        table = ticket_store.signing_tickets
        query = sa.select(table).order_by(table.c.reference)
        return await self.database.read(lambda c: c.execute(query).all())

    async def events(self):
        rows = await self.database.read(
            lambda c: c.execute(sa.select(events).order_by(events.c.number)).all()
        )
        return [(row.type, row.subject) for row in rows]
