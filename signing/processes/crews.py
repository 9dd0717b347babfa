"""Child processes of one kind: started when needed, one job at a time, replaced when lost.

Owns starting, killing and queueing children and what is said when one is lost over a job. Which
kinds there are and what they are given is ``signing.processes.pool``'s; what runs inside is
``signing.processes.signer``'s, what is said on the line that of
``messages`` and ``answers``.

A job costs the event loop one write and one read: a child's answer is taken in where the loop
finds it, and the next job is on its way before anybody is told. No thread takes part but for
starting and ending children.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any

from signing.contract import Clock, SignerConfig, SigningError, SigningUnavailable
from signing.processes.answers import AnswerForms, AnswerUnreadable, OnTrips
from signing.processes.messages import write_job
from signing.processes.wire import Wire

log = logging.getLogger(__name__)

_CONTEXT = multiprocessing.get_context("spawn")  # fork would copy the parent's threads and sockets
_STOP_WITHIN_S = 5.0

Main = Callable[[socket.socket, SignerConfig, Clock], None]


@dataclass(slots=True, eq=False)
class _Job:
    """What is asked of a child; ``answer`` is cancelled when the caller goes away."""

    name: str
    arguments: tuple[Any, ...]
    limit_s: float
    answer: asyncio.Future[Any]

    def settle(self, found: Any, error: Exception | None = None) -> None:
        """Tell the caller, if it still waits."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(found)
        else:
            self.answer.set_exception(error)


