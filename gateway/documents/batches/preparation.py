"""A batch confirmed elsewhere: every document is prepared, then one ticket asks for them all.

Owns what the worker does with one claimed batch: prepare what is not prepared yet (no PIN is
needed, so any process goes on after a crash), then put what is prepared under tickets of as many
signatures as the provider takes at once. The next parts of many-signature acts gather again: one
confirmation a round, not one a document.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.documents.acts import Act, SigningActs
from gateway.documents.batches import store as batch_store
from gateway.documents.batches.refusals import is_passing, reason_of
from gateway.documents.batches.store import ItemStatus
from gateway.documents.confirmations import act_store, claims
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.endings import refuse_in_batch
from gateway.documents.confirmations.rules import chunked
from gateway.documents.confirmations.tickets import Tickets
from gateway.documents.requests import Actor
from gateway.documents.rules import Authority
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.leases import kept_alive
from gateway.foundation.problems import Problem
from gateway.foundation.tasks import all_ended

_BEAT_S = 15.0
_AGAIN = timedelta(seconds=10)
_FOR = timedelta(hours=1)  # a document that cannot be prepared for so long is refused


class BatchPreparation:
    """Batches whose official confirms in a provider's application."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        acts: SigningActs,
        tickets: Tickets,
        authority: Authority,
        per_key: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._acts = acts
        self._tickets = tickets
        self._authority = authority
        self._per_key = per_key

    async def look_at(self, batch: Any) -> None:
        """Do what is due about a claimed batch."""
        async with kept_alive(self._clock, _BEAT_S, lambda: self._renew(batch)):
            items = await self._database.read(lambda c: _unprepared(c, batch.id))
            gate = asyncio.Semaphore(self._per_key)
            later = await all_ended(*(self._prepare(batch, item, gate) for item in items))
        references = await self._database.write(lambda c: self._gather(c, batch, wait=any(later)))
        await all_ended(*(self._tickets.send(reference, 1) for reference in references))

    async def _prepare(self, batch: Any, item: Any, gate: asyncio.Semaphore) -> bool:
        """Prepare one document, or refuse it; True when it has to be tried again."""
        actor = Actor(batch.tenant, batch.official, batch.principal, "batch")
        act = Act(actor, item.request_id, seen_sha256=item.sha256, batch=batch.id)
        async with gate:
            try:
                await self._acts.sign(act)
            except Problem as problem:
                return await self._failed(batch, item, problem)
        return False

    async def _failed(self, batch: Any, item: Any, problem: Problem) -> bool:
        now = self._clock.now()
        if is_passing(problem) and now - batch.created_at < _FOR:
            return True
        of, reason = (batch.tenant, batch.id), reason_of(problem)
        await self._database.write(
            lambda c: refuse_in_batch(c, of, item.request_id, reason, self._clock)
        )
        return False

    def _gather(self, connection: Connection, batch: Any, *, wait: bool) -> list[str]:
        """Tickets for what is prepared; acts of one ticket stay together in the next round."""
        row = batch_store.lock_batch(connection, batch.id)
        if row.lease_fence != batch.lease_fence or row.completed_at is not None:
            return []
        due = self._clock.now() + _AGAIN if wait else None
        batch_store.change_batch(connection, batch.id, due_at=due, lease_until=None)
        rounds: defaultdict[str | None, list[Any]] = defaultdict(list)
        for act in act_store.acts_of_batch(connection, batch.id, Stage.PREPARED):
            rounds[act.reference].append(act)
        references = []
        most = self._authority.use_of(row.signer).most_at_once
        for former, acts in rounds.items():
            if wait if former is None else _is_busy(connection, former):
                continue
            references += [self._tickets.form(connection, part) for part in chunked(acts, most)]
        return references

    async def _renew(self, batch: Any) -> bool:
        until = self._clock.now() + claims.LEASE
        table = batch_store.signing_batches
        return await self._database.write(
            lambda c: claims.renew(c, table, batch.id, batch.lease_fence, until)
        )


def _is_busy(connection: Connection, reference: str) -> bool:
    return bool(act_store.acts_under(connection, reference, Stage.WAITING, Stage.ARRIVED))


def _unprepared(connection: Connection, batch_id: str) -> Sequence[Any]:
    acts = act_store.acts_of_batch(connection, batch_id, *act_store.LIVE)
    begun = {act.request_id for act in acts}
    waiting = batch_store.items_of(connection, batch_id, ItemStatus.WAITING)
    return [item for item in waiting if item.request_id not in begun]
