"""An accepted act on the two paths to a signature: the fast lane first, else pyHanko.

Owns the translation of a planned act for either path and the decision that a document stays on the
ordinary one. Leaves who may sign, failover between authorities and the check of the result to
``signing.service``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from signing.appearance.acts import Part, signer_name
from signing.appearance.raw_objects import raw_stamp
from signing.contract import Level, SignerConfig, SigningPath, SignOrder
from signing.evidence.revocation import Evidence
from signing.evidence.timestamps import TimestampClient
from signing.lane import (
    LaneAct,
    LaneAuthority,
    LaneFile,
    LanePart,
    NotForTheLane,
    ProofData,
    sign_in_lane,
)
from signing.pades.refusals import refuse_large, refusing_documents
from signing.pades.writer import Act, KeptKeySigner, sign_revision
from signing.preservation.closing import Closing, close_act
from signing.preservation.growing import Growing

log = logging.getLogger(__name__)

_NO_PROOF = ProofData()
PROVEN_LEVELS = (Level.B_LT, Level.B_LTA)
Signed = tuple[bytes, tuple[str, ...], SigningPath]  # what was appended, its fields, who wrote it


class Job(msgspec.Struct, frozen=True):
    """An order whose signer is accepted and whose signatures are planned."""

    order: SignOrder
    signer: KeptKeySigner
    evidence: Evidence  # about the signer's chain
    parts: tuple[Part, ...]
    signed_at: datetime
    state: Any  # SHA-256 that has read the order's file
    file: LaneFile | None  # the order's file, when it is a plain one
    config: SignerConfig  # of the service
    look_ahead: Callable[[bytes, bytes], None] | None = None  # see ``delivery``
    authority_proof: list[Evidence] = []  # of the authority that answered

    @property
    def stamped_once(self) -> bool:
        """Whether one time-stamp of the document stands for the signatures' own."""
        return once_over_all(self.order.level, len(self.parts), policy=self.config.stamps_acts_once)


async def sign_parts(
    job: Job, evidence: tuple[Evidence, ...], authority: TimestampClient | None
) -> Signed:
    """Make each signature over the revision before it; the last one carries the proof.

    Raises:
        DocumentRefused: ``large_file_not_plain``, among others.
    """
    why = "not a plain file"
    if job.file is not None:
        try:
            return await _in_lane(job, evidence, authority)
        except NotForTheLane as refusal:  # nothing was signed yet
            why = refusal.reason
            log.debug("not for the fast lane: %s", why)
    refuse_large(job.order.pdf, why)
    return await _by_pyhanko(job, evidence, authority)


async def _in_lane(
    job: Job, evidence: tuple[Evidence, ...], authority: TimestampClient | None
) -> Signed:
    order = job.order
    act = LaneAct(
        parts=tuple(_lane_part(part) for part in job.parts),
        level=order.level,
        signer=job.signer.lane,
        authority=LaneAuthority(authority.answer, authority.token_size) if authority else None,
        proof=_proof(job.signer, evidence, authority) if authority else _NO_PROOF,
        signed_at=job.signed_at,
        name=signer_name(order, job.signer.key.credential),
        reason=order.reason,
        location=order.location,
        stamped_once=job.stamped_once,
        prove_early=job.look_ahead,
    )
    written, names = await sign_in_lane(order.pdf, act, job.state, job.file)
    return written.appended, names, SigningPath.LANE


def _lane_part(part: Part) -> LanePart:
    if part.look is None:
        return LanePart(part.prefix, None)
    stamp = raw_stamp(part.look)
    if stamp is None:
        raise NotForTheLane("a look of another kind")
    return LanePart(part.prefix, stamp)


def _proof(
    signer: KeptKeySigner, evidence: tuple[Evidence, ...], authority: TimestampClient
) -> ProofData:
    """What B-LT and B-LTA keep."""
    chains = (signer.chain, authority.chain)
    return ProofData(
        certificates=tuple(one for chain in chains if chain for one in chain.encoded),
        ocsps=tuple(der for one in evidence for der in one.ocsps),
        crls=tuple(der for one in evidence for der in one.crls),
    )


async def _by_pyhanko(
    job: Job, evidence: tuple[Evidence, ...], authority: TimestampClient | None
) -> Signed:
    order, pdf, names = job.order, job.order.pdf, []
    for part, level in zip(job.parts, _levels(job), strict=True):
        act = Act(
            signer=job.signer,
            level=level,
            prefix=part.prefix,
            signed_at=job.signed_at,
            name=signer_name(order, job.signer.key.credential),
            reason=order.reason,
            location=order.location,
            look=part.look,
            timestamper=authority if level is not Level.B_B else None,
            evidence=evidence,
        )
        with refusing_documents():
            pdf, name = await sign_revision(pdf, act)
        names.append(name)
    if job.stamped_once:
        assert authority is not None
        file, closing = Growing(pdf), Closing(order.level, job.signer.chain, evidence)
        await close_act(file, closing, authority, job.config)
        pdf = bytes(file.data)
    return pdf[len(order.pdf) :], tuple(names), SigningPath.ORDINARY


def _levels(job: Job) -> list[Level]:
    """Of each part's own signature."""
    if job.stamped_once:
        return [Level.B_B] * len(job.parts)
    before = without_proof(job.order.level)
    return [before] * (len(job.parts) - 1) + [job.order.level]


def once_over_all(level: Level, signatures: int, *, policy: bool) -> bool:
    """Whether an act's signatures have no time-stamps of their own, but one of the document."""
    return policy and signatures > 1 and level is not Level.B_B


def without_proof(level: Level) -> Level:
    """The level of all but the last signature: the last one's proof covers them all."""
    return Level.B_T if level in PROVEN_LEVELS else level
