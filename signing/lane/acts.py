"""The lane's acts of signing: signatures one after the other, then their proof.

Owns the order of work within one document (plan everything → sign → proof) and the dictionaries of
signature, field and document time-stamp (ETSI EN 319 142-1). While a time-stamp is under way the
next revision is laid and finished ones are proved. Leaves bytes to ``document``, the
message to ``cms``, keys and authorities to the caller. Nothing is signed before the whole
file was found fit, so that a refusal costs no confirmation.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from signing.contract import Level, SigningUnavailable
from signing.lane.authority import LaneAuthority, LaneToken
from signing.lane.beside import beside
from signing.lane.cms import CmsTemplate
from signing.lane.document import (
    Hole,
    LaneDocument,
    SignatureTooLong,
    Written,
    open_document,
    signature_entries,
)
from signing.lane.file import LaneFile
from signing.lane.pages import LanePage
from signing.lane.proof_data import ProofData, Store, enter_proof, read_store
from signing.lane.refusal import NotForTheLane, doubting
from signing.lane.revision import Revision
from signing.lane.stamps import Stamp, enter_stamp
from signing.lane.syntax import Buffer, Reference, write_text

_SIGNATURE = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached"
_TIME_STAMP = b"/Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161"
_INVISIBLE = b"/F 132/Rect[0 0 0 0]"  # printed, locked
_MARGIN = 64
_LONGEST_FILE = 9_000_000_000  # well below what ten digits can say


class LanePart(msgspec.Struct, frozen=True):
    """One signature of an act; an invisible one has no stamp."""

    prefix: str  # of the field's name
    stamp: Stamp | None


@dataclass(frozen=True, slots=True)
class LaneSigner:
    """A key as the lane needs it: its messages, a raw signature over bytes, and its check."""

    template: CmsTemplate
    sign: Callable[[bytes], Awaitable[bytes]]
    verify: Callable[[bytes, bytes], None]  # signature, bytes; raises; cheap a second time
    signature_size: int


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
    stamped_once: bool = False  # all signatures by one time-stamp of the document, after the last
    # finished revisions, and what follows them so far: while a token is due
    prove_early: Callable[[bytes, bytes], None] | None = None

    @property
    def own_stamper(self) -> LaneAuthority | None:
        """Who stamps each signature by itself."""
        return None if self.stamped_once else self.authority


class _Laid(msgspec.Struct, frozen=True):
    """A revision whose every length is known: a signature's (with its name) or the proof's."""

    place: Hole | bytearray
    name: str | None = None


class _Ahead:
    """What may be done beside a wait: the act's next revisions laid, earlier tokens checked.

    Revisions come in order, each laid when there is time, at the latest when it is due.
    """

    def __init__(self, revisions: Iterator[_Laid]) -> None:
        self._revisions = revisions
        self._laid: deque[_Laid] = deque()
        self._unchecked: deque[LaneToken] = deque()

    async def ask(self, answer: Coroutine[Any, Any, LaneToken]) -> bytes:
        """Wait for a token; it is checked later, whoever has given up by then."""
        self._unchecked.append(await answer)
        return self._unchecked[-1].token

    def check(self) -> None:
        """Check the tokens that came; raises as their authority says."""
        while self._unchecked:
            self._unchecked[0].check()
            self._unchecked.popleft()

    def drop(self) -> None:
        """Give up what was not checked."""
        while self._unchecked:
            self._unchecked.popleft().drop()

    def lay(self) -> None:
        """Lay one more, if there is one."""
        laid = next(self._revisions, None)
        if laid is not None:
            self._laid.append(laid)

    def __iter__(self) -> Iterator[_Laid]:
        while True:
            if not self._laid:
                self.lay()
            if not self._laid:
                return
            yield self._laid.popleft()


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
    try:
        ahead = _Ahead(_revisions(document, act, store))
        try:
            names = await _carry_out(document, act, ahead)
            ahead.check()
        finally:
            ahead.drop()
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


def _revisions(document: LaneDocument, act: LaneAct, store: Store | None) -> Iterator[_Laid]:
    """Lay the act's revisions, one at a time."""
    name, entries = "", _entries(act)
    for part in act.parts:
        name = document.form.free_name(part.prefix)
        yield _Laid(_lay_signature(document, part, name, entries), name)
    if act.stamped_once and act.level is not Level.B_LTA:  # whose own time-stamp is over them too
        yield _Laid(_lay_time(document, act, document.revision(), name))
    if store is not None:
        yield _lay_proof(document, act, store, name)


async def _carry_out(document: LaneDocument, act: LaneAct, ahead: _Ahead) -> tuple[str, ...]:
    """Sign and stamp the revisions in order; give the signatures' names."""
    names = []
    for laid in ahead:
        hole = laid.place
        if isinstance(hole, bytearray):
            document.read(hole)
        elif laid.name is not None:
            await _sign(document, act, hole, ahead)
            names.append(laid.name)
        else:
            token = await _stamped(document, act, ahead, document.read_around(hole))
            hole.fill(hexlify(token))
            document.close_hole(hole)
    return tuple(names)


