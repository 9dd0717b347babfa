"""The lane's acts of signing: signatures one after the other, then their proof.

Owns the order of work within one document (plan everything → sign → proof) and the dictionaries of
signature, field and document time-stamp (ETSI EN 319 142-1). Leaves bytes to ``document``, the
message to ``cms``, keys and authorities to the caller. Nothing is signed before the whole
file was found fit, so that a refusal costs no confirmation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from signing.contract import Level, SigningUnavailable
from signing.lane.cms import CmsTemplate
from signing.lane.document import (
    LaneDocument,
    SignatureTooLong,
    Written,
    open_document,
    signature_entries,
)
from signing.lane.file import LaneFile
from signing.lane.proof_data import ProofData, Store, enter_proof, read_store
from signing.lane.refusal import NotForTheLane, doubting
from signing.lane.revision import Revision
from signing.lane.stamps import Stamp, enter_stamp
from signing.lane.syntax import Buffer, Reference, write_number, write_text

_SIGNATURE = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached"
_TIME_STAMP = b"/Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161"
_INVISIBLE = b"/F 132/Rect[0 0 0 0]"  # printed, locked
_MARGIN = 64
_LONGEST_FILE = 9_000_000_000  # well below what ten digits can say
_ROOM_FOR_TOKEN_FRAME = 256


@dataclass(frozen=True, slots=True)
class LanePart:
    """One signature of an act; an invisible one has no stamp."""

    prefix: str  # of the field's name
    stamp: Stamp | None


@dataclass(frozen=True, slots=True)
class LaneSigner:
    """A key as the lane needs it: its messages, and a verified raw signature over bytes."""

    template: CmsTemplate
    sign: Callable[[bytes], Awaitable[bytes]]
    signature_size: int


@dataclass(frozen=True, slots=True)
class LaneAuthority:
    """A time-stamping authority: a checked token (DER) for a SHA-256 digest."""

    token: Callable[[bytes], Awaitable[bytes]]
    token_size: int  # of the token seen last

    @property
    def room(self) -> int:
        """Bytes to leave for a token: those of one authority vary a little."""
        return self.token_size * 3 // 2 + _ROOM_FOR_TOKEN_FRAME


@dataclass(frozen=True, slots=True)
class LaneAct:
    """Everything an act needs besides the document."""

    parts: tuple[LanePart, ...]
    level: Level
    signer: LaneSigner
    authority: LaneAuthority | None
    proof: ProofData
    signed_at: datetime
    name: str | None = None
    reason: str | None = None
    location: str | None = None


async def sign_in_lane(
    data: Buffer, act: LaneAct, state: Any = None, file: LaneFile | None = None
) -> tuple[Written, tuple[str, ...]]:
    """Append an act's signatures, and for B-LT and B-LTA their proof.

    Args:
        data: the whole file.
        act: what to sign with.
        state: a SHA-256 state that has read exactly ``data``, when the caller has one.
        file: ``data`` as ``open_plain`` gave it, when the caller has looked at it already.

    Returns:
        What was appended, and the fields' names.

    Raises:
        NotForTheLane: before anything is signed.
        SigningUnavailable: ``timestamp_too_long``.
        CredentialRefused, TimestampRequestError: from the key and the authority.
    """
    with doubting():
        document = open_document(data, state, file)
        store = _look_ahead(document, act)
    said = _SIGNATURE + _statement(act)
    try:
        names = tuple([await _sign_part(document, act, part, said) for part in act.parts])
        if store is not None:
            await _append_proof(document, act, store, names[-1])
    except SignatureTooLong:
        raise SigningUnavailable(
            "timestamp_too_long",
            "Dấu thời gian nhận được dài bất thường; văn bản chưa được ký.",
            "the time-stamp does not fit into the room that was left for it",
        ) from None
    return document.finish(), names


def _look_ahead(document: LaneDocument, act: LaneAct) -> Store | None:
    """Read all that will be changed, before the key is used; give the store of proof."""
    if document.position > _LONGEST_FILE:
        raise NotForTheLane("the file is too long")
    for index in {0, *(part.stamp.page_index for part in act.parts if part.stamp)}:
        document.annotations(document.page(index))
    if act.level not in (Level.B_LT, Level.B_LTA):
        return None
    return read_store(document.file)


async def _sign_part(document: LaneDocument, act: LaneAct, part: LanePart, said: bytes) -> str:
    """Append one signature whose dictionary begins with ``said``; give its field's name."""
    name = document.form.free_name(part.prefix)
    revision = document.revision()
    template, authority = act.signer.template, act.authority
    room = template.size + act.signer.signature_size + _MARGIN
    if authority is not None:
        room += authority.room
    signature = revision.new(signature_entries(said, room))
    _enter_field(document, revision, name, signature, part.stamp)
    document.declare_pades(revision)
    hole = document.open_hole(revision, signature)
    attributes = template.attributes(hole.digest)
    raw = await act.signer.sign(attributes)
    token = None
    if authority is not None:
        token = await authority.token(hashlib.sha256(raw).digest())
    hole.fill(template.digits(attributes, raw, token))
    document.close_hole(hole)
    return name


def _statement(act: LaneAct) -> bytes:
    """When, who, why and where, as the signature dictionary states them."""
    at = act.signed_at.astimezone(UTC).timetuple()
    rows = [b"/M(D:%04d%02d%02d%02d%02d%02d+00'00')" % at[:6]]
    said = ((b"/Name", act.name), (b"/Reason", act.reason), (b"/Location", act.location))
    rows += [name + write_text(value) for name, value in said if value]
    return b"".join(rows)


def _enter_field(
    document: LaneDocument,
    revision: Revision,
    name: str,
    signature: Reference,
    stamp: Stamp | None,
) -> None:
    page = document.page(stamp.page_index if stamp else 0)
    look = _INVISIBLE
    if stamp is not None:
        form = enter_stamp(revision, stamp, document.shared)
        box = b" ".join(write_number(side) for side in stamp.box)
        look = b"/F 132/Rect[%s]/AP<</N %s>>" % (box, bytes(form))
    body = b"<</Type/Annot/Subtype/Widget/FT/Sig/T%s/V %s/P %s%s>>" % (
        write_text(name),
        bytes(signature),
        bytes(page.reference),
        look,
    )
    document.enter_field(revision, revision.new(body), name, page)


async def _append_proof(document: LaneDocument, act: LaneAct, store: Store, name: str) -> None:
    """The validation data, and for B-LTA in the same revision the time-stamp over all of it."""
    revision = document.revision()
    enter_proof(document, revision, store, act.proof)
    if act.level is Level.B_LT:
        document.append(revision)
        return
    assert act.authority is not None
    stamp = revision.new(signature_entries(_TIME_STAMP, act.authority.room))
    archive = f"{name}_ArchiveTime"
    if archive in document.form.names:
        archive = document.form.free_name(archive)
    _enter_field(document, revision, archive, stamp, None)
    hole = document.open_hole(revision, stamp)
    token = await act.authority.token(hole.digest)
    hole.fill(token.hex().encode())
    document.close_hole(hole)
