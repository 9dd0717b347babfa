"""Looking ahead: which documents lose their proof soon, and queueing the renewals.

Owns the list of expiring documents and the choice of what is renewed. Leaves renewing to
``preservation`` and its queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.documents.preservation import store as preservation_store
from gateway.documents.preservation.kept import After, KeptElsewhere, KeptFile
from gateway.documents.preservation.rules import Kind
from gateway.documents.preservation.stored_files import (
    ExtendingSignatures,
    provability_of_stored,
)
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from signing.contract import Level, SigningError

_BATCH = 100

WHY = {
    "signer_certificate": "Chứng thư số của người ký hết hạn; tệp không đủ bằng chứng lâu dài.",
    "timestamp_certificate": "Chứng thư của dịch vụ cấp dấu thời gian hết hạn.",
    "algorithm": "Thuật toán không còn được coi là an toàn.",
}


class ExpiringDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document (``doc_…``) or certified copy (``cer_…``) that loses its proof soon."""

    id: str
    reference: str
    kind: str
    level: str | None
    revision: int
    provable_until: str
    expired: bool
    reason: str
    detail: str
    renewal_queued: bool


class ExpiringList(msgspec.Struct, frozen=True):
    """One page, soonest first."""

    data: list[ExpiringDocument]
    has_more: bool
    next: str | None


class Calendar:
    """The dates of every portal's documents."""

    def __init__(
        self, database: Database, clock: Clock, files: FileStore, signatures: ExtendingSignatures
    ) -> None:
        self._database = database
        self._clock = clock
        self._files = files
        self._signatures = signatures
        self._others: list[KeptElsewhere] = []

    def include(self, others: KeptElsewhere) -> None:
        """Let files that another capability keeps stand in the calendar too."""
        self._others.append(others)

    async def expiring(
        self, tenant: str, within: timedelta, after: str | None, limit: int
    ) -> ExpiringList:
        """A page of a portal's documents whose proof ends within a time; ended ones included."""

        def query(connection: Connection) -> ExpiringList:
            now = self._clock.now()
            last = self._last(connection, tenant, after)
            window = (tenant, now + within, last, limit + 1)
            rows = _documents(connection, *window)
            for others in self._others:
                rows += others.expiring(connection, *window)
            rows.sort(key=lambda row: (row.provable_until, row.id))
            shown = [_show(row, now) for row in rows[:limit]]
            more = len(rows) > limit
            return ExpiringList(shown, more, shown[-1].id if more else None)

        return await self._database.read(query)

    def _last(self, connection: Connection, tenant: str, after: str | None) -> After | None:
        """Where the page before ended; an id that nobody knows begins again."""
        if after is None:
            return None
        ends = [preservation_store.end_of(connection, tenant, after)]
        ends += [others.end_of(connection, tenant, after) for others in self._others]
        return next(((end, after) for end in ends if end is not None), None)

    def levels(self, connection: Connection, ids: Sequence[str]) -> dict[str, str | None]:
        """Id → present level, of what other capabilities keep."""
        found: dict[str, str | None] = {}
        for others in self._others:
            found |= others.levels(connection, ids)
        return found

    async def due(self, within: timedelta) -> Sequence[Any]:
        """Documents of every portal whose archive time-stamp ends within a time, soonest first."""
        before = self._clock.now() + within
        return await self._database.read(
            lambda c: preservation_store.renewable(c, before, 1_000_000)
        )

    async def queue_renewals(self, within: timedelta) -> int:
        """Queue what is due for renewal; how many."""

        def unit(connection: Connection) -> int:
            now = self._clock.now()
            rows = preservation_store.renewable(connection, now + within, _BATCH)
            for row in rows:
                task = {
                    "document_id": row.id,
                    "kind": Kind.RENEW,
                    "wanted": Level.B_LTA,
                    "reached": row.level,
                    "reason": row.provable_reason,
                    "next_at": now,
                    "alarm_at": max(now, row.provable_until - within / 2),
                    "created_at": now,
                }
                preservation_store.put_task(connection, task)
            return len(rows)

        return await self._database.write(unit)

    async def reckon_missing(self) -> int:
        """Reckon documents that were published without it, such as before an upgrade; how many."""
        rows = await self._database.read(lambda c: preservation_store.unreckoned(c, _BATCH))
        reckoned = 0
        for row in rows:
            try:
                found = await provability_of_stored(self._files, self._signatures, row.sha256)
            except SigningError:
                continue  # the signer is away: next time
            until, reason = found.until, found.reason
            await self._database.write(
                lambda c, r=row, u=until, w=reason: preservation_store.set_provability(  # type: ignore[misc]  # defaults bind the loop's values
                    c, r.id, r.revision, u, w
                )
            )
            reckoned += 1
        return reckoned


def _documents(
    connection: Connection, tenant: str, before: datetime, after: After | None, limit: int
) -> list[KeptFile]:
    rows = preservation_store.expiring(connection, tenant, before, after, limit)
    queued = preservation_store.tasks_of(connection, [row.id for row in rows])
    return [
        KeptFile(
            id=row.id,
            reference=row.reference,
            kind=row.kind,
            level=row.level,
            revision=row.revision,
            provable_until=row.provable_until,
            provable_reason=row.provable_reason,
            renewal_queued=row.id in queued,
        )
        for row in rows
    ]


def _show(row: KeptFile, now: datetime) -> ExpiringDocument:
    return ExpiringDocument(
        id=row.id,
        reference=row.reference,
        kind=row.kind,
        level=row.level,
        revision=row.revision,
        provable_until=iso(row.provable_until),
        expired=row.provable_until <= now,
        reason=row.provable_reason,
        detail=WHY.get(row.provable_reason, ""),
        renewal_queued=row.renewal_queued,
    )