async def _sign(document: LaneDocument, act: LaneAct, hole: Hole, ahead: _Ahead) -> None:
    template = act.signer.template
    attributes = template.attributes(document.read_around(hole))
    raw, token = await act.signer.sign(attributes), None
    if act.own_stamper is not None:
        check = partial(act.signer.verify, raw, attributes)
        token = await _stamped(document, act, ahead, hashlib.sha256(raw).digest(), check)
    # before it is embedded, whether a wait left time for it or not
    act.signer.verify(raw, attributes)
    hole.fill(template.digits(attributes, raw, token))
    document.close_hole(hole)


async def _stamped(
    document: LaneDocument,
    act: LaneAct,
    ahead: _Ahead,
    digest: bytes,
    check: Callable[[], None] | None = None,
) -> bytes:
    """Get a token; meanwhile check what came before, lay the next revision, prove what is done.

    ``check``: of the signature that the token is for.
    """

    def meanwhile() -> None:
        if check is not None:
            check()
        ahead.check()
        ahead.lay()
        if act.prove_early is not None and (finished := document.finished()):
            act.prove_early(finished, document.known())

    assert act.authority is not None
    return await beside(ahead.ask(act.authority.answer(digest)), meanwhile)


def _entries(act: LaneAct) -> bytes:
    """The signature dictionary of an act, before anything is signed."""
    room = act.signer.template.size + act.signer.signature_size + _MARGIN
    if act.own_stamper is not None:
        room += act.own_stamper.room
    return signature_entries(_SIGNATURE + _statement(act), room)


def _lay_signature(document: LaneDocument, part: LanePart, name: str, entries: bytes) -> Hole:
    """One signature with its dictionary."""
    revision = document.revision()
    # what stands before the message is hashed once, what stands behind it twice
    shown = _show(document, revision, part.stamp)
    signature = revision.new(entries)
    _enter_field(document, revision, name, signature, shown)
    document.declare_pades(revision)
    return document.lay_hole(revision, signature)


def _statement(act: LaneAct) -> bytes:
    """When, who, why and where, as the signature dictionary states them."""
    at = act.signed_at.astimezone(UTC).timetuple()
    rows = [b"/M(D:%04d%02d%02d%02d%02d%02d+00'00')" % at[:6]]
    said = ((b"/Name", act.name), (b"/Reason", act.reason), (b"/Location", act.location))
    rows += [name + write_text(value) for name, value in said if value]
    return b"".join(rows)


class _Shown(msgspec.Struct, frozen=True):
    """A widget's page, and its flags, rectangle and appearance as entries."""

    page: LanePage
    look: bytes


def _show(document: LaneDocument, revision: Revision, stamp: Stamp | None) -> _Shown:
    """Write what a signature shows; an invisible one is on the first page."""
    if stamp is None:
        return _Shown(document.page(0), _INVISIBLE)
    form = enter_stamp(revision, stamp, document.shared)
    look = b"/F 132/Rect[%.4f %.4f %.4f %.4f]/AP<</N %d 0 R>>" % (*stamp.box, form.number)
    return _Shown(document.page(stamp.page_index), look)


def _enter_field(
    document: LaneDocument, revision: Revision, name: str, signature: Reference, shown: _Shown
) -> None:
    body = b"<</Type/Annot/Subtype/Widget/FT/Sig/T%s/V %d 0 R/P %s%s>>" % (
        write_text(name),
        signature.number,
        bytes(shown.page.reference),
        shown.look,
    )
    document.enter_field(revision, revision.new(body), name, shown.page)


def _lay_proof(document: LaneDocument, act: LaneAct, store: Store, name: str) -> _Laid:
    """The validation data, and for B-LTA in the same revision the time-stamp over all of it."""
    revision = document.revision()
    enter_proof(document, revision, store, act.proof)
    if act.level is Level.B_LT:
        return _Laid(document.lay(revision))
    return _Laid(_lay_time(document, act, revision, name))


def _lay_time(document: LaneDocument, act: LaneAct, revision: Revision, name: str) -> Hole:
    """The act's time-stamp over the document; ``name`` is the last signature's."""
    assert act.authority is not None
    archive = f"{name}_ArchiveTime"
    if archive in document.form.names:
        archive = document.form.free_name(archive)
    return lay_archive_time(document, revision, archive, act.authority.room)


def lay_archive_time(document: LaneDocument, revision: Revision, name: str, room: int) -> Hole:
    """A revision's time-stamp over the whole document, with ``room`` bytes for its token."""
    stamp = revision.new(signature_entries(_TIME_STAMP, room))
    _enter_field(document, revision, name, stamp, _show(document, revision, None))
    return document.lay_hole(revision, stamp)
