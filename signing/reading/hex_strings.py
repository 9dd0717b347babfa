"""Reading long hexadecimal strings quickly: signature values are tens of thousands of digits.

Owns one replacement inside pyHanko, whose own reader takes them a character at a time and spends
a fifth of a validation there. Only strings of digits and white space are read here; anything else
(comments, garbage, an end that never comes) is handed to the library's own reader, so that its
answers and errors stay what they are. ISO 32000-2, 7.3.4.3.
"""

from __future__ import annotations

import binascii
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PDF_WHITESPACE

_FIRST_LOOK = 128  # most strings are identifiers of 16 bytes
_LONGEST = 64 * 1024 * 1024

_theirs = generic.read_hex_string_from_stream


def read_hex_string(stream: Any) -> Any:
    """A PDF string from a stream that stands at its ``<``; leaves it after the ``>``."""
    start = stream.tell()
    size = _FIRST_LOOK
    window = stream.read(size)
    end = window.find(b">")
    while end < 0 and len(window) == size and size < _LONGEST:
        size *= 8
        stream.seek(start)
        window = stream.read(size)
        end = window.find(b">")
    digits = bytes(window[1:end]).translate(None, PDF_WHITESPACE)
    try:
        value = binascii.unhexlify(digits + b"0" * (len(digits) % 2)) if end > 0 else None
    except binascii.Error:
        value = None
    if value is None:
        stream.seek(start)
        return _theirs(stream)
    stream.seek(start + end + 1)
    return generic.pdf_string(value)


def install() -> None:
    """Let the library read its hexadecimal strings here; idempotent."""
    generic.read_hex_string_from_stream = read_hex_string
