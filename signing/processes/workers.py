"""One child process: started with its first job, given jobs in order, ended when it is of no use.

Owns the process, the line, the tray and the alarm, and which job the child has in hand and which
lie ahead of it. Leaves which job goes where, and what is said to callers, to ``crews``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from signing.contract import Clock, SignerConfig
from signing.processes.trays import LONGEST, Ends, Tray
from signing.processes.wire import Wire

_CONTEXT = multiprocessing.get_context("spawn")  # fork would copy the parent's threads and sockets
_STOP_WITHIN_S = 5.0

Main = Callable[[Ends, SignerConfig, Clock], None]


@dataclass(slots=True, eq=False)
class Job:
    """What is asked of a child; ``answer`` is cancelled when the caller goes away."""

    number: int  # in the order they were asked
    name: str
    arguments: tuple[Any, ...]
    limit_s: float
    answer: asyncio.Future[Any]
    message: bytes = b""  # once written; not kept of long ones that are under way

    def settle(self, found: Any, error: Exception | None = None) -> None:
        """Tell the caller, if it still waits."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(found)
        else:
            self.answer.set_exception(error)


class Worker:
    """One child process.

    ``hand`` is what it works on, as far as is known here: the oldest job that was handed over and
    not answered. ``ahead`` are those behind it, which the child may take without asking anybody.
    """

    def __init__(self, name: str, config: SignerConfig, clock: Clock, main: Main) -> None:
        self._name = name
        self.config = config
        self._clock = clock
        self._main = main
        self._process: BaseProcess | None = None
        self._wire: Wire | None = None
        self._tray: Tray | None = None
        self.hand: Job | None = None
        self.ahead: deque[Job] = deque()
        self._given = 0  # the number of the last job that did not lie ahead
        self.spoke = False  # whether this child has answered anything yet
        self.leaving = False  # given up, and on its way out
        self._on_late: Callable[[], object] = lambda: None
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

    def start(self) -> tuple[socket.socket, Tray]:
        """Start a child; give our end of the line and its tray. Blocks: it runs in a thread."""
        self.end()
        ours, theirs = socket.socketpair()
        tray = Tray()
        with theirs:
            process = _CONTEXT.Process(
                target=self._main,
                args=(Ends(theirs, tray.theirs), self.config, self._clock),
                name=f"motcua-{self._name}",
                daemon=True,
            )
            try:
                process.start()
            except BaseException:
                ours.close()
                tray.close()
                raise
        self._process = process
        return ours, tray

    def connect(
        self,
        ends: tuple[socket.socket, Tray],
        on_message: Callable[[bytes | bytearray, int], object],
        on_end: Callable[[], object],
        on_late: Callable[[], object],
    ) -> None:
        """Listen to the child, on the running loop; ``on_late``: the job in hand takes too long."""
        self.spoke = False
        self._wire, self._tray = Wire(ends[0], on_message, on_end), ends[1]
        self._on_late = on_late

    # --------------------------------------------------------------------------- jobs

    def give(self, job: Job) -> bool:
        """Hand over a job to a child at rest; False when there is no way to it."""
        if self._wire is None or self._tray is None:
            return False
        if len(job.message) > LONGEST or not self._tray.lay(job.number, job.message):
            if not self._tray.lay(job.number, b""):
                return False
            self._wire.send(job.message, job.number)
            job.message = b""
        self._given = job.number
        self._begin(job)
        return True

    def lay_ahead(self, job: Job) -> bool:
        """Lay a job behind the one in hand; False when it does not fit."""
        if self._tray is None or not self._tray.lay(job.number, job.message):
            return False
        self.ahead.append(job)
        return True

    def take_back(self, job: Job) -> bool:
        """Take a job that lies ahead away; False when the child has taken it."""
        if self._tray is None:
            return False
        found = self._tray.take_all_back()
        for number in found:
            other = self.given(number)
            if other is not None and other is not job:
                self._tray.lay(number, other.message)  # there was room for it a moment ago
        if job.number not in found:
            return False
        self.ahead.remove(job)
        return True

    def given(self, number: int) -> Job | None:
        """The job with this number, if the child may have it."""
        if self.hand is not None and self.hand.number == number:
            return self.hand
        # another was taken back and laid again just when the child reached for its next job
        return next((job for job in self.ahead if job.number == number), None)

    def finish(self, job: Job) -> None:
        """A job is over; its limit counts no more, that of the one behind it from now on."""
        if job is not self.hand:
            self.ahead.remove(job)
            return
        self.hand = None
        if self.ahead:
            self._begin(self.ahead.popleft())

    # -------------------------------------------------------------------------- limits

    def _begin(self, job: Job) -> None:
        self.hand = job
        self._ends_at = asyncio.get_running_loop().time() + job.limit_s
        if self._watch is None or self._watch.when() > self._ends_at:
            self._watch_until(self._ends_at)

    def _watch_until(self, moment: float) -> None:
        """One alarm for all jobs: it looks whose turn it is when it goes off."""
        if self._watch is not None:
            self._watch.cancel()
        loop = asyncio.get_running_loop()
        self._watch = loop.call_at(moment, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._watch = None
        if self.hand is None:
            return
        if asyncio.get_running_loop().time() >= self._ends_at:
            self._on_late()
        else:
            self._watch_until(self._ends_at)

    # ---------------------------------------------------------------------------- ends

    def listen(self, listening: bool) -> None:
        """Whether the loop tells of answers when they come; else ``look`` does."""
        if self._wire is not None:
            self._wire.listen(listening)

    def look(self) -> None:
        """Take in what has come by now."""
        if self._wire is not None:
            self._wire.look()

    def hear_out(self) -> None:
        """Read what an ended child said before."""
        if self._wire is not None:
            self._wire.hear_out()

    def hang_up(self) -> None:
        """Close the line, on the loop: a child at rest ends by itself."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def clear(self) -> tuple[list[Job], list[Job]]:
        """The jobs that an ended child may have begun, and those that it surely had not.

        One that was given to a child at rest counts as begun, taken or not: what brings every
        child down at its start must not be started for ever.
        """
        left: set[int] = set()
        if self._tray is not None:
            left = set(self._tray.take_all_back()) - {self._given}
            self._tray.close()
            self._tray = None
        jobs = [*([self.hand] if self.hand is not None else []), *self.ahead]
        self.hand = None
        self.ahead.clear()
        begun = [job for job in jobs if job.number not in left]
        return begun, [job for job in jobs if job.number in left]

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
