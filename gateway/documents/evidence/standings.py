"""Where a signature stands against a revocation: pure comparison of moments.

A signature that a time-stamp proves to be older than the revocation keeps its worth; one that only
claims so proves nothing (NĐ 23/2025/NĐ-CP; ETSI EN 319 102-1 §5.2.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any


class Standing(StrEnum):
    """Where a signature stands against a revocation."""

    BEFORE = "before_revocation"
    AFTER = "after_revocation"
    UNPROVEN = "unproven"
    NOT_COMPARED = "not_compared"


def standing(
    signed_at: datetime, proven_time: datetime | None, revoked_at: datetime | None
) -> Standing:
    """Where a signature stands; only a proven time can clear it."""
    if revoked_at is None:
        return Standing.NOT_COMPARED
    if proven_time is not None:
        return Standing.BEFORE if proven_time < revoked_at else Standing.AFTER
    return Standing.UNPROVEN if signed_at < revoked_at else Standing.AFTER


def standing_of(signature: Mapping[str, Any], revoked_at: datetime | None) -> Standing:
    """The same for a signature as a record writes it."""
    proven = signature["proven_time"]
    proven_time = datetime.fromisoformat(proven) if proven is not None else None
    return standing(datetime.fromisoformat(signature["signed_at"]), proven_time, revoked_at)
