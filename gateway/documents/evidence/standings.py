"""Where an act stands against a revocation: pure comparison of moments and reasons.

A signature that a time-stamp proves to be older than the revocation keeps its worth; one that only
claims so proves nothing (NĐ 23/2025/NĐ-CP; ETSI EN 319 102-1 §5.2.6). A time-stamp keeps it only
where its authority's key was not compromised: revoked as superseded and the like, what was stamped
before stays good; for a compromised key, or without a reason, nothing does (RFC 3161 §4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

# Reasons (RFC 5280 §5.3.1) that leave an authority's earlier time-stamps good.
HARMLESS = ("unspecified", "affiliationChanged", "superseded", "cessationOfOperation")
CAUSES = (*HARMLESS, "keyCompromise", "cACompromise", "aACompromise", "privilegeWithdrawn",
          "certificateHold")  # fmt: skip


class Standing(StrEnum):
    """Where an act stands against a revocation."""

    BEFORE = "before_revocation"
    AFTER = "after_revocation"
    UNPROVEN = "unproven"
    VOID = "void"  # of time-stamps: whenever they were made
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True, slots=True)
class Revoked:
    """Since when a certificate is revoked, and why; ``at`` is None where it is not."""

    at: datetime | None = None
    cause: str | None = None

    @property
    def voids_all(self) -> bool:
        """Whether no time-stamp of it can be believed, however old."""
        return self.at is not None and self.cause not in HARMLESS


def standing(
    signed_at: datetime, proven_time: datetime | None, revoked_at: datetime | None
) -> Standing:
    """Where a signature stands; only a proven time can clear it."""
    if revoked_at is None:
        return Standing.NOT_COMPARED
    if proven_time is not None:
        return Standing.BEFORE if proven_time < revoked_at else Standing.AFTER
    return Standing.UNPROVEN if signed_at < revoked_at else Standing.AFTER


def stamp_standing(stamped_at: datetime, revoked: Revoked) -> Standing:
    """Where a time-stamp stands against the revocation of its authority's certificate."""
    if revoked.at is None:
        return Standing.NOT_COMPARED
    if revoked.voids_all:
        return Standing.VOID
    return Standing.BEFORE if stamped_at < revoked.at else Standing.AFTER


def standing_of(content: Mapping[str, Any], certificate_sha256: str, revoked: Revoked) -> Standing:
    """The same for a record: by the signature, or by the time-stamps, that the certificate made."""
    if is_signer(content, certificate_sha256):
        signature = content["signature"]
        signed_at, proven = signature["signed_at"], signature["proven_time"]
        proven_time = datetime.fromisoformat(proven) if proven is not None else None
        return standing(datetime.fromisoformat(signed_at), proven_time, revoked.at)
    return stamp_standing(stamped_at(content), revoked)


def is_signer(content: Mapping[str, Any], certificate_sha256: str) -> bool:
    """Whether a record's act was signed with the certificate, rather than time-stamped."""
    signature = content.get("signature") or {}
    return bool(signature.get("certificate_sha256") == certificate_sha256)


def stamped_at(content: Mapping[str, Any]) -> datetime:
    """When a record's act got its time-stamps."""
    signature = content.get("signature")
    if signature is None:
        return datetime.fromisoformat(content["extension"]["extended_at"])
    return datetime.fromisoformat(signature["proven_time"] or signature["signed_at"])
