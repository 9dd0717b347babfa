"""The signing service for documents that are too large to be handed about in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from signing.contract.attestation import Attestation, AttestedFile
from signing.contract.inspection import Inspection
from signing.contract.orders import Level, SignedFile, SignOrder
from signing.contract.preservation import ExtendedFile, Provability, VoidStamps
from signing.contract.validation import Validation


@runtime_checkable
class LargeFiles(Protocol):
    """Works on files where they lie, on this machine; they must not change meanwhile."""

    async def inspect_file(self, path: Path) -> Inspection:
        """Look before signing; never raises for bad input, and nothing is repaired.

        Raises:
            OSError: the file cannot be read.
        """
        ...

    async def sign_file(self, order: SignOrder, source: Path, target: Path) -> SignedFile:
        """Sign a file into another one; ``order.pdf`` is not looked at.

        On a refusal there is no target file.

        Raises:
            DocumentRefused, CredentialRefused, SigningUnavailable.
        """
        ...

    async def attest_file(
        self, source: Path, target: Path, attestation: Attestation
    ) -> AttestedFile:
        """Make the copy that will be certified in another file; see ``Signatures.attest``.

        On a refusal there is no target file.

        Raises:
            DocumentRefused.
        """
        ...

    async def extend_file(
        self, source: Path, target: Path, level: Level, void: tuple[VoidStamps, ...] = ()
    ) -> ExtendedFile:
        """Append proof to a copy of a signed file; see ``Preserving.extend``.

        On a refusal there is no target file.

        Raises:
            DocumentRefused, SigningUnavailable.
        """
        ...

    async def validate_file(
        self, path: Path, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge every signature in a file; one that costs too much stays undecided."""
        ...

    async def provability_file(self, path: Path, void: tuple[VoidStamps, ...] = ()) -> Provability:
        """Until when the file's signatures can be proven; see ``Preserving.provability``."""
        ...
