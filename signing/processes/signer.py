"""What runs inside a signer process: one service, one job at a time, keys that never leave.

Owns the child's loop and what a child says when a job fails. Leaves the form of jobs to
``messages``, that of answers to ``answers``, and starting, killing and queueing to
``signing.processes.pool``.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from dataclasses import replace
from typing import Any

from signing import contract
from signing.contract import Clock, SignerConfig, SigningError
from signing.processes.answers import ANSWERS, write_answer
from signing.processes.limits import Limits, grant_cpu, restrict_memory
from signing.processes.messages import JobUnreadable, read_job
from signing.processes.trays import Ends, Inbox

log = logging.getLogger(__name__)

TALK = frozenset({"start", "ask", "cancel", "read_callback"})  # done by children of their own
JOBS = frozenset(ANSWERS) - TALK


def serve(ends: Ends, config: SignerConfig, clock: Clock, limits: Limits | None = None) -> None:
    """The child's main: answer jobs until the parent closes the line.

    ``limits`` hold for each job; a reader, which has no keys and parses files from strangers,
    always has them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if limits is not None:
        restrict_memory(limits)
    from signing.service import SigningService  # noqa: PLC0415 - pyHanko only in the child

    asyncio.run(_serve(ends, SigningService(config, clock), JOBS, limits))


def serve_talk(ends: Ends, config: SignerConfig, clock: Clock) -> None:
    """The main of a child that only talks to providers of remote keys."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from signing.remote.talk import TalkService  # noqa: PLC0415 - key libraries only in the child

    asyncio.run(_serve(ends, TalkService(config, clock), TALK))


async def _serve(
    ends: Ends, service: Any, jobs: frozenset[str], limits: Limits | None = None
) -> None:
    inbox = Inbox(ends)
    try:
        while (given := await inbox.next()) is not None:
            number, message = given
            try:
                job, arguments = read_job(message)
            except JobUnreadable as error:
                inbox.answer(number, write_answer(_failed("reading the job", error)))
                continue
            finally:
                del given, message
            if limits is not None:
                grant_cpu(limits)
            value = await _do(service, jobs, job, arguments)
            inbox.answer(number, write_answer(lean(job, arguments, value), _trips_of(service)))
            tidy = job.endswith("_file")
            del arguments, value  # the next job may be long in coming
            if tidy:
                gc.collect()  # readers of PDF hold large files in cycles
    finally:
        await service.close()


def lean(job: str, arguments: tuple[Any, ...], value: Any) -> Any:
    """A signed document without its beginning, which the parent has: see ``whole``."""
    if job == "sign" and isinstance(value, contract.SignedPdf):
        return replace(value, pdf=value.pdf[len(arguments[0].pdf) :])
    return value


def whole(order: contract.SignOrder, signed: contract.SignedPdf) -> contract.SignedPdf:
    """The signed document that a ``lean`` answer stands for."""
    return replace(signed, pdf=order.pdf + signed.pdf)


def _trips_of(service: Any) -> tuple[contract.TimestampTrip, ...]:
    """The figures of the job; a child that only talks to providers asks no authority."""
    drain = getattr(service, "drain_trips", None)
    return drain() if drain is not None else ()


async def _do(service: Any, jobs: frozenset[str], job: str, arguments: tuple[Any, ...]) -> Any:
    if job not in jobs:
        raise ValueError(f"no job {job!r}")
    try:
        return await getattr(service, job)(*arguments)
    except SigningError as refusal:
        return refusal
    except Exception as error:
        return _failed(job, error)


def _failed(job: str, error: Exception) -> SigningError:
    log.error("%s failed", job, exc_info=error)
    return SigningError(
        "internal_error",
        "Lỗi bên trong bộ phận ký số; văn bản chưa được ký.",
        f"{job} failed: {type(error).__name__}",
    )
