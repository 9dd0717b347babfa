"""The answer about the signatures in a file."""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from signing.contract.timestamps import TimeSource


class Verdict(StrEnum):
    """The answer about a signature or a whole file (ETSI EN 319 102-1)."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


class AnchorKind(StrEnum):
    """Whose root a signature leads to (NĐ 23/2025: two national trees), and the operator's own."""

    GOVERNMENT = "government"  # chuyên dùng Chính phủ
    PUBLIC = "public"  # the national root above the public certification authorities
    OWN = "own"


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """A root whose kind the operator named; ``certificate`` is DER or PEM, possibly several."""

    certificate: bytes
    kind: AnchorKind = AnchorKind.OWN


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """One signature's answer, with the fields TT 15/2025 names.

    Four answers stand apart, so that one doubt does not hide what is certain: ``integrity`` with
    ``changes_after_signing``, ``algorithm_status``, ``trust`` and ``time_status``.
    """

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
    reason: str = ""  # the code behind the first message: intact, hash_mismatch, time_limit …
    algorithm_status: str = "unknown"  # acceptable | weak | unlisted | unknown
    trust: str = "unknown"  # trusted | untrusted | unknown
    trust_anchor: str | None = None  # the root's name
    trust_anchor_kind: str | None = None  # government | public | own
    time_status: str = "none"  # proven | unproven | claimed | none
    time_source: TimeSource | None = None  # by which time-stamp, where it is proven
    certificate_serial: str = ""  # hexadecimal
    certificate: bytes = field(default=b"", repr=False)  # the signer's, DER
    digest_algorithm: str = ""  # of the signed bytes: sha256 …
    signed_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Validation:
    """The answer about a file."""

    verdict: Verdict
    summary: str  # Vietnamese, one sentence
    sha256: str
    size: int
    signatures: tuple[SignatureVerdict, ...]
    messages: tuple[str, ...] = ()
    reason: str = ""  # a code: the deciding signature's, or no_signature, resaved, time_limit …
    checked_at: datetime | None = None
    online: bool = False  # whether revocation was asked for at the issuers' services


def undecided_file(pdf: bytes | mmap.mmap, reason: str, summary: str, now: datetime) -> Validation:
    """The answer about a file that could not be looked at to the end, whatever it holds.

    Args:
        pdf: the file.
        reason: a code: ``time_limit``, ``memory_limit``, ``checker_lost``.
        summary: the same in a Vietnamese sentence.
        now: the moment of the attempt, aware.
    """
    return Validation(
        verdict=Verdict.INDETERMINATE,
        summary=summary,
        sha256=hashlib.sha256(pdf).hexdigest(),
        size=len(pdf),
        signatures=(),
        reason=reason,
        checked_at=now,
    )
