"""A desk whose officials confirm elsewhere: the capability as the product assembles it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from gateway.documents import store
from gateway.documents.acts import Act
from gateway.documents.assembly import DocumentDesk
from gateway.documents.batches import store as batch_store
from gateway.documents.batches.runs import Run
from gateway.documents.confirmations import act_store, ticket_store
from gateway.documents.confirmations.desk import ConfirmationPolicy
from gateway.documents.confirmations.hand_off import HandOffPolicy
from gateway.documents.confirmations.signing_places import BatchPolicy
from gateway.documents.requests import Actor, NewRequest, NewStep
from gateway.documents.rules import KeyUse
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.files import LARGE_FROM, FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.preservation.assembly import PreservationDesk
from gateway.preservation.policy import DEFAULT_POLICY
from gateway.webhooks.outbox import events
from signing.contract import Confirmation
from tests.gateway.documents.desk import AUTHORITY, CLERK, DEPUTY, LEADER, NUMBER, SEAL, TENANT
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
    kept: PreservationDesk

    @classmethod
    def make(
        cls,
        database,
        clock,
        folder,
        paper,
        uses=ALL_REMOTE,
        policy=DEFAULT_POLICY,
        large_from=LARGE_FROM,
    ) -> RemoteDesk:
        files, metrics = FileStore(str(folder / "files"), large_from), Metrics()
        kept = PreservationDesk(
            database, clock, Waker(), metrics, files=files, signatures=paper, policy=policy
        )
        desk = DocumentDesk(
            database,
            clock,
            Waker(),
            metrics,
            files=files,
            signatures=paper,
            authority=dataclasses.replace(
                AUTHORITY, uses=uses, clerks={SEAL: frozenset({CLERK, DEPUTY})}
            ),
            upload_limit=8 * 2**20,
            confirmations=ConfirmationPolicy(
                wait=timedelta(days=14),
                per_provider=4,
                hand_off=HandOffPolicy("https://cong.example", SECRET),
            ),
            batches=BatchPolicy(),
            preservation=kept,
        )
        return cls(database, clock, folder, paper, desk, kept)

    def restarted(self, uses=ALL_REMOTE) -> RemoteDesk:
        paper = RemotePaper(self.paper.provider)
        paper.reachable = self.paper.reachable
        return RemoteDesk.make(self.database, self.clock, self.folder, paper, uses)

    @property
    def files(self):
        return FileStore(str(self.folder / "files"))

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

    # -------------------------------------------------------------- batches

    async def open_many(self, count, steps=ONE_STEP, **more):
        return [
            await self.open(steps, pdf=plain_pdf(number + 1), **more) for number in range(count)
        ]

    async def batch(self, requests, official=LEADER, pin=None):
        """What ``POST /v1/signing-batches`` does."""
        ids = [getattr(request, "id", request) for request in requests]
        return await self._begin(
            lambda c: self.desk.batches.batches.open(c, Actor(TENANT, official), ids), official, pin
        )

    async def confirm_batch(self, batch, official=LEADER, pin=None):
        return await self._begin(
            lambda c: self.desk.batches.batches.confirm(c, Actor(TENANT, official), batch.id),
            official,
            pin,
        )

    async def _begin(self, work, official, pin):
        confirmed = await self.database.write(work)
        if confirmed.is_here:
            answer = confirmed.answer
            run = Run(answer.id, Actor(TENANT, official), answer.signer, confirmed.fence, pin)
            self.desk.batches.runs.start(run)
        return confirmed.answer

    async def cancel_batch(self, batch, official=LEADER):
        actor = Actor(TENANT, official)
        return await self.database.write(
            lambda c: self.desk.batches.batches.cancel(c, actor, batch.id)
        )

    async def get_batch(self, batch):
        return await self.desk.batches.batches.get(TENANT, batch.id)

    async def batch_events(self, batch):
        rows = await self.database.read(lambda c: batch_store.events_after(c, batch.id, 0))
        return [(row.number, row.type, row.data) for row in rows]

    @contextlib.asynccontextmanager
    async def running(self):
        """This process signs the batches it is given, until the block ends."""
        task = asyncio.ensure_future(self.desk.batches.runs.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settled(self, batch, *statuses):
        """The batch once it has one of these statuses; retries find the clock moving."""
        for _ in range(2_000):
            seen = await self.get_batch(batch)
            if seen.status in statuses:
                return seen
            await asyncio.sleep(0.005)
        raise AssertionError(seen)
