"""Validating as a signing service is configured: its roots, their kinds, its limit, online or not.

Owns sharing one time limit between asking and judging. Both are other modules' of this room.
"""

from __future__ import annotations

from signing.contract import Clock, SignerConfig, Validation
from signing.evidence.eligibility import ChainBuilder
from signing.evidence.revocation import RevocationChecker
from signing.reading.opening import Data
from signing.validation.document import validate_pdf
from signing.validation.revocation import ask_about


async def validate_as_configured(
    pdf: Data,
    config: SignerConfig,
    clock: Clock,
    chains: ChainBuilder,
    checker: RevocationChecker,
    *,
    allowed_fields: frozenset[str] = frozenset(),
) -> Validation:
    """Judge every signature in a file; never raises for a file.

    Where services may be asked, half of the limit is theirs and the other half is the judgement's.
    """
    limit_s, fresh = config.validation_limit_s, None
    if config.online_revocation:
        limit_s /= 2
        fresh = await ask_about(pdf, chains, checker, clock.now(), limit_s)
    return validate_pdf(
        pdf,
        config.roots,
        clock.now(),
        anchors=config.anchors,
        fresh=fresh,
        allowed_fields=allowed_fields,
        time_limit_s=limit_s,
    )
