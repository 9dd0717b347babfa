"""Where documents live: content-addressed, immutable, on disk or in S3 through one interface.

A file's name is its SHA-256, so storing twice is storing once and a changed file shows itself.
Files are written before the transaction that names them; an orphan wastes room, nothing else.
Large files go in, out and to the signer without being held in memory: through temporary files
beside the store (``incoming``), or in the system's temporary folder when the store is elsewhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from gateway.foundation.spools import Spool, sweep, sweep_temporary

LARGE_FROM = 20 * 1024 * 1024
_CHUNK = 1024 * 1024
_STRETCH = 8 * 1024 * 1024  # of a file elsewhere, asked for at once
_PATIENCE = {"retry_timeout": timedelta(seconds=60)}  # somebody waits for the answer
_NO_STORE = "NoSuchBucket"  # S3's code; a missing file's is NoSuchKey
_PARTS_AT_ONCE = 4  # of 5 MiB, in memory while they are sent


class FileMissing(Exception):
    """The store does not have it."""


class FileDamaged(Exception):
    """What the store gave back is not what was put in."""


class FilesUnavailable(Exception):
    """A store elsewhere does not answer, or refuses us; nothing is known of the file."""


class FilesAddressWrong(ValueError):
    """No store can be at such an address."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on its way out.

    ``chunks`` raises ``FileDamaged`` before its last piece when the bytes are not the ones that
    were stored, so that nobody receives a whole file that is not the right one.
    """

    size: int
    chunks: AsyncIterator[bytes]


class FileStore:
    """Bytes by their SHA-256; every method raises ``FilesUnavailable`` when the store is away.

    ``large_from``: the size in bytes above which a file is not held in memory where that can be
    helped.
    """

    def __init__(self, url: str, large_from: int = LARGE_FROM) -> None:
        self.large_from = large_from
        self._folder: Path | None = None
        self._store: ObjectStore
        if is_elsewhere(url):
            self._store = store_elsewhere(url)
        else:
            self._folder = Path(url.removeprefix("file://")).absolute()
            self._store = LocalStore(self._folder, mkdir=True)

    async def put(self, content: bytes) -> str:
        """Store and return the SHA-256 (hex) it is found under."""
        digest = hashlib.sha256(content).hexdigest()
        with _reaching():
            await obstore.put_async(self._store, _path(digest), content)
        return digest

    async def put_once(self, content: bytes) -> str:
        """Like ``put``, but what is there already is not sent again (a CRL of many signatures)."""
        digest = hashlib.sha256(content).hexdigest()
        try:
            with _reaching():
                there = await obstore.head_async(self._store, _path(digest))
        except FileMissing:
            return await self.put(content)
        return digest if there["size"] == len(content) else await self.put(content)

    async def get(self, digest: str) -> bytes:
        """The bytes of a file that is known to be small: an answer, a certificate, a bundle's PDF.

        Raises:
            FileMissing: not there.
            FileDamaged: there, but changed.
        """
        return await self._read(digest, await self._find(digest))

    async def get_small(self, digest: str) -> bytes | None:
        """The bytes of a file that is not large; None for one that is. Otherwise as ``get``."""
        result = await self._find(digest)
        if result.meta["size"] > self.large_from:
            return None
        return await self._read(digest, result)

    async def _read(self, digest: str, result: obstore.GetResult) -> bytes:
        with _reaching():
            content = bytes(await result.bytes_async())
        if hashlib.sha256(content).hexdigest() != digest:
            raise FileDamaged(digest)
        return content

    async def _find(self, digest: str) -> obstore.GetResult:
        with _reaching():
            return await obstore.get_async(self._store, _path(digest))

    def checks(self) -> dict[str, Callable[[], Awaitable[bool]]]:
        """What ``/readyz`` may ask: whether a store elsewhere answers; nothing of a folder."""
        return {} if self._folder is not None else {"files": self._answers}

    async def _answers(self) -> bool:
        with suppress(FileMissing):  # asked with GET: an answer to HEAD tells no missing bucket
            await self._find("0" * 64)
        return True

    # ------------------------------------------------------------------ large files

    def spool(self) -> Spool:
        """Temporary files from which ``keep`` takes over without copying where it can."""
        if self._folder is None:
            return Spool(Path(tempfile.gettempdir()), self.large_from, temporary=True)
        return Spool(self._folder / "incoming", self.large_from)

    async def sweep(self, before: datetime) -> int:
        """Remove what killed processes left; say how many folders.

        In ``incoming`` only what nobody wrote into since ``before``: no upload and no signing takes
        a day. In the temporary folder, where it is known whose process lives, at once.
        """
        if self._folder is None:
            below = Path(tempfile.gettempdir())
            return await asyncio.to_thread(sweep_temporary, below, before.timestamp())
        return await asyncio.to_thread(sweep, self._folder / "incoming", before.timestamp())

    async def keep(self, path: Path, digest: str) -> None:
        """Take over a finished file, which is gone from its place afterwards.

        Args:
            path: a name that a spool of this store gave.
            digest: its SHA-256 (hex), under which it is found from now on.

        Raises:
            FileDamaged: sent to a store elsewhere, it was not what the hash says.
        """
        if self._folder is not None:
            await asyncio.to_thread(_move, path, self._folder / _path(digest))
            return
        seen = hashlib.sha256()
        pieces = _pieces_of(path, seen)
        with _reaching():
            await obstore.put_async(
                self._store, _path(digest), pieces, max_concurrency=_PARTS_AT_ONCE
            )
            if seen.hexdigest() != digest:
                await obstore.delete_async(self._store, _path(digest))
                raise FileDamaged(digest)
        await asyncio.to_thread(path.unlink)

    async def stream(self, digest: str) -> StoredFile:
        """A file piece by piece.

        Raises:
            FileMissing: not there.
        """
        if self._folder is not None:
            result = await self._find(digest)
            return StoredFile(result.meta["size"], _proven(_read_on(result), digest))
        try:
            with _reaching():
                size = (await obstore.head_async(self._store, _path(digest)))["size"]
        except FileMissing:
            await self._find(digest)  # whose answer tells a missing bucket from a missing file
            raise
        return StoredFile(size, _proven(self._stretches(digest, size), digest))

    async def _stretches(self, digest: str, size: int) -> AsyncIterator[bytes]:
        """One request each: one for everything would end when its receiver is slow."""
        for start in range(0, size, _STRETCH):
            end = min(start + _STRETCH, size)
            with _reaching():
                piece = await obstore.get_range_async(
                    self._store, _path(digest), start=start, end=end
                )
            yield bytes(piece)

    async def check(self, digest: str) -> None:
        """See that a file of any size is there, as it was stored.

        Raises:
            FileMissing, FileDamaged.
        """
        async for _ in (await self.stream(digest)).chunks:
            pass

    @asynccontextmanager
    async def local(self, digest: str) -> AsyncIterator[Path]:
        """A file of this machine with these bytes, not to be changed: the store's own, or a copy.

        Raises:
            FileMissing, FileDamaged.
        """
        if self._folder is not None:
            await self.check(digest)
            yield self._folder / _path(digest)
            return
        async with self.spool() as spool:
            copy = await spool.new()
            file = await self.stream(digest)
            with await asyncio.to_thread(copy.open, "wb") as out:
                async for piece in file.chunks:
                    await asyncio.to_thread(out.write, piece)
            yield copy


def is_elsewhere(url: str) -> bool:
    """Whether documents are kept in a store that is no folder of this machine."""
    return "://" in url and not url.startswith("file://")


def store_elsewhere(url: str) -> ObjectStore:
    """The store at an address; what else it needs stands in the environment (``AWS_…``).

    Raises:
        FilesAddressWrong: no such kind of store, or something that it needs is not said.
    """
    patience: dict[str, Any] = {} if url.startswith("memory:") else {"retry_config": _PATIENCE}
    try:
        return from_url(url, **patience)
    except (BaseError, ValueError) as error:
        raise FilesAddressWrong(str(error).partition("\n")[0]) from error


@contextmanager
def _reaching() -> Iterator[None]:
    """What the store says, in our own words."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        if _NO_STORE in str(error):
            raise FilesUnavailable(_NO_STORE) from error
        raise FileMissing(str(error).partition("\n")[0]) from error
    except BaseError as error:
        raise FilesUnavailable(str(error).partition("\n")[0]) from error


async def _proven(pieces: AsyncIterator[bytes], digest: str) -> AsyncIterator[bytes]:
    """The pieces, the last one only when all of them together have the hash."""
    seen, held = hashlib.sha256(), b""
    async for piece in pieces:
        if held:
            yield held
        held = piece
        await asyncio.to_thread(seen.update, held)
    if seen.hexdigest() != digest:
        raise FileDamaged(digest)
    yield held


async def _read_on(result: obstore.GetResult) -> AsyncIterator[bytes]:
    async for piece in result.stream(min_chunk_size=_CHUNK):
        yield bytes(piece)


async def _pieces_of(path: Path, seen: hashlib._Hash) -> AsyncIterator[bytes]:
    def read(file: BinaryIO) -> bytes:
        piece = file.read(_CHUNK)
        seen.update(piece)
        return piece

    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(read, file):
            yield piece


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(target)


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
