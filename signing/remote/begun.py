"""An act of two halves between them: what it is made of, what is kept of it, what it comes to.

Owns plain values. Leaves asking, writing and embedding to ``signing.remote.service``, and the form
of what is kept to ``signing.remote.state``.
"""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from signing.appearance.acts import Part, signer_name
from signing.contract import Level, SignOrder
from signing.evidence.revocation import Evidence
from signing.pades.interrupted import Unsigned
from signing.pades.writer import Act, KeptKeySigner
from signing.remote.state import Waiting


@dataclasses.dataclass(frozen=True, slots=True)
class Embedded:
    """A part with its signature, at the level of the act that could be reached for it."""

    pdf: bytes
    level: Level
    evidence: tuple[Evidence, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Begun:
    """An act whose signer is accepted."""

    order: SignOrder
    signer: KeptKeySigner
    signed_at: datetime
    original: bytes

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

    def wait(self, unsigned: Unsigned, done: tuple[str, ...], part: int, parts: int) -> Waiting:
        """What must be kept until the signature comes."""
        key = self.signer.key
        return Waiting(
            order=dataclasses.replace(self.order, pdf=b"", pin=None, otp=None),
            certificate=key.credential.certificate,
            chain=tuple(one.public_bytes(Encoding.DER) for one in key.chain),
            pss=key.uses_pss,
            field_name=unsigned.field_name,
            done=done,
            start=unsigned.start,
            end=unsigned.end,
            attributes=unsigned.attributes,
            original=len(self.original),
            pdf_sha256=hashlib.sha256(unsigned.pdf).digest(),
            signed_at=self.signed_at,
            part=part,
            parts=parts,
        )


def of_the_act(level: Level, shortfall: str, earlier: str) -> tuple[Level, str]:
    """What the last part and an earlier one without a time-stamp make together.

    An archive time-stamp is over all of them and proves the earlier one's time as well.
    """
    if not earlier or level is Level.B_LTA:
        return level, shortfall
    return Level.B_B, earlier
