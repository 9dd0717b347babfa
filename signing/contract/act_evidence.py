"""What one act of signing leaves behind to be judged by, besides the signed file.

TT 15/2025/TT-BKHCN art. 5 wants kept with each signature: the certificate, the revocation answers
at signing time and the results of the checks. Raw bytes as they were received, never re-encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signing.contract.timestamps import TimeSource


class CheckOutcome(StrEnum):
    """How a check ended in an act that was carried out: a failed one would have stopped it."""

    PASSED = "passed"
    WARNED = "warned"  # the policy allows it; somebody should know


@dataclass(frozen=True, slots=True)
class ActCheck:
    """One thing that was looked at before or after the key was used."""

    code: str
    outcome: CheckOutcome
    at: datetime
    detail: str  # Vietnamese, one sentence


@dataclass(frozen=True, slots=True)
class ActEvidence:
    """Certificates (DER), revocation answers, time-stamp tokens and checks of one act.

    ``chain`` is the signer's, the signer first, the root last; ``authority_certificates`` are
    those that the time-stamp tokens carry. ``proven_time`` is the moment by which every signature
    of the act existed: by their own time-stamps, or by one of the document over all of them where
    one has none (``time_source``); None without.
    """

    chain: tuple[bytes, ...]
    authority_certificates: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    timestamps: tuple[bytes, ...]
    checks: tuple[ActCheck, ...]
    algorithm: str  # "RSASSA-PSS SHA-256"
    proven_time: datetime | None = None
    time_source: TimeSource | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the checks that ended in a warning."""
        return tuple(c.detail for c in self.checks if c.outcome is CheckOutcome.WARNED)
