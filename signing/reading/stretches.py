"""Reading large mapped files stretch by stretch, so that little of them stays in this process.

Owns giving mapped pages back after they were read: they are the page cache's, which has them
still. Leaves what is done with the bytes to the caller.
"""

from __future__ import annotations

import hashlib
import mmap
from typing import Any

Data = bytes | mmap.mmap  # a file's bytes, in memory or where they lie on the disk
STRETCH = 8 * 1024 * 1024  # bytes


def read_into(state: Any, data: Data, start: int = 0, end: int | None = None) -> None:
    """Feed ``data[start:end]`` to a hash; no more than a stretch of a mapping stays resident."""
    end = len(data) if end is None else min(end, len(data))
    with memoryview(data) as whole:
        if not isinstance(data, mmap.mmap):
            with whole[start:end] as part:
                state.update(part)
            return
        for at in range(start, end, STRETCH):
            stop = min(at + STRETCH, end)
            with whole[at:stop] as part:
                state.update(part)
            let_go(data, at, stop)


def sha256_of(data: Data) -> Any:
    """A SHA-256 state that has read all of it."""
    state = hashlib.sha256()
    read_into(state, data)
    return state


def begins_with(longer: Data, shorter: Data) -> bool:
    """Whether a file begins with all bytes of another one."""
    if isinstance(longer, bytes) and isinstance(shorter, bytes):
        return longer.startswith(shorter)
    if len(longer) < len(shorter):
        return False
    for at in range(0, len(shorter), STRETCH):
        stop = min(at + STRETCH, len(shorter))
        if longer[at:stop] != shorter[at:stop]:
            return False
        let_go(longer, at, stop)
        let_go(shorter, at, stop)
    return True


def let_go(data: Data, start: int = 0, end: int | None = None) -> None:
    """Give the pages of a mapping back; what is read there again comes from the page cache."""
    if isinstance(data, mmap.mmap):
        end = len(data) if end is None else min(end, len(data))
        begin = start - start % mmap.PAGESIZE
        if end > begin:
            data.madvise(mmap.MADV_DONTNEED, begin, end - begin)
