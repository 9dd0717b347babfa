"""A mapped file as a stream, for libraries that only read streams.

Owns copying what is asked for into the library's own memory, and counting it.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable
from typing import Any

Leave = Callable[[mmap.mmap, int, int], Any]


class MappedStream(io.RawIOBase):
    """A mapped file, or its first bytes, as a stream: a library copies what it reads, once."""

    def __init__(self, data: mmap.mmap, size: int | None = None) -> None:
        super().__init__()
        self._data = data
        self._size = len(data) if size is None else size
        self._at = 0
        self.handed_out = 0  # bytes copied into others' buffers
        self.leave: Leave | None = None  # what may stand for bytes that are not copied

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See ``io.IOBase``; a negative place is refused with ``ValueError``."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("negative seek position")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at

    def read(self, size: int | None = -1) -> Any:
        """A copy of the next bytes, or what ``leave`` puts in their place."""
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        left = None if self.leave is None else self.leave(self._data, self._at, end)
        part = self._data[self._at : end] if left is None else left
        self._at += len(part)
        return part

    def readinto(self, buffer: Any) -> int:
        """Copy the next bytes into a buffer of any kind; give how many."""
        with memoryview(buffer) as given, given.cast("B") as out, memoryview(self._data) as whole:
            part = whole[self._at : min(self._at + len(out), self._size)]
            out[: len(part)] = part  # a ctypes array would take it byte by byte
            self._at += len(part)
            self.handed_out += len(part)
            return len(part)
