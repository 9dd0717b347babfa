"""One act of signing: what is asked and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from signing.contract.act_evidence import ActEvidence
from signing.contract.binding import CertificateBinding


class Level(StrEnum):
    """PAdES levels (ETSI EN 319 142-1)."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"

    @property
    def rank(self) -> int:
        """0 for B-B to 3 for B-LTA: each holds what the ones below hold."""
        return tuple(Level).index(self)


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
    own default place. A seal keeps its real size and takes only its centre from ``rect_mm``.
    Text that is there already is not covered (``text_under_stamp``) unless ``over_text`` says so;
    a seal over a person's signature always may.
    """

    page: int = -1
    rect_mm: tuple[float, float, float, float] | None = None
    anchor: str | None = None
    over_text: bool = False


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
    bindings: tuple[CertificateBinding, ...] = ()  # only with one of these; empty: with any
    text_style: str = ""  # vgca = dd.MM.yyyy HH:mm:ss +07:00 · iso = ISO 8601 · "" = configured
    accept_lower: bool = False  # sign at the level that can be reached now; raised later


class SigningPath(StrEnum):
    """Which of the two writers made a signed file; both make the same levels."""

    LANE = "lane"  # appended to the raw bytes of a plain document
    ORDINARY = "ordinary"  # pyHanko


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """The whole new file: the input's bytes come first, unchanged.

    ``level`` is what was reached: lower than asked only where the policy for an unknown revocation
    status allows it, and then ``evidence`` holds the warning.
    ``signed_at`` is as exact as the clock; what the file claims is cut to its second.
    """

    pdf: bytes
    sha256: str
    level: Level
    field_names: tuple[str, ...]
    certificate: bytes
    signed_at: datetime
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    evidence: ActEvidence | None = None
    shortfall: str = ""  # why ``level`` is below the order's (a ``SigningUnavailable`` code)
    path: SigningPath = SigningPath.ORDINARY

    @property
    def size(self) -> int:
        """Of the whole new file, in bytes."""
        return len(self.pdf)


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A signed file on disk: the source's bytes come first, unchanged."""

    sha256: str
    level: Level
    field_names: tuple[str, ...]
    certificate: bytes
    signed_at: datetime
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    path: SigningPath = SigningPath.ORDINARY
    evidence: ActEvidence | None = None
    shortfall: str = ""
    size: int = 0  # of the whole new file, in bytes


Signed = SignedPdf | SignedFile  # the outcome of an act, in memory or on disk
