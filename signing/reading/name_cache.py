"""Comparing names in certificates once: the same few names meet hundreds of times in a file.

Owns two memories inside asn1crypto, which prepares every attribute of both names anew for each
comparison (RFC 5280, 7.1) and spends a quarter of a validation there. Answers are the library's
own, kept by the names' bytes; equal bytes are equal names. Bounded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from asn1crypto import x509

_KEPT = 4_096


@lru_cache(_KEPT)
def _hashable(der: bytes) -> str:
    return str(x509.RDNSequence.load(der).hashable)


@lru_cache(_KEPT)
def _equal(one: bytes, other: bytes) -> bool:
    return bool(x509.RDNSequence.load(one) == x509.RDNSequence.load(other))


def _name_hashable(self: Any) -> str:
    return _hashable(self.chosen.dump())  # the name itself may carry the tag of a choice around it


def _name_equal(self: Any, other: object) -> bool:
    if not isinstance(other, x509.Name):
        return False
    one, two = self.chosen.dump(), other.chosen.dump()
    return one == two or _equal(one, two)


def install() -> None:
    """Let the library remember; idempotent. A name that cannot be read raises as before."""
    x509.Name.hashable = property(_name_hashable)
    x509.Name.__eq__ = _name_equal
