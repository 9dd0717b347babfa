"""A document that grows by revisions, each byte hashed once.

Owns the SHA-256 state carried through signature, validation data and archive time-stamp, the hole
a signature leaves for itself, entering a field into form and page, and the catalog's declarations.
Leaves what is signed with what to ``signing``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from signing.lane.file import LaneFile, open_file
from signing.lane.form import Form, read_form
from signing.lane.pages import LanePage, find_page
from signing.lane.refusal import NotForTheLane
from signing.lane.revision import Revision
from signing.lane.stamps import PreparedSet
from signing.lane.syntax import Buffer, Dictionary, Reference, reference

_BYTE_RANGE_ROOM = b"[0 %-10d %-10d %-10d]"
_UNKNOWN_RANGE = _BYTE_RANGE_ROOM % (0, 0, 0)
_CONTENTS = b"/Contents "
_GAP = _CONTENTS + b"<"
_RANGE = b"\n/ByteRange "  # no text is written with the end of a line in it
_ESIC = b"<</BaseVersion/1.7/ExtensionLevel 1>>"  # ETSI EN 319 142-1, annex: PAdES in PDF 1.7
_FIRST_PADES_VERSION = (1, 7)


Declaration = tuple[dict[bytes, bytes], list[tuple[Reference, bytes]]]


class SignatureTooLong(Exception):
    """The message does not fit into the hole that was left for it."""


class Hole(msgspec.Struct, gc=False):
    """A revision that waits for its signature: what is hashed, and where the message goes."""

    block: bytearray
    begin: int  # of "<", within the block
    end: int  # after ">"

    def fill(self, digits: bytes) -> None:
        """Put the message's hexadecimal digits in; the rest of the hole stays zero.

        Raises:
            SignatureTooLong.
        """
        if len(digits) > self.end - self.begin - 2:
            raise SignatureTooLong
        self.block[self.begin + 1 : self.begin + 1 + len(digits)] = digits


class Written(NamedTuple):
    """What was appended, and how long the whole file is now."""

    appended: bytes
    size: int


class _Annotations(NamedTuple):
    """What is entered on a page: the array's own place if it has one, else what precedes it."""

    place: Reference | None
    items: list[bytes]
    before: bytes  # the page without its array and its last brackets


@dataclass(slots=True)
class LaneDocument:
    """A file and what was appended to it so far; see ``open_document``."""

    file: LaneFile
    form: Form
    state: Any  # SHA-256 over everything so far, but for ``unread``
    position: int
    declaration: Declaration  # still to be made
    appended: list[bytes | bytearray] = field(default_factory=list)
    closed: int = 0  # how many of ``appended`` will not change any more
    shared: dict[PreparedSet, Reference] = field(default_factory=dict)  # written once an act
    unread: memoryview | None = None  # the last signature and what follows it, not hashed yet
    waiting: Hole | None = None  # hashed around, its message under way
    _in_catalog: dict[bytes, bytes] = field(default_factory=dict)  # to be written with the revision
    _entered: dict[Reference, _Annotations] = field(default_factory=dict)  # by page
    _apart: dict[Reference, list[bytes]] = field(default_factory=dict)  # by the array's own place

    def revision(self) -> Revision:
        """Begin a revision."""
        return Revision(self.file)

    def lay(self, revision: Revision) -> bytearray:
        """Write a revision that is not signed; ``read`` it in its turn."""
        block, _ = self._rendered(revision)
        self._grow(block)
        return block

    def _rendered(self, revision: Revision) -> tuple[bytearray, dict[int, int]]:
        if self._in_catalog:
            catalog = self.file.catalog.having(self._in_catalog)
            revision.put_dictionary(self.file.root, catalog)
            self._in_catalog = {}
        return revision.render(self.position)

    def read(self, block: bytearray) -> None:
        """Hash a revision that is not signed."""
        self._catch_up()
        self.state.update(block)
        self.closed += 1

    def lay_hole(self, revision: Revision, signature: Reference) -> Hole:
        """Write a revision with a hole in its signature dictionary.

        Every length is known before any message is: revisions may be laid ahead of the messages
        that belong into earlier ones. They are hashed one after the other.
        """
        block, offsets = self._rendered(revision)
        at = block.index(_RANGE, offsets[signature.number] - self.position) + len(_RANGE)
        begin = block.index(_GAP, at) + len(_CONTENTS)
        end = block.index(b">", begin) + 1
        first, second = self.position + begin, self.position + end
        spans = _BYTE_RANGE_ROOM % (first, second, len(block) - end)
        block[at : at + len(spans)] = spans
        self._grow(block)
        return Hole(block, begin, end)

    def read_around(self, hole: Hole) -> bytes:
        """Hash up to the hole; give the digest of everything but the hole."""
        block, self.waiting = memoryview(hole.block), hole
        self._catch_up()
        self.state.update(block[: hole.begin])
        whole = self.state.copy()
        whole.update(block[hole.end :])
        return bytes(whole.digest())

    def close_hole(self, hole: Hole) -> None:
        """Take the filled revision as it is; after the last one nobody hashes it."""
        self.unread = memoryview(hole.block)[hole.begin :]
        self.closed += 1

    def _catch_up(self) -> None:
        if self.unread is not None:
            self.state.update(self.unread)
            self.unread = None

    def _grow(self, block: bytearray) -> None:
        self.appended.append(block)
        self.position += len(block)

    def finish(self) -> Written:
        """Everything that was appended."""
        return Written(b"".join(self.appended), self.position)

    def finished(self) -> bytes:
        """The revisions that will not change any more; empty while there is none."""
        done = b"".join(self.appended[: self.closed])
        return done if len(done) > 1 else b""  # the end of the file's last line is no revision

    def known(self) -> bytes:
        """What follows the finished revisions, up to the hole whose message is under way."""
        return b"" if self.waiting is None else bytes(self.waiting.block[: self.waiting.begin])

    def page(self, index: int) -> LanePage:
        """Where a page is written."""
        return find_page(self.file, index)

    def annotations(self, page: LanePage) -> list[bytes]:
        """What is entered on a page so far."""
        return self._annotations(page).items

    def _annotations(self, page: LanePage) -> _Annotations:
        """Read once an act: nobody but us adds to them."""
        found = self._entered.get(page.reference)
        if found is None:
            entries = self.file.at(page.reference)
            raw = entries.get(b"/Annots")
            place, items = self._place_of(raw), self.file.items(raw)
            if place is not None:  # other pages may name the same array
                items = self._apart.setdefault(place, items)
            before = bytes(entries.without(b"/Annots"))[:-2] if place is None else b""
            found = self._entered[page.reference] = _Annotations(place, items, before)
        return found

    def _place_of(self, raw: bytes | None) -> Reference | None:
        """Where an array stands by itself."""
        place = reference(raw)
        if place is None or self.file.resolve(raw) is None:
            return None
        while (further := reference(self.file.read(place))) is not None:
            place = further
        return place

    def enter_field(self, revision: Revision, target: Reference, name: str, page: LanePage) -> None:
        """Enter a combined field and widget into the form and the page."""
        form = self.form
        form.names.add(name)
        form.fields.append(bytes(target))
        fields = b"[%s]" % b" ".join(form.fields)
        if form.fields_place is None:
            self._write_form(revision, form.with_fields(fields))
        else:
            revision.put(form.fields_place, fields)
            if form.flag():
                self._write_form(revision, bytes(form.entries))
        self._enter_widget(revision, target, page)

    def _write_form(self, revision: Revision, body: bytes) -> None:
        form, catalog = self.form, self.file.catalog
        if form.place is not None:
            revision.put(form.place, body)
        elif b"/AcroForm" in catalog and reference(catalog.get(b"/AcroForm")) is None:
            self.change_catalog({b"/AcroForm": body})
        else:
            form.place = revision.new(body)
            self.change_catalog({b"/AcroForm": bytes(form.place)})

    def _enter_widget(self, revision: Revision, target: Reference, page: LanePage) -> None:
        place, items, before = self._annotations(page)
        items.append(bytes(target))
        array = b"[%s]" % b" ".join(items)
        if place is not None:
            revision.put(place, array)
        else:
            revision.put(page.reference, b"%s\n/Annots %s>>" % (before, array))

    def change_catalog(self, entries: dict[bytes, bytes]) -> None:
        """Write the catalog anew with other entries, in the revision that is laid next."""
        self._in_catalog |= entries

    def declare_pades(self, revision: Revision) -> None:
        """Say in the catalog that the file is PDF 1.7 with PAdES, unless it says more already."""
        entries, apart = self.declaration
        if entries:
            self.change_catalog(entries)
        for target, body in apart:
            revision.put(target, body)
        self.declaration = ({}, [])


