"""Old signatures in BER: indefinite lengths made definite, everything else left as it is.

Owns this one rewriting (X.690, 8.1.3.6 and 8.7). Signature software before about 2020 wrote CMS
with indefinite lengths and strings in pieces; the ASN.1 library reads the outside of it and fails
inside. Content bytes are not touched: an element without an indefinite length below it is copied
as it is, so that what was signed keeps its digest.
"""

from __future__ import annotations

_MAX_DEPTH = 64
_OCTET_STRING_IN_PIECES = 0x24
_OCTET_STRING = b"\x04"
_END = b"\x00\x00"


class NotBer(ValueError):
    """The bytes are not one whole BER element."""


def is_indefinite(data: bytes) -> bool:
    """Whether the element at the start has an indefinite length."""
    try:
        _, body, length = _header(data, 0)
    except (NotBer, IndexError):
        return False
    return length is None and body > 0


def to_definite(data: bytes) -> bytes:
    """The first element of ``data`` with definite lengths only; what follows it is dropped.

    Raises:
        NotBer: cut short, or nested too deep.
    """
    try:
        return _element(data, 0, 0)[0]
    except IndexError as error:
        raise NotBer("cut short") from error


def behind(data: bytes) -> bytes:
    """What follows the first element of ``data``, padding included.

    Raises:
        NotBer: cut short, or nested too deep.
    """
    try:
        _, body, length = _header(data, 0)
        end = body + length if length is not None else _element(data, 0, 0)[1]
    except IndexError as error:
        raise NotBer("cut short") from error
    return data[end:]


def _element(data: bytes, start: int, depth: int) -> tuple[bytes, int]:
    """One element rewritten, and where it ends in ``data``."""
    if depth > _MAX_DEPTH:
        raise NotBer("nested too deep")
    tag_end, body, length = _header(data, start)
    tag = data[start:tag_end]
    constructed = bool(data[start] & 0x20)
    if length is None:
        if not constructed:
            raise NotBer("an indefinite length on a primitive element")
        parts, end = _until_end_mark(data, body, depth)
        return _wrapped(tag, parts), end
    end = body + length
    if end > len(data):
        raise NotBer("cut short")
    if not constructed:
        return data[start:end], end
    parts = _until(data, body, end, depth)
    if b"".join(parts) == data[body:end]:
        return data[start:end], end
    return _wrapped(tag, parts), end


def _until(data: bytes, place: int, end: int, depth: int) -> list[bytes]:
    parts = []
    while place < end:
        part, place = _element(data, place, depth + 1)
        parts.append(part)
    if place != end:
        raise NotBer("an element reaches beyond its container")
    return parts


def _until_end_mark(data: bytes, place: int, depth: int) -> tuple[list[bytes], int]:
    parts = []
    while data[place : place + 2] != _END:
        part, place = _element(data, place, depth + 1)
        parts.append(part)
    return parts, place + 2


def _wrapped(tag: bytes, parts: list[bytes]) -> bytes:
    if tag == bytes([_OCTET_STRING_IN_PIECES]):
        tag, parts = _OCTET_STRING, [_content(part) for part in parts]
    body = b"".join(parts)
    return tag + _length(len(body)) + body


def _content(element: bytes) -> bytes:
    _, body, _ = _header(element, 0)
    return element[body:]


def _header(data: bytes, start: int) -> tuple[int, int, int | None]:
    """End of the tag, start of the content, its length (None: indefinite)."""
    place = start + 1
    if data[start] & 0x1F == 0x1F:
        while data[place] & 0x80:
            place += 1
        place += 1
    first = data[place]
    if first == 0x80:
        return place, place + 1, None
    if first < 0x80:
        return place, place + 1, first
    size = first & 0x7F
    digits = data[place + 1 : place + 1 + size]
    if len(digits) != size or size > 8:
        raise NotBer("a length that cannot be read")
    return place, place + 1 + size, int.from_bytes(digits, "big")


def _length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits
