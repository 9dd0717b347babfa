"""A signing service that takes large documents only: what is given in memory is a fault."""

from __future__ import annotations

IN_MEMORY = frozenset(
    {
        "accept_hand_off",
        "attest",
        "extend",
        "finish",
        "prepare",
        "provability",
        "sign",
        "take_apart",
        "validate",
    }
)


class FilesOnly:
    """Deaf to documents in memory, except that they are inspected when they are taken in."""

    def __init__(self, signatures):
        self._signatures = signatures

    def __getattr__(self, name):
        return self._refuse if name in IN_MEMORY else getattr(self._signatures, name)

    async def _refuse(self, *given):
        raise AssertionError("a document was given in memory")
