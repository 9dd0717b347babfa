"""The signing service as the gateway sees it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from signing.contract.attestation import Attestation, Attested
from signing.contract.inspection import Inspection
from signing.contract.keys import Credential
from signing.contract.orders import SignedPdf, SignOrder
from signing.contract.validation import Validation


@runtime_checkable
class Signatures(Protocol):
    """The signing service as the gateway sees it: every call may run in another process."""

    async def credentials(self) -> tuple[Credential, ...]:
        """Every configured key that could be opened."""
        ...

    async def inspect(self, pdf: bytes) -> Inspection:
        """Look before signing; never raises for bad input, it finds instead."""
        ...

    async def sign(self, order: SignOrder) -> SignedPdf:
        """Sign, then verify the result independently before giving it back.

        Raises:
            DocumentRefused, CredentialRefused, SigningUnavailable.
        """
        ...

    async def validate(
        self, pdf: bytes, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge every signature in a file; never raises for bad input.

        ``allowed_fields`` are the form fields that the document's template lets people fill in
        after signing; ``*`` in a name stands for any characters.
        """
        ...

    async def attest(self, pdf: bytes, attestation: Attestation) -> Attested:
        """Make the copy that will be certified: the pages, then the attestation."""
        ...


@runtime_checkable
class KeyTrying(Protocol):
    """The part of the signing service that tries a key without signing."""

    async def try_key(self, order: SignOrder) -> None:
        """Open the order's key with what it gives, and close it again; nothing is signed.

        A service that keeps the key is asked what it wants, not whether a PIN is right.

        Raises:
            CredentialRefused: ``pin_required``, ``otp_required``, ``key_disabled`` …
            SigningUnavailable: its token or service is away.
        """
        ...
