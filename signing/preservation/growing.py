"""A signed file and what is appended to it: in memory, or in a copy on the disk.

Owns the bytes so far and one SHA-256 state over them, so that nothing is hashed twice while the
file grows. Leaves what is appended to ``appending`` and the check of the result to
``signing.pades.proof``.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from signing.pades.drafts import Draft
from signing.pades.proof import Proved, prove_extension
from signing.reading.mapped_files import Remapped, append_to
from signing.reading.opening import Data
from signing.reading.stretches import let_go, read_into, sha256_of


class Growing:
    """In memory; ``data`` is the whole file so far."""

    in_place = False  # whether ``writing`` gives the file itself, however large

    def __init__(self, data: Data) -> None:
        self.data = data
        self.size_before = len(data)
        self.state = sha256_of(data)
        self._digest_before = self.state.digest()

    def append(self, revision: bytes) -> None:
        """Take a new revision."""
        self.state.update(revision)
        self._grow(revision)

    def _grow(self, revision: bytes) -> None:
        self.data = bytes(self.data) + revision

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """A stream over the file, to be appended to; nothing is appended if something is raised."""
        stream = io.BytesIO(bytes(self.data))
        yield stream
        stream.seek(len(self.data))
        self.append(stream.read())

    def prove(self, stamps: int) -> Proved:
        """Verify what was appended; give the whole file's SHA-256 and the new time-stamps.

        Raises:
            ProofFailed: code ``self_check_failed``.
        """
        return prove_extension(self.data, self.size_before, stamps, self._digest_before)


class GrowingDraft(Growing):
    """In the draft of an act."""

    in_place = True

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.data)
        self._draft = draft

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """The draft's own."""
        size = len(self.data)
        with self._draft.writing() as stream:
            yield stream
        self.data = self._draft.data
        self.state.update(self.data[size:])

    def append(self, revision: bytes) -> None:
        """Take a new revision."""
        with self.writing() as stream:
            stream.seek(0, os.SEEK_END)
            stream.write(revision)


class GrowingOnDisk(Remapped, Growing):
    """In a copy of a mapped file; a context, in which ``data`` can be read."""

    in_place = True

    def __init__(self, source: Data, target: Path) -> None:
        Remapped.__init__(self, target)
        Growing.__init__(self, source)

    def _grow(self, revision: bytes) -> None:
        append_to(self.path, len(self.data), revision)
        self.map_again()

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """The copy itself; what a writer who fails has done to it is undone."""
        size = len(self.data)
        with self.path.open("r+b") as stream:
            try:
                yield stream
            except BaseException:
                stream.truncate(size)
                raise
        self.map_again()
        read_into(self.state, self.data, size)

    def prove(self, stamps: int) -> Proved:
        """Verify what lies on the disk."""
        self.map_again()
        proved = super().prove(stamps)
        let_go(self.data)
        return proved
