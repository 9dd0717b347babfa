"""A file between the halves of an act: written in memory, or in a copy on the disk.

Owns that a writer who fails leaves the draft as it was, so that the next one begins with the same
bytes: another time-stamping authority, a lower level. Leaves what is written to
``signing.pades.interrupted``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from signing.reading.mapped_files import Remapped
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


class DraftOnDisk(Remapped, Draft):
    """In a file of its own; a context, in which ``data`` can be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.map_again()

    @contextmanager
    def writing(self, hole: Hole = (0, 0)) -> Iterator[BinaryIO]:
        """The file itself; what a writer who fails has done to it is undone."""
        size, (start, end) = len(self.data), hole
        before = self.data[start:end]
        with self.path.open("r+b") as stream:
            try:
                yield stream
            except BaseException:
                stream.truncate(size)
                stream.seek(start)
                stream.write(before)
                raise
        self.map_again()
