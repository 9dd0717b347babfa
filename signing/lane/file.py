"""One PDF as the lane sees it: objects looked up one by one, an overlay of what it appended.

Owns reading an object wherever it lies (in the file, in an object stream, in a revision that was
just appended) and the catalog. Leaves cross-references to ``crossref`` and pages to ``pages``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from signing.lane.crossref import (
    OBJECT,
    CrossReferences,
    InFile,
    InStream,
    inflate,
    read_cross_references,
    read_stream,
)
from signing.lane.refusal import NotForTheLane, doubting
from signing.lane.syntax import (
    Buffer,
    Dictionary,
    Reference,
    array_items,
    dictionary,
    integer,
    is_dictionary,
    leading_reference,
    read_dictionary,
    read_object,
    reference,
    value_span,
)

_MAX_REFERENCES = 16  # from value to value
_AFTER = re.compile(rb"[\0\t\n\f\r ]*+(?:endobj|stream|%)")


@dataclass(frozen=True, slots=True)
class _Packed:
    """An opened object stream: (number, offset) of each object, and the data."""

    entries: tuple[tuple[int, int], ...]
    data: bytes


@dataclass(slots=True)
class LaneFile:
    """A file that the lane may append to; see ``open_file``."""

    data: Buffer
    references: CrossReferences
    next_number: int
    root: Reference
    newest: int  # offset of the newest cross-references, ours included
    identity: bytes | None  # the first half of /ID, which never changes
    kept_in_trailer: bytes = b""  # what else every trailer says: where catalog and information are
    pages: dict[int, object] = field(default_factory=dict)  # found ones by index; see ``pages``
    written: dict[int, bytes] = field(default_factory=dict)  # by us, in revisions already appended
    _packed: dict[int, _Packed] = field(default_factory=dict)
    _dictionaries: dict[Reference, Dictionary] = field(default_factory=dict)

    def fresh(self) -> LaneFile:
        """The file as it was read, without what was appended; what was found in it is kept."""
        return LaneFile(
            self.data,
            self.references,
            self.references.size,
            self.root,
            self.references.start,
            self.identity,
            self.kept_in_trailer,
            self.pages,
            _packed=self._packed,
            _dictionaries=dict(self._dictionaries) if not self.written else {},
        )

    def read(self, target: Reference) -> bytes | None:
        """An object's raw value (of a stream: its dictionary); None when it is free or null."""
        place = self._locate(target)
        if place is None:
            return None
        start, end = value_span(*place)
        self._check_end(place[0], end)
        raw = place[0][start:end]
        return None if raw == b"null" else raw

    def write(self, target: Reference, body: bytes, found: Dictionary | None = None) -> None:
        """Take note of an object as a revision writes it; ``found``: what ``body`` was made of."""
        self.written[target.number] = body
        if found is not None:
            self._dictionaries[target] = found
        else:
            self._dictionaries.pop(target, None)

    def _locate(self, target: Reference) -> tuple[Buffer, int] | None:
        """Where an object's value begins: in the file, an object stream, or our own revisions."""
        body = self.written.get(target.number)
        if body is not None:
            return body, 0
        entry = self.references.find(target.number)
        if isinstance(entry, InFile):
            return self.data, self._start_of(entry, target)
        if not isinstance(entry, InStream):
            return None
        if target.generation:
            raise NotForTheLane("a packed object has a generation")
        return self._in_stream(entry, target.number)

    def _start_of(self, entry: InFile, target: Reference) -> int:
        head = OBJECT.match(self.data, entry.offset)
        if (
            head is None
            or (int(head[1]), int(head[2])) != (target.number, target.generation)
            or entry.generation != target.generation
        ):
            raise NotForTheLane("a cross-reference points at another object")
        return head.end()

    def _check_end(self, data: Buffer, end: int) -> None:
        if data is self.data and _AFTER.match(data, end) is None:
            raise NotForTheLane("an object does not end")

    def _in_stream(self, entry: InStream, number: int) -> tuple[bytes, int]:
        packed = self._packed.get(entry.container)
        if packed is None:
            packed = self._packed[entry.container] = self._unpack(entry.container)
        if entry.index >= len(packed.entries) or packed.entries[entry.index][0] != number:
            raise NotForTheLane("a packed object is not where it should be")
        return packed.data, packed.entries[entry.index][1]

    def _unpack(self, container: int) -> _Packed:
        found, data = self.stream(Reference(container, 0))
        if found.get(b"/Type") != b"/ObjStm":
            raise NotForTheLane("an object stream is missing")
        first, count = integer(found.get(b"/First")), integer(found.get(b"/N"))
        words = data[:first].split()
        if not 0 < first <= len(data) or not 0 <= count <= len(words) // 2:
            raise NotForTheLane("an object stream is damaged")
        try:
            numbers = [int(word) for word in words[: 2 * count]]
        except ValueError:
            raise NotForTheLane("an object stream is damaged") from None
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return _Packed(tuple((number, first + offset) for number, offset in pairs), data)

    def stream(self, target: Reference) -> tuple[Dictionary, bytes]:
        """A stream's dictionary and its decoded data."""
        entry = self.references.find(target.number)
        if target.number in self.written or not isinstance(entry, InFile):
            raise NotForTheLane("a stream does not stand in the file")
        start = self._start_of(entry, target)
        length = reference(self.at(target).get(b"/Length"))
        found, body = read_stream(
            self.data, start, None if length is None else integer(self.resolve(bytes(length)))
        )
        return found, inflate(found, body)

    def resolve(self, raw: bytes | None) -> bytes | None:
        """Follow references until a value comes."""
        for _ in range(_MAX_REFERENCES):
            target = reference(raw) if raw is not None else None
            if target is None:
                return None if raw == b"null" else raw
            raw = self.read(target)
        raise NotForTheLane("references lead to references")

    def dictionary(self, raw: bytes | None) -> Dictionary:
        """A value, or what it refers to, that must be a dictionary."""
        if raw is None:
            raise NotForTheLane("a dictionary is missing")
        target = reference(raw)
        if target is not None:
            return self.at(target)
        if not is_dictionary(raw):
            raise NotForTheLane("a dictionary is missing")
        return dictionary(raw)

    def at(self, target: Reference) -> Dictionary:
        """An object that must be a dictionary."""
        kept = self._dictionaries.get(target)
        if kept is None:
            kept = self._dictionaries[target] = self._read_dictionary(target)
        return kept

    def _read_dictionary(self, target: Reference) -> Dictionary:
        entry = self.references.find(target.number)
        if isinstance(entry, InFile) and target.number not in self.written:
            found = read_object(self.data, entry.offset, target)
            if found is not None and entry.generation == target.generation:
                return found
        for _ in range(_MAX_REFERENCES):
            place = self._locate(target)
            if place is None:
                raise NotForTheLane("a dictionary is missing")
            further = leading_reference(*place)
            if further is None:
                found, end = read_dictionary(*place)
                self._check_end(place[0], end)
                return found
            target = further
        raise NotForTheLane("references lead to references")

    def items(self, raw: bytes | None) -> list[bytes]:
        """The elements of an array, or of what it refers to; none when it is missing."""
        value = self.resolve(raw)
        return [] if value is None else array_items(value)

    @property
    def catalog(self) -> Dictionary:
        """The document catalog as it is now."""
        return self.at(self.root)


def open_file(data: Buffer) -> LaneFile:
    """Look whether a file is of the plain kind; reads next to nothing of it.

    Raises:
        NotForTheLane.
    """
    if data[:5] != b"%PDF-":
        raise NotForTheLane("the file does not begin with its header")
    references = read_cross_references(data)
    root = reference(references.trailer.get(b"/Root"))
    if root is None or root.number >= references.size:
        raise NotForTheLane("the trailer names no catalog")
    file = LaneFile(data, references, references.size, root, references.start, None)
    if file.catalog.get(b"/Type") != b"/Catalog":
        raise NotForTheLane("the catalog is not one")
    identity = file.resolve(references.trailer.get(b"/ID"))
    file.identity = None if identity is None else array_items(identity)[0]
    kept = [(name, references.trailer.get(name)) for name in (b"/Root", b"/Info")]
    file.kept_in_trailer = b"".join([b"\n%s %s" % (n, v) for n, v in kept if v is not None])
    return file


def open_plain(data: Buffer) -> LaneFile | None:
    """``open_file``, or None when the file is not of the plain kind."""
    try:
        with doubting():
            return open_file(data)
    except NotForTheLane:
        return None
