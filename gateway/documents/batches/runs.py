"""Signing a batch here: the process that was given the PIN signs until it is done or stopped.

Owns the runs of this process: how many documents at a time, what stops a run and what refuses one
document. The PIN lives in the run and nowhere else; when the process dies, the batch's lease runs
out and the batch needs a new confirmation. Each outcome commits with the signature it tells of
(``Act.noted``), under the batch's fence, so a document is signed once whatever crashes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.documents.acts import Act, SigningActs
from gateway.documents.batches import store as batch_store
from gateway.documents.batches.refusals import is_passing, reason_of
from gateway.documents.batches.store import BatchStatus, ItemStatus
from gateway.documents.confirmations import claims
from gateway.documents.confirmations.endings import refuse_in_batch
from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.documents.confirmations.tickets import TOPIC
from gateway.documents.requests import Actor
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.files import FilesUnavailable
from gateway.foundation.leases import kept_alive
from gateway.foundation.problems import Problem
from gateway.foundation.signing_problems import OUTCOME_UNKNOWN
from gateway.foundation.tasks import Tasks, all_ended
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC as EVENTS

_log = structlog.get_logger(__name__)

_BEAT_S = 15.0
_AGAIN_S = (2.0, 10.0, 30.0, 30.0)  # longer, all in all, than a dead signing holds its step
_OF_THE_KEY = ("credential_refused",)  # true of every other document too: a wrong PIN, an end


@dataclass(slots=True)
class Run:
    """One confirmation being carried out."""

    batch_id: str
    actor: Actor
    signer: str
    fence: int
    pin: str | None = field(default=None, repr=False)
    stopped: Problem | None = None


class BatchRuns:
    """The batches this process is signing."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        *,
        acts: SigningActs,
        places: SigningPlaces,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._acts = acts
        self._places = places
        self._queue: asyncio.Queue[Run] = asyncio.Queue()
        self._running: dict[str, Run] = {}

    def start(self, run: Run) -> None:
        """Have a confirmed batch signed by this process."""
        self._queue.put_nowait(run)

    async def run(self) -> None:
        """Carry runs out until cancelled; what is left then needs a new confirmation."""
        tasks = Tasks()
        try:
            while True:
                run = await self._queue.get()
                self._running[f"{run.batch_id}/{run.fence}"] = run
                tasks.start(f"batch-{run.batch_id}-{run.fence}", self._carry_out(run))
        finally:
            await tasks.close()
            for run in self._running.values():
                with contextlib.suppress(DatabaseUnavailable):
                    await self._database.write(partial(self._put_down, run=run))

    async def _carry_out(self, run: Run) -> None:
        try:
            async with kept_alive(self._clock, _BEAT_S, lambda: self._renew(run)):
                await self._sign_all(run)
            await self._database.write(partial(self._put_down, run=run))
            self._waker.wake(TOPIC)
            del self._running[f"{run.batch_id}/{run.fence}"]
        except Exception:  # the lease runs out, and the batch asks for a new confirmation
            _log.exception("batch_run_failed", batch=run.batch_id)
        finally:
            run.pin = None

    async def _sign_all(self, run: Run) -> None:
        """One at a time until a signature holds: a wrong PIN costs one try, not as many as fit.

        A document that is refused for its own sake says nothing of the PIN.
        """
        left = list(await self._database.read(lambda c: _left(c, run)))
        proven = False
        while left and not proven:
            proven = await self._sign(run, left.pop(0))
        await all_ended(*(self._sign(run, item) for item in left))

    async def _sign(self, run: Run, item: Any) -> bool:
        """Whether it was signed."""
        async with self._places.with_key(run.signer):
            problem = await self._try(run, item)
            for wait_s in _AGAIN_S:
                if problem is None or not is_passing(problem):
                    break
                await self._clock.sleep(wait_s)
                problem = await self._try(run, item)
        if problem is not None:
            await self._refused(run, item, problem)
        self._waker.wake(TOPIC)  # whoever listens to the batch
        return problem is None

    async def _try(self, run: Run, item: Any) -> Problem | None:
        if run.stopped is not None:
            return run.stopped
        noted = partial(self._note, run=run, item=item)
        act = Act(run.actor, item.request_id, run.pin, item.sha256, noted=noted)
        try:
            await self._acts.sign(act)
        except Problem as problem:
            return problem
        except FilesUnavailable:
            return Problem("service_unavailable", "Kho tệp tạm thời không dùng được.")
        return None

    async def _refused(self, run: Run, item: Any, problem: Problem) -> None:
        """A document's own fault ends its item; the key's, or a service's, stops the run."""
        if run.stopped is not None or problem.code in _OF_THE_KEY or is_passing(problem):
            run.stopped = run.stopped or problem
            return
        if problem.extra.get("reason") == OUTCOME_UNKNOWN:
            run.stopped = problem  # the service is silent: do not put the others in doubt as well
        of, reason = (run.actor.tenant, run.batch_id), reason_of(problem)

        def unit(connection: Connection) -> None:
            if self._holds(connection, run):
                refuse_in_batch(connection, of, item.request_id, reason, self._clock)

        await self._database.write(unit)
        self._waker.wake(EVENTS)

    # -------------------------------------------------------------- units of work

    @staticmethod
    def _holds(connection: Connection, run: Run) -> bool:
        row = batch_store.lock_batch(connection, run.batch_id)
        return bool(row.status == BatchStatus.SIGNING and row.lease_fence == run.fence)

    def _note(self, connection: Connection, digest: str, *, run: Run, item: Any) -> None:
        """Part of the transaction that publishes: no longer our batch, no publication."""
        if not self._holds(connection, run):
            run.stopped = run.stopped or Problem("signing_interrupted")
            raise Problem("signing_interrupted")
        signed = {"status": ItemStatus.SIGNED, "output_sha256": digest}
        now = self._clock.now()
        batch_store.close_item(connection, run.batch_id, item.request_id, now, **signed)

    async def _renew(self, run: Run) -> None:
        until = self._clock.now() + claims.LEASE
        table = batch_store.signing_batches
        if not await self._database.write(
            lambda c: claims.renew(c, table, run.batch_id, run.fence, until)
        ):
            run.stopped = run.stopped or Problem("signing_interrupted")

    def _put_down(self, connection: Connection, *, run: Run) -> None:
        if self._holds(connection, run):
            reason = reason_of(run.stopped) if run.stopped is not None else None
            stop(connection, run.batch_id, reason, self._clock)

    async def abandon(self, row: Any) -> None:
        """A claimed batch whose process is gone: only its official can let it go on."""

        def unit(connection: Connection) -> None:
            fresh = batch_store.lock_batch(connection, row.id)
            if fresh.lease_fence == row.lease_fence and fresh.status == BatchStatus.SIGNING:
                stop(connection, row.id, None, self._clock)

        await self._database.write(unit)


def stop(
    connection: Connection, batch_id: str, reason: dict[str, str] | None, clock: Clock
) -> None:
    """Let a batch wait for its official's new confirmation."""
    batch_store.change_batch(
        connection,
        batch_id,
        status=BatchStatus.NEEDS_CONFIRMATION,
        reason=reason,
        due_at=None,
        lease_until=None,
    )
    batch_store.add_event(
        connection, batch_id, "needs_confirmation", {"reason": reason}, clock.now()
    )


def _left(connection: Connection, run: Run) -> Sequence[Any]:
    return batch_store.items_of(connection, run.batch_id, ItemStatus.WAITING)
