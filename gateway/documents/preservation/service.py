"""Raising levels later and renewing archive time-stamps, as new revisions of documents.

1. The document's latest bytes go to a signer process, which appends proof (no key is needed).
2. The result goes to the file store; then one transaction, in which the document must still have
   those bytes and nobody may be signing it, adds the revision, moves open requests on, emits the
   event and settles the queue.

A crash in between leaves a file nobody refers to and a queued document that is extended again.
Leaves when to do all this to ``preservation_worker`` and to whoever asks over HTTP.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.documents import store
from gateway.documents.answers import DocumentAnswer, show_documents
from gateway.documents.evidence.extensions import record_extension
from gateway.documents.preservation import store as preservation_store
from gateway.documents.preservation.asked import BY_REQUEST, QUEUE, Asked
from gateway.documents.preservation.extension import Extension
from gateway.documents.preservation.preserving import columns_of
from gateway.documents.preservation.rules import (
    LOST,
    Kind,
    PreservationPolicy,
    State,
    falls_short,
    higher,
    is_complete,
    is_lost,
)
from gateway.documents.preservation.stored_files import ExtendingSignatures, extend_stored
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.ids import new_id
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.signing_problems import problem_of
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC, NewEvent, emit
from signing.contract import Level, SigningError

_log = structlog.get_logger(__name__)

_SOON = timedelta(seconds=5)  # when somebody is signing the document right now


class Preservation:
    """Extends the documents of every portal."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        files: FileStore,
        signatures: ExtendingSignatures,
        policy: PreservationPolicy,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._metrics = metrics
        self._files = files
        self._signatures = signatures
        self.policy = policy

    # -------------------------------------------------------------- asked for by a caller

    async def prepare(
        self,
        tenant: str,
        document_id: str,
        level: str,
        *,
        later_than: datetime | None = None,
        asked: Asked = BY_REQUEST,
    ) -> Extension:
        """Make the extended file of a document's latest revision; no row yet.

        ``later_than``: refuse a renewal that proves nothing for longer than until then.
        ``asked``: who wants it, for the evidence log.

        Raises:
            Problem: ``not_found``, ``signing_in_progress``, ``document_refused`` (such as for a
                file without signatures), ``signing_unavailable`` when nothing could be added.
        """
        document = await self._database.read(lambda c: self._free(c, tenant, document_id))
        try:
            return await self._make(document, Level(level), later_than, asked)
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

    async def work_on(self, task: Any) -> bool:
        """One claimed document; whether it is done with.

        Raises:
            DatabaseUnavailable, and what the file store raises: the lease then runs out.
        """
        renews = task.kind == Kind.RENEW
        try:
            document, end = await self._database.read(lambda c: self._due(c, task))
            later_than = end if renews else None
            asked = Asked(QUEUE, task.reason)
            extension = await self._make(document, Level(task.wanted), later_than, asked)
            await self._database.write(lambda c: self.publish(c, extension))
        except Problem as problem:  # it is being signed, or was signed meanwhile
            await self._database.write(partial(self._wait, task=task, reason=problem.code))
        except SigningError as error:
            self._count(task.kind, "failed")
            await self._database.write(partial(self._failed, task=task, error=error))
        else:
            self._count(task.kind, "extended" if extension.changed else "unchanged")
            self.announce()
            return is_complete(extension.extended)
        return False

    async def _make(
        self, document: Any, level: Level, later_than: datetime | None, asked: Asked
    ) -> Extension:
        """The extended file of a document's row, in the file store.

        Raises:
            SigningError: the signing service's refusal.
        """
        made = await extend_stored(
            self._files, self._signatures, document.sha256, level, later_than
        )
        return Extension(document, made.extended, level, made.digest, made.look, made.kept, asked)

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

    def _due(self, connection: Connection, task: Any) -> tuple[Any, datetime | None]:
        """A queued document's row, and until when it is provable."""
        document = self._free(connection, task.tenant, task.document_id)
        ends = preservation_store.latest_provability(connection, [task.document_id])
        return document, ends[task.document_id].provable_until

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
            "role": "extension",
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
        queued = preservation_store.find_task(connection, document_id)
        if is_complete(extended) and not lost:
            if queued is None or not falls_short(queued.wanted, extension.wanted):
                preservation_store.remove_task(connection, document_id)
            else:  # somebody asked for less than the queue still has to reach
                preservation_store.change_task_if_held(
                    connection, document_id, queued.fence, reached=extended.level
                )
            return
        task = {
            "document_id": document_id,
            "kind": Kind.RAISE,
            "wanted": extension.wanted,
            "reached": extended.level,
            "reason": extended.shortfall,
            "next_at": self.policy.next_try(now, 1),
            "alarm_at": now if lost else self.policy.alarm_at(now, extended.provability.until),
            "lease_until": None,
            "created_at": now,
        }
        preservation_store.put_task(connection, task)
        if lost:
            fence = preservation_store.find_task(connection, document_id).fence
            preservation_store.change_task_if_held(
                connection, document_id, fence, state=State.GIVEN_UP, alarm_at=now
            )

    def _wait(self, connection: Connection, task: Any, reason: str) -> None:
        now = self._clock.now()
        preservation_store.change_task_if_held(
            connection,
            task.document_id,
            task.fence,
            lease_until=None,
            next_at=now + _SOON,
            reason=reason,
        )

    def _failed(self, connection: Connection, task: Any, error: SigningError) -> None:
        """Try again later; what will never work is told at once and left to a person."""
        now, attempts = self._clock.now(), task.attempts + 1
        values: dict[str, Any] = {"lease_until": None, "attempts": attempts, "reason": error.code}
        values["next_at"] = self.policy.next_try(now, attempts, error.code)
        if is_lost(error):
            values |= {"state": State.GIVEN_UP, "alarm_at": now, "next_at": now}
        preservation_store.change_task_if_held(connection, task.document_id, task.fence, **values)

    def _tell(self, connection: Connection, type_: str, document: Any, now: datetime) -> None:
        sequence = store.next_sequence(connection, document.id)
        event_id = new_id("evt", self._clock)
        event = NewEvent(
            event_id, document.tenant, type_, document.id, sequence, document.reference, now
        )
        emit(connection, [event])

    # -------------------------------------------------------------- looking ahead

    async def alarm_overdue(self) -> int:
        """Tell about documents that are still below their level; how many."""

        def unit(connection: Connection) -> list[Any]:
            now, told = self._clock.now(), []
            for row in preservation_store.overdue(connection, now):
                document = store.find_document(connection, row.tenant, row.document_id, lock=True)
                if preservation_store.mark_told(connection, row.document_id, now):
                    self._tell(connection, "document.level_overdue", document, now)
                    told.append(row)
            return told

        rows = await self._database.write(unit)
        for row in rows:
            _log.error(
                "document_level_overdue",
                document=row.document_id,
                wanted=row.wanted,
                reached=row.reached,
                reason=row.reason,
            )
            self._metrics.alerts.labels("document_level_overdue").inc()
        if rows:
            self.announce()
        return len(rows)

    def _count(self, kind: str, outcome: str) -> None:
        self._metrics.extensions.labels(kind, outcome).inc()
