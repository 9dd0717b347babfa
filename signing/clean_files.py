"""Which files this process has found clean, so that no file is inspected twice.

Owns the SHA-256 digests of files without a blocking finding, the oldest forgotten first. A file
that we made ourselves by appending to a clean one, and proved, is clean too. Kept in one signer
process only: no other process's word is taken.
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
