"""Documents and certified copies kept side by side by one process, and what can go wrong."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from gateway.certification.keeping import CopyKeeping
from gateway.documents.preservation.rules import SIGN_AND_RAISE
from gateway.documents.preservation.service import DocumentKeeping
from gateway.foundation.files import FileMissing
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Waker
from gateway.preservation import store
from gateway.preservation.assembly import PreservationDesk
from gateway.preservation.policy import DEFAULT_POLICY
from gateway.preservation.retention import Retention
from gateway.webhooks.outbox import events
from signing.contract import DocumentRefused, Level, SigningUnavailable
from tests.gateway.certification.bureau import Bureau
from tests.gateway.documents.desk import LEADER, STEPS, Desk
from tests.support.paper import PaperSignatures

YEARS = 8
RETENTION = {"ket-qua": Retention(YEARS), "certified_copy": Retention(None)}
POLICY = replace(DEFAULT_POLICY, retention=RETENTION)
OVERDUE = ("document.level_overdue", "certification.renewal_overdue")


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


class Troubled(PaperSignatures):
    """Paper signatures whose service can be away, refuse, or die in the middle."""

    def __init__(self):
        super().__init__()
        self.reader_away = False
        self.next_extensions = []  # what the next ones raise

    async def extend(self, pdf, level, void=()):
        if self.next_extensions:
            raise self.next_extensions.pop(0)
        if self.reachable is Level.B_B:
            raise SigningUnavailable("timestamp_unavailable", "Không có dấu thời gian.", "down")
        return await super().extend(pdf, level, void)

    async def provability(self, pdf, void=()):
        if self.reader_away:
            raise SigningUnavailable("signer_died", "Tiến trình ký dừng.", "lost")
        return await super().provability(pdf, void)

    def refuse_next(self):
        self.next_extensions.append(DocumentRefused("broken_signature", "Chữ ký hỏng.", "broken"))

    def die_next(self):
        self.next_extensions.append(Crash())


class Office:
    """A process; ``restart`` makes another over the same database and files."""

    make_paper = Troubled
    files_fault: type[Exception] = FileMissing

    def __init__(self, database, clock, folder, policy=POLICY):
        self.database, self.clock, self.folder, self.policy = database, clock, folder, policy
        self.paper = self.make_paper()
        self.copies = []  # issued
        self.files_away = False
        self.restart()

    def restart(self):
        database, clock, paper = self.database, self.clock, self.paper
        self.desk = Desk.make(database, clock, self.folder, paper, policy=self.policy)
        self.bureau = Bureau.make(database, clock, self.folder, paper)
        self.metrics, files = Metrics(), self.desk.files
        self._lose_files_of(files)
        self.kept = PreservationDesk(
            database,
            clock,
            Waker(),
            self.metrics,
            files=files,
            signatures=paper,
            policy=self.policy,
        )
        given = {"files": files, "signatures": paper, "doubts": self.kept.doubts}
        documents = DocumentKeeping(database, clock, Waker(), policy=self.policy, **given)
        copies = CopyKeeping(database, clock, Waker(), **given)
        self.keepers = (documents, copies)
        for keeper in self.keepers:
            self.kept.keep(keeper, every_s=60.0)

    def _lose_files_of(self, files):
        """While ``files_away``, the store answers that it has nothing, or not at all."""
        for name in ("get", "get_small"):
            found = getattr(files, name)

            async def get(digest, found=found):
                if self.files_away:
                    raise self.files_fault(digest)
                return await found(digest)

            setattr(files, name, get)

    # ------------------------------------------------------------------ what an office does

    async def sign(self):
        """A document for B-LTA, at whatever level can be reached now."""
        document = await self.desk.document()
        request = await self.desk.open(
            document, STEPS[:1], number=None, when_unavailable=SIGN_AND_RAISE
        )
        await self.desk.sign(request, LEADER)
        return document

    async def certify(self):
        issued = await self.bureau.sign(await self.bureau.draft())
        self.copies.append(issued)
        return issued

    async def cancel(self):
        if self.copies:
            await self.bureau.revoke(self.copies.pop())

    async def extend_by_hand(self):
        """Somebody asks for B-LTA of the newest signed document."""
        files = await self.files(self.keepers[0])
        if files:
            with contextlib.suppress(Problem):
                extension = await self.desk.preservation.prepare(
                    files[-1].tenant, files[-1].id, "B-LTA"
                )
                await self.database.write(lambda c: self.desk.preservation.publish(c, extension))

    async def look(self):
        for keeper in self.keepers:
            while await self.kept.ahead.look(keeper.owner):
                pass

    async def work(self):
        await self.kept.queue.once()

    async def settle(self, days=3):
        """Everybody does their part for some days."""
        for _ in range(days):
            await self.look()
            for _ in range(4):
                while await self.kept.queue.once():
                    pass
                self.clock.advance(6 * 3_600)

    # ------------------------------------------------------------------ what can be seen

    async def files(self, keeper):
        """Every kept file of a keeper that was signed."""

        def query(connection):
            shelf = keeper.shelf().subquery()
            ids = sa.select(shelf.c.id).where(shelf.c.level.is_not(None)).order_by(shelf.c.id)
            found = connection.execute(ids).scalars().all()
            return list(store.find_files(connection, keeper, found).values())

        return sorted(await self.database.read(query), key=lambda file: file.id)

    async def rows(self):
        """Id → its row in the queue."""
        found = await self.database.read(lambda c: c.execute(store.queue.select()).all())
        return {row.id: row for row in found}

    async def told(self):
        """(id, when) of everything that was told to be late."""
        query = sa.select(events).where(events.c.type.in_(OVERDUE))
        found = await self.database.read(lambda c: c.execute(query).all())
        return [(row.subject, row.at) for row in found]


SAFE = timedelta(days=90)