class Worker:
    """One child process, started when it gets its first job."""

    def __init__(self, name: str, config: SignerConfig, clock: Clock, main: Main) -> None:
        self._name = name
        self.config = config
        self._clock = clock
        self._main = main
        self._process: BaseProcess | None = None
        self._wire: Wire | None = None
        self.job: _Job | None = None
        self._ends_at = 0.0  # when the job in hand is late, by the loop's clock
        self._watch: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def ready(self) -> bool:
        """Whether the child lives and can be given a job; asks the kernel."""
        return self.connected and self._process is not None and self._process.is_alive()

    @property
    def connected(self) -> bool:
        """Whether there is a line to the child."""
        return self._wire is not None

    def start(self) -> socket.socket:
        """Start a child and give our end of the line to it; blocks, so it runs in a thread."""
        self.end()
        ours, theirs = socket.socketpair()
        with theirs:
            process = _CONTEXT.Process(
                target=self._main,
                args=(theirs, self.config, self._clock),
                name=f"motcua-{self._name}",
                daemon=True,
            )
            try:
                process.start()
            except BaseException:
                ours.close()
                raise
        self._process = process
        return ours

    def connect(
        self,
        end: socket.socket,
        on_message: Callable[[bytes | bytearray], object],
        on_end: Callable[[], object],
    ) -> None:
        """Listen to the child, on the running loop."""
        self._wire = Wire(end, on_message, on_end)

    def send(self, message: bytes, limit_s: float, on_late: Callable[[], object]) -> None:
        """Hand the child its job; ``on_late`` is called when the job in hand takes too long."""
        if self._wire is not None:
            self._wire.send(message)
            loop = asyncio.get_running_loop()
            self._ends_at = loop.time() + limit_s
            if self._watch is None or self._watch.when() > self._ends_at:
                self._watch_until(self._ends_at, on_late)

    def _watch_until(self, moment: float, on_late: Callable[[], object]) -> None:
        """One alarm for all jobs: it looks whose turn it is when it goes off."""
        if self._watch is not None:
            self._watch.cancel()
        loop = asyncio.get_running_loop()
        self._watch = loop.call_at(moment, self._look, on_late)

    def _look(self, on_late: Callable[[], object]) -> None:
        self._watch = None
        if self.job is None:
            return
        if asyncio.get_running_loop().time() >= self._ends_at:
            on_late()
        else:
            self._watch_until(self._ends_at, on_late)

    def take_job(self) -> _Job | None:
        """The job in hand, which is over; its limit does not count any more."""
        job, self.job = self.job, None
        return job

    def hang_up(self) -> None:
        """Close the line, on the loop: a child at rest ends by itself."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def end(self, patience_s: float = 0.0) -> None:
        """End the child after so long; blocks, so it runs in a thread."""
        process, self._process = self._process, None
        if process is None:
            return
        process.join(patience_s)
        if process.is_alive():
            process.kill()
            process.join(_STOP_WITHIN_S)
        process.close()


class Crew:
    """The children of one kind, and those of them that are idle.

    The one used last is used next, so that no more children start than are needed.
    """

    def __init__(
        self,
        workers: list[Worker],
        on_trips: OnTrips | None = None,
        answers: AnswerForms | None = None,
    ) -> None:
        self.workers = workers
        self._answers = answers or AnswerForms()
        self._on_trips = on_trips
        self._idle = list(workers)
        self._queue: deque[_Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rested: asyncio.Future[None] | None = None

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
        await asyncio.gather(
            *(asyncio.to_thread(worker.end, _STOP_WITHIN_S) for worker in self.workers)
        )

    async def run(self, limit_s: float, job: str, arguments: tuple[Any, ...]) -> Any:
        """One job on the next idle child; a caller that goes away leaves the child at work.

        Raises:
            SigningError: the child's refusal.
            SigningUnavailable: ``signer_timeout``, ``signer_died``.
        """
        asked = _Job(job, arguments, limit_s, asyncio.get_running_loop().create_future())
        if self._idle:
            self._give(self._idle.pop(), asked)
        else:
            self._queue.append(asked)
        return await asked.answer

    def _give(self, worker: Worker, job: _Job, *, heard: bool = False) -> None:
        """``heard``: the child has just spoken, so that nobody need ask whether it lives."""
        worker.job = job
        if worker.connected if heard else worker.ready:
            self._send(worker, job)
        else:
            worker.hang_up()
            self._spend(self._start(worker, job))

    async def _start(self, worker: Worker, job: _Job) -> None:
        try:
            end = await asyncio.to_thread(worker.start)
        except OSError as error:
            await self._lose(worker, _died(job, error))
            return
        worker.connect(
            end,
            lambda message: self._answered(worker, message),
            lambda: self._ended(worker),
        )
        self._send(worker, job)

    def _send(self, worker: Worker, job: _Job) -> None:
        try:
            message = write_job(job.name, job.arguments)
        except Exception as error:  # a value of the caller's that cannot cross: its own mistake
            worker.take_job()
            job.settle(None, error)
            self._release(worker)
            return
        worker.send(message, job.limit_s, partial(self._late, worker))

    def _release(self, worker: Worker, *, heard: bool = False) -> None:
        """Give the child its next job, or rest."""
        while self._queue:
            job = self._queue.popleft()
            if not job.answer.done():
                self._give(worker, job, heard=heard)
                return
        self._idle.append(worker)
        if self._rested is not None and not self._rested.done():
            self._rested.set_result(None)

    # ---------------------------------------------------------- what children do, on the loop

    def _answered(self, worker: Worker, message: bytes | bytearray) -> None:
        job = worker.job
        if job is None:
            return  # nothing was asked: a child that talks by itself is not heard
        try:
            found, refusal = self._answers.read(job.name, message, self._on_trips), None
        except SigningError as error:
            found, refusal = None, error
        except AnswerUnreadable as error:
            worker.take_job()
            worker.hang_up()
            self._spend(self._lose(worker, _died(job, error), job))
            return
        worker.take_job()
        job.settle(found, refusal)  # the caller runs when this callback is over
        self._release(worker, heard=True)

    def _ended(self, worker: Worker) -> None:
        job = worker.take_job()
        worker.hang_up()
        if job is not None:
            self._spend(self._lose(worker, _died(job, EOFError()), job))

    def _late(self, worker: Worker) -> None:
        job = worker.take_job()
        worker.hang_up()
        if job is not None:
            log.error("signer process exceeded %.0f s on %s and was ended", job.limit_s, job.name)
            self._spend(self._lose(worker, _timed_out(job), job))

    async def _lose(
        self, worker: Worker, error: SigningUnavailable, job: _Job | None = None
    ) -> None:
        """End a child that is of no use any more, then say so to whoever waits for it."""
        job = job or worker.take_job()
        await asyncio.to_thread(worker.end)
        if job is not None:
            job.settle(None, error)
        self._release(worker)

    def _spend(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _timed_out(job: _Job) -> SigningUnavailable:
    return SigningUnavailable(
        "signer_timeout",
        "Ký số quá thời gian cho phép; văn bản chưa được ký.",
        f"{job.name} took longer than {job.limit_s:.0f} s; nothing was signed",
    )


def _died(job: _Job, error: Exception) -> SigningUnavailable:
    log.error("signer process was lost during %s: %s", job.name, type(error).__name__)
    return SigningUnavailable(
        "signer_died",
        "Tiến trình ký số dừng đột ngột; văn bản chưa được ký, xin thử lại.",
        f"the signer process was lost during {job.name}; nothing was signed",
    )
