"""The vocabulary both sides speak: what a signing service is asked, what it answers.

Holds plain picklable values (they cross into signer processes) and protocols; knows no PDF
library, no dossier and no database. Lengths on paper are millimetres from the page's visible
top-left corner; times are aware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from signing.key_config import KeyConfig as KeyConfig  # noqa: PLC0414 - part of the contract

# ------------------------------------------------------------------ errors


class SigningError(Exception):
    """A refusal with a code for machines and a Vietnamese sentence for people."""

    def __init__(self, code: str, message_vi: str, message_en: str = "") -> None:
        super().__init__(f"{code}: {message_en or message_vi}")
        self.code = code
        self.message_vi = message_vi
        self.message_en = message_en or message_vi

    def __reduce__(self) -> tuple[type[SigningError], tuple[str, str, str]]:
        """Survive the way back from a signer process."""
        return (type(self), (self.code, self.message_vi, self.message_en))


class DocumentRefused(SigningError):
    """The document must not be signed (not a PDF, encrypted, broken, dangerous content)."""


class CredentialRefused(SigningError):
    """The key or certificate must not be used (expired, revoked, wrong usage, wrong PIN)."""


class SigningUnavailable(SigningError):
    """A service needed for the asked level did not answer; nothing was signed."""


# ------------------------------------------------------------------ keys and clocks


class Clock(Protocol):
    """Injected time; ``now`` is aware and in UTC."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Credential:
    """A key the service can use: its name in the configuration and its certificate (DER)."""

    name: str
    subject: str
    issuer: str
    serial: str
    valid_from: datetime
    valid_to: datetime
    key_type: str  # "rsa-2048", "rsa-3072", "ecdsa-p256" …
    certificate: bytes
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class SignerConfig:
    """What a signer process needs to start; built by whoever wires the product."""

    keys: tuple[KeyConfig, ...] = ()
    roots: tuple[bytes, ...] = ()  # DER or PEM
    intermediates: tuple[bytes, ...] = ()
    timestamp_urls: tuple[str, ...] = ()
    timestamp_timeout_s: float = 30.0
    fetch_hosts: tuple[str, ...] = ()  # hosts OCSP and CRL may be fetched from; empty = any public
    allow_loopback: bool = False  # development PKI only


# ------------------------------------------------------------------ signing


class Level(StrEnum):
    """PAdES levels (ETSI EN 319 142-1)."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


class Role(StrEnum):
    """Whose act a signature is, and so how it looks (NĐ 30/2020 Annex I)."""

    INITIAL = "initial"  # ký nháy
    PERSON = "person"  # the official's own signature, blue, between title and name
    AGENCY = "agency"  # the clerk's act: number, day, month and the red seal
    COPY = "copy"  # sao y: text only, top right of page 1
    ANNEX = "annex"  # text only, top right of page 1
    CERTIFIER = "certifier"  # signs the attestation of a certified copy
    INVISIBLE = "invisible"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a visible signature goes: a rectangle, or the text to be placed at.

    ``rect_mm`` is (x, y, width, height) from the visible page's top-left corner, y downwards.
    ``page`` counts from 1; negative counts from the end. Neither rect nor anchor = the role's
    own default place.
    """

    page: int = -1
    rect_mm: tuple[float, float, float, float] | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """Number and date given when the clerk issues the document (NĐ 30/2020 Annex I §II.3)."""

    number: int
    symbol: str  # "QĐ-UBND"
    date: str  # ISO date


@dataclass(frozen=True, slots=True)
class SignOrder:
    """One act of signing by one credential.

    An ``AGENCY`` act with a ``document_number`` makes several visible signatures (number, day,
    month, seal), each over the revision before it, taken together or not at all.
    """

    pdf: bytes
    credential: str
    role: Role
    level: Level = Level.B_LTA
    pin: str | None = field(default=None, repr=False)
    otp: str | None = field(default=None, repr=False)  # a remote service's one-time code
    placement: Placement | None = None
    document_number: DocumentNumber | None = None
    signer_name: str | None = None  # default: the certificate's common name
    capacity: str | None = None  # TM. KT. TL. TUQ. Q.
    title: str | None = None  # Chủ tịch
    reason: str | None = None
    location: str | None = None
    text_style: str = "vgca"  # vgca = dd.MM.yyyy HH:mm:ss +07:00 · iso = ISO 8601


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """The whole new file: the input's bytes come first, unchanged."""

    pdf: bytes
    sha256: str
    level: Level
    field_names: tuple[str, ...]
    certificate: bytes
    signed_at: datetime
    timings_ms: Mapping[str, float] = field(default_factory=dict)


# ------------------------------------------------------------------ inspection


class Severity(StrEnum):
    """What a finding means for signing."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a document; ``where`` names page or object."""

    code: str
    severity: Severity
    where: str
    detail: str  # Vietnamese


@dataclass(frozen=True, slots=True)
class ExistingSignature:
    """A signature already in an inspected file (structure only, not validated)."""

    field_name: str
    signer: str | None
    covers_whole_file: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is, before anybody signs it."""

    sha256: str
    size: int
    pages: int
    pdf_version: str
    findings: tuple[Finding, ...]
    signatures: tuple[ExistingSignature, ...]

    @property
    def blocked(self) -> bool:
        """Whether any finding forbids signing."""
        return any(f.severity is Severity.BLOCK for f in self.findings)


# ------------------------------------------------------------------ validation


class Verdict(StrEnum):
    """The answer about a signature or a whole file (ETSI EN 319 102-1)."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """One signature's answer, with the fields TT 15/2025 names."""

    field_name: str
    verdict: Verdict
    signer: str
    issuer: str
    managing_unit: str | None
    claimed_time: datetime | None
    proven_time: datetime | None
    level: str | None
    integrity: bool
    certificate_status: str  # good | revoked | expired | not_yet_valid | unknown | untrusted
    certificate_valid_from: datetime | None
    certificate_valid_to: datetime | None
    algorithm: str
    indication: str  # TOTAL-PASSED | TOTAL-FAILED | INDETERMINATE
    sub_indication: str | None
    changes_after_signing: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()  # Vietnamese
    certificate_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Validation:
    """The answer about a file."""

    verdict: Verdict
    summary: str  # Vietnamese, one sentence
    sha256: str
    size: int
    signatures: tuple[SignatureVerdict, ...]
    messages: tuple[str, ...] = ()


# ------------------------------------------------------------------ attestation


@dataclass(frozen=True, slots=True)
class Attestation:
    """The page that makes a copy a certified copy (NĐ 23/2015, NĐ 45/2020 art. 10).

    ``heading`` and ``lines`` come from a dated template; ``qr_payload`` is the public
    verification address with its unguessable token.
    """

    heading: str
    lines: tuple[str, ...]
    signer_title: str
    signer_name: str
    qr_payload: str
    agency_name: str
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Attested:
    """A PDF with its attestation page; the anchors say where the two signatures go."""

    pdf: bytes
    pages: int
    certifier: Placement
    agency: Placement


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

    async def validate(self, pdf: bytes) -> Validation:
        """Judge every signature in a file; never raises for bad input."""
        ...

    async def attest(self, pdf: bytes, attestation: Attestation) -> Attested:
        """Make the copy that will be certified: the pages, then the attestation."""
        ...
