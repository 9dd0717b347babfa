"""Keeping certified copies provable: their place in the calendar, and their renewal.

A renewal appends an archive time-stamp to the latest file and makes that the copy's latest one. The
register's line does not change: number, book and day are of the certification, not of the file. The
earlier files stay known, so that whoever holds one is still told that it is genuine.

1. The latest file goes to a process without keys, which appends proof.
2. The result goes to the file store; then one transaction, in which the copy must still have the
   bytes that were extended and be in force, adds the file, the record and the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.certification import kept_store, store
from gateway.certification.rules import SUBJECT, Status
from gateway.documents.evidence.extensions import ExtensionAct, record_extension
from gateway.documents.evidence.log import KeptFile as StoredFile
from gateway.documents.preservation.asked import QUEUE, Asked
from gateway.documents.preservation.kept import After, KeptFile
from gateway.documents.preservation.stored_files import (
    ExtendingSignatures,
    extend_stored,
    provability_of_stored,
)
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FileStore
from gateway.foundation.ids import new_id
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC, NewEvent, emit
from signing.contract import Extended, Level, SigningError

_log = structlog.get_logger(__name__)

_BATCH, _TOGETHER = 100, 2
_LEASE = timedelta(minutes=15)  # longer than a signer process may take for one file
_NO_GAIN = "renewal_no_gain"


@dataclass(frozen=True, slots=True)
class CopyPolicy:
    """The operator's deadlines, as for documents."""

    renew_within: timedelta = timedelta(days=90)  # 0 = never by itself
    retry_s: tuple[int, ...] = (60, 300, 900, 3600)

    def next_try(self, now: datetime, attempts: int, reason: str) -> datetime:
        """When to try again; what gains nothing is tried once a day."""
        if reason == _NO_GAIN:
            return now + timedelta(days=1)
        return now + timedelta(seconds=self.retry_s[min(attempts, len(self.retry_s)) - 1])


@dataclass(frozen=True, slots=True)
class Renewed:
    """A longer file, stored and ready for its row."""

    copy: Any  # the row as it was read, with its latest file
    extended: Extended
    digest: str
    kept: tuple[StoredFile, ...]
    asked: Asked


