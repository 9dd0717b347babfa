"""Levels raised later, as documents see it: what still counts, and when the seal has to wait.

Owns the pure decisions. Leaves proof to the signing service, the queue to ``gateway.preservation``.
"""

from __future__ import annotations

from signing.contract import Extended, Level

REFUSE, SIGN_AND_RAISE = "refuse", "sign_and_raise"  # a service that the level needs is down

# what an extension still lacks, but cannot be had any more: trying again is no help
LOST = "validation_data_missing"
# signed lower by the policy for an unknown revocation status, not by the request's choice
UNKNOWN_REVOCATION = "revocation_unavailable"


def seal_must_wait(reached: str) -> bool:
    """Whether a person's signature at this level proves too little for the agency to seal.

    Below B-LT a file holds no revocation data, so offline it is never found valid.
    """
    return Level(reached).rank < Level.B_LT.rank


def is_complete(extended: Extended) -> bool:
    """Whether nothing is missing that could still be had."""
    return extended.shortfall in ("", LOST)
