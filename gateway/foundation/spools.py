"""Temporary files of one piece of work: an upload on its way in, a signed file not stored yet.

Owns their folder, which is made when the first one is needed and removed at the end with whatever
was not moved out of it. A process that is killed leaves its folder behind, for ``sweep``: beside
the store, which machines may share, by its age; in this machine's temporary folder by its lock.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.foundation.held_folders import HeldFolder, make_held, sweep_held

_FLUSH = 1024 * 1024
_PREFIX = "work-"
_SHARED_PREFIX = "motcua-spool-"  # where others make folders too


class Spool:
    """Names for temporary files below a folder; leave it to remove them.

    ``above``: the size in bytes from which content is worth a file. ``temporary``: the folder is
    this machine's, for everybody.
    """

    def __init__(self, below: Path, above: int, *, temporary: bool = False) -> None:
        self._below = below
        self.above = above
        self._temporary = temporary
        self._held: HeldFolder | None = None
        self._folder: Path | None = None
        self._count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._held is not None:
            await asyncio.to_thread(self._held.remove)
        elif self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def new(self) -> Path:
        """The name of a file that does not exist yet."""
        if self._folder is None:
            self._folder = await asyncio.to_thread(self._make)
        self._count += 1
        return self._folder / str(self._count)

    def _make(self) -> Path:
        if self._temporary:
            self._held = make_held(self._below, _SHARED_PREFIX)
            return self._held.path
        self._below.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._below))


def sweep(below: Path, before: float) -> int:
    """Remove folders of spools below a folder that nobody wrote into since then (a timestamp)."""
    left = [f for f in below.glob(f"{_PREFIX}*") if f.is_dir() and not f.is_symlink()]
    old = [folder for folder in left if _touched(folder) < before]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def sweep_temporary(below: Path, before: float) -> int:
    """Remove folders of spools in a temporary folder whose process is gone, however young."""
    return sweep_held(below, _SHARED_PREFIX, before)


def _touched(folder: Path) -> float:
    try:
        return max(one.stat().st_mtime for one in (folder, *folder.iterdir()))
    except OSError:  # its owner is just at it
        return inf


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """A large file that has arrived."""

    path: Path
    sha256: str


class Spooled:
    """Content that arrives in pieces: in memory, and in a file once it is large.

    Without a spool everything stays in memory.
    """

    def __init__(self, spool: Spool | None) -> None:
        self._spool = spool
        self._pieces: list[bytes] = []
        self._held = 0  # bytes in ``_pieces``
        self._hash = hashlib.sha256()
        self.size = 0
        self.file: Path | None = None

    async def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self._pieces.append(piece)
        self._held += len(piece)
        self.size += len(piece)
        if self.file is None:
            if self._spool is None or self.size <= self._spool.above:
                return
            self.file = await self._spool.new()
        if self._held >= _FLUSH:
            await self._flush()

    async def finish(self) -> bytes:
        """The whole content when it stayed in memory; empty when it is in ``file``."""
        if self.file is not None:
            await self._flush()
            return b""
        content = b"".join(self._pieces)
        self._hash.update(content)
        self._pieces = []
        return content

    @property
    def sha256(self) -> bytes:
        """Of everything, once finished."""
        return self._hash.digest()

    async def _flush(self) -> None:
        pieces, self._pieces, self._held = self._pieces, [], 0
        await asyncio.to_thread(self._append, b"".join(pieces))

    def _append(self, data: bytes) -> None:
        assert self.file is not None
        self._hash.update(data)
        with self.file.open("ab") as out:
            out.write(data)
