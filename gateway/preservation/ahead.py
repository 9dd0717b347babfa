"""Looking ahead at a keeper's files: reckoned, renewals queued in time, the queue kept honest.

What was renewed otherwise, cancelled, or is past its retention period leaves the queue; what a
wrong clock put off is drawn in; a file that cannot be read is told. Leaves renewing to ``service``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FileStore, FilesUnavailable
from gateway.preservation import store
from gateway.preservation.doubts import Doubts
from gateway.preservation.kept import Keeper, KeptFile
from gateway.preservation.rules import (
    FILE_REASONS,
    STORE_AWAY,
    Kind,
    State,
    file_reason,
    is_past_retention,
)
from gateway.preservation.service import LEASE, Preservation
from gateway.preservation.stored_files import ExtendingSignatures, provability_of_stored
from signing.contract import Level, SigningError

_log = structlog.get_logger(__name__)

_BATCH = 100


class LookingAhead:
    """Looks at the files of every portal, a keeper at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        files: FileStore,
        signatures: ExtendingSignatures,
        preservation: Preservation,
        *,
        doubts: Doubts,
    ) -> None:
        self._doubts = doubts
        self._database = database
        self._clock = clock
        self._files = files
        self._signatures = signatures
        self._preservation = preservation
        self._policy = preservation.policy
        self._learn: Callable[[], Awaitable[object]] | None = None

    def learn_first(self, learn: Callable[[], Awaitable[object]]) -> None:
        """Have something learnt before every reckoning, such as whose time-stamps are void."""
        self._learn = learn

    async def look(self, owner: str) -> int:
        """One look at a keeper's files: reckon, tidy, queue; how many renewals were queued."""
        keeper = self._preservation[owner]
        await self.reckon_missing(keeper)
        await self._tidy(keeper)
        return await self.queue_renewals(keeper)

    async def queue_renewals(self, keeper: Keeper) -> int:
        """Queue what is due for renewal; how many."""
        within = self._policy.renew_within
        if not within:
            return 0

        def unit(connection: Connection) -> int:
            now = self._clock.now()
            window = (now + within, self._policy.cutoffs(now), _BATCH)
            files = store.renewable(connection, keeper, *window, unqueued=True)
            queued = 0
            for file in files:
                keeper.lock(connection, file)  # whoever publishes meanwhile queues by itself
                if store.find(connection, file.id) is None:
                    store.put(connection, self._renewal(file, now))
                    queued += 1
            return queued

        return await self._database.write(unit)

    def _renewal(self, file: KeptFile, now: datetime) -> dict[str, Any]:
        until = file.provable_until or now
        return _row(file, now) | {
            "reason": file.provable_reason or "",
            "until": until,
            "alarm_at": until - self._policy.renew_within / 2,  # by the file, not by the clock
        }

    async def _tidy(self, keeper: Keeper) -> None:
        """Draw in what a wrong clock put off, and take out what has nothing left to be done."""
        now, after = self._clock.now(), ""
        await self._database.write(
            lambda c: store.set_right(
                c,
                next_at=now + self._policy.longest_wait,
                lease_until=now + LEASE,
                raise_alarm_at=now + self._policy.alarm_after,
            )
        )
        while True:
            rows = await self._database.read(
                lambda c, a=after: store.queued(c, keeper.owner, a, _BATCH)  # type: ignore[misc]  # the default binds the loop's value
            )
            for row in rows:
                await self._database.write(
                    lambda c, i=row.id: self._preservation.drop_settled(c, keeper, i)  # type: ignore[misc]  # the default binds the loop's value
                )
            if len(rows) < _BATCH:
                return
            after = rows[-1].id

    # -------------------------------------------------------------- reckoning

    async def reckon_missing(self, keeper: Keeper) -> int:
        """Reckon what was published without it, such as before an upgrade; how many."""
        if self._learn is not None:
            await self._learn()
        reckoned, after = 0, ""
        while True:
            files = await self._database.read(
                lambda c, a=after: store.unreckoned(c, keeper, a, _BATCH)  # type: ignore[misc]  # the default binds the loop's value
            )
            for file in files:
                reckoned += await self._reckon(keeper, file)
            if len(files) < _BATCH:
                return reckoned
            after = files[-1].id

    async def _reckon(self, keeper: Keeper, file: KeptFile) -> int:
        try:
            found = await provability_of_stored(
                self._files, self._signatures, file.sha256, self._doubts.of(file.tenant)
            )
        except SigningError as error:  # the signer is away: next time
            _log.warning("file_not_reckoned", file=file.id, reason=error.code)
            return 0
        except FilesUnavailable:
            _log.warning("file_not_reckoned", file=file.id, reason=STORE_AWAY)
            return 0
        except (FileMissing, FileDamaged) as error:
            reason = file_reason(error)
            _log.warning("file_not_reckoned", file=file.id, reason=reason)
            await self._database.write(lambda c: self._unreadable(c, file, reason))
            return 0

        def unit(connection: Connection) -> None:
            keeper.reckoned(connection, file, found)
            waiting = store.find(connection, file.id)
            if waiting is not None and waiting.reason in FILE_REASONS:
                store.remove(connection, file.id)  # it is back

        await self._database.write(unit)
        return 1

    def _unreadable(self, connection: Connection, file: KeptFile, reason: str) -> None:
        """A file that nobody can reckon has to be told: nothing else would ever look at it."""
        now = self._clock.now()
        if store.find(connection, file.id) is None and not is_past_retention(
            file, self._policy, now
        ):
            row = {"state": State.GIVEN_UP, "reason": reason, "alarm_at": now}
            store.put(connection, _row(file, now) | row)


def _row(file: KeptFile, now: datetime) -> dict[str, Any]:
    return {
        "owner": file.owner,
        "id": file.id,
        "tenant": file.tenant,
        "kind": Kind.RENEW,
        "wanted": Level.B_LTA,
        "reached": file.level or "",
        "next_at": now,
        "created_at": now,
    }
