"""Which files lose their proof soon, whoever keeps them: one list for every portal.

Reads only. Leaves queueing renewals to ``ahead``, renewing to ``service``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.preservation import store
from gateway.preservation.kept import After, KeptFile, Window
from gateway.preservation.rules import is_past_retention
from gateway.preservation.service import Preservation

_ALL = 1_000_000

WHY = {
    "signer_certificate": "Chứng thư số của người ký hết hạn; tệp không đủ bằng chứng lâu dài.",
    "timestamp_certificate": "Chứng thư của dịch vụ cấp dấu thời gian hết hạn.",
    "timestamp_revoked": "Chứng thư của dịch vụ cấp dấu thời gian bị thu hồi.",
    "algorithm": "Thuật toán không còn được coi là an toàn.",
}
_PAST = "Đã hết thời hạn lưu trữ: không gia hạn nữa."


class ExpiringDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document (``doc_…``) or certified copy (``cer_…``) that loses its proof soon.

    ``retained_until``: when its retention period ends; null: never, as far as is configured. After
    it nothing is renewed and nobody is alarmed (``past_retention``).
    """

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
    retained_until: str | None
    past_retention: bool


class ExpiringList(msgspec.Struct, frozen=True):
    """One page, soonest first."""

    data: list[ExpiringDocument]
    has_more: bool
    next: str | None


class Calendar:
    """The dates of every keeper's files."""

    def __init__(self, database: Database, clock: Clock, preservation: Preservation) -> None:
        self._database = database
        self._clock = clock
        self._preservation = preservation
        self._policy = preservation.policy

    async def expiring(
        self, tenant: str, within: timedelta, after: str | None, limit: int
    ) -> ExpiringList:
        """A page of a portal's files whose proof ends within a time; ended ones included."""

        def query(connection: Connection) -> ExpiringList:
            now = self._clock.now()
            last = self._last(connection, tenant, after)
            window = Window(tenant, now + within, last, limit + 1)
            files: list[KeptFile] = []
            for keeper in self._preservation:
                files += store.expiring(connection, keeper, window)
            files.sort(key=lambda file: (file.provable_until, file.id))
            queued = store.find_many(connection, [file.id for file in files[:limit]])
            shown = [self._show(file, now, file.id in queued) for file in files[:limit]]
            more = len(files) > limit
            return ExpiringList(shown, more, shown[-1].id if more else None)

        return await self._database.read(query)

    def _last(self, connection: Connection, tenant: str, after: str | None) -> After | None:
        """Where the page before ended; an id that nobody knows begins again."""
        if after is None:
            return None
        for keeper in self._preservation:
            file = store.find_files(connection, keeper, [after]).get(after)
            if file is not None and file.tenant == tenant and file.provable_until is not None:
                return (file.provable_until, after)
        return None

    def levels(self, connection: Connection, ids: Sequence[str]) -> dict[str, str | None]:
        """Id → present level."""
        found: dict[str, str | None] = {}
        for keeper in self._preservation:
            files = store.find_files(connection, keeper, ids)
            found |= {id_: file.level for id_, file in files.items()}
        return found

    async def due(self, within: timedelta) -> list[KeptFile]:
        """Files of every portal whose archive time-stamp ends within a time, soonest first.

        Those in the queue are among them: whoever asks may not want to wait for it.
        """
        now = self._clock.now()
        before, cutoffs = now + within, self._policy.cutoffs(now)

        def query(connection: Connection) -> list[KeptFile]:
            found: list[KeptFile] = []
            for keeper in self._preservation:
                found += store.renewable(connection, keeper, before, cutoffs, _ALL)
            return found

        return await self._database.read(query)

    def _show(self, file: KeptFile, now: datetime, queued: bool) -> ExpiringDocument:
        until, reason = file.provable_until or now, file.provable_reason or ""
        retained_until = self._policy.retained_until(file.kind, file.kept_since)
        past = is_past_retention(file, self._policy, now)
        return ExpiringDocument(
            id=file.id,
            reference=file.reference,
            kind=file.kind,
            level=file.level,
            revision=file.revision,
            provable_until=iso(until),
            expired=until <= now,
            reason=reason,
            detail=_PAST if past else WHY.get(reason, ""),
            renewal_queued=queued,
            retained_until=iso(retained_until) if retained_until is not None else None,
            past_retention=past,
        )
