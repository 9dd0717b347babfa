"""A signed document put together and proved: in memory, or in a file beside its source.

Owns joining the source with what was appended, and mapping large files so that they take no memory
of their own. Nothing is delivered that does not pass ``signing.pades.proof``.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from cryptography import x509

from signing.contract import DocumentRefused
from signing.pades.proof import GrowingProof, Proved, prove_appended

_LOOKED_AT = 8 * 1024 * 1024  # bytes; looking ahead at a larger file would copy it once more


class Delivery(Protocol):
    """A way to deliver a signed document."""

    def look_ahead(self, appended: bytes, certificate: x509.Certificate) -> None:
        """Prove finished revisions while more is on its way; see ``GrowingProof``."""
        ...

    def deliver(
        self, appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, Proved]:
        """Prove everything that was appended; give the file (or nothing) and what was proved."""
        ...


class InMemory:
    """Deliver the whole file as bytes; ``state`` is a SHA-256 state that has read ``before``."""

    def __init__(self, before: bytes, state: Any = None) -> None:
        self._before = before
        self._state = state
        self._proof: tuple[x509.Certificate, GrowingProof] | None = None

    def look_ahead(self, appended: bytes, certificate: x509.Certificate) -> None:
        """Prove finished revisions of a file that is not large."""
        if len(self._before) + len(appended) <= _LOOKED_AT:
            self._proof_for(certificate).read(self._before + appended)

    def _proof_for(self, certificate: x509.Certificate) -> GrowingProof:
        if self._proof is None or self._proof[0] != certificate:
            self._proof = certificate, GrowingProof(self._before, certificate, self._state)
        return self._proof[1]

    def deliver(
        self, appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, Proved]:
        """Prove and give the file."""
        proof = self._proof_for(certificate)
        after = self._before + appended
        proof.read(after)
        return after, proof.finish(signatures)


@dataclass(frozen=True, slots=True)
class IntoFile:
    """Deliver into a copy of the source, which had this size and SHA-256."""

    target: Path
    size: int
    digest: bytes

    def look_ahead(self, appended: bytes, certificate: x509.Certificate) -> None:
        """Nothing: the file is read once, where it lies."""

    def deliver(
        self, appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, Proved]:
        """Write, and prove what lies on the disk."""
        with self.target.open("r+b") as writing:
            writing.seek(self.size)
            writing.write(appended)
            writing.truncate()
        with mapped(self.target) as after:
            return b"", prove_appended(after, self.size, certificate, signatures, self.digest)


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
