"""Where each object lies: classic tables, cross-reference streams, hybrids of both.

Owns following ``startxref`` and ``/Prev`` (ISO 32000-2, 7.5.4, 7.5.8) and looking one object up
without reading the others. A table stays where it is and is read at the entry that is asked
for; only what is well-formed to the byte is taken.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from itertools import accumulate
from typing import SupportsIndex

import msgspec

from signing.lane.refusal import NotForTheLane
from signing.lane.syntax import (
    Buffer,
    Dictionary,
    array_items,
    decode_name,
    dictionary,
    integer,
    is_dictionary,
    read_dictionary,
)

MAX_INFLATED = 64 * 1024 * 1024
_MAX_SECTIONS = 512
_TAIL = 2048
_SP = rb"[\0\t\n\f\r ]"
_START = re.compile(rb"startxref" + _SP + rb"+(\d{1,10})" + _SP + rb"+%%EOF" + _SP + rb"*\Z")
_TABLE = re.compile(rb"xref *(?:\r\n|\n|\r)")
_SUBSECTION = re.compile(rb"[\r\n ]*+(\d{1,10}) (\d{1,10}) ?(?:\r\n|\n|\r)")
_TRAILER = re.compile(rb"[\r\n ]*+trailer(?![A-Za-z0-9])")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
OBJECT = re.compile(rb"(\d{1,10})" + _SP + rb"+(\d{1,5})" + _SP + rb"+obj(?![A-Za-z0-9])")
_STREAM = re.compile(rb"[\0\t\n\f\r ]*+stream(?:\r\n|\n)")
_STREAM_END = re.compile(rb"[\0\t\n\f\r ]*+endstream(?![A-Za-z0-9])")
_ENTRY_SIZE = 20


class InFile(msgspec.Struct, gc=False):
    """An object that stands in the file by itself."""

    offset: int
    generation: int


class InStream(msgspec.Struct, gc=False):
    """An object inside an object stream."""

    container: int
    index: int


FREE = "free"
Entry = InFile | InStream | str


@dataclass(slots=True)
class Section:
    """One cross-reference section and its trailer."""

    trailer: Dictionary
    ranges: list[tuple[int, int, int]]  # first object number, count, where its rows begin
    rows: Buffer
    widths: tuple[int, int, int] | None = None  # None: a classic table
    hidden: Section | None = None  # a hybrid's stream

    def find(self, number: int) -> Entry | None:
        """The entry for an object; None when this section does not speak of it."""
        entry = self._own(number)
        if self.hidden is None:
            return entry
        other = self.hidden.find(number)
        if entry is None or entry == FREE:
            return entry if other is None else other
        if isinstance(other, InFile | InStream) and other != entry:
            raise NotForTheLane("table and stream of a hybrid file disagree")
        return entry

    def _own(self, number: int) -> Entry | None:
        for first, count, start in self.ranges:
            if first <= number < first + count:
                if self.widths is None:
                    return _table_entry(self.rows, start + _ENTRY_SIZE * (number - first))
                return _stream_entry(self.rows, start, number - first, self.widths)
        return None

    def top(self) -> int:
        """One more than the highest object number."""
        tops = [first + count for first, count, _ in self.ranges if count]
        return max([*tops, self.hidden.top() if self.hidden else 0], default=0)


def _check_entry(data: Buffer, position: int) -> re.Match[bytes]:
    entry = _ENTRY.fullmatch(data, position, position + _ENTRY_SIZE)
    if entry is None:
        raise NotForTheLane("a cross-reference entry is malformed")
    return entry


def _table_entry(data: Buffer, position: int) -> Entry:
    entry = _check_entry(data, position)
    return FREE if entry[3] == b"f" else InFile(int(entry[1]), int(entry[2]))


def _stream_entry(rows: Buffer, start: int, row: int, widths: tuple[int, int, int]) -> Entry:
    position = start + row * sum(widths)
    values = []
    for width in widths:
        values.append(int.from_bytes(rows[position : position + width], "big"))
        position += width
    kind = values[0] if widths[0] else 1
    if kind == 1:
        return InFile(values[1], values[2])
    if kind == 2:  # in an object stream
        return InStream(values[1], values[2])
    return FREE


@dataclass(slots=True)
class CrossReferences:
    """All sections of a file, the newest first."""

    sections: list[Section] = field(default_factory=list)
    start: int = 0  # offset of the newest section
    size: int = 0  # one more than the highest object number

    @property
    def trailer(self) -> Dictionary:
        """The newest trailer."""
        return self.sections[0].trailer

    @property
    def uses_streams(self) -> bool:
        """Whether an update has to be written as a cross-reference stream."""
        return self.sections[0].widths is not None

    def find(self, number: int) -> Entry:
        """Where an object is, by the newest section that speaks of it."""
        for section in self.sections:
            entry = section.find(number)
            if entry is not None:
                return entry
        return FREE


def read_cross_references(data: Buffer) -> CrossReferences:
    """Follow every section of a file.

    Raises:
        NotForTheLane: damaged, ambiguous, encrypted.
    """
    match = _START.search(data[-_TAIL:])
    if match is None:
        raise NotForTheLane("the file does not end with startxref")
    found = CrossReferences(start=int(match[1]))
    position: int | None = found.start
    seen: set[int] = set()
    while position is not None:
        if position in seen or len(seen) >= _MAX_SECTIONS or position >= len(data):
            raise NotForTheLane("cross-reference sections loop or point nowhere")
        seen.add(position)
        section = _read_section(data, position)
        if b"/Encrypt" in section.trailer:
            raise NotForTheLane("the file is encrypted")
        found.sections.append(section)
        previous = section.trailer.get(b"/Prev")
        position = None if previous is None else integer(previous)
    found.size = integer(found.trailer.get(b"/Size"))
    if max(section.top() for section in found.sections) > found.size:
        raise NotForTheLane("/Size hides objects")
    return found


def _read_section(data: Buffer, position: int) -> Section:
    if position < 0:
        raise NotForTheLane("a cross-reference offset is negative")
    table = _TABLE.match(data, position)
    if table is None:
        return _read_stream_section(data, position)
    section = _read_table(data, table.end())
    hidden = section.trailer.get(b"/XRefStm")
    if hidden is not None:
        section.hidden = _read_stream_section(data, integer(hidden))
    return section


def _read_table(data: Buffer, position: int) -> Section:
    ranges: list[tuple[int, int, int]] = []
    while (trailer := _TRAILER.match(data, position)) is None:
        head = _SUBSECTION.match(data, position)
        if head is None or len(ranges) > len(data) // _ENTRY_SIZE:
            raise NotForTheLane("a cross-reference table is malformed")
        first, count = int(head[1]), int(head[2])
        start = head.end()
        position = start + _ENTRY_SIZE * count
        if position > len(data):
            raise NotForTheLane("a cross-reference table is cut off")
        if count:
            _check_entry(data, start)
            if count > 1:
                _check_entry(data, position - _ENTRY_SIZE)
            ranges.append((first, count, start))
    found, _ = read_dictionary(data, trailer.end())
    return Section(found, ranges, data)


def _read_stream_section(data: Buffer, position: int) -> Section:
    head = OBJECT.match(data, position)
    if head is None:
        raise NotForTheLane("no cross-references where they should be")
    trailer, body = read_stream(data, head.end(), None)
    if trailer.get(b"/Type") != b"/XRef":
        raise NotForTheLane("no cross-reference stream where it should be")
    rows = inflate(trailer, body)
    widths = [integer(raw) for raw in array_items(trailer.get(b"/W") or b"")]
    if len(widths) != 3 or min(widths) < 0 or max(widths) > 8 or not widths[1]:
        raise NotForTheLane("a cross-reference stream has odd widths")
    spans = [integer(raw) for raw in array_items(trailer.get(b"/Index") or b"[]")]
    spans = spans or [0, integer(trailer.get(b"/Size"))]
    ranges, at, row = [], 0, sum(widths)
    for first, count in zip(spans[::2], spans[1::2], strict=False):
        if first < 0 or count < 0:
            raise NotForTheLane("a cross-reference stream has an odd index")
        ranges.append((first, count, at))
        at += row * count
    if len(spans) % 2 or at > len(rows):
        raise NotForTheLane("a cross-reference stream is cut off")
    return Section(trailer, ranges, rows, (widths[0], widths[1], widths[2]))


def read_stream(data: Buffer, position: int, length: int | None) -> tuple[Dictionary, bytes]:
    """A stream's dictionary and its stored bytes; ``length`` when the dictionary refers to it."""
    found, position = read_dictionary(data, position)
    begin = _STREAM.match(data, position)
    if begin is None:
        raise NotForTheLane("a stream is missing")
    if length is None:
        length = integer(found.get(b"/Length"))
    end = begin.end() + length
    if length < 0 or _STREAM_END.match(data, end) is None:
        raise NotForTheLane("a stream's length is wrong")
    return found, data[begin.end() : end]


