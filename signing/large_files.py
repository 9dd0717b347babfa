"""Documents too large to be handed about in memory: looked at, judged and signed where they lie.

Owns the file side of the service: mapping instead of reading, the copy that the signature is
appended to. Leaves the act itself to ``signing.service``.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from signing.contract import (
    Attestation,
    AttestedFile,
    ExtendedFile,
    Inspection,
    Level,
    Provability,
    SignedFile,
    SignedPdf,
    SignOrder,
    Validation,
    VoidStamps,
)
from signing.delivery import Delivery, IntoFile
from signing.keys.contract import OpenedKey
from signing.pades.drafts import Draft
from signing.pades.refusals import LargeFileNotPlain, check_readable
from signing.preservation import Extender
from signing.reading.mapped_files import copied, mapped, whole_file
from signing.reading.stretches import sha256_of
from signing.remote.begun import in_memory
from signing.stages import Timings


class LargeFileWork:
    """``LargeFiles`` for the service, which gives what is declared here."""

    _extender: Extender

    if TYPE_CHECKING:

        def _refuse_dangerous(self, pdf: bytes, inspected: bool | str = False) -> Any: ...
        async def _perform(
            self, order: SignOrder, state: Any, timings: Timings, delivery: Delivery
        ) -> SignedPdf: ...
        async def _open(self, order: SignOrder) -> OpenedKey: ...
        async def _sign_in_draft(
            self, order: SignOrder, key: OpenedKey, draft: Draft
        ) -> SignedFile: ...
        # public methods of the service, which describes them
        async def validate(  # noqa: D102 - see there
            self, pdf: bytes, allowed_fields: frozenset[str] = frozenset()
        ) -> Validation: ...
        async def provability(  # noqa: D102 - see there
            self, pdf: bytes, void: tuple[VoidStamps, ...] = ()
        ) -> Provability: ...

    async def inspect_file(self, path: Path) -> Inspection:
        """Look at a file on the disk before it is signed there; nothing is repaired."""
        from signing.inspection import inspect_file  # noqa: PLC0415 - loaded when first needed

        return inspect_file(path, repair=False)

    async def validate_file(
        self, path: Path, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge every signature; the file is mapped, not read."""
        with whole_file(path, mapped_from=0) as data:
            return await self.validate(data, allowed_fields)

    async def provability_file(self, path: Path, void: tuple[VoidStamps, ...] = ()) -> Provability:
        """Until when a file is provable; the file is mapped, not read."""
        with whole_file(path, mapped_from=0) as data:
            return await self.provability(data, void)

    async def attest_file(
        self, source: Path, target: Path, attestation: Attestation
    ) -> AttestedFile:
        """Append the attestation page to a copy; see ``LargeFiles``."""
        from signing.attestation import attest_in_place  # noqa: PLC0415 - when first needed

        with mapped(source) as data:
            async with copied(source, target, len(data)) as copying:
                await copying
                with target.open("r+b") as copy:
                    pages, certifier, agency = attest_in_place(data, copy, attestation)
                with mapped(target) as made:
                    digest = sha256_of(made).hexdigest()
        return AttestedFile(digest, pages, certifier, agency)

    async def extend_file(
        self, source: Path, target: Path, level: Level, void: tuple[VoidStamps, ...] = ()
    ) -> ExtendedFile:
        """``Preserving.extend`` from file to file; see ``LargeFiles``."""
        return await self._extender.extend_file(source, target, level, void)

    async def _sign_into(
        self, order: SignOrder, state: Any, timings: Timings, delivery: IntoFile
    ) -> SignedPdf:
        """By the lane; else in the copy itself, where pyHanko holds nothing of the document."""
        try:
            return await self._perform(order, state, timings, delivery)
        except LargeFileNotPlain:  # the key was opened and not used
            key = await self._open(order)
        try:
            with delivery.draft() as draft:
                return in_memory(b"", await self._sign_in_draft(order, key, draft))
        finally:
            await key.release()

    async def sign_file(
        self, order: SignOrder, source: Path, target: Path, inspected: str = ""
    ) -> SignedFile:
        """Sign a large file into another one; ``order.pdf`` is not looked at.

        ``inspected`` is the SHA-256 of the file that a process without keys found clean.
        The file is mapped, not read: what was inspected in this process before takes no memory.
        Otherwise as ``sign``. On a refusal there is no target file.
        """
        timings = Timings({}, perf_counter())
        with mapped(source) as data:
            order = dataclasses.replace(order, pdf=data)
            async with copied(source, target, len(data)) as copying:
                check_readable(order.pdf)
                state = self._refuse_dangerous(order.pdf, inspected)
                await copying
                timings.mark("inspection")
                delivery = IntoFile(target, len(data), state.digest())
                signed = await self._sign_into(order, state, timings, delivery)
        return SignedFile(
            sha256=signed.sha256,
            level=signed.level,
            field_names=signed.field_names,
            certificate=signed.certificate,
            signed_at=signed.signed_at,
            timings_ms=signed.timings_ms,
            path=signed.path,
            evidence=signed.evidence,
            shortfall=signed.shortfall,
            size=target.stat().st_size,  # noqa: ASYNC240 - a child does one job
        )
