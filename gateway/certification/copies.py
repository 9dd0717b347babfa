"""Making the certified copy: attestation page, certifier's signature, agency's seal, verdict.

Owns what is printed and in which order it is signed; leaves the number to ``issuing``, which holds
it meanwhile, and wording to the dated templates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.certification.answers import Shower
from gateway.certification.attestation import Template, fill_in
from gateway.certification.drafts import Draft, drafted
from gateway.certification.rules import (
    Agency,
    Certifier,
    RegisterKey,
    Secrets,
    printed_number,
    printed_volume,
)
from gateway.documents.confirmations.signing_places import Timestamping
from gateway.documents.evidence.log import KeptFile
from gateway.documents.evidence.witness import Witness
from gateway.foundation.clock import in_vietnam
from gateway.foundation.files import FileStore
from gateway.foundation.problems import Problem
from gateway.foundation.signing_problems import doubting
from gateway.preservation.stored_files import ExtendingSignatures
from signing import contract
from signing.contract import (
    Attestation,
    Attested,
    AttestedFile,
    CertificateBinding,
    CredentialRefused,
    KeyTrying,
    Level,
    Role,
    SignOrder,
    Verdict,
)

LEVEL = Level.B_LTA


class CertifyingSignatures(ExtendingSignatures, KeyTrying, Protocol):
    """Signs, and tries whether a key opens with what was given for it."""


class AgencyRefused(CredentialRefused):
    """The agency's key was refused, not the certifier's."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to print and sign a number."""

    row: Any
    key: RegisterKey
    fence: int
    number: int
    volume: int
    begun: datetime
    template: Template
    certifier: Certifier
    agency: Agency
    bindings: tuple[CertificateBinding, ...]  # which certificate the certifier must use
    at_service: frozenset[str] = frozenset()  # credentials that a service signs with

    def sends(self, *credentials: str) -> bool:
        """Whether signing with these reaches a service, which nobody can ask afterwards."""
        return not self.at_service.isdisjoint(credentials)


@dataclass(frozen=True, slots=True)
class Signed:
    """One of the two signatures: over which hash, what came of it, its raw bytes' names."""

    input_sha256: str
    result: contract.Signed
    kept: tuple[KeptFile, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """The signed file, where it is kept; the certifier's signature, then the agency's."""

    signed: contract.Signed
    digest: str
    pages: int
    signatures: tuple[Signed, Signed]

    @property
    def signature_fields(self) -> tuple[str, ...]:
        """The certifier's field, then the agency's."""
        return tuple(name for one in self.signatures for name in one.result.field_names)


class CopyMaker:
    """Turns a scan and a held number into a signed copy; touches no register."""

    def __init__(
        self,
        files: FileStore,
        signatures: CertifyingSignatures,
        shower: Shower,
        witness: Witness,
        timestamping: Timestamping = lambda _level: nullcontext(),
    ) -> None:
        self._timestamping = timestamping
        self._files = files
        self._witness = witness
        self._signatures = signatures
        self._shower = shower

    async def make(self, hold: Hold, secrets: Secrets) -> Copy:
        """The copy, in the file store, with both signatures found valid.

        Raises:
            Problem: ``certified_copy_not_valid``.
            AgencyRefused: the agency's key, or what was given for it.
            SigningError: the service refused or was away; ``outcome_unknown`` when a process was
                lost after a key's service may have been called.
        """
        async with drafted(self._files, self._signatures, hold.row.source_sha256) as draft:
            attested = await draft.attest(self._attestation(hold))
            async with self._timestamping(LEVEL):
                person, agency = await self._sign_twice(hold, draft, attested, secrets)
            keys = (hold.certifier.credential, hold.agency.credential)
            with doubting(at_service=hold.sends(*keys)):
                verdict = await draft.validate()
            if verdict.verdict is not Verdict.VALID:
                raise Problem("certified_copy_not_valid", verdict.summary)
            digest = await draft.keep()
        return Copy(agency.result, digest, attested.pages, (person, agency))

    async def _sign_twice(
        self, hold: Hold, draft: Draft, attested: Attested | AttestedFile, secrets: Secrets
    ) -> tuple[Signed, Signed]:
        """The certifier, then the agency.

        What a service signs for the certifier cannot be taken back (a code, one of so many
        signatures): there, the agency's key is opened first, so that it is not used in vain.
        """
        order = self._order(hold, attested, secrets)
        credential = hold.agency.credential
        seal = SignOrder(
            b"",
            credential,
            Role.AGENCY,
            LEVEL,
            pin=secrets.agency_pin,
            otp=secrets.agency_otp,
            placement=attested.agency,
        )
        if hold.sends(order.credential):
            with _of_agency():
                await self._signatures.try_key(seal)
        with doubting(at_service=hold.sends(order.credential)):
            person = await self._sign(draft, order)
        with doubting(at_service=hold.sends(order.credential, credential)), _of_agency():
            return person, await self._sign(draft, seal)

    @staticmethod
    def _order(hold: Hold, attested: Attested | AttestedFile, secrets: Secrets) -> SignOrder:
        return SignOrder(
            b"",
            hold.certifier.credential,
            Role.CERTIFIER,
            LEVEL,
            pin=secrets.pin,
            otp=secrets.otp,
            placement=attested.certifier,
            signer_name=hold.certifier.name,
            title=hold.certifier.title,
            bindings=hold.bindings,
        )

    async def _sign(self, draft: Draft, order: SignOrder) -> Signed:
        before, result = await draft.sign(order)
        return Signed(before, result, await self._witness.keep(result))

    def _attestation(self, hold: Hold) -> Attestation:
        row, day = hold.row, in_vietnam(hold.begun)
        wording = fill_in(
            hold.template,
            {
                "number": printed_number(hold.number),
                "volume": printed_volume(hold.volume, hold.key.year),
                "book": row.book,
                "day": f"{day.day:02d}",
                "month": f"{day.month:02d}",
                "year": str(day.year),
                "agency": hold.agency.name,
                "certifier": hold.certifier.name,
                "title": hold.certifier.title,
                "pages": str(row.source_pages),
                "copies": str(row.copies),
            },
        )
        return Attestation(
            heading=wording.heading,
            lines=wording.lines,
            signer_title=hold.certifier.title,
            signer_name=hold.certifier.name,
            qr_payload=self._shower.address(row.token),
            agency_name=hold.agency.name,
            footer=wording.footer,
        )


@contextmanager
def _of_agency() -> Iterator[None]:
    """Say of a refused key that it is the agency's: the certifier types for both."""
    try:
        yield
    except CredentialRefused as error:
        sentence = f"Khóa của cơ quan: {error.message_vi}"
        raise AgencyRefused(
            error.code, sentence, f"the agency's key: {error.message_en}"
        ) from error
