"""Child processes of one kind: started when needed, one job at a time, replaced when lost.

Owns starting, killing and queueing children and what is said when one is lost over a job. Which
kinds there are and what they are given is ``signing.processes.pool``'s; what runs inside is
``signing.processes.signer``'s.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from signing.contract import Clock, SignerConfig, SigningError, SigningUnavailable
from signing.processes.signer import AnswerUnreadable, OnTrips, read_answer

log = logging.getLogger(__name__)

_CONTEXT = multiprocessing.get_context("spawn")  # fork would copy the parent's threads and sockets
_STOP_WITHIN_S = 5.0

Main = Callable[[Connection, SignerConfig, Clock], None]


class Worker:
    """One child process, started when it gets its first job."""

    def __init__(
        self,
        name: str,
        config: SignerConfig,
        clock: Clock,
        main: Main,
    ) -> None:
        self._name = name
        self.config = config
        self._clock = clock
        self._main = main
        self._process: BaseProcess | None = None
        self._channel: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def call(self, job: str, arguments: tuple[Any, ...], limit_s: float) -> bytes:
        """Send one job and wait; runs in a thread.

        Raises:
            TimeoutError: the limit passed. EOFError, OSError: the child died.
        """
        channel = self._ensure()
        channel.send((job, arguments))
        if not channel.poll(limit_s):
            raise TimeoutError
        return channel.recv_bytes()

    def _ensure(self) -> Connection:
        if self._process is not None and self._process.is_alive() and self._channel is not None:
            return self._channel
        self.stop()
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(
            target=self._main,
            args=(theirs, self.config, self._clock),
            name=f"motcua-{self._name}",
            daemon=True,
        )
        process.start()
        theirs.close()
        self._process, self._channel = process, ours
        return ours

    def stop(self) -> None:
        """End the child: ask by closing the channel, then kill."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.join(_STOP_WITHIN_S)
            self._end()

    def kill(self) -> None:
        """End the child now."""
        if self._process is not None:
            self._process.kill()
            self._process.join(_STOP_WITHIN_S)
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._end()

    def _end(self) -> None:
        if self._process is None:
            return
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_STOP_WITHIN_S)
        self._process.close()
        self._process = None


class Crew:
    """The children of one kind, and those of them that are idle.

    The one used last is used next, so that no more children start than are needed.
    """

    def __init__(self, workers: list[Worker], on_trips: OnTrips | None = None) -> None:
        self.workers = workers
        self._on_trips = on_trips
        self.idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in workers:
            self.idle.put_nowait(worker)

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
        for _ in self.workers:
            await asyncio.to_thread((await self.idle.get()).stop)

    async def run(self, limit_s: float, job: str, arguments: tuple[Any, ...]) -> Any:
        """One job on the next idle child.

        Raises:
            SigningError: the child's refusal.
            SigningUnavailable: ``signer_timeout``, ``signer_died``.
        """
        worker = await self.idle.get()
        # Shielded: a caller that goes away must not free a child that is still at work.
        task = asyncio.ensure_future(self._work(worker, limit_s, job, arguments))
        task.add_done_callback(_forget_outcome)
        return await asyncio.shield(task)

    async def _work(
        self, worker: Worker, limit_s: float, job: str, arguments: tuple[Any, ...]
    ) -> Any:
        try:
            answer = await asyncio.to_thread(worker.call, job, arguments, limit_s)
            return read_answer(answer, self._on_trips)
        except SigningError:
            raise
        except TimeoutError:
            await asyncio.to_thread(worker.kill)
            log.error(  # noqa: TRY400 - where it waited says nothing
                "signer process exceeded %.0f s on %s and was ended", limit_s, job
            )
            raise SigningUnavailable(
                "signer_timeout",
                "Ký số quá thời gian cho phép; văn bản chưa được ký.",
                f"{job} took longer than {limit_s:.0f} s; nothing was signed",
            ) from None
        except (EOFError, OSError, AnswerUnreadable) as error:
            await asyncio.to_thread(worker.kill)
            log.error("signer process was lost during %s: %s", job, type(error).__name__)  # noqa: TRY400 - the kind says all
            raise SigningUnavailable(
                "signer_died",
                "Tiến trình ký số dừng đột ngột; văn bản chưa được ký, xin thử lại.",
                f"the signer process was lost during {job}; nothing was signed",
            ) from error
        finally:
            self.idle.put_nowait(worker)


def _forget_outcome(task: asyncio.Future[Any]) -> None:
    """Mark the outcome as seen: a caller that went away has nobody to tell."""
    if not task.cancelled():
        task.exception()
