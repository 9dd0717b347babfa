"""Identifiers: prefixed, sortable by creation, unguessable where it matters."""

from __future__ import annotations

import os
import threading

from gateway.foundation.clock import Clock, to_micros

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_RANDOM_BITS = 78

_lock = threading.Lock()
_last = (0, 0)


def new_id(prefix: str, clock: Clock) -> str:
    """``prefix_`` and 26 characters: 52 bits of microseconds, 78 random bits.

    Two ids of one process sort in the order they were made, even within a microsecond.
    """
    global _last  # noqa: PLW0603 - the last value keeps one process's ids ordered
    micros = to_micros(clock.now())
    with _lock:
        tail = int.from_bytes(os.urandom(10), "big") >> 2
        if micros <= _last[0]:
            micros, tail = _last[0], _last[1] + 1 + (tail & 0xFFFF)
        _last = (micros, tail)
    return f"{prefix}_{_encode((micros << _RANDOM_BITS) | (tail & ((1 << _RANDOM_BITS) - 1)), 26)}"


def new_token(characters: int = 26) -> str:
    """An unguessable token for an address: 5 random bits a character."""
    bits = int.from_bytes(os.urandom((characters * 5 + 7) // 8), "big")
    return _encode(bits, characters)


def has_prefix(value: str, prefix: str) -> bool:
    """Whether a string looks like an id of that kind."""
    body = value.removeprefix(f"{prefix}_")
    return body != value and len(body) == 26 and all(c in _ALPHABET for c in body)


def _encode(number: int, length: int) -> str:
    """The lowest ``5 × length`` bits, the most significant first."""
    pairs = []
    for _ in range((length + 1) // 2):
        pairs.append(_PAIRS[number & 1023])
        number >>= 10
    return "".join(reversed(pairs))[-length:]