class CopyKeeping:
    """The certified copies of every portal, as files to be kept."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        files: FileStore,
        signatures: ExtendingSignatures,
        policy: CopyPolicy,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._metrics = metrics
        self._files = files
        self._signatures = signatures
        self.policy = policy

    # -------------------------------------------------------------- for the calendar

    def expiring(
        self,
        connection: Connection,
        tenant: str,
        before: datetime,
        after: After | None,
        limit: int,
    ) -> Sequence[KeptFile]:
        """See ``KeptElsewhere``."""
        rows = kept_store.expiring(connection, tenant, before, after, limit)
        ids = [row.id for row in rows]
        queued = kept_store.queued_among(connection, ids)
        counts = kept_store.count_files(connection, ids)
        return [
            KeptFile(
                id=row.id,
                reference=row.reference,
                kind=SUBJECT,
                level=row.level,
                revision=counts[row.id] - 1,
                provable_until=row.provable_until,
                provable_reason=row.provable_reason,
                renewal_queued=row.id in queued,
            )
            for row in rows
        ]

    def end_of(self, connection: Connection, tenant: str, id_: str) -> datetime | None:
        """See ``KeptElsewhere``."""
        rows = kept_store.latest_of(connection, [id_])
        return next((row.provable_until for row in rows if row.tenant == tenant), None)

    def levels(self, connection: Connection, ids: Sequence[str]) -> dict[str, str | None]:
        """See ``KeptElsewhere``."""
        return {row.id: row.level for row in kept_store.latest_of(connection, ids)}

    async def due(self, within: timedelta) -> Sequence[Any]:
        """Copies of every portal whose archive time-stamp ends within a time, soonest first."""
        before = self._clock.now() + within
        return await self._database.read(lambda c: kept_store.renewable(c, before, 1_000_000))

    async def reckon_missing(self) -> int:
        """Reckon copies whose latest file never was; how many."""
        rows = await self._database.read(lambda c: kept_store.unreckoned(c, _BATCH))
        reckoned = 0
        for row in rows:
            try:
                found = await provability_of_stored(self._files, self._signatures, row.sha256)
            except (SigningError, FileMissing, FileDamaged) as error:
                _log.warning("copy_not_reckoned", copy=row.id, error=type(error).__name__)
                continue
            values = {
                "level": found.level,
                "provable_until": found.until,
                "provable_reason": found.reason,
            }
            await self._database.write(
                lambda c, r=row, v=values: kept_store.set_provability(c, r.id, r.sha256, **v)  # type: ignore[misc]  # defaults bind the loop's values
            )
            reckoned += 1
        return reckoned

    # -------------------------------------------------------------- renewing one

    async def renew(self, copy: Any, asked: Asked) -> Extended:
        """Append an archive time-stamp to a copy's latest file and publish it.

        ``copy`` is its row with its latest file.

        Raises:
            SigningError: the service's refusal, or ``renewal_no_gain``.
            Problem: ``document_changed``: it was renewed, or cancelled, meanwhile.
            FileMissing, FileDamaged: the file store's.
        """
        made = await extend_stored(
            self._files, self._signatures, copy.sha256, Level.B_LTA, copy.provable_until
        )
        extended = made.extended
        renewed = Renewed(copy, extended, made.digest, made.kept, asked)
        await self._database.write(lambda c: self._publish(c, renewed))
        self._waker.wake(TOPIC)
        return extended

    def _publish(self, connection: Connection, renewed: Renewed) -> None:
        before, extended, now = renewed.copy, renewed.extended, self._clock.now()
        row = store.find(connection, before.tenant, before.id, lock=True)
        if row.sha256 != before.sha256 or row.status != Status.ISSUED:
            raise Problem("document_changed", extra={"current_sha256": row.sha256})
        count = kept_store.count_files(connection, [row.id])[row.id]
        file = {
            "certification_id": row.id,
            "sha256": renewed.digest,
            "size": extended.size,
            "signature_fields": before.signature_fields,
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
            wanted=Level.B_LTA.value,
            revisions=(count - 1, count),
        )
        record_extension(connection, act, now)
        kept_store.settle(connection, row.id)
        latest = {"sha256": renewed.digest, "size": extended.size}
        self._tell(connection, "certification.extended", row, now, **latest)

    def _tell(
        self, connection: Connection, type_: str, row: Any, now: datetime, **values: Any
    ) -> None:
        sequence = store.change(connection, row.id, **values)
        event_id = new_id("evt", self._clock)
        event = NewEvent(event_id, row.tenant, type_, row.id, sequence, row.reference, now)
        emit(connection, [event])

    # -------------------------------------------------------------- the queue

    async def queue_renewals(self) -> int:
        """Queue what is due for renewal; how many."""
        within = self.policy.renew_within
        if not within:
            return 0

        def unit(connection: Connection) -> int:
            now = self._clock.now()
            rows = kept_store.unqueued(connection, now + within, _BATCH)
            for row in rows:
                task = {
                    "certification_id": row.id,
                    "until": row.provable_until,
                    "due_at": now,
                    "reason": row.provable_reason,
                    "alarm_at": max(now, row.provable_until - within / 2),
                }
                kept_store.queue(connection, task)
            return len(rows)

        return await self._database.write(unit)

    async def renew_due(self) -> int:
        """Renew claimed copies; how many were tried."""
        now = self._clock.now()
        claimed = await self._database.write(
            lambda c: kept_store.claim(c, now, now + _LEASE, _TOGETHER)
        )
        for task in claimed:
            await self._work_on(task)
        return len(claimed)

    async def _work_on(self, task: Any) -> None:
        id_, fence, now = task.certification_id, task.lease_fence, self._clock.now()
        (copy,) = await self._database.read(lambda c: kept_store.latest_of(c, [id_]))
        if copy.status != Status.ISSUED or (copy.provable_until or task.until) > task.until:
            await self._database.write(lambda c: kept_store.settle(c, id_))
            return
        try:
            await self.renew(copy, Asked(QUEUE, task.reason))
        except (SigningError, Problem, FileMissing, FileDamaged) as error:
            reason = getattr(error, "code", type(error).__name__)
            _log.warning("copy_not_renewed", copy=id_, reason=reason)
            self._metrics.extensions.labels("renew", "failed").inc()
            attempts = task.attempts + 1
            due_at = self.policy.next_try(now, attempts, reason)
            values = {"attempts": attempts, "reason": reason[:80], "due_at": due_at}
            await self._database.write(lambda c: kept_store.put_back(c, id_, fence, **values))
        else:
            self._metrics.extensions.labels("renew", "extended").inc()

    async def alarm_overdue(self) -> int:
        """Tell about copies that were not renewed in time; how many."""

        def unit(connection: Connection) -> list[str]:
            now, told = self._clock.now(), []
            for row in kept_store.overdue(connection, now):
                copy = store.find(connection, row.tenant, row.certification_id, lock=True)
                if kept_store.mark_told(connection, copy.id, now):
                    self._tell(connection, "certification.renewal_overdue", copy, now)
                    told.append(str(copy.id))
            return told

        told = await self._database.write(unit)
        for copy in told:
            _log.error("copy_renewal_overdue", copy=copy)
            self._metrics.alerts.labels("copy_renewal_overdue").inc()
        if told:
            self._waker.wake(TOPIC)
        return len(told)
