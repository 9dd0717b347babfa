"""How a child's answer crosses to the parent: values of the types that its job may give.

Owns the form of answers and refusals (MessagePack) and which types a job answers with. A child that
a hostile PDF took over may send any bytes: what they are read into is chosen here and not by them,
so that they name no class, call nothing and change nothing but the value of their own job.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final, get_origin

import msgspec

from signing import contract

OnTrips = Callable[[tuple[contract.TimestampTrip, ...]], None]
_REFUSED = "refused"  # no type is called so
_REFUSALS: Final = {
    kind.__name__: kind
    for kind in (
        contract.SigningError,
        contract.DocumentRefused,
        contract.CredentialRefused,
        contract.SigningUnavailable,
    )
}
# job → the types of its answer
ANSWERS: Final[Mapping[str, tuple[Any, ...]]] = {
    "credentials": (tuple[contract.Credential, ...],),
    "inspect": (contract.Inspection,),
    "inspect_file": (contract.Inspection,),
    "sign": (contract.SignedPdf,),
    "sign_file": (contract.SignedFile,),
    "validate": (contract.Validation,),
    "validate_file": (contract.Validation,),
    "attest": (contract.Attested,),
    "attest_file": (contract.AttestedFile,),
    "prepare": (contract.Prepared,),
    "prepare_file": (contract.PreparedFile,),
    "finish_file": (contract.SignedFile, contract.PreparedFile),
    "accept_hand_off_file": (contract.SignedFile,),
    "finish": (contract.SignedPdf, contract.Prepared),
    "accept_hand_off": (contract.SignedPdf,),
    "extend": (contract.ExtendedPdf,),
    "extend_file": (contract.ExtendedFile,),
    "provability": (contract.Provability,),
    "provability_file": (contract.Provability,),
    "take_apart": (contract.SignedPieces,),
    "take_apart_file": (contract.SignedPieces,),
    "check_number": (type(None),),
    "check_number_file": (type(None),),
    "certificate_status": (contract.RevocationFinding,),
    "fetch_list": (contract.FetchedList,),
    "keep_list": (type(None),),
    "try_key": (type(None),),
    "start": (contract.Ticket,),
    "ask": (contract.Ticket,),
    "cancel": (contract.Ticket,),
    "read_callback": (contract.Told,),
}


class AnswerUnreadable(Exception):
    """The child sent something that is not an answer to its job."""


class _Message(msgspec.Struct, array_like=True):
    """``kind`` names one of the job's types, or says that it was refused."""

    trips: tuple[contract.TimestampTrip, ...]
    kind: str
    value: msgspec.Raw


def _plain(value: Any) -> Any:
    """Strings, bytes and numbers of libraries' own kinds, as PDF readers give them."""
    for kind in (str, bytes, int, float):
        if isinstance(value, kind):
            return kind(value)  # type: ignore[arg-type]  # mypy joins the four kinds
    raise NotImplementedError(type(value).__name__)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_MESSAGE = msgspec.msgpack.Decoder(_Message)
_REFUSAL = msgspec.msgpack.Decoder(tuple[str, str, str, str])


class AnswerForms:
    """Reads the answers to certain jobs."""

    def __init__(self, answers: Mapping[str, tuple[Any, ...]] = ANSWERS) -> None:
        self._decoders = {
            (job, _name_of(kind)): msgspec.msgpack.Decoder(kind)
            for job, kinds in answers.items()
            for kind in kinds
        }

    def read(self, job: str, data: bytes | bytearray, on_trips: OnTrips | None = None) -> Any:
        """Give the answer, or raise the refusal; figures go to ``on_trips`` either way.

        Raises:
            SigningError: what the child's service raised.
            AnswerUnreadable: anything but an answer to this job.
        """
        try:
            message = _MESSAGE.decode(data)
            value = self._value(job, message)
        except AnswerUnreadable:
            raise
        except Exception as error:  # a value's own checks may raise nearly anything
            raise AnswerUnreadable(type(error).__name__) from error
        if on_trips is not None and message.trips:
            on_trips(message.trips)
        if message.kind == _REFUSED:
            raise value
        return value

    def _value(self, job: str, message: _Message) -> Any:
        if message.kind == _REFUSED:
            name, *words = _REFUSAL.decode(message.value)
            return _REFUSALS[name](*words)
        decoder = self._decoders.get((job, message.kind))
        if decoder is None:
            raise AnswerUnreadable(f"{job}: {message.kind[:80]}")
        return decoder.decode(message.value)


def write_answer(value: Any, trips: tuple[contract.TimestampTrip, ...] = ()) -> bytes:
    """An answer or a refusal as bytes, with the figures of the job."""
    kind = _name_of(type(value))
    if isinstance(value, contract.SigningError):
        names = [kind.__name__ for kind in type(value).__mro__ if kind.__name__ in _REFUSALS]
        kind, value = _REFUSED, (names[0], value.code, value.message_vi, value.message_en)
    with contextlib.suppress(UnicodeEncodeError):
        return _write(kind, value, trips)
    return _write(kind, _spelt(value), trips)


def _write(kind: str, value: Any, trips: tuple[contract.TimestampTrip, ...]) -> bytes:
    return _ENCODER.encode(_Message(trips, kind, msgspec.Raw(_ENCODER.encode(value))))


def _spelt(value: Any) -> Any:
    """The same with a question mark for every half letter (a lone surrogate, out of some PDF)."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=_plain)

    def walk(one: Any) -> Any:
        if isinstance(one, str):
            return one.encode("utf-8", "replace").decode()
        if isinstance(one, dict):
            return {walk(key): walk(part) for key, part in one.items()}
        return [walk(part) for part in one] if isinstance(one, list | tuple) else one

    return walk(plain)


def _name_of(kind: Any) -> str:
    return str((get_origin(kind) or kind).__name__)