def open_document(data: Buffer, state: Any = None, file: LaneFile | None = None) -> LaneDocument:
    """Take a document into the lane.

    Args:
        data: the file's bytes, or a mapping of it.
        state: a SHA-256 state that has read exactly these bytes, when there is one.
        file: the file opened before, and not changed since.

    Raises:
        NotForTheLane.
    """
    file = open_file(data) if file is None else file.fresh()
    form = read_form(file)
    state = hashlib.sha256(data) if state is None else state.copy()
    document = LaneDocument(file, form, state, len(data), _declaration(file))
    if data[-1:] not in (b"\n", b"\r"):
        state.update(b"\n")
        document.appended.append(b"\n")
        document.closed = 1
        document.position += 1
    return document


def signature_entries(kind: bytes, room: int) -> bytes:
    """A signature dictionary's body: ``kind`` are its other entries, ``room`` bytes are left."""
    return b"<<%s%s%s\n%s<%s>>>" % (kind, _RANGE, _UNKNOWN_RANGE, _CONTENTS, b"0" * (2 * room))


def _declaration(file: LaneFile) -> Declaration:
    """The catalog entries, and the objects apart, that declare PAdES."""
    catalog = file.catalog
    version = _version(file, catalog)
    if version >= (2, 0):
        return {}, []
    entries = {b"/Version": b"/1.7"} if version < _FIRST_PADES_VERSION else {}
    raw = catalog.get(b"/Extensions")
    extensions = Dictionary() if file.resolve(raw) is None else file.dictionary(raw)
    if b"/ESIC" in extensions:
        return entries, []
    body, place = bytes(extensions.having({b"/ESIC": _ESIC})), reference(raw)
    if place is not None:
        return entries, [(place, body)]
    return {**entries, b"/Extensions": body}, []


def _version(file: LaneFile, catalog: Dictionary) -> tuple[int, int]:
    header = file.data[5:8]
    stated = file.resolve(catalog.get(b"/Version"))
    return max(_parse_version(header), _parse_version((stated or b"/1.0")[1:]))


@lru_cache(maxsize=16)
def _parse_version(raw: bytes) -> tuple[int, int]:
    major, dot, minor = raw[:1], raw[1:2], raw[2:3]
    if not (major.isdigit() and dot == b"." and minor.isdigit() and len(raw) == 3):
        raise NotForTheLane("the file's version is odd")
    return int(major), int(minor)
