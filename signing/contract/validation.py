"""The answer about the signatures in a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
