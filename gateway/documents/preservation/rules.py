"""Keeping documents provable: when a level is raised, when somebody is told, what is renewed.

Owns the pure decisions. Leaves proof to the signing service and rows to ``preservation_store``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from signing.contract import Extended, Level, SigningError, SigningUnavailable

REFUSE, SIGN_AND_RAISE = "refuse", "sign_and_raise"  # a service that the level needs is down

# what an extension still lacks, but cannot be had any more: trying again is no help
LOST = "validation_data_missing"
# signed lower by the policy for an unknown revocation status, not by the request's choice
UNKNOWN_REVOCATION = "revocation_unavailable"
NO_GAIN = "renewal_no_gain"  # the authority's own certificate ends as soon as the old stamp
RENEWABLE = ("timestamp_certificate", "algorithm")


class Kind(StrEnum):
    """Why a document is in the queue."""

    RAISE = "raise"  # signed below the level that was asked for
    RENEW = "renew"  # its newest archive time-stamp ends soon


class State(StrEnum):
    """Whether anybody still works on it."""

    WAITING = "waiting"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class PreservationPolicy:
    """The operator's deadlines."""

    when_unavailable: str = REFUSE  # of requests that do not say
    alarm_after: timedelta = timedelta(hours=24)  # a level not reached for so long is told
    alarm_before: timedelta = timedelta(days=7)  # and in any case so long before it is too late
    renew_within: timedelta = timedelta(days=90)  # before an archive time-stamp ends; 0 = never
    retry_s: tuple[int, ...] = (60, 300, 900, 3600)

    def alarm_at(self, now: datetime, until: datetime | None) -> datetime:
        """When somebody is told that a level is still not reached.

        Args:
            now: when the document was published below its level.
            until: when its proof ends, such as with the signer's certificate.
        """
        late = now + self.alarm_after
        return late if until is None else max(now, min(late, until - self.alarm_before))

    def next_try(self, now: datetime, attempts: int, reason: str = "") -> datetime:
        """When to try again after so many failures; the last wait is repeated.

        A renewal that gains nothing is tried once a day: authorities renew their certificates.
        """
        if reason == NO_GAIN:
            return now + timedelta(days=1)
        return now + timedelta(seconds=self.retry_s[min(attempts, len(self.retry_s)) - 1])


DEFAULT_POLICY = PreservationPolicy()


def falls_short(wanted: str, reached: str) -> bool:
    """Whether a level is below the one that was asked for."""
    return Level(reached).rank < Level(wanted).rank


def higher(level: str | None, other: str) -> str:
    """The higher of two levels, of which the first may be none."""
    return other if level is None or falls_short(other, level) else level


def seal_must_wait(reached: str) -> bool:
    """Whether a person's signature at this level proves too little for the agency to seal.

    Below B-LT a file holds no revocation data, so offline it is never found valid.
    """
    return Level(reached).rank < Level.B_LT.rank


def is_lost(error: SigningError) -> bool:
    """Whether trying again later is no help: the document itself was refused."""
    return not isinstance(error, SigningUnavailable)


def is_complete(extended: Extended) -> bool:
    """Whether nothing is missing that could still be had."""
    return extended.shortfall in ("", LOST)
