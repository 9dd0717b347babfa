"""The signing service as a pool of processes: keys and PDF parsing stay out of the web process.

Owns starting children on first use, one job a child at a time, the time limit, replacing a child
that died or was killed, and a clean close. A lost child loses nothing: its result was not stored,
so the caller is told that nothing was signed. Leaves the work to ``signing.service`` in the child.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from signing.clock import SystemClock
from signing.contract import (
    Attestation,
    Attested,
    Clock,
    Credential,
    ExtendedPdf,
    Inspection,
    Level,
    Prepared,
    Provability,
    RemoteItem,
    RemoteState,
    SignedFile,
    SignedPdf,
    SignerConfig,
    SigningError,
    SigningUnavailable,
    SignOrder,
    Ticket,
    Told,
    Validation,
)
from signing.signer_process import (
    TALK,
    AnswerUnreadable,
    OnTrips,
    read_answer,
    serve,
    serve_talk,
)

log = logging.getLogger(__name__)

_CONTEXT = multiprocessing.get_context("spawn")  # fork would copy the parent's threads and sockets
_STOP_WITHIN_S = 5.0
_TALKERS = 4  # started when they are needed; they wait for providers, and hold no PDF library
_LOST_CHILD = ("signer_timeout", "signer_died", "internal_error")
_MAYBE_SENT = "Chưa rõ yêu cầu đã đến dịch vụ ký số hay chưa; đang hỏi lại, không gửi lần hai."


class _Worker:
    """One child process, started when it gets its first job."""

    def __init__(
        self,
        config: SignerConfig,
        clock: Clock,
        main: Callable[[Connection, SignerConfig, Clock], None],
    ) -> None:
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
            name="motcua-signer",
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


class SignerPool:
    """``Signatures`` over child processes; close it when done.

    Args:
        config: what each child is given; passed over a pipe, never in arguments or environment.
        workers: how many children, each with its own copy of the keys.
        job_limit_s: wall clock for one job, waiting for time-stamps included.
        clock: a picklable clock; the system's by default.
        on_trips: is told which time-stamping authorities each job asked, and how that went.

    Children keep together to each authority's limit of requests at once: through lock files in a
    folder of the pool's own, or in ``config.timestamp_slots``, which other pools of the same
    machine may share. Pools with different folders, and other machines, are not counted.
    """

    def __init__(
        self,
        config: SignerConfig,
        workers: int = 1,
        *,
        job_limit_s: float = 240.0,
        clock: Clock | None = None,
        on_trips: OnTrips | None = None,
    ) -> None:
        self._limit_s = job_limit_s
        self._on_trips = on_trips
        self._slots: TemporaryDirectory[str] | None = None
        clock = clock or SystemClock()
        signers = [_Worker(config, clock, serve) for _ in range(max(1, workers))]
        talkers = [_Worker(config, clock, serve_talk) for _ in range(_TALKERS)]
        self._workers = [*signers, *talkers]
        self._signers = len(signers)
        self._idle, self._idle_talkers = _queue(signers), _queue(talkers)
        self._closed = False

    async def __aenter__(self) -> SignerPool:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The running children."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    async def close(self) -> None:
        """Wait for the jobs in flight, then end every child."""
        self._closed = True
        for queue, count in ((self._idle, self._signers), (self._idle_talkers, _TALKERS)):
            for _ in range(count):
                worker = await queue.get()
                await asyncio.to_thread(worker.stop)
        if self._slots is not None:
            self._slots.cleanup()

    async def credentials(self) -> tuple[Credential, ...]:
        """Every configured key that opens."""
        return cast("tuple[Credential, ...]", await self._run("credentials"))

    async def inspect(self, pdf: bytes) -> Inspection:
        """Look before signing."""
        return cast("Inspection", await self._run("inspect", pdf))

    async def sign(self, order: SignOrder) -> SignedPdf:
        """Sign in a child."""
        return cast("SignedPdf", await self._run("sign", order))

    async def sign_file(self, order: SignOrder, source: Path, target: Path) -> SignedFile:
        """Sign a large file into another one, in a child; no byte of it passes through here."""
        return cast("SignedFile", await self._run("sign_file", order, source, target))

    async def validate(self, pdf: bytes) -> Validation:
        """Judge every signature in a file."""
        return cast("Validation", await self._run("validate", pdf))

    async def extend(self, pdf: bytes, level: Level) -> ExtendedPdf:
        """Append proof: raise the level, or renew the archive time-stamp."""
        return cast("ExtendedPdf", await self._run("extend", pdf, level))

    async def provability(self, pdf: bytes) -> Provability:
        """Until when the file's signatures can be proven."""
        return cast("Provability", await self._run("provability", pdf))

    async def attest(self, pdf: bytes, attestation: Attestation) -> Attested:
        """Make the copy that will be certified."""
        return cast("Attested", await self._run("attest", pdf, attestation))

    async def prepare(self, order: SignOrder) -> Prepared:
        """Write the revision for a key that is confirmed elsewhere."""
        return cast("Prepared", await self._run("prepare", order))

    async def start(self, credential: str, reference: str, items: tuple[RemoteItem, ...]) -> Ticket:
        """Send once; when the child is lost over it, it may have sent: the outcome is unknown."""
        try:
            return cast("Ticket", await self._run("start", credential, reference, items))
        except SigningError as error:
            if error.code not in _LOST_CHILD:
                raise
            return Ticket(credential, reference, RemoteState.UNKNOWN, detail=_MAYBE_SENT)

    async def ask(self, ticket: Ticket) -> Ticket:
        """What became of it; the same ticket when the child is lost over the question."""
        return await self._run_about(ticket, "ask")

    async def cancel(self, ticket: Ticket) -> Ticket:
        """Withdraw it; the same ticket when the child is lost over it."""
        return await self._run_about(ticket, "cancel")

    async def _run_about(self, ticket: Ticket, job: str) -> Ticket:
        try:
            return cast("Ticket", await self._run(job, ticket))
        except SigningError as error:
            if error.code not in _LOST_CHILD:
                raise
            return ticket

    async def read_callback(self, credential: str, headers: Mapping[str, str], body: bytes) -> Told:
        """Verify and read what a provider pushed."""
        told = await self._run("read_callback", credential, dict(headers), body)
        return cast("Told", told)

    async def finish(self, prepared: Prepared, signature: bytes) -> SignedPdf | Prepared:
        """Embed a raw signature that verifies."""
        return cast("SignedPdf | Prepared", await self._run("finish", prepared, signature))

    async def accept_hand_off(self, order: SignOrder, signed: bytes) -> SignedPdf:
        """Prove a file that a desktop program signed."""
        return cast("SignedPdf", await self._run("accept_hand_off", order, signed))

    async def _run(self, job: str, *arguments: Any) -> Any:
        """One job on the next free child.

        Raises:
            SigningError: the child's refusal.
            SigningUnavailable: ``signer_timeout``, ``signer_died``, ``signer_closed``.
        """
        if self._closed:
            raise SigningUnavailable(
                "signer_closed", "Bộ phận ký số đã dừng.", "the signer pool is closed"
            )
        self._share_slots()
        queue = self._idle_talkers if job in TALK else self._idle
        worker = await queue.get()
        # Shielded: a caller that goes away must not free a child that is still at work.
        task = asyncio.ensure_future(self._work(worker, queue, job, arguments))
        task.add_done_callback(_forget_outcome)
        return await asyncio.shield(task)

    def _share_slots(self) -> None:
        """Make the children's folder before the first one starts, unless one is configured."""
        if self._slots is None and not self._workers[0].config.timestamp_slots:
            self._slots = TemporaryDirectory(prefix="motcua-tsa-")
            for worker in self._workers:
                worker.config = replace(worker.config, timestamp_slots=self._slots.name)

    async def _work(
        self,
        worker: _Worker,
        queue: asyncio.LifoQueue[_Worker],
        job: str,
        arguments: tuple[Any, ...],
    ) -> Any:
        try:
            answer = await asyncio.to_thread(worker.call, job, arguments, self._limit_s)
            return read_answer(answer, self._on_trips)
        except SigningError:
            raise
        except TimeoutError:
            await asyncio.to_thread(worker.kill)
            log.error(  # noqa: TRY400 - where it waited says nothing
                "signer process exceeded %.0f s on %s and was ended", self._limit_s, job
            )
            raise SigningUnavailable(
                "signer_timeout",
                "Ký số quá thời gian cho phép; văn bản chưa được ký.",
                f"{job} took longer than {self._limit_s:.0f} s; nothing was signed",
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
            queue.put_nowait(worker)


def _queue(workers: list[_Worker]) -> asyncio.LifoQueue[_Worker]:
    """All idle; the one used last is used next, so that no more children start than are needed."""
    queue: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
    for worker in workers:
        queue.put_nowait(worker)
    return queue


def _forget_outcome(task: asyncio.Future[Any]) -> None:
    """Mark the outcome as seen: a caller that went away has nobody to tell."""
    if not task.cancelled():
        task.exception()
