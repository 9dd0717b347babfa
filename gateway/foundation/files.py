"""Where documents live: content-addressed, immutable, on disk or in S3 through one interface.

A file's name is its SHA-256, so storing twice is storing once and a changed file shows itself.
Files are written before the transaction that names them; an orphan wastes room, nothing else.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url


class FileMissing(Exception):
    """The store does not have it."""


class FileDamaged(Exception):
    """What the store gave back is not what was put in."""


class FileStore:
    """Bytes by their SHA-256."""

    def __init__(self, url: str) -> None:
        if "://" in url and not url.startswith("file://"):
            self._store: ObjectStore = from_url(url)
        else:
            folder = Path(url.removeprefix("file://")).absolute()
            self._store = LocalStore(folder, mkdir=True)

    async def put(self, content: bytes) -> str:
        """Store and return the SHA-256 (hex) it is found under."""
        digest = hashlib.sha256(content).hexdigest()
        await obstore.put_async(self._store, _path(digest), content)
        return digest

    async def put_once(self, content: bytes) -> str:
        """Like ``put``, but what is there already is not sent again (a CRL of many signatures)."""
        digest = hashlib.sha256(content).hexdigest()
        try:
            there = await obstore.head_async(self._store, _path(digest))
        except (NotFoundError, FileNotFoundError):
            return await self.put(content)
        return digest if there["size"] == len(content) else await self.put(content)

    async def get(self, digest: str) -> bytes:
        """The bytes of a SHA-256.

        Raises:
            FileMissing: not there.
            FileDamaged: there, but changed.
        """
        try:
            result = await obstore.get_async(self._store, _path(digest))
        except (NotFoundError, FileNotFoundError) as error:
            raise FileMissing(digest) from error
        content = bytes(await result.bytes_async())
        if hashlib.sha256(content).hexdigest() != digest:
            raise FileDamaged(digest)
        return content


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
