"""Documents too large for memory: taken in, judged and signed as files, on the way to their place.

Owns the path from the file store to a local file, to the signing service and back; which document
is large is the file store's option. Leaves units of work, refusals and what is told to ``service``
and ``acts``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gateway.documents.evidence import log as evidence_log
from gateway.documents.preservation.preserving import PreservingSignatures
from gateway.documents.steps import Result
from gateway.foundation.files import FileDamaged, FileStore
from gateway.foundation.spools import SpooledFile
from gateway.preservation.doubts import Doubts
from signing.contract import (
    DocumentNumber,
    Inspection,
    LargeFiles,
    Numbering,
    Placement,
    Provability,
    RemoteFiles,
    SignedFile,
    SignedPieces,
    SigningError,
    SignOrder,
    TakingApart,
    Validation,
    with_earlier_signatures,
)


class DocumentSignatures(
    PreservingSignatures, LargeFiles, RemoteFiles, TakingApart, Numbering, Protocol
):
    """Signs, keeps what is signed provable, works on files where they lie, takes them apart."""


class LargeDocuments:
    """What is done with a document that is not held in memory."""

    def __init__(self, files: FileStore, signatures: DocumentSignatures, doubts: Doubts) -> None:
        self._doubts = doubts
        self._files = files
        self._signatures = signatures

    async def look(self, file: SpooledFile) -> Inspection:
        """What an uploaded file is; the signatures it came with are judged.

        Raises:
            SigningError: the signing service's refusal.
        """
        found = await self._signatures.inspect_file(file.path)
        _expect(found, file.sha256)
        if found.blocked or not found.signatures:
            return found
        return with_earlier_signatures(found, await self._signatures.validate_file(file.path))

    async def reckon(self, path: Path, tenant: str) -> Provability | None:
        """As ``preserving.reckon``."""
        try:
            return await self._signatures.provability_file(path, self._doubts.of(tenant))
        except SigningError:
            return None

    async def validate(
        self, sha256: str, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge a stored file.

        Raises:
            SigningError: the signing service's refusal.
        """
        async with self._files.local(sha256) as path:
            return await self._signatures.validate_file(path, allowed_fields)

    async def witness(
        self, sha256: str, allowed_fields: frozenset[str]
    ) -> tuple[Validation, SignedPieces]:
        """The verdict on a stored file, and the pieces of it that other programs check.

        Raises:
            SigningError: the signing service's refusal.
        """
        async with self._files.local(sha256) as path:  # from a store elsewhere, one copy for both
            verdict = await self._signatures.validate_file(path, allowed_fields)
            return verdict, await self._signatures.take_apart_file(path)

    async def check_number(
        self, sha256: str, number: DocumentNumber, placement: Placement | None
    ) -> None:
        """Whether a stored file takes the number it is to be given; see ``Numbering``."""
        async with self._files.local(sha256) as path:
            await self._signatures.check_number_file(path, number, placement)

    async def sign(self, order: SignOrder, sha256: str, tenant: str) -> Result:
        """Sign a stored file into a new one and store that; ``order.pdf`` is not looked at.

        Raises:
            SigningError: the signing service's refusal; nothing was stored.
        """
        async with self._files.local(sha256) as source, self._files.spool() as spool:
            target = await spool.new()
            signed = await self._signatures.sign_file(order, source, target)
            return await self.take_in(target, signed, tenant)

    async def take_in(self, path: Path, signed: SignedFile, tenant: str) -> Result:
        """Look at a signed file, reckon until when it is provable, store it and its evidence.

        Raises:
            SigningError: nobody could look. FileDamaged: it is not the file that was signed.
        """
        look = await self._signatures.inspect_file(path)
        _expect(look, signed.sha256)
        provable = await self.reckon(path, tenant)
        await self._files.keep(path, signed.sha256)
        kept = await evidence_log.keep(self._files, signed)
        return Result(signed, signed.sha256, look, kept, provable)


def _expect(found: Inspection, sha256: str) -> None:
    """A reader hashes what it reads: it must be the file that was meant."""
    if found.sha256 not in ("", sha256):  # empty: beyond the size that is read at all
        raise FileDamaged(sha256)
