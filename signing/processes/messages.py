"""What a pool and its children say to each other, as bytes.

Owns the form of jobs and answers. A child's answer is plain values of ``signing.contract`` only,
which the parent reads with readers that accept nothing else (a child that a hostile PDF took over
must not run code in the parent). Signing, by far the commonest job, travels as MessagePack whose
types both sides know: a pickle of the same values costs the parent eight times as much to read.
Everything else is pickled. The first byte tells them apart: a pickle begins with 0x80, which as
MessagePack would be an empty map.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import msgspec

from signing import contract
from signing.contract import DocumentSurvey, SignedPdf, SigningError, SignOrder, TimestampTrip

OnTrips = Callable[[tuple[TimestampTrip, ...]], None]
_PICKLE = 0x80
_SIGN = "sign"
_DONE = "done"
_SIGN_ARGUMENTS = 3
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
_COMPACT = msgspec.msgpack.Encoder()
_SIGN_JOB = msgspec.msgpack.Decoder(tuple[SignOrder, bool, DocumentSurvey | None])
_SIGNED = msgspec.msgpack.Decoder(tuple[tuple[TimestampTrip, ...], SignedPdf])


class JobUnreadable(Exception):
    """The parent's caller gave values of other types than the job takes."""


class AnswerUnreadable(Exception):
    """The child sent something that is not one of our values."""


class _AnswerReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only the contract's value classes and plain standard types."""
        known = _VALUES.get(module) or _PLAIN.get(module, frozenset())
        if name not in known:
            raise AnswerUnreadable(f"{module}.{name}")
        return super().find_class(module, name)


def write_job(job: str, arguments: tuple[Any, ...]) -> bytes:
    """A job as bytes; raises whatever a value that cannot cross raises."""
    if job == _SIGN and len(arguments) == _SIGN_ARGUMENTS:
        compact = _compact(arguments)
        if compact is not None:
            return compact
    return pickle.dumps((job, arguments), pickle.HIGHEST_PROTOCOL)


def read_job(message: bytes | bytearray) -> tuple[str, tuple[Any, ...]]:
    """The job and its arguments; for what the parent wrote, never for what a child did.

    Raises:
        JobUnreadable: a value is not of its type.
    """
    if message[0] != _PICKLE:
        try:
            return _SIGN, _SIGN_JOB.decode(message)
        except msgspec.MsgspecError as error:
            raise JobUnreadable(str(error)) from error
    job, arguments = pickle.loads(message)  # noqa: S301 - the parent's, never a child's
    return job, arguments


def write_answer(value: Any, trips: tuple[TimestampTrip, ...] = ()) -> bytes:
    """An answer or a refusal as bytes, with the figures of the job."""
    if isinstance(value, SignedPdf):
        compact = _compact((trips, value))
        if compact is not None:
            return compact
    if isinstance(value, SigningError):
        names = [kind.__name__ for kind in type(value).__mro__ if kind.__name__ in _REFUSALS]
        value = ("refused", names[0], value.code, value.message_vi, value.message_en)
    else:
        value = (_DONE, value)
    return pickle.dumps((trips, *value), pickle.HIGHEST_PROTOCOL)


def read_answer(data: bytes | bytearray, on_trips: OnTrips | None = None) -> Any:
    """Give the answer, or raise the refusal; figures go to ``on_trips`` either way.

    Raises:
        SigningError: what the child's service raised.
        AnswerUnreadable: anything but our own values.
    """
    rest: list[Any]
    try:
        if data[0] != _PICKLE:
            trips, *rest = _SIGNED.decode(data)
            kind = _DONE
        else:
            trips, kind, *rest = _AnswerReader(io.BytesIO(data)).load()
        if on_trips is not None and trips:
            on_trips(trips)
    except AnswerUnreadable:
        raise
    except Exception as error:  # a damaged message raises nearly anything
        raise AnswerUnreadable(type(error).__name__) from error
    if kind == _DONE:
        return rest[0]
    name, code, message_vi, message_en = rest
    raise _REFUSALS[name](code, message_vi, message_en)


def _compact(values: tuple[Any, ...]) -> bytes | None:
    """None for what MessagePack cannot say (half a surrogate pair): it is pickled."""
    try:
        return _COMPACT.encode(values)
    except (TypeError, ValueError, OverflowError):
        return None
