"""What a pool asks of its children, as bytes.

Owns the form of jobs; ``answers`` owns that of what comes back. Signing, by far the commonest job,
travels as MessagePack whose types both sides know. Everything else is pickled: it goes from the
parent, which is trusted, to the child. The first byte tells them apart: a pickle begins with 0x80,
which as MessagePack would be an empty map.
"""

from __future__ import annotations

import pickle
from typing import Any

import msgspec

from signing.contract import DocumentSurvey, SignOrder

_PICKLE = 0x80
_SIGN = "sign"
_SIGN_ARGUMENTS = 3
_COMPACT = msgspec.msgpack.Encoder()
_SIGN_JOB = msgspec.msgpack.Decoder(tuple[SignOrder, bool, DocumentSurvey | None])


class JobUnreadable(Exception):
    """The parent's caller gave values of other types than the job takes."""


def write_job(job: str, arguments: tuple[Any, ...]) -> bytes:
    """A job as bytes; raises whatever a value that cannot cross raises."""
    if job == _SIGN and len(arguments) == _SIGN_ARGUMENTS:
        compact = _compact(arguments)
        if compact is not None:
            return compact
    return pickle.dumps((job, arguments), pickle.HIGHEST_PROTOCOL)


def read_job(message: bytes | bytearray | memoryview) -> tuple[str, tuple[Any, ...]]:
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


def _compact(values: tuple[Any, ...]) -> bytes | None:
    """None for what MessagePack cannot say (half a surrogate pair): it is pickled."""
    try:
        return _COMPACT.encode(values)
    except (TypeError, ValueError, OverflowError):
        return None
