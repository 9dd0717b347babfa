"""Large files where they lie: mapped instead of read, copied and appended to on the disk.

Owns mapping a file so that it takes no memory of its own, and the copy that grows. Leaves what is
read and appended to the callers.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from signing.contract import DocumentRefused
from signing.reading.stretches import Data

MAPPED_FROM = 32 * 1024 * 1024  # bytes: what is smaller is read faster than it is mapped


def append_to(path: Path, size: int, appended: bytes) -> None:
    """Let a file consist of its first ``size`` bytes and ``appended``."""
    with path.open("r+b") as writing:
        writing.seek(size)
        writing.write(appended)
        writing.truncate()


@asynccontextmanager
async def copied(source: Path, target: Path, size: int) -> AsyncIterator[asyncio.Future[None]]:
    """Copy beside other work; await the future before using the copy. A failure removes it."""
    copying = asyncio.get_running_loop().run_in_executor(None, _copy, source, target, size)
    try:
        yield copying
    except BaseException:
        await asyncio.wait([copying])
        await asyncio.to_thread(target.unlink, missing_ok=True)
        raise


def _copy(source: Path, target: Path, size: int) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        left = size
        while left:
            try:
                done = os.copy_file_range(reading.fileno(), writing.fileno(), left)
            except OSError:  # between file systems, or not offered by this one
                break
            if not done:
                break
            left -= done
        if left:
            reading.seek(size - left)
            writing.seek(size - left)
            shutil.copyfileobj(reading, writing, 1024 * 1024)
        writing.truncate(size)


@contextmanager
def mapped(path: Path) -> Iterator[bytes]:
    """A file's bytes without reading them; they must not change meanwhile.

    A mapping is read like bytes wherever this package reads documents.

    Raises:
        DocumentRefused: code ``not_a_pdf``, for an empty file.
    """
    with path.open("rb") as opened:
        try:
            data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise DocumentRefused(
                "not_a_pdf", "Tệp không phải là PDF.", "the file is empty"
            ) from None
        with data:
            yield cast("bytes", data)


@contextmanager
def whole_file(path: Path, mapped_from: int = MAPPED_FROM) -> Iterator[bytes]:
    """A file's bytes, read when it is small (at least when it is empty), else mapped."""
    if path.stat().st_size < max(mapped_from, 1):
        yield path.read_bytes()
        return
    with mapped(path) as data:
        yield data


class Remapped:
    """A file that is mapped anew whenever it was written to; a context, at whose end it is let go.

    ``data`` is what it held when it was mapped last, and no use afterwards.
    """

    data: Data

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mapping = ExitStack()

    def map_again(self) -> None:
        """Let ``data`` be what the file holds now."""
        self._mapping.close()
        self.data = self._mapping.enter_context(mapped(self.path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mapping.close()
