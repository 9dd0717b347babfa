"""What the queue knows: why a file is in it, whether anybody still works on it, what settles it.

Owns the pure decisions. Leaves proof to the signing service, deadlines to ``policy``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.foundation.files import FileDamaged, FileMissing
from gateway.preservation.kept import KeptFile, Proof
from gateway.preservation.policy import PreservationPolicy
from signing.contract import Provability, SigningError, SigningUnavailable

# an authority's certificate was revoked: what its time-stamps carried ends now, not some day
REVOKED_STAMP = "timestamp_revoked"
# what ends a proof and can be put off by one more archive time-stamp
RENEWABLE = ("timestamp_certificate", "algorithm", REVOKED_STAMP)
# the file itself is not there to be reckoned
FILE_REASONS = ("file_missing", "file_damaged")
STORE_AWAY = "files_unavailable"


def file_reason(error: FileMissing | FileDamaged) -> str:
    """The code of a file that the store does not give back."""
    return FILE_REASONS[isinstance(error, FileDamaged)]


class Kind(StrEnum):
    """Why a file is in the queue."""

    RAISE = "raise"  # signed below the level that was asked for
    RENEW = "renew"  # its newest archive time-stamp ends soon


class State(StrEnum):
    """Whether anybody still works on it."""

    WAITING = "waiting"
    GIVEN_UP = "given_up"


def is_lost(error: SigningError) -> bool:
    """Whether trying again later is no help: the file itself was refused."""
    return not isinstance(error, SigningUnavailable)


def is_gain(found: Provability, before: Proof) -> bool:
    """Whether a renewal proves anything that was not proven before."""
    if found.until is None:
        return False
    if before.until is None or before.reason == REVOKED_STAMP:
        return found.reason != REVOKED_STAMP
    return found.until > before.until


def is_past_retention(file: KeptFile, policy: PreservationPolicy, now: datetime) -> bool:
    """Whether a file need not be kept provable any more."""
    end = policy.retained_until(file.kind, file.kept_since)
    return end is not None and end <= now


def is_settled(task: Any, file: KeptFile | None, policy: PreservationPolicy, now: datetime) -> bool:
    """Whether a row of the queue has nothing left to be done for.

    The file is kept no more; or a renewal is not due (any more): somebody else did it, the
    retention period is over, a clock was wrong, or the operator renews later than before. Whatever
    of this changes again, the calendar queues it again.
    """
    if file is None:
        return True
    if task.kind != Kind.RENEW:
        return False
    if is_past_retention(file, policy, now):
        return True
    until = file.provable_until
    if until is None or file.provable_reason == REVOKED_STAMP:
        return False
    return until > now + policy.renew_within or (task.until is not None and until > task.until)


def is_resting(task: Any, file: KeptFile, policy: PreservationPolicy, now: datetime) -> bool:
    """Whether a level is not raised for now: past its retention period.

    The row stays, because nothing else knows which level was wanted.
    """
    return task.kind == Kind.RAISE and is_past_retention(file, policy, now)
