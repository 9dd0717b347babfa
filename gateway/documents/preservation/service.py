"""Documents as kept files: what a longer one becomes, asked for by a caller or by the queue.

The result of an extension goes to the file store; then one transaction, in which the document must
still have the bytes that were extended and nobody may be signing it, adds the revision, moves open
requests on, emits the event and settles the queue. Leaves the queue, its alarms and the calendar to
``gateway.preservation``, and appending proof to the signing service.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents import store
from gateway.documents.answers import DocumentAnswer, show_documents
from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.documents.evidence.extensions import keep_extension, record_extension
from gateway.documents.preservation import store as preservation_store
from gateway.documents.preservation.extension import Extension
from gateway.documents.preservation.preserving import columns_of
from gateway.documents.preservation.rules import LOST, is_complete
from gateway.documents.preservation.shortfalls import OWNER
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.signing_problems import problem_of
from gateway.foundation.waker import Waker
from gateway.preservation import queue
from gateway.preservation.asked import BY_REQUEST, Asked
from gateway.preservation.doubts import Doubts
from gateway.preservation.kept import KeptFile, Outcome, Proof
from gateway.preservation.levels import higher
from gateway.preservation.policy import PreservationPolicy
from gateway.preservation.stored_files import ExtendingSignatures, extend_stored
from gateway.webhooks.outbox import TOPIC, NewEvent, emit
from signing.contract import Level, Provability, SigningError


class DocumentKeeping:
    """Keeps the documents of every portal (``gateway.preservation.kept.Keeper``)."""

    owner = OWNER
    overdue = "document_level_overdue"
    broken = "document_not_extended"

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        *,
        files: FileStore,
        signatures: ExtendingSignatures,
        policy: PreservationPolicy,
        doubts: Doubts,
        places: SigningPlaces | None = None,
    ) -> None:
        self._doubts = doubts
        self._database = database
        self._clock = clock
        self._waker = waker
        self._files = files
        self._signatures = signatures
        self._places = places
        self.policy = policy

    # -------------------------------------------------------------- asked for by a caller

    async def prepare(
        self, tenant: str, document_id: str, level: str, *, asked: Asked = BY_REQUEST
    ) -> Extension:
        """Make the extended file of a document's latest revision; no row yet.

        ``asked``: who wants it, for the evidence log.

        Raises:
            Problem: ``not_found``, ``signing_in_progress``, ``document_refused`` (such as for a
                file without signatures), ``signing_unavailable`` when nothing could be added.
        """
        document = await self._database.read(lambda c: self._free(c, tenant, document_id))
        try:
            async with self._place():
                return await self._make(document, Level(level), asked)
        except SigningError as error:
            raise problem_of(error) from error

    def publish(self, connection: Connection, extension: Extension) -> DocumentAnswer:
        """Give an extended file its revision (a unit of work); queue what it still lacks.

        Raises:
            Problem: ``document_changed``, ``signing_in_progress``.
        """
        now, before = self._clock.now(), extension.document
        document = self._free(connection, before.tenant, before.id, lock=True)
        if document.sha256 != before.sha256:
            raise Problem("document_changed", extra={"current_sha256": document.sha256})
        if extension.changed:
            self._add_revision(connection, document, extension, now)
        self._settle(connection, extension, now)
        row = store.find_document(connection, before.tenant, before.id)
        return show_documents(connection, [row], now)[0]

    def announce(self) -> None:
        """Wake the deliveries after a commit that emitted."""
        self._waker.wake(TOPIC)

    # -------------------------------------------------------------- asked for by the queue

    async def extend(self, file: KeptFile, level: Level, asked: Asked, *, renews: bool) -> Outcome:
        """See ``Keeper``."""
        document = await self._database.read(lambda c: self._free(c, file.tenant, file.id))
        if document.sha256 != file.sha256:
            raise Problem("document_changed", extra={"current_sha256": document.sha256})
        async with self._place():
            beyond = file.proof if renews else None
            extension = await self._make(document, level, asked, beyond)
            await self._database.write(lambda c: self.publish(c, extension))
        self.announce()
        extended = extension.extended
        reached = higher(document.level, extended.level)
        return Outcome(reached, extended.provability.until, extension.changed)

    def _place(self) -> AbstractAsyncContextManager[None]:
        """With the time-stamping authorities, which officials who sign now are asking too."""
        return nullcontext() if self._places is None else self._places.with_timestamps(Level.B_LTA)

    async def _make(
        self, document: Any, level: Level, asked: Asked, beyond: Proof | None = None
    ) -> Extension:
        """The extended file of a document's row, in the file store.

        Raises:
            SigningError: the signing service's refusal.
        """
        void = self._doubts.of(document.tenant)
        made = await extend_stored(
            self._files, self._signatures, document.sha256, level, void=void, beyond=beyond
        )
        kept = await keep_extension(self._files, made.extended)
        return Extension(document, made.extended, level, made.digest, made.look, kept, asked)

    def shelf(self) -> sa.Select[Any]:
        """See ``Keeper``."""
        return preservation_store.shelf()

    def reckoned(self, connection: Connection, file: KeptFile, found: Provability) -> None:
        """See ``Keeper``."""
        preservation_store.set_provability(
            connection, file.id, file.revision, found.until, found.reason
        )

    def forget(self, connection: Connection, ids: Sequence[str]) -> None:
        """See ``Keeper``."""
        preservation_store.forget_provability(connection, ids)

    def lock(self, connection: Connection, file: KeptFile) -> None:
        """See ``Keeper``."""
        store.find_document(connection, file.tenant, file.id, lock=True)

    def tell_overdue(self, connection: Connection, file: KeptFile, now: datetime) -> None:
        """See ``Keeper``."""
        self._tell(connection, "document.level_overdue", file, now)

    # -------------------------------------------------------------- units of work

    def _free(
        self, connection: Connection, tenant: str, document_id: str, *, lock: bool = False
    ) -> Any:
        """The document's row, unless somebody's key is at it."""
        now = self._clock.now()
        signing = preservation_store.being_signed(connection, document_id, now, lock=lock)
        row = store.find_document(connection, tenant, document_id, lock=lock)
        if row is None:
            raise not_found("văn bản này")
        if signing:
            raise Problem("signing_in_progress", headers={"Retry-After": "5"})
        return row

    def _add_revision(
        self, connection: Connection, document: Any, extension: Extension, now: datetime
    ) -> None:
        extended, look = extension.extended, extension.look
        revision = {
            "document_id": document.id,
            "number": document.revision + 1,
            "sha256": extension.digest,
            "size": look.size,
            "created_at": now,
            "role": preservation_store.EXTENSION_ROLE,
            "level": extended.level,
            "field_names": list(extended.timestamp_fields),
            **columns_of(extended.provability),
        }
        latest = {
            "sha256": extension.digest,
            "size": look.size,
            "level": higher(document.level, extended.level),
            "signatures": [asdict(s) for s in look.signatures],
        }
        store.add_revision(connection, revision, latest)
        record_extension(connection, extension.act_on(document), now)
        preservation_store.move_open_requests(connection, document.id, extension.digest)
        self._tell(connection, "document.extended", document, now)

    def _settle(self, connection: Connection, extension: Extension, now: datetime) -> None:
        """What could not be had yet is asked for later; what is lost for ever is told at once."""
        extended, document_id = extension.extended, extension.document.id
        lost = extended.shortfall == LOST and bool(
            set(extended.missing) & preservation_store.own_fields(connection, document_id)
        )
        if is_complete(extended) and not lost:
            queue.reached(connection, document_id, extension.wanted, extended.level)
            return
        short = queue.Shortfall(
            owner=OWNER,
            id=document_id,
            tenant=extension.document.tenant,
            wanted=extension.wanted,
            reached=extended.level,
            reason=extended.shortfall,
            until=extended.provability.until,
        )
        queue.raise_on(connection, short, self.policy, now, lost=lost)

    def _tell(self, connection: Connection, type_: str, document: Any, now: datetime) -> None:
        sequence = store.next_sequence(connection, document.id)
        event_id = new_id("evt", self._clock)
        event = NewEvent(
            event_id, document.tenant, type_, document.id, sequence, document.reference, now
        )
        emit(connection, [event])
