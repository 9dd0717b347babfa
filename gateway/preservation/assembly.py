"""The whole room, put together: what ``gateway.app`` makes one of, before any keeper."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from sqlalchemy import Connection

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from gateway.preservation import http
from gateway.preservation.ahead import LookingAhead
from gateway.preservation.calendar import Calendar
from gateway.preservation.doubts import Doubts
from gateway.preservation.kept import Keeper
from gateway.preservation.policy import PreservationPolicy
from gateway.preservation.service import Preservation
from gateway.preservation.stored_files import ExtendingSignatures
from gateway.preservation.worker import CalendarWorker, QueueWorker, topic_of


class PreservationDesk:
    """Files to be kept provable, and the workers that see to it."""

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
        self.policy = policy
        self.service = Preservation(database, clock, metrics, policy)
        self.calendar = Calendar(database, clock, self.service)
        self.doubts = Doubts()
        self.ahead = LookingAhead(
            database, clock, files, signatures, self.service, doubts=self.doubts
        )
        self._waker = waker
        self.queue = QueueWorker(self.service, database, clock, metrics)
        self._looks: dict[str, CalendarWorker] = {}

    def keep(self, keeper: Keeper, *, every_s: float) -> None:
        """Register a keeper and look at its files every so often."""
        self.service.register(keeper)
        worker = CalendarWorker(self.ahead, self._waker, keeper.owner, every_s)
        self._looks[topic_of(keeper.owner)] = worker

    def reckon_anew(self, connection: Connection, ids: Sequence[str]) -> None:
        """What was reckoned about these files holds no more (part of a unit of work)."""
        for keeper in self.service:
            keeper.forget(connection, ids)

    def look_soon(self) -> None:
        """Wake the looks of every process after such a commit."""
        for topic in self._looks:
            self._waker.wake(topic)

    @property
    def renderers(self) -> dict[str, Any]:
        """No events of its own: keepers tell."""
        return {}

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return http.routes(self.calendar)

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Background work by name."""
        looks = {name: worker.run for name, worker in self._looks.items()}
        return {"preservation.queue": self.queue.run, **looks}
