"""Certified copies as kept files: what a longer one becomes.

A renewal appends an archive time-stamp to the latest file and makes that the copy's latest one. The
register's line does not change: number, book and day are of the certification, not of the file. The
earlier files stay known, so that whoever holds one is still told that it is genuine.

The result goes to the file store; then one transaction, in which the copy must still have the bytes
that were extended and be in force, adds the file, the record and the event. Leaves when to do it to
``gateway.preservation``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.certification import kept_store, store
from gateway.certification.rules import SUBJECT, Status
from gateway.documents.confirmations.signing_places import Timestamping
from gateway.documents.evidence.extensions import ExtensionAct, keep_extension, record_extension
from gateway.documents.evidence.log import KeptFile as StoredFile
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Waker
from gateway.preservation import queue
from gateway.preservation.asked import Asked
from gateway.preservation.doubts import Doubts
from gateway.preservation.kept import KeptFile, Outcome
from gateway.preservation.stored_files import (
    ExtendingSignatures,
    StoredExtension,
    extend_stored,
)
from gateway.webhooks.outbox import TOPIC, NewEvent, emit
from signing.contract import Level, Provability


@dataclass(frozen=True, slots=True)
class Renewed:
    """A longer file, stored and ready for its row."""

    copy: KeptFile  # as it was read
    made: StoredExtension
    wanted: Level
    kept: tuple[StoredFile, ...]
    asked: Asked


class CopyKeeping:
    """Keeps the certified copies of every portal (``gateway.preservation.kept.Keeper``)."""

    owner = "copy"
    overdue = "copy_renewal_overdue"
    broken = "copy_not_extended"

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        *,
        files: FileStore,
        signatures: ExtendingSignatures,
        doubts: Doubts,
        timestamping: Timestamping = lambda _level: nullcontext(),
    ) -> None:
        self._doubts = doubts
        self._timestamping = timestamping
        self._database = database
        self._clock = clock
        self._waker = waker
        self._files = files
        self._signatures = signatures

    def shelf(self) -> sa.Select[Any]:
        """See ``Keeper``."""
        return kept_store.shelf()

    def lock(self, connection: Connection, file: KeptFile) -> None:
        """See ``Keeper``."""
        store.find(connection, file.tenant, file.id, lock=True)

    def reckoned(self, connection: Connection, file: KeptFile, found: Provability) -> None:
        """See ``Keeper``."""
        kept_store.set_provability(
            connection,
            file.id,
            file.sha256,
            level=found.level,
            provable_until=found.until,
            provable_reason=found.reason,
        )

    def forget(self, connection: Connection, ids: Sequence[str]) -> None:
        """See ``Keeper``."""
        kept_store.forget_provability(connection, ids)

    async def extend(self, file: KeptFile, level: Level, asked: Asked, *, renews: bool) -> Outcome:
        """See ``Keeper``."""
        beyond = file.proof if renews else None
        async with self._timestamping(level):
            void = self._doubts.of(file.tenant)
            made = await extend_stored(
                self._files, self._signatures, file.sha256, level, void=void, beyond=beyond
            )
        kept = await keep_extension(self._files, made.extended)
        renewed = Renewed(file, made, level, kept, asked)
        await self._database.write(lambda c: self._publish(c, renewed))
        self.announce()
        extended = made.extended
        return Outcome(extended.level, extended.provability.until, made.digest != file.sha256)

    def tell_overdue(self, connection: Connection, file: KeptFile, now: datetime) -> None:
        """See ``Keeper``."""
        self._tell(connection, "certification.renewal_overdue", file, now)

    def announce(self) -> None:
        """Wake the deliveries after a commit that emitted."""
        self._waker.wake(TOPIC)

    def _publish(self, connection: Connection, renewed: Renewed) -> None:
        before, now = renewed.copy, self._clock.now()
        extended, digest = renewed.made.extended, renewed.made.digest
        row = store.find(connection, before.tenant, before.id, lock=True)
        if row.sha256 != before.sha256 or row.status != Status.ISSUED:
            raise Problem("document_changed", extra={"current_sha256": row.sha256})
        file = {
            "certification_id": row.id,
            "sha256": digest,
            "size": extended.size,
            "signature_fields": kept_store.signature_fields(connection, row.id, before.sha256),
            "created_at": now,
            "level": extended.level,
            "provable_until": extended.provability.until,
            "provable_reason": extended.provability.reason,
        }
        kept_store.add_file(connection, file)
        act = ExtensionAct(
            tenant=row.tenant,
            subject={"id": row.id, "reference": row.reference, "kind": SUBJECT},
            asked=renewed.asked.content(),
            extended=extended,
            kept=renewed.kept,
            input_sha256=before.sha256,
            from_level=before.level,
            wanted=renewed.wanted.value,
            revisions=(before.revision, before.revision + 1),
        )
        record_extension(connection, act, now)
        queue.reached(connection, row.id, renewed.wanted, extended.level)
        latest = {"sha256": digest, "size": extended.size}
        self._tell(connection, "certification.extended", row, now, **latest)

    def _tell(
        self, connection: Connection, type_: str, row: Any, now: datetime, **values: Any
    ) -> None:
        sequence = store.change(connection, row.id, **values)
        event_id = new_id("evt", self._clock)
        event = NewEvent(event_id, row.tenant, type_, row.id, sequence, row.reference, now)
        emit(connection, [event])
