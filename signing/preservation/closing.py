"""The end of an act whose signatures carry no time-stamps: one of the document covers them all.

Owns which revisions follow the last signature. A document time-stamp may stand for the signatures'
own at B-T (ETSI EN 319 142-1, clause 6.3), and at B-LTA the archive's is over them all anyway.
Leaves writing to ``appending``, which raises files later by the same revisions, and gathering
proof, authorities and the check of the result to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from signing.contract import Level, SignerConfig
from signing.evidence.eligibility import TrustedChain
from signing.evidence.revocation import Evidence
from signing.evidence.timestamps import TimestampClient
from signing.pades.writer import DIGEST
from signing.preservation.appending import append_proof
from signing.preservation.gathering import Gathered
from signing.preservation.growing import Growing


@dataclass(frozen=True, slots=True)
class Closing:
    """Where an act is to be brought, and what proves its signer there."""

    level: Level  # above B-B
    chain: TrustedChain  # the signer's
    evidence: tuple[Evidence, ...]  # about that, and above B-T about the authority's


async def close_act(
    file: Growing, closing: Closing, authority: TimestampClient, config: SignerConfig
) -> None:
    """Append what brings signatures at B-B to a level; ``file`` is as the last one left it.

    Raises:
        As ``append_proof``.
    """
    config = replace(config, archive_digest=DIGEST)  # as of B-LTA's own in every act
    data = _proof(closing, authority)
    if closing.level is Level.B_LTA:
        await append_proof(file, config, data, authority)
        return
    await append_proof(file, config, None, authority)
    if closing.level is Level.B_LT:
        await append_proof(file, config, data, None)


def _proof(closing: Closing, authority: TimestampClient) -> Gathered:
    data = Gathered()
    chains = (closing.chain, authority.chain)
    for one, about in zip(closing.evidence, chains, strict=False):  # at B-T there is one only
        if about is not None:
            data.add(about, one.ocsps, one.crls)
    return data
