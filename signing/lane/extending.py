"""The lane's revision that keeps a signed document provable: validation data, a time-stamp.

Owns one revision with a store of proof, a time-stamp over the whole document, or both (ETSI EN 319
142-1, 5.4 and 5.5). The document is hashed as it is read for the time-stamp, or by a state that the
caller carries on from revision to revision. Leaves gathering proof, authorities and the check of
the result to the caller.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from signing.contract import SigningUnavailable
from signing.lane.acts import lay_archive_time
from signing.lane.authority import LaneAuthority
from signing.lane.document import Hole, LaneDocument, SignatureTooLong, open_document
from signing.lane.proof_data import ProofData, enter_proof, read_store
from signing.lane.refusal import doubting
from signing.lane.syntax import Buffer
from signing.reading.stretches import read_into

_FIELD = "ArchiveTime"


@dataclass(frozen=True, slots=True)
class LaneExtension:
    """What is added: proof, a time-stamp of an authority by some digest, or both."""

    proof: ProofData | None
    authority: LaneAuthority | None = None
    digest: str = "sha256"  # of the time-stamp


async def extend_in_lane(
    data: Buffer, extension: LaneExtension, state: Any = None
) -> tuple[bytes, str]:
    """Give what is appended, and the name of the time-stamp's field (empty without one).

    Args:
        data: the whole file, or a mapping of it.
        extension: what to add.
        state: a SHA-256 state that has read exactly ``data``, when the caller has one.

    Raises:
        NotForTheLane: before anybody was asked for a time-stamp.
        SigningUnavailable: ``timestamp_too_long``.
        TimestampRequestError: from the authority.
    """
    authority = extension.authority
    with doubting():
        document = open_document(data, state)
        revision = document.revision()
        if extension.proof is not None:
            enter_proof(document, revision, read_store(document.file), extension.proof)
        if authority is None:
            document.lay(revision)
            return document.finish().appended, ""
        name = document.form.free_name(_FIELD)
        hole = lay_archive_time(document, revision, name, authority.room)
    answered = await authority.answer(_digest(document, hole, extension.digest))
    try:
        answered.check()
    finally:
        answered.drop()
    try:
        hole.fill(answered.token.hex().encode())
    except SignatureTooLong:
        raise SigningUnavailable(
            "timestamp_too_long",
            "Dấu thời gian nhận được dài bất thường; chưa bổ sung được bằng chứng.",
            "the time-stamp does not fit into the room that was left for it",
        ) from None
    return document.finish().appended, name


def _digest(document: LaneDocument, hole: Hole, algorithm: str) -> bytes:
    """Of everything but the hole; the document's own state is SHA-256's."""
    if algorithm == "sha256":
        return document.read_around(hole)
    state = hashlib.new(algorithm)
    read_into(state, document.file.data)
    for block in document.appended[:-1]:
        state.update(block)
    with memoryview(hole.block) as last:
        state.update(last[: hole.begin])
        state.update(last[hole.end :])
    return state.digest()
