"""The pool's side of documents too large to be handed about: children are told where they lie.

Owns what is said of a file that a reader did not come to the end of. No byte of a document passes
through the process that owns the pool.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from signing.contract import (
    Attestation,
    AttestedFile,
    Clock,
    DocumentNumber,
    ExtendedFile,
    Inspection,
    Level,
    Placement,
    PreparedFile,
    RemoteFilePaths,
    SignedFile,
    SignedPieces,
    SigningUnavailable,
    SignOrder,
    Validation,
    VoidStamps,
)
from signing.processes.crews import Crew
from signing.processes.reckoning import ReckoningJobs
from signing.processes.unfinished import (
    is_unfinished,
    unfinished_file_inspection,
    unfinished_file_validation,
)


class LargeFileJobs(ReckoningJobs):
    """``LargeFiles`` for the pool, which gives what is declared here."""

    _clock: Clock
    _validation_limit_s: float
    _limit_s: float
    _archivists: Crew

    if TYPE_CHECKING:

        async def _run(self, job: str, *arguments: Any) -> Any: ...
        async def _on(
            self, crew: Crew, limit_s: float, job: str, arguments: tuple[Any, ...]
        ) -> Any: ...
        async def _read(self, job: str, *arguments: Any, limit_s: float | None = None) -> Any: ...

    async def inspect_file(self, path: Path) -> Inspection:
        """Look before signing, in a reader; one that gives up is a finding."""
        try:
            return cast("Inspection", await self._read("inspect_file", path))
        except SigningUnavailable as lost:
            if not is_unfinished(lost.code):
                raise
            return await asyncio.to_thread(unfinished_file_inspection, path, lost.code)

    async def sign_file(self, order: SignOrder, source: Path, target: Path) -> SignedFile:
        """Sign a file into another one, in a child with keys, once a reader has seen it.

        A child that is lost over it leaves no target file.
        """
        found = await self.inspect_file(source)
        found.refuse_if_blocked()
        signed = await self._leaving(target, "sign_file", order, source, target, found.sha256)
        return cast("SignedFile", signed)

    async def attest_file(
        self, source: Path, target: Path, attestation: Attestation
    ) -> AttestedFile:
        """Make the copy that will be certified, in a reader, in another file."""
        try:
            made = await self._read("attest_file", source, target, attestation)
        except SigningUnavailable:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise
        return cast("AttestedFile", made)

    async def prepare_file(self, order: SignOrder, source: Path, target: Path) -> PreparedFile:
        """Write the revision for a key that is confirmed elsewhere into another file."""
        found = await self.inspect_file(source)
        found.refuse_if_blocked()
        job = ("prepare_file", order, source, target, found.sha256)
        return cast("PreparedFile", await self._leaving(target, *job))

    async def finish_file(
        self, prepared: PreparedFile, signature: bytes, files: RemoteFilePaths
    ) -> SignedFile | PreparedFile:
        """Embed a raw signature that verifies, into another file."""
        made = await self._leaving(files.target, "finish_file", prepared, signature, files)
        return cast("SignedFile | PreparedFile", made)

    async def accept_hand_off_file(
        self, order: SignOrder, source: Path, signed: Path
    ) -> SignedFile:
        """Prove a file that a desktop program signed, once a reader has seen both."""
        found = await self.inspect_file(source)
        found.refuse_if_blocked()
        (await self.inspect_file(signed)).refuse_if_blocked()
        made = await self._run("accept_hand_off_file", order, source, signed, found.sha256)
        return cast("SignedFile", made)

    async def _leaving(self, target: Path, job: str, *arguments: Any) -> Any:
        """A signer's job; a child that is lost over it leaves no target file."""
        try:
            return await self._run(job, *arguments)
        except SigningUnavailable:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise

    async def extend_file(
        self, source: Path, target: Path, level: Level, void: tuple[VoidStamps, ...] = ()
    ) -> ExtendedFile:
        """Append proof to a copy, where nothing is done but that; no key is needed.

        A child that is lost over it leaves no target file.
        """
        arguments = (source, target, level, void)
        try:
            found = await self._on(self._archivists, self._limit_s, "extend_file", arguments)
        except SigningUnavailable:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise
        return cast("ExtendedFile", found)

    async def validate_file(
        self, path: Path, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge every signature, in a reader; a file that costs too much stays undecided."""
        try:
            found = await self._read(
                "validate_file", path, allowed_fields, limit_s=self._validation_limit_s
            )
        except SigningUnavailable as lost:
            if not is_unfinished(lost.code):
                raise
            now = self._clock.now()
            return await asyncio.to_thread(unfinished_file_validation, path, lost.code, now)
        return cast("Validation", found)

    async def take_apart_file(self, path: Path) -> SignedPieces:
        """The pieces of a signed file, in a reader; nothing of one that costs too much."""
        try:
            return cast("SignedPieces", await self._read("take_apart_file", path))
        except SigningUnavailable as lost:
            if not is_unfinished(lost.code):
                raise
            return SignedPieces()

    async def check_number_file(
        self, path: Path, number: DocumentNumber, placement: Placement | None = None
    ) -> None:
        """Look, in a reader, whether the document takes the number it is to be given."""
        await self._read("check_number_file", path, number, placement)
