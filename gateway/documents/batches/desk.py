"""Signing batches, put together."""

from __future__ import annotations

from typing import Any

from gateway.documents.acts import SigningActs
from gateway.documents.batches import http as batch_http
from gateway.documents.batches.events import BatchEvents
from gateway.documents.batches.preparation import BatchPreparation
from gateway.documents.batches.runs import BatchRuns
from gateway.documents.batches.service import Batches
from gateway.documents.confirmations.signing_places import BatchPolicy, SigningPlaces
from gateway.documents.confirmations.tickets import Tickets
from gateway.documents.rules import Authority
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from signing.contract import Confirmation


class BatchDesk:
    """Everything about batches; both kinds of confirmation."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        *,
        acts: SigningActs,
        tickets: Tickets | None,
        authority: Authority,
        places: SigningPlaces,
        policy: BatchPolicy,
    ) -> None:
        self.batches = Batches(database, clock, authority)
        self.events = BatchEvents(database, clock, waker)
        self.runs = BatchRuns(
            database,
            clock,
            waker,
            acts=acts,
            places=places,
        )
        self._waker = waker
        self._preparation: BatchPreparation | None = None
        if tickets is not None:
            self._preparation = BatchPreparation(
                database,
                clock,
                acts=acts,
                tickets=tickets,
                authority=authority,
                per_key=policy.per_key,
            )

    async def look_at(self, batch: Any) -> None:
        """What the worker does about a batch that is due."""
        if batch.confirmation == Confirmation.HERE:
            await self.runs.abandon(batch)
        elif self._preparation is not None:
            await self._preparation.look_at(batch)

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return batch_http.routes(self.batches, self.runs, self.events, self._waker)
