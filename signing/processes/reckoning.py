"""The pool's side of keeping files provable: extended in memory, and reckoned until when they are.

Which time-stamps are void travels with each question: a pool serves callers who trust differently,
and remembers nobody's word. Leaves both to ``signing.preservation``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from signing.contract import ExtendedPdf, Level, Provability, VoidStamps
from signing.processes.crews import Crew


class ReckoningJobs:
    """``Preserving`` for the pool, which gives what is declared here."""

    _limit_s: float
    _archivists: Crew

    if TYPE_CHECKING:

        async def _on(
            self, crew: Crew, limit_s: float, job: str, arguments: tuple[Any, ...]
        ) -> Any: ...
        async def _read(self, job: str, *arguments: Any, limit_s: float | None = None) -> Any: ...

    async def extend(
        self, pdf: bytes, level: Level, void: tuple[VoidStamps, ...] = ()
    ) -> ExtendedPdf:
        """Append proof: raise the level, or renew the archive time-stamp."""
        found = await self._on(self._archivists, self._limit_s, "extend", (pdf, level, void))
        return cast("ExtendedPdf", found)

    async def provability(self, pdf: bytes, void: tuple[VoidStamps, ...] = ()) -> Provability:
        """Until when the file's signatures can be proven."""
        return cast("Provability", await self._read("provability", pdf, void))

    async def provability_file(self, path: Path, void: tuple[VoidStamps, ...] = ()) -> Provability:
        """The same for a file on the disk, in a reader."""
        return cast("Provability", await self._read("provability_file", path, void))
