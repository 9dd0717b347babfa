"""Working through the queue: one file at a time raised or renewed, and what is late is told.

1. The file's latest form goes to a process without keys, which appends proof.
2. Its keeper stores and publishes the result in one transaction, in which the file must still have
   the bytes that were extended, and takes it out of the queue.

A crash in between leaves a file nobody refers to and a row that is worked on again.
Leaves what comes into the queue by itself to ``calendar``, when to look to ``worker``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FilesUnavailable
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.preservation import store
from gateway.preservation.asked import QUEUE, Asked
from gateway.preservation.kept import Keeper, KeptFile, Outcome
from gateway.preservation.policy import PreservationPolicy
from gateway.preservation.rules import (
    STORE_AWAY,
    Kind,
    State,
    file_reason,
    is_lost,
    is_resting,
    is_settled,
)
from signing.contract import Level, SigningError

_log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=15)  # longer than a signer process may take for one file
_SOON = timedelta(seconds=5)  # when somebody is signing the file right now


class Preservation:
    """The files of every portal and every keeper."""

    def __init__(
        self, database: Database, clock: Clock, metrics: Metrics, policy: PreservationPolicy
    ) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._keepers: dict[str, Keeper] = {}
        self.policy = policy

    def register(self, keeper: Keeper) -> None:
        """Keep the files of one more capability."""
        self._keepers[keeper.owner] = keeper

    def __getitem__(self, owner: str) -> Keeper:
        """The keeper of that name."""
        return self._keepers[owner]

    def __iter__(self) -> Iterator[Keeper]:
        """Every keeper."""
        return iter(self._keepers.values())

    async def work_on(self, task: Any) -> None:
        """One claimed row of the queue.

        Raises:
            DatabaseUnavailable: the lease then runs out.
        """
        keeper = self._keepers[task.owner]
        row, file = await self._database.write(lambda c: self.drop_settled(c, keeper, task.id))
        if row is None or file is None:
            return
        try:
            asked, renews = Asked(QUEUE, task.reason), task.kind == Kind.RENEW
            outcome = await keeper.extend(file, Level(task.wanted), asked, renews=renews)
        except Problem as problem:  # it is being signed, or was changed meanwhile
            await self._database.write(partial(self._wait, task=task, reason=problem.code))
        except SigningError as error:
            await self._put_back(task, error.code, lost=is_lost(error))
        except FilesUnavailable:
            await self._put_back(task, STORE_AWAY, lost=False)
        except (FileMissing, FileDamaged) as error:
            reason = file_reason(error)
            _log.error(keeper.broken, file=file.id, reason=reason)
            self._metrics.alerts.labels(keeper.broken).inc()
            await self._put_back(task, reason, lost=False)
        else:
            self.count(task.kind, "extended" if outcome.changed else "unchanged")

    async def renew(self, file: KeptFile, asked: Asked) -> Outcome:
        """Renew one file now, whether or not it waits in the queue; raises as ``Keeper.extend``."""
        return await self._keepers[file.owner].extend(file, Level.B_LTA, asked, renews=True)

    async def alarm_overdue(self) -> int:
        """Tell about files that were not raised or renewed in time; how many."""
        rows = await self._database.write(self._tell)
        for row in rows:
            keeper = self._keepers[row.owner]
            _log.error(
                keeper.overdue,
                file=row.id,
                wanted=row.wanted,
                reached=row.reached,
                reason=row.reason,
            )
            self._metrics.alerts.labels(keeper.overdue).inc()
            keeper.announce()
        return len(rows)

    def count(self, kind: str, outcome: str) -> None:
        """One more extension that came out like this."""
        self._metrics.extensions.labels(kind, outcome).inc()

    async def _put_back(self, task: Any, reason: str, *, lost: bool) -> None:
        self.count(task.kind, "failed")
        await self._database.write(partial(self._failed, task=task, reason=reason, lost=lost))

    # -------------------------------------------------------------- units of work

    def drop_settled(
        self, connection: Connection, keeper: Keeper, id_: str
    ) -> tuple[Any, KeptFile | None]:
        """Take a row out, or put it off, that has nothing to be done for; what is left to do.

        The file's own row is locked first, so that nothing is queued anew while we look.
        """
        file = store.find_files(connection, keeper, [id_]).get(id_)
        if file is not None:
            keeper.lock(connection, file)
            file = store.find_files(connection, keeper, [id_]).get(id_)
        row, now = store.find(connection, id_), self._clock.now()
        if row is None:
            return None, file
        if file is None or is_settled(row, file, self.policy, now):
            store.remove(connection, id_)
            return None, file
        if is_resting(row, file, self.policy, now):
            later = now + self.policy.longest_wait
            store.put_off(connection, id_, later)
            return None, file
        return row, file

    def _tell(self, connection: Connection) -> list[Any]:
        now, told = self._clock.now(), []
        for late in store.overdue(connection, now):
            keeper = self._keepers[late.owner]
            row, file = self.drop_settled(connection, keeper, late.id)
            if row is None or file is None or not store.mark_told(connection, row.id, now):
                continue
            keeper.tell_overdue(connection, file, now)
            told.append(row)
        return told

    def _wait(self, connection: Connection, task: Any, reason: str) -> None:
        next_at = self._clock.now() + _SOON
        store.change_if_held(
            connection, task.id, task.fence, lease_until=None, next_at=next_at, reason=reason[:80]
        )

    def _failed(self, connection: Connection, task: Any, reason: str, *, lost: bool) -> None:
        """Try again later; what will never work is told at once and left to a person."""
        now, attempts = self._clock.now(), task.attempts + 1
        values: dict[str, Any] = {
            "lease_until": None,
            "attempts": attempts,
            "reason": reason[:80],
            "next_at": self.policy.next_try(now, attempts, reason),
        }
        if lost:
            values |= {"state": State.GIVEN_UP, "alarm_at": now, "next_at": now}
        store.change_if_held(connection, task.id, task.fence, **values)
