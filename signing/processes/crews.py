"""Child processes of one kind: started when needed, given jobs in order, replaced when lost.

Owns which job goes to which child and what is said when one is lost over a job. Which kinds there
are and what they are given is ``signing.processes.pool``'s; one child is ``workers``', what lies
ready for it ``trays``'; what runs inside is ``signing.processes.signer``'s, what is said on the
line that of ``messages`` and ``answers``.

A job costs the event loop one write and one read: a child's answer is taken in where the loop
finds it, and the next job is on its way before anybody is told. No thread takes part but for
starting and ending children.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from signing.contract import SigningError, SigningUnavailable
from signing.processes.answers import AnswerForms, AnswerUnreadable, OnTrips
from signing.processes.messages import write_job
from signing.processes.trays import LONGEST
from signing.processes.workers import Job, Worker

log = logging.getLogger(__name__)

_REST_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.002  # four or five documents of a child; it has more than that lying ready
_PASSED_BY = 8  # younger jobs a child, before one that lies at another's is fetched from there

Why = Callable[[Job], SigningUnavailable]


class Crew:
    """The children of one kind, and those of them that are idle.

    The one used last is used next, so that no more children start than are needed.

    Args:
        workers: the children.
        on_trips: is told which time-stamping authorities each job asked, and how that went.
        answers: the forms of their answers.
        ahead: how many jobs may lie ready for a child that is at work, while none is idle, so that
            it need not wait for this process between two of them.

    A job that lies ready belongs to nobody yet. It is fetched from there when another child is
    idle, when too many younger ones have passed it by, when its caller goes away, and when the
    child is lost; whatever the child has taken by then counts as begun and is never given again.
    """

    def __init__(
        self,
        workers: list[Worker],
        on_trips: OnTrips | None = None,
        answers: AnswerForms | None = None,
        *,
        ahead: int = 0,
    ) -> None:
        self.workers = workers
        self._answers = answers or AnswerForms()
        self._on_trips = on_trips
        self._ahead = ahead
        self._most_passing = _PASSED_BY * len(workers)
        self._numbers = itertools.count(1)
        self._idle = list(workers)
        self._queue: deque[Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rested: asyncio.Future[None] | None = None
        self._heard_at = 0.0  # the last answer, by the loop's clock
        self._heard = 0  # answers since the last look
        self._looking = False  # from time to time, instead of being told

    @property
    def pids(self) -> tuple[int, ...]:
        """The running children."""
        return tuple(worker.pid for worker in self.workers if worker.pid is not None)

    def change(self, **options: Any) -> None:
        """Give children that start from now on other options."""
        for worker in self.workers:
            worker.config = replace(worker.config, **options)

    async def close(self) -> None:
        """Wait for the jobs in flight, then end every child."""
        while len(self._idle) < len(self.workers):
            self._rested = asyncio.get_running_loop().create_future()
            await self._rested
        for worker in self.workers:
            worker.hang_up()
            worker.clear()
        await asyncio.gather(
            *(asyncio.to_thread(worker.end, _REST_WITHIN_S) for worker in self.workers)
        )

    async def run(self, limit_s: float, job: str, arguments: tuple[Any, ...]) -> Any:
        """One job on the next idle child; a caller that goes away leaves the child at work.

        Raises:
            SigningError: the child's refusal.
            SigningUnavailable: ``signer_timeout``, ``signer_died``.
        """
        answer = asyncio.get_running_loop().create_future()
        asked = Job(next(self._numbers), job, arguments, limit_s, answer)
        self._queue.append(asked)
        self._hand_out()
        try:
            return await answer
        except asyncio.CancelledError:
            self._withdraw(asked)
            raise

    # ------------------------------------------------------------------- who gets which job

    def _hand_out(self) -> None:
        """Give what waits to the idle; what is left may lie ready for the others."""
        while self._idle and (job := self._next_waiting()) is not None:
            self._give(self._idle.pop(), job)
        if self._queue and self._ahead:
            for worker in self.workers:
                self._lay_ahead(worker)

    def _next_waiting(self, longest: int | None = None) -> Job | None:
        """The next job of the line, written; none when it is longer than that."""
        while self._queue:
            job = self._queue.popleft()
            if job.answer.done():
                continue
            try:
                job.message = job.message or write_job(job.name, job.arguments)
            except Exception as error:  # a value of the caller's that cannot cross: its own mistake
                job.settle(None, error)
                continue
            if longest is not None and len(job.message) > longest:
                self._queue.appendleft(job)
                return None
            return job
        return None

    def _give(self, worker: Worker, job: Job, *, heard: bool = False) -> None:
        """``heard``: the child has just spoken, so that nobody need ask whether it lives."""
        if worker.connected if heard else worker.ready:
            self._send(worker, job)
            return
        worker.hang_up()
        worker.clear()
        worker.hand = job
        self._spend(self._start(worker, job))

    async def _start(self, worker: Worker, job: Job) -> None:
        try:
            ends = await asyncio.to_thread(worker.start)
        except OSError as error:
            await self._lose(worker, job, partial(_died, error=error))
            return
        worker.connect(
            ends,
            partial(self._answered, worker),
            partial(self._ended, worker),
            partial(self._late, worker),
        )
        self._send(worker, job)

    def _send(self, worker: Worker, job: Job) -> None:
        if not worker.give(job):
            worker.hand = job
            self._give_up(worker, partial(_died, error=BrokenPipeError()))

    def _lay_ahead(self, worker: Worker) -> None:
        """Only for a child that is known to work: it has answered, and has a job in hand."""
        if worker.leaving or not worker.spoke or worker.hand is None:
            return
        while len(worker.ahead) < self._ahead:
            job = self._passed_by(worker) or self._next_waiting(LONGEST)
            if job is None:
                return
            if not worker.lay_ahead(job):
                self._queue.appendleft(job)
                return

    def _passed_by(self, worker: Worker) -> Job | None:
        """A job that lies at another child's and that too many younger ones would pass by."""
        if not self._queue or (where := self._oldest_ahead(worker)) is None:
            return None
        job = where.ahead[0]
        if self._queue[0].number - job.number <= self._most_passing:
            return None
        return self._fetch(where, job)

    def _oldest_ahead(self, worker: Worker) -> Worker | None:
        """Where the oldest job lies that another child has not come to."""
        found = None
        for one in self.workers:
            if one is worker or not one.ahead:
                continue
            if found is None or one.ahead[0].number < found.ahead[0].number:
                found = one
        return found

    def _fetch(self, where: Worker, job: Job) -> Job | None:
        """Take a job back that lies there; none when the child has taken it or nobody waits."""
        return job if where.take_back(job) and not job.answer.done() else None

    def _release(self, worker: Worker, *, heard: bool = False) -> None:
        """Give the child its next job, or rest."""
        if worker.hand is None:
            job = self._passed_by(worker) or self._next_waiting() or self._fetch_for(worker)
            if job is None:
                self._idle.append(worker)
                if self._rested is not None and not self._rested.done():
                    self._rested.set_result(None)
                return
            self._give(worker, job, heard=heard)
        if self._ahead:
            self._lay_ahead(worker)

    def _fetch_for(self, worker: Worker) -> Job | None:
        """The oldest job that lies at a busy child's, for one that is idle."""
        lying = [(job, one) for one in self.workers if one is not worker for job in one.ahead]
        for job, where in sorted(lying, key=lambda found: found[0].number):
            if self._fetch(where, job) is not None:
                return job
        return None

    def _withdraw(self, job: Job) -> None:
        """Nobody waits for it any more: unless it was begun, it is not."""
        for worker in self.workers:
            if job in worker.ahead and worker.take_back(job):
                self._lay_ahead(worker)

    # ---------------------------------------------------------- what children do, on the loop

    def _answered(self, worker: Worker, message: bytes | bytearray, number: int) -> None:
        job = worker.given(number)
        if job is None:
            return  # nothing was asked: a child that talks by itself is not heard
        try:
            found, refusal = self._answers.read(job.name, message, self._on_trips), None
        except SigningError as error:
            found, refusal = None, error
        except AnswerUnreadable as error:
            worker.hang_up()
            self._give_up(worker, partial(_died, error=error))
            return
        worker.spoke = True
        worker.finish(job)
        job.settle(found, refusal)  # the caller runs when this callback is over
        if not worker.leaving:
            self._release(worker, heard=True)
        self._heard += 1
        if self._queue and self._ahead and not self._looking:
            self._look_together()

    def _look_together(self) -> None:
        """Be woken for several answers at once, while they come thick and fast and more wait.

        Nobody is kept waiting by that but callers, for a moment: children have jobs lying ready.
        """
        loop = asyncio.get_running_loop()
        before, self._heard_at = self._heard_at, loop.time()
        if self._heard_at - before < _LOOK_EVERY_S:
            self._looking = True
            for worker in self.workers:
                worker.listen(False)
            self._heard = 0
            loop.call_later(_LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        try:
            for worker in self.workers:
                worker.look()
        finally:
            if self._heard and self._queue:
                self._heard = 0
                asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)
            else:
                self._looking = False
                for worker in self.workers:
                    worker.listen(True)

    def _ended(self, worker: Worker) -> None:
        self._give_up(worker, partial(_died, error=EOFError()))

    def _late(self, worker: Worker) -> None:
        self._give_up(worker, _timed_out)

    def _give_up(self, worker: Worker, why: Why) -> None:
        if worker.hand is None:
            worker.hang_up()  # at rest: the next job starts another child
        elif not worker.leaving:
            worker.leaving = True
            self._spend(self._lose(worker, worker.hand, why))

    async def _lose(self, worker: Worker, blamed: Job | None, why: Why) -> None:
        """End a child that is of no use any more, then say so to whoever waits for it.

        What it said before its end counts. The job that it was given up for has its reason; a later
        one that it had taken by then was lost with it; what it had not taken goes to another.
        """
        worker.leaving = True
        await asyncio.to_thread(worker.end)
        worker.hear_out()
        worker.hang_up()
        begun, waiting = worker.clear()
        for job in begun:
            job.settle(None, why(job) if job is blamed else _died(job, EOFError()))
        worker.leaving = False
        self._queue.extendleft(reversed(waiting))
        self._hand_out()  # to the idle before a child is started for it
        self._release(worker)

    def _spend(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _timed_out(job: Job) -> SigningUnavailable:
    log.error("signer process exceeded %.0f s on %s and was ended", job.limit_s, job.name)
    return SigningUnavailable(
        "signer_timeout",
        "Ký số quá thời gian cho phép; văn bản chưa được ký.",
        f"{job.name} took longer than {job.limit_s:.0f} s; nothing was signed",
    )


def _died(job: Job, error: Exception) -> SigningUnavailable:
    log.error("signer process was lost during %s: %s", job.name, type(error).__name__)
    return SigningUnavailable(
        "signer_died",
        "Tiến trình ký số dừng đột ngột; văn bản chưa được ký, xin thử lại.",
        f"the signer process was lost during {job.name}; nothing was signed",
    )
