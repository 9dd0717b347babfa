"""An act of two halves between them: what it is made of, what is kept of it, what it comes to.

Owns plain values. Leaves asking, writing and embedding to ``signing.remote.service``, and the form
of what is kept to ``signing.remote.state``.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from signing.appearance.acts import Part, signer_name
from signing.contract import Level, Prepared, PreparedFile, SignedFile, SignedPdf, SignOrder
from signing.evidence.revocation import Evidence
from signing.pades.drafts import Draft
from signing.pades.interrupted import Unsigned
from signing.pades.writer import Act, KeptKeySigner
from signing.remote.state import Waiting
from signing.signing_paths import once_over_all, without_proof


@dataclasses.dataclass(frozen=True, slots=True)
class Embedded:
    """A part got its signature, at the level of the act that could be reached for it."""

    level: Level
    evidence: tuple[Evidence, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where an act stands: the part that waits, and what the ones before it have left."""

    part: int  # from 1
    parts: int
    done: tuple[str, ...]  # fields
    shortfall: str  # why an earlier part carries no time-stamp


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A part that waits for its signature, and the sealed state of it."""

    waiting: Waiting
    state: bytes

    def in_memory(self, draft: Draft) -> Prepared:
        """With the file."""
        waiting = self.waiting
        return Prepared(
            bytes(draft.data), self.state, waiting.attributes, waiting.part, waiting.parts
        )

    def on_disk(self) -> PreparedFile:
        """With what is said of the file."""
        waiting = self.waiting
        return PreparedFile(
            sha256=waiting.pdf_sha256.hex(),
            state=self.state,
            to_be_signed=waiting.attributes,
            part=waiting.part,
            parts=waiting.parts,
        )


def in_memory(pdf: bytes, signed: SignedFile) -> SignedPdf:
    """A signed file with its bytes."""
    return SignedPdf(
        pdf=pdf,
        sha256=signed.sha256,
        level=signed.level,
        field_names=signed.field_names,
        certificate=signed.certificate,
        signed_at=signed.signed_at,
        timings_ms=signed.timings_ms,
        evidence=signed.evidence,
        shortfall=signed.shortfall,
        path=signed.path,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Begun:
    """An act whose signer is accepted."""

    order: SignOrder
    signer: KeptKeySigner
    signed_at: datetime
    came: Any  # SHA-256 that has read the order's file, as it came
    once: bool  # several signatures: one time-stamp of the document instead of theirs

    def own_level(self, at: Place) -> Level:
        """Of a part's signature by itself."""
        if self.stamps_once(at):
            return Level.B_B
        return self.order.level if at.part == at.parts else without_proof(self.order.level)

    def stamps_once(self, at: Place) -> bool:
        """Whether no part gets a time-stamp of its own."""
        return once_over_all(self.order.level, at.parts, policy=self.once)

    def act(self, part: Part, level: Level) -> Act:
        """What writing one part takes, before its signature and time-stamp are there."""
        return Act(
            signer=self.signer,
            level=level,
            prefix=part.prefix,
            signed_at=self.signed_at,
            name=signer_name(self.order, self.signer.key.credential),
            reason=self.order.reason,
            location=self.order.location,
            look=part.look,
            timestamper=None,
            evidence=(),
        )

    def wait(self, unsigned: Unsigned, pdf_sha256: bytes, at: Place) -> Waiting:
        """What must be kept until the signature comes."""
        key = self.signer.key
        return Waiting(
            order=dataclasses.replace(self.order, pdf=b"", pin=None, otp=None),
            certificate=key.credential.certificate,
            chain=tuple(one.public_bytes(Encoding.DER) for one in key.chain),
            pss=key.uses_pss,
            field_name=unsigned.field_name,
            done=at.done,
            start=unsigned.start,
            end=unsigned.end,
            attributes=unsigned.attributes,
            original=len(self.order.pdf),
            pdf_sha256=pdf_sha256,
            signed_at=self.signed_at,
            part=at.part,
            parts=at.parts,
            shortfall=at.shortfall,
            stamped_once=self.stamps_once(at),
        )


def of_the_act(level: Level, shortfall: str, earlier: str) -> tuple[Level, str]:
    """What the last part and an earlier one without a time-stamp make together.

    An archive time-stamp is over all of them and proves the earlier one's time as well.
    """
    if not earlier or level is Level.B_LTA:
        return level, shortfall
    return Level.B_B, earlier