def inflate(found: Dictionary, body: bytes) -> bytes:
    """A stream's data: stored as it is, or deflated, with or without a predictor."""
    filters, parameters = _only(found.get(b"/Filter")), _only(found.get(b"/DecodeParms"))
    if filters is None:
        return body
    if decode_name(filters) != b"/FlateDecode":
        raise NotForTheLane("a stream is coded in another way")
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(body, MAX_INFLATED)
    except zlib.error:
        raise NotForTheLane("a stream is damaged") from None
    if not unpacker.eof:
        raise NotForTheLane("a stream is cut off or too large")
    if parameters is None:
        return data
    if not is_dictionary(parameters):
        raise NotForTheLane("a stream's parameters stand apart")
    return _unpredict(data, dictionary(parameters))


def _only(raw: bytes | None) -> bytes | None:
    """A value that may stand in an array of one."""
    if raw is None or not raw.startswith(b"["):
        return raw
    items = array_items(raw)
    if len(items) > 1:
        raise NotForTheLane("a stream is coded several times")
    return items[0] if items and items[0] != b"null" else None


def _add_byte(total: SupportsIndex, value: int) -> int:
    return (int(total) + value) & 255


def _unpredict(data: bytes, parameters: Dictionary) -> bytes:
    """Undo a PNG predictor of one-byte samples; "none" and "up" are what writers use here."""
    if integer(parameters.get(b"/Predictor") or b"1") == 1:
        return data
    columns = integer(parameters.get(b"/Columns") or b"1")
    plain = (parameters.get(b"/Colors") or b"1", parameters.get(b"/BitsPerComponent") or b"8")
    row = columns + 1
    if integer(parameters.get(b"/Predictor")) < 10 or plain != (b"1", b"8") or columns < 1:
        raise NotForTheLane("a predictor of another kind")
    if len(data) % row:
        raise NotForTheLane("a predicted stream is cut off")
    tags = set(data[::row])
    if tags <= {0}:
        return b"".join(data[at + 1 : at + row] for at in range(0, len(data), row))
    if tags != {2}:
        raise NotForTheLane("a predictor of another kind")
    out = bytearray(len(data) // row * columns)
    for column in range(columns):
        values = data[column + 1 :: row]
        out[column::columns] = bytes(accumulate(values, _add_byte))
    return bytes(out)
