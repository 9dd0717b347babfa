"""Where the signatures of a file stand, by nothing but their byte ranges (ISO 32000-2, 12.8.1).

Owns finding them after a position, also ahead of a gap that is not filled yet, and taking the
message out of its gap. Leaves what the bytes say to ``proof``; knows nothing of how they were
written.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterator
from mmap import mmap
from typing import Any, NamedTuple

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


class Foreseen(NamedTuple):
    """Bytes that are expected next, up to a gap: hashed and looked through while it is filled."""

    tail: bytes
    state: Any  # SHA-256 that has read them too
    first: int  # where in them the first byte range is written


def foresee(tail: bytes, state: Any) -> Foreseen | None:
    """Read what will stand before the next gap; ``state`` has read what precedes it, and stays."""
    match = _BYTE_RANGE.search(tail)
    if match is None:
        return None
    ahead = state.copy()
    ahead.update(tail)
    return Foreseen(tail, ahead, match.start())


def byte_ranges(
    data: bytes | mmap, position: int, at: int | None = None
) -> Iterator[tuple[int, int, int]]:
    """Each byte range from a position on: where its gap begins and ends, and where it ends.

    Nothing is looked for inside a gap: it holds digits, as ``message_in`` makes sure; nor before
    ``at``, where the caller knows that there is none.
    """
    at = position if at is None else at
    while (match := _BYTE_RANGE.search(data, at)) is not None:
        start, length, second, rest = map(int, match.groups())
        end = second + rest
        if start != 0 or not position <= length < second <= end <= len(data):
            raise ValueError("a byte range does not lie on the file")
        yield length, second, end
        position, at = length, second if match.end() <= length else match.end()


def message_in(data: bytes | mmap, length: int, second: int) -> bytes:
    """What stands in the gap of a byte range; zero padding follows the message."""
    if data[length : length + 1] != b"<" or data[second - 1 : second] != b">":
        raise ValueError("a byte range does not frame its signature")
    return unhexlify(data[length + 1 : second - 1])
