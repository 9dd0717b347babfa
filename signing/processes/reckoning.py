"""The pool's side of saying until when files are provable, without the time-stamps that are void.

Owns which time-stamps those are, for this pool: its children are told with each question. Leaves
the reckoning to ``signing.preservation``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from signing.contract import ExtendedFile, ExtendedPdf, Provability, VoidStamps

_Longer = TypeVar("_Longer", ExtendedPdf, ExtendedFile)


class ReckoningJobs:
    """``provability`` and ``distrust`` for the pool, which gives what is declared here."""

    _void: tuple[VoidStamps, ...] = ()

    if TYPE_CHECKING:

        async def _read(self, job: str, *arguments: Any, limit_s: float | None = None) -> Any: ...

    def distrust(self, stamps: Sequence[VoidStamps]) -> None:
        """Reckon as if these time-stamps were not there, from now on."""
        self._void = tuple(stamps)

    async def provability(self, pdf: bytes) -> Provability:
        """Until when the file's signatures can be proven."""
        return cast("Provability", await self._read("provability", pdf, self._void))

    async def provability_file(self, path: Path) -> Provability:
        """The same for a file on the disk, in a reader."""
        return cast("Provability", await self._read("provability_file", path, self._void))

    async def _believed(self, longer: _Longer, where: bytes | Path) -> _Longer:
        """An extension, reckoned again where a stamp in it may be void."""
        if not self._void:
            return longer
        ask = self.provability_file(where) if isinstance(where, Path) else self.provability(where)
        return dataclasses.replace(longer, provability=await ask)
