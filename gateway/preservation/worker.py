"""The workers: one works through the queue, others look ahead at each keeper's files.

The database is the queue; any number of processes may run these. What goes wrong with one file is
logged and tried again after its lease.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.metrics import Metrics
from gateway.foundation.tasks import all_ended, for_ever
from gateway.foundation.waker import Waker
from gateway.preservation import store
from gateway.preservation.ahead import LookingAhead
from gateway.preservation.rules import Kind
from gateway.preservation.service import LEASE, Preservation

_log = structlog.get_logger(__name__)

_TOGETHER = 2  # officials who sign now find a free signer process
_EVERY_S = 5.0


class QueueWorker:
    """Works through the queue."""

    def __init__(
        self, preservation: Preservation, database: Database, clock: Clock, metrics: Metrics
    ) -> None:
        self._preservation = preservation
        self._database = database
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Look every few seconds, for ever."""
        await for_ever(self.once, partial(self._clock.sleep, _EVERY_S))

    async def once(self) -> int:
        """One batch of due files, then the alarms; how many files were tried."""
        now = self._clock.now()
        due = await self._database.write(lambda c: store.claim(c, now, now + LEASE, _TOGETHER))
        await all_ended(*(self._work_on(task) for task in due))
        await self._preservation.alarm_overdue()
        waiting = await self._database.read(store.count_by_kind)
        for kind in Kind:
            self._metrics.backlog.labels(f"preservation_{kind}").set(waiting.get(kind, 0))
        return len(due)

    async def _work_on(self, task: Any) -> None:
        try:
            await self._preservation.work_on(task)
        except DatabaseUnavailable:
            raise
        except Exception:  # one damaged file must not stop the others; its lease runs out
            broken = self._preservation[task.owner].broken
            _log.exception(broken, file=task.id)
            self._metrics.alerts.labels(broken).inc()


def topic_of(owner: str) -> str:
    """What wakes the worker that looks at a keeper's files."""
    return f"preservation.{owner}"


class CalendarWorker:
    """Looks ahead at one keeper's files."""

    def __init__(self, ahead: LookingAhead, waker: Waker, owner: str, every_s: float) -> None:
        self._ahead = ahead
        self._waker = waker
        self._owner = owner
        self._every_s = every_s

    async def run(self) -> None:
        """Look from time to time or when woken, for ever; one damaged row does not end it."""
        rest = partial(self._waker.wait, topic_of(self._owner), self._every_s)
        await for_ever(self.once, rest, "files_not_looked_at")

    async def once(self) -> int:
        """Reckon what was never reckoned, queue what is due; how many renewals were queued."""
        return await self._ahead.look(self._owner)
