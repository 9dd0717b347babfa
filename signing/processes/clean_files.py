"""Which files were found clean, so that no file is inspected twice.

Owns the SHA-256 digests of files without a blocking finding, the oldest forgotten first. The pool
keeps what its readers found; a signer keeps what the pool vouched for, what it inspected itself,
and what it made by appending to a clean file and proved.
"""

from __future__ import annotations

from collections import OrderedDict

_KEPT = 4096


class CleanFiles:
    """Digests of clean files."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def add(self, digest: bytes) -> None:
        """Remember a file."""
        self._digests[digest] = None
        self._digests.move_to_end(digest)
        if len(self._digests) > self._kept:
            self._digests.popitem(last=False)

    def __contains__(self, digest: bytes) -> bool:
        if digest not in self._digests:
            return False
        self._digests.move_to_end(digest)
        return True
