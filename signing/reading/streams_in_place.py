"""Large streams of a mapped file, left where they lie until somebody wants their bytes.

Owns two replacements inside pyHanko, which copies every stream that it comes by and keeps it as
long as its reader: comparing revisions goes through a whole document, and would hold all its
scanned pages. A stream's bytes are copied for whoever asks, and not kept. Files in memory are read
as ever.
"""

from __future__ import annotations

import mmap
from collections import deque
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic

from signing.reading.mapped_stream import MappedStream

_LARGE = 256 * 1024  # bytes
_PIECE = 1024 * 1024

_theirs: Any = generic._maybe_read_stream_payload  # noqa: SLF001 - there is no other place for it
_their_property: Any = generic.StreamObject.encoded_data


@dataclass(frozen=True, slots=True)
class Lying:
    """Bytes of a mapping that were not copied."""

    data: mmap.mmap
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, part: slice) -> Lying:
        start, stop, _ = part.indices(len(self))
        return Lying(self.data, self.start + start, self.start + max(start, stop))

    def copy(self) -> bytes:
        """The bytes."""
        if self not in _copied:
            _copied.append(self)
        with memoryview(self.data) as whole, whole[self.start : self.end] as part:
            return bytes(part)

    def holds(self, value: bytes) -> bool:
        """Whether these are the same bytes, compared piece by piece; of a closed mapping, no."""
        if self.data.closed or len(value) != len(self):
            return False
        for at in range(0, len(value), _PIECE):
            stop = min(at + _PIECE, len(value))
            if value[at:stop] != self.data[self.start + at : self.start + stop]:
                return False
        return True


# What was copied lately: an object that is made of a copy need not keep it. A copy that knew by
# itself where it lies would be a class of its own, which takes twice its size to make.
_copied: deque[Lying] = deque(maxlen=8)


def _read_payload(stream: Any, data: Any, handler: Any) -> Any:
    """A stream's bytes as they stand in the file; of a large one, where they lie."""
    if not isinstance(stream, MappedStream):
        return _theirs(stream, data, handler)
    before, stream.leave = stream.leave, _left
    try:
        return _theirs(stream, data, handler)
    finally:
        stream.leave = before


def _left(data: mmap.mmap, start: int, end: int) -> Lying | None:
    return Lying(data, start, end) if end - start >= _LARGE else None


def _encoded(self: Any) -> Any:
    kept = self.__dict__.get("_encoded_data")
    return kept.copy() if isinstance(kept, Lying) else kept


def _encoded_once(self: Any) -> Any:
    """The library's own property asks three times."""
    kept = self.__dict__.get("_encoded_data")
    return kept.copy() if isinstance(kept, Lying) else _their_property.fget(self)


def _keep_encoded(self: Any, value: Any) -> None:
    if type(value) is bytes and len(value) >= _LARGE:
        value = next((one for one in tuple(_copied) if one.holds(value)), value)
    self.__dict__["_encoded_data"] = value


def install() -> None:
    """Let the library leave large streams of mapped files in place; idempotent."""
    place: Any = generic
    place._maybe_read_stream_payload = _read_payload  # noqa: SLF001 - as above
    place.StreamObject.encoded_data = property(_encoded_once)
    place.StreamObject._encoded_data = property(_encoded, _keep_encoded)  # noqa: SLF001 - as above
