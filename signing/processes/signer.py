"""What runs inside a signer process: one service, one job at a time, keys that never leave.

Owns the child's loop and the form of its answers: plain values of ``signing.contract`` only, which
the parent reads with a reader that accepts nothing else (a child that a hostile PDF took over must
not run code in the parent). Leaves starting, killing and queueing to ``signing.processes.pool``.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import pickle
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from signing import contract
from signing.contract import Clock, SignerConfig, SigningError
from signing.processes.limits import Limits, grant_cpu, restrict_memory
from signing.processes.wire import Wire

log = logging.getLogger(__name__)

JOBS = frozenset({"credentials", "inspect", "sign", "sign_file", "validate", "attest"}) | frozenset(
    {"prepare", "finish", "accept_hand_off", "inspect_file", "extend", "provability"}
    | {"validate_file", "provability_file", "take_apart", "take_apart_file"}
    | {"check_number"}
    | {"certificate_status", "fetch_list", "keep_list"}
)
TALK = frozenset({"start", "ask", "cancel", "read_callback"})  # done by children of their own
OnTrips = Callable[[tuple[contract.TimestampTrip, ...]], None]
_REFUSALS = {
    kind.__name__: kind
    for kind in (
        contract.SigningError,
        contract.DocumentRefused,
        contract.CredentialRefused,
        contract.SigningUnavailable,
    )
}
# module → names of the contract's values, wherever among its parts they are written
_VALUES: dict[str, set[str]] = {}
for _name, _value in vars(contract).items():
    if isinstance(_value, type) and _value.__module__.startswith(f"{contract.__name__}."):
        _VALUES.setdefault(_value.__module__, set()).add(_name)
_PLAIN = {
    "datetime": frozenset({"datetime", "date", "timezone", "timedelta"}),
    "zoneinfo": frozenset({"ZoneInfo", "ZoneInfo._unpickle"}),
    "copyreg": frozenset({"_reconstructor"}),
    "builtins": frozenset({"object", "frozenset", "set"}),
}


class AnswerUnreadable(Exception):
    """The child sent something that is not one of our values."""


class _AnswerReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only the contract's value classes and plain standard types."""
        known = _VALUES.get(module) or _PLAIN.get(module, frozenset())
        if name not in known:
            raise AnswerUnreadable(f"{module}.{name}")
        return super().find_class(module, name)


def write_answer(value: Any, trips: tuple[contract.TimestampTrip, ...] = ()) -> bytes:
    """An answer or a refusal as bytes, with the figures of the job."""
    if isinstance(value, SigningError):
        names = [kind.__name__ for kind in type(value).__mro__ if kind.__name__ in _REFUSALS]
        value = ("refused", names[0], value.code, value.message_vi, value.message_en)
    else:
        value = ("done", value)
    return pickle.dumps((trips, *value), pickle.HIGHEST_PROTOCOL)


def read_answer(data: bytes | bytearray, on_trips: OnTrips | None = None) -> Any:
    """Give the answer, or raise the refusal; figures go to ``on_trips`` either way.

    Raises:
        SigningError: what the child's service raised.
        AnswerUnreadable: anything but our own values.
    """
    try:
        answer = _AnswerReader(io.BytesIO(data)).load()
        trips, kind, *rest = answer
        if on_trips is not None and trips:
            on_trips(trips)
    except AnswerUnreadable:
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise AnswerUnreadable(type(error).__name__) from error
    if kind == "done":
        return rest[0]
    name, code, message_vi, message_en = rest
    raise _REFUSALS[name](code, message_vi, message_en)


def serve(
    end: socket.socket, config: SignerConfig, clock: Clock, limits: Limits | None = None
) -> None:
    """The child's main: answer jobs until the parent closes the line.

    ``limits`` hold for each job; a reader, which has no keys and parses files from strangers,
    always has them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if limits is not None:
        restrict_memory(limits)
    from signing.service import SigningService  # noqa: PLC0415 - pyHanko only in the child

    asyncio.run(_serve(end, SigningService(config, clock), JOBS, limits))


def serve_talk(end: socket.socket, config: SignerConfig, clock: Clock) -> None:
    """The main of a child that only talks to providers of remote keys."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from signing.remote.talk import TalkService  # noqa: PLC0415 - key libraries only in the child

    asyncio.run(_serve(end, TalkService(config, clock), TALK))


async def _serve(
    end: socket.socket, service: Any, jobs: frozenset[str], limits: Limits | None = None
) -> None:
    received: asyncio.Queue[bytes | bytearray | None] = asyncio.Queue()
    wire = Wire(end, received.put_nowait, lambda: received.put_nowait(None))
    try:
        while (message := await received.get()) is not None:
            job, arguments = pickle.loads(message)  # noqa: S301 - the parent's, never a child's
            del message
            if limits is not None:
                grant_cpu(limits)
            value = await _do(service, jobs, job, arguments)
            wire.send(write_answer(lean(job, arguments, value), _trips_of(service)))
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
        log.exception("job %s failed", job)
        return SigningError(
            "internal_error",
            "Lỗi bên trong bộ phận ký số; văn bản chưa được ký.",
            f"{job} failed: {type(error).__name__}",
        )
