"""The reference under which a provider or a bank knows an attempt.

Owns how a reference is derived and how it is found again in a bank memo that a citizen, an app
and two banks have touched; leaves deciding whose money it is to ``matching``.

A reference is ``MC``, twelve symbols derived from the attempt's id and one check symbol: fifteen
characters of ``[A-Z0-9]`` out of an alphabet without 0, 1, I, L and O. The alphabet has 31
symbols, a prime, so a sum with different weights catches every single wrong symbol and every
swap of neighbours. It is short enough for a memo of 25 characters.
"""

from __future__ import annotations

import hashlib
import unicodedata

PREFIX = "MC"
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
BODY_LENGTH = 12
LENGTH = len(PREFIX) + BODY_LENGTH + 1

_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_PRIME = len(ALPHABET)


def reference_for(attempt_id: str) -> str:
    """Derive an attempt's reference: always the same one, so that it can be committed first."""
    number = int.from_bytes(hashlib.sha256(attempt_id.encode()).digest())
    body = []
    for _ in range(BODY_LENGTH):
        number, value = divmod(number, _PRIME)
        body.append(ALPHABET[value])
    text = "".join(body)
    return f"{PREFIX}{text}{_check_symbol(text)}"


def is_reference(text: str) -> bool:
    """Whether a text is a whole, unharmed reference."""
    body = text[len(PREFIX) : -1]
    return (
        len(text) == LENGTH
        and text.startswith(PREFIX)
        and all(symbol in _VALUE for symbol in text[len(PREFIX) :])
        and _check_symbol(body) == text[-1]
    )


def find_references(memo: str) -> tuple[str, ...]:
    """Every reference in a bank memo, in order of appearance, each once.

    Letters may have lost their case and gained spaces, dots or diacritics on the way; a symbol
    that was changed makes the reference disappear rather than become another one.
    """
    text = plain_text(memo)
    found = dict.fromkeys(
        text[start : start + LENGTH]
        for start in range(len(text) - LENGTH + 1)
        if is_reference(text[start : start + LENGTH])
    )
    return tuple(found)


def plain_text(memo: str) -> str:
    """Upper-case letters and digits only, without diacritics."""
    spread = unicodedata.normalize("NFKD", memo.upper().replace("Đ", "D"))
    return "".join(symbol for symbol in spread if symbol.isascii() and symbol.isalnum())


def _check_symbol(body: str) -> str:
    total = sum(weight * _VALUE[symbol] for weight, symbol in enumerate(body, start=2))
    return ALPHABET[total % _PRIME]
