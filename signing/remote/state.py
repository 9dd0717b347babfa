"""What ``prepare`` leaves for ``finish``, as bytes that a caller keeps for days.

Owns the form (one MessagePack value under one seal) and the seal: nothing changed after ``prepare``
is ever finished. The seal's secrets come with the configuration, so that another process opens what
this one sealed; without any it only finds damage. No secret of a person, and no key, is in it.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import msgspec

from signing.contract import DocumentRefused, SignOrder

_MARK = b"MQS1"
_SEAL_SIZE = 32
_NO_SECRET = (b"",)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An act between its halves; the file is kept beside it."""

    order: SignOrder  # without the file and without anything secret
    certificate: bytes  # DER, and so the chain
    chain: tuple[bytes, ...]
    pss: bool
    field_name: str
    done: tuple[str, ...]  # the names of the signatures already made
    start: int
    end: int
    attributes: bytes
    original: int  # length of the file as it came
    pdf_sha256: bytes  # of the prepared file
    signed_at: datetime
    part: int
    parts: int
    shortfall: str = ""  # why an earlier part carries no time-stamp
    stamped_once: bool = False  # as it was when the act began: room was left for it or not


def seal(waiting: Waiting, secrets: tuple[bytes, ...]) -> bytes:
    """Write; under the first secret."""
    payload = msgspec.msgpack.encode(waiting)
    return _MARK + _seal(payload, (secrets or _NO_SECRET)[0]) + payload


def unseal(state: bytes, pdf_sha256: bytes, secrets: tuple[bytes, ...]) -> Waiting:
    """Read, and compare with the file, whose SHA-256 is given.

    Raises:
        DocumentRefused: code ``prepared_changed``.
    """
    mark, rest = state[: len(_MARK)], state[len(_MARK) :]
    given, payload = rest[:_SEAL_SIZE], rest[_SEAL_SIZE:]
    if mark != _MARK or not any(
        hmac.compare_digest(given, _seal(payload, secret)) for secret in secrets or _NO_SECRET
    ):
        raise changed("the state's seal does not hold")
    try:
        waiting = msgspec.msgpack.decode(payload, type=Waiting)
    except msgspec.MsgspecError as error:
        raise changed("the state is of another version") from error
    if not hmac.compare_digest(waiting.pdf_sha256, pdf_sha256):
        raise changed("the file is not the one that was prepared")
    return waiting


def changed(detail: str) -> DocumentRefused:
    """What was kept between the halves is not what was given."""
    return DocumentRefused(
        "prepared_changed",
        "Dữ liệu chờ ký đã bị thay đổi hoặc hỏng nên không được dùng; hãy tạo lại yêu cầu ký.",
        f"what was prepared is not what came back: {detail}",
    )


def _seal(payload: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _MARK + payload, hashlib.sha256)
