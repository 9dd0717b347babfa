"""A certified copy while it is made: in memory when its source is small, else in files.

Owns the bytes between attestation page, signatures and verdict, and putting them into the file
store. Leaves what is printed and who signs to ``copies``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from gateway.foundation.files import FileDamaged, FileStore
from gateway.foundation.spools import Spool
from gateway.preservation.stored_files import ExtendingSignatures
from signing.contract import (
    Attestation,
    Attested,
    AttestedFile,
    Signed,
    SignOrder,
    Validation,
)


class Draft(Protocol):
    """The copy so far."""

    async def attest(self, attestation: Attestation) -> Attested | AttestedFile:
        """Append the attestation page.

        Raises:
            SigningError: the source cannot take it.
        """
        ...

    async def sign(self, order: SignOrder) -> tuple[str, Signed]:
        """Sign what is there, whatever the order's bytes are; the SHA-256 of what was signed.

        Raises:
            SigningError: the signing service's refusal.
        """
        ...

    async def validate(self) -> Validation:
        """Judge what is there."""
        ...

    async def keep(self) -> str:
        """Store it; its SHA-256."""
        ...


class _InMemory:
    def __init__(self, files: FileStore, signatures: ExtendingSignatures, pdf: bytes) -> None:
        self._files = files
        self._signatures = signatures
        self._pdf = pdf

    async def attest(self, attestation: Attestation) -> Attested:
        made = await self._signatures.attest(self._pdf, attestation)
        self._pdf = made.pdf
        return made

    async def sign(self, order: SignOrder) -> tuple[str, Signed]:
        before = hashlib.sha256(self._pdf).hexdigest()
        signed = await self._signatures.sign(dataclasses.replace(order, pdf=self._pdf))
        self._pdf = signed.pdf
        return before, signed

    async def validate(self) -> Validation:
        return await self._signatures.validate(self._pdf)

    async def keep(self) -> str:
        return await self._files.put(self._pdf)


class _OnDisk:
    """``path`` is the source at first, which stays."""

    def __init__(
        self, files: FileStore, signatures: ExtendingSignatures, spool: Spool, source: Path
    ) -> None:
        self._files = files
        self._signatures = signatures
        self._spool = spool
        self._path = source
        self._sha256 = ""

    async def attest(self, attestation: Attestation) -> AttestedFile:
        target = await self._spool.new()
        made = await self._signatures.attest_file(self._path, target, attestation)
        self._path, self._sha256 = target, made.sha256
        return made

    async def sign(self, order: SignOrder) -> tuple[str, Signed]:
        before, old, target = self._sha256, self._path, await self._spool.new()
        signed = await self._signatures.sign_file(order, old, target)
        self._path, self._sha256 = target, signed.sha256
        await asyncio.to_thread(old.unlink)
        return before, signed

    async def validate(self) -> Validation:
        found = await self._signatures.validate_file(self._path)
        if found.sha256 != self._sha256:
            raise FileDamaged(self._sha256)
        return found

    async def keep(self) -> str:
        await self._files.keep(self._path, self._sha256)
        return self._sha256


@asynccontextmanager
async def drafted(
    files: FileStore, signatures: ExtendingSignatures, sha256: str
) -> AsyncIterator[Draft]:
    """A draft that begins with a stored source.

    Raises:
        FileMissing, FileDamaged: the file store's.
    """
    pdf = await files.get_small(sha256)
    if pdf is not None:
        yield _InMemory(files, signatures, pdf)
        return
    async with files.local(sha256) as source, files.spool() as spool:
        yield _OnDisk(files, signatures, spool, source)
