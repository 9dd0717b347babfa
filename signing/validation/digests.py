"""The signed bytes of every signature hashed in one pass over the file.

Owns the order of hashing: a signature covers a beginning of the file and a piece after its own
value, so that one running state serves all signatures of one algorithm and each byte of the file
goes through it once. Leaves odd byte ranges, which are refused anyway, to the library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.reading.opening import Data
from signing.reading.stretches import read_into

# names as in CMS → as hashlib knows them; others are left to the library
_NAMES = {name: name for name in ("sha1", "sha224", "sha256", "sha384", "sha512")}


def hash_signed_bytes(pdf: Data, signatures: Iterable[EmbeddedPdfSignature]) -> None:
    """Fill in the digests that the library would work out one by one.

    Args:
        pdf: the whole file.
        signatures: readable ones whose byte ranges lie within the file.
    """
    by_algorithm: dict[str, list[tuple[int, int, int, EmbeddedPdfSignature]]] = {}
    for signature in signatures:
        spans = [int(number) for number in signature.byte_range]
        name = _NAMES.get(str(signature.external_md_algorithm))
        if name is None or len(spans) != 4 or spans[0] != 0:
            continue
        by_algorithm.setdefault(name, []).append((spans[1], spans[2], spans[3], signature))
    for name, found in by_algorithm.items():
        running, hashed = hashlib.new(name), 0
        for first, start, length, signature in sorted(found, key=lambda one: one[0]):
            read_into(running, pdf, hashed, first)
            hashed = first
            whole = running.copy()
            read_into(whole, pdf, start, start + length)
            signature.external_digests[name] = whole.digest()
