"""A file between the halves of an act: written in memory, or in a copy on the disk.

Owns that a writer who fails leaves the draft as it was, so that the next one begins with the same
bytes: another time-stamping authority, a lower level. Leaves what is written to
``signing.pades.interrupted``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from signing.reading.mapped_files import mapped
from signing.reading.opening import Data
from signing.reading.stretches import sha256_of

Hole = tuple[int, int]  # where a draft may be written upon, beside its end


class Draft:
    """In memory; ``data`` is what it holds now."""

    def __init__(self, data: Data) -> None:
        self.data = data

    @contextmanager
    def writing(self, hole: Hole = (0, 0)) -> Iterator[BinaryIO]:
        """A stream over the draft, to be appended to; it becomes the draft if nothing is raised."""
        stream = io.BytesIO()
        stream.write(self.data)
        stream.seek(0)
        yield stream
        self.data = stream.getvalue()

    def sha256(self) -> bytes:
        """Of what it holds now."""
        digest: bytes = sha256_of(self.data).digest()
        return digest


class DraftOnDisk(Draft):
    """In a file of its own; use as a context, in which ``data`` can be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mapping = ExitStack()
        super().__init__(b"")

    def __enter__(self) -> DraftOnDisk:
        self._map()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mapping.close()

    @contextmanager
    def writing(self, hole: Hole = (0, 0)) -> Iterator[BinaryIO]:
        """The file itself; what a writer who fails has done to it is undone."""
        size, (start, end) = len(self.data), hole
        before = self.data[start:end]
        with self._path.open("r+b") as stream:
            try:
                yield stream
            except BaseException:
                stream.truncate(size)
                stream.seek(start)
                stream.write(before)
                raise
        self._map()

    def _map(self) -> None:
        self._mapping.close()
        self.data = self._mapping.enter_context(mapped(self._path))
