"""A signed document put together and proved: in memory, or in a file beside its source.

Owns joining the source with what was appended, and mapping large files so that they take no memory
of their own. Nothing is delivered that does not pass ``signing.pades.proof``.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

from cryptography import x509

from signing.contract import DocumentRefused
from signing.pades.proof import prove, prove_appended

# what was appended, who must have signed, how many signatures → the file (or nothing), its SHA-256
Delivery = Callable[[bytes, x509.Certificate, int], tuple[bytes, str]]


def in_memory(before: bytes, state: Any = None) -> Delivery:
    """Deliver the whole file as bytes; ``state`` is a SHA-256 state that has read ``before``."""

    def deliver(
        appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, str]:
        after = before + appended
        return after, prove(before, after, certificate, signatures, state)

    return deliver


def into_file(target: Path, size: int, digest: bytes) -> Delivery:
    """Deliver into a copy of the source, which had this size and SHA-256."""

    def deliver(
        appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, str]:
        with target.open("r+b") as writing:
            writing.seek(size)
            writing.write(appended)
            writing.truncate()
        with mapped(target) as after:
            return b"", prove_appended(after, size, certificate, signatures, digest)

    return deliver


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
