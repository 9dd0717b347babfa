"""Would every reader read a file's later updates the same way?

Owns one question about each update after a signature: does it leave open which bytes an object
number, a dictionary's entry or the table itself means (ISO 32000-2, 7.3.7, 7.5.4 to 7.5.8)? What
one library reads is then no proof of what another shows: a table with two rows for one number, a
dictionary that names an entry twice, an object stream that holds a number twice, objects that no
table lists, an end that names another table. Leaves what that means for a signature to
``changes``. The signed revision itself is not asked about: its bytes are the signer's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType, parse_xref_table

from signing.lane.refusal import NotForTheLane
from signing.lane.syntax import array_items, read_dictionary, value_span
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, stream_of
from signing.validation.difference import Deadline
from signing.validation.reasons import UpdateReason

_SP = rb"[\0\t\n\f\r ]"
_HEADER = re.compile(rb"(?<!\d)(\d{1,10})" + _SP + rb"+(\d{1,5})" + _SP + rb"+obj(?![A-Za-z0-9])")
_WORD = re.compile(rb"obj(?![A-Za-z0-9])")
_BLANKS, _DIGITS = frozenset(b"\0\t\n\f\r "), frozenset(b"0123456789")
_OPENED = re.compile(_SP + rb"*+(?=<<)")
_TABLE = re.compile(rb"xref" + _SP + rb"+")
_END = re.compile(rb"startxref" + _SP + rb"+(\d{1,10})" + _SP + rb"+%%EOF")
_TABLES = (XRefSectionType.STANDARD, XRefSectionType.HYBRID_MAIN)
_MAX_DEPTH = 64


class _Ambiguous(Exception):
    """An update that can be read in two ways."""


class Updates:
    """Looks at the updates of one file, each of them once.

    Args:
        pdf: the whole file, which ``reader`` reads.
        deadline: checked before every update.
    """

    def __init__(self, pdf: Data, reader: PdfFileReader, deadline: Deadline) -> None:
        self._pdf = pdf
        self._reader = reader
        self._deadline = deadline
        self._known: dict[int, bool] = {}

    def reason(self, revision: int) -> UpdateReason | None:
        """The message code where an update after ``revision`` is ambiguous; None for none.

        Raises:
            OutOfTime: the file's time limit passed.
        """
        later = range(revision + 1, self._reader.xrefs.total_revisions)
        return "ambiguous_update" if any(map(self._is_ambiguous, later)) else None

    def _is_ambiguous(self, number: int) -> bool:
        if number not in self._known:
            self._deadline.check()
            try:
                _Update(self._pdf, self._reader, number).check()
            except (_Ambiguous, NotForTheLane, *HOSTILE_INPUT_ERRORS):
                self._known[number] = True
            else:
                self._known[number] = False
        return self._known[number]


class _Update:
    """One update: the bytes between the cross-references before it and its own end."""

    def __init__(self, pdf: Data, reader: PdfFileReader, number: int) -> None:
        self._pdf = pdf
        self._reader = reader
        self._number = number
        xrefs = reader.xrefs
        self._data = xrefs.get_xref_data(number)
        self._info = xrefs.get_xref_container_info(number)
        self._before = xrefs.get_xref_container_info(number - 1)
        self._begin = _end_of(xrefs, number)
        self._hybrid = self._data.hybrid

    def check(self) -> None:
        """Look at everything.

        Raises:
            _Ambiguous: and whatever a hostile file makes a reader raise.
        """
        _hold(self._begin <= self._info.start_location)
        self._check_numbers()
        self._check_places()
        self._check_end()
        for container, wanted in self._containers().items():
            self._check_packed(container, wanted)

    def _check_numbers(self) -> None:
        """Each number once, by table or hidden stream, and none beyond the declared size."""
        parts = [self._data] if self._hybrid is None else [self._data, self._hybrid.xref_data]
        numbers = Counter(
            number for part in parts for number in {**part.standard_xrefs, **part.xrefs_in_objstm}
        )
        if self._info.xref_section_type in _TABLES:
            start = _TABLE.match(self._pdf, self._info.declared_startxref)
            _hold(start is not None and start.end() == self._info.start_location)
            stream = stream_of(self._pdf)
            stream.seek(self._info.start_location)
            rows = Counter(row.idnum for row in parse_xref_table(stream, strict=False))
            _hold(max(rows.values(), default=0) <= 1)
        _hold(max(numbers.values(), default=0) <= 1)
        size = self._info.size
        _hold(self._before.size <= size and max(numbers, default=0) < size)

    def _check_places(self) -> None:
        """Every listed object stands where it should; what stands there is listed."""
        listed = {self._info.start_location}
        places = dict(self._data.standard_xrefs)
        if self._hybrid is not None:
            listed.add(self._hybrid.meta_info.start_location)
            places |= self._hybrid.xref_data.standard_xrefs
        for number, (generation, place) in places.items():
            if place < self._begin:
                self._check_old_place(number, generation, place)
                continue
            listed.add(place)
            head = _HEADER.match(self._pdf, place)
            _hold(head is not None and (int(head[1]), int(head[2])) == (number, generation))
            _check_value(self._pdf, head.end() if head else place)
        _hold(listed.issuperset(_headers(self._pdf, self._begin, self._info.end_location)))

    def _check_old_place(self, number: int, generation: int, place: int) -> None:
        """A table may list again what stood there before, and nothing else."""
        reference = generic.Reference(number, generation, pdf=self._reader)
        older = self._reader.xrefs.get_historical_ref(reference, self._number - 1)
        _hold(older == place)

    def _check_end(self) -> None:
        """The trailer and the one end that leads to these cross-references."""
        place = self._info.end_location
        if self._info.xref_section_type in _TABLES:
            place = _check_value(self._pdf, place)
        else:
            _check_value(self._pdf, _after_header(self._pdf, self._info.start_location))
        if self._hybrid is not None:
            self._check_hidden(self._hybrid.meta_info.start_location)
        end = _END.search(self._pdf, place)
        _hold(end is not None and int(end[1]) == self._info.declared_startxref)
        _hold(end is not None and self._pdf.find(b"startxref", place) == end.start())
        between = self._pdf[self._begin : place].count(b"startxref")
        _hold(between == 1)  # the one before

    def _check_hidden(self, place: int) -> None:
        """A hybrid's stream says nothing about the whole file that its trailer does not say."""
        trailer, _ = read_dictionary(self._pdf, self._info.end_location)
        hidden, _ = read_dictionary(self._pdf, _after_header(self._pdf, place))
        for name in (b"/Root", b"/Encrypt"):
            _hold(hidden.get(name) in (None, trailer.get(name)))

    def _containers(self) -> dict[int, dict[int, int]]:
        """Object stream → the numbers that are looked for in it, and where."""
        packed = dict(self._data.xrefs_in_objstm)
        if self._hybrid is not None:
            packed |= self._hybrid.xref_data.xrefs_in_objstm
        found: dict[int, dict[int, int]] = {}
        for number, place in packed.items():
            found.setdefault(place.obj_stream_id, {})[number] = place.ix_in_stream
        return found

    def _check_packed(self, container: int, wanted: dict[int, int]) -> None:
        """An object stream holds each number once, at the place where it is looked for."""
        view = self._reader.get_historical_resolver(self._number)
        stream: Any = view.get_object(generic.Reference(container, 0, pdf=view))
        data, count, first = stream.data, int(stream["/N"]), int(stream["/First"])
        words = [int(word) for word in data[:first].split()]
        _hold(len(words) == 2 * count)
        numbers, offsets = words[::2], words[1::2]
        _hold(len(set(numbers)) == count)
        for number, index in wanted.items():
            _hold(0 <= index < count and numbers[index] == number)
            _check_value(data, first + offsets[index])


def _end_of(xrefs: Any, number: int) -> int:
    """Where the cross-references before an update end.

    Not always those of the neighbour: a file written for fast viewing has its second table first
    (ISO 32000-2, annex F).
    """
    return max(int(xrefs.get_xref_container_info(n).end_location) for n in range(number))


def _headers(pdf: Data, begin: int, end: int) -> Iterator[int]:
    """Where objects begin, listed or not: what ``_HEADER`` finds.

    Looked for from the rarer end: every digit of a signature's value could begin a header.
    """
    for word in _WORD.finditer(pdf, begin, end):
        place = word.start()
        for most in (5, 10):  # digits of the generation, then of the number
            after = _back(pdf, place, begin, _BLANKS)
            start = _back(pdf, after, max(begin, after - most), _DIGITS)
            if after in {place, start}:
                break
            place = start
        else:
            if place == 0 or pdf[place - 1] not in _DIGITS:
                yield place


def _back(pdf: Data, place: int, begin: int, characters: frozenset[int]) -> int:
    while place > begin and pdf[place - 1] in characters:
        place -= 1
    return place


def _hold(condition: bool) -> None:
    if not condition:
        raise _Ambiguous


def _after_header(pdf: Data, place: int) -> int:
    head = _HEADER.match(pdf, place)
    _hold(head is not None)
    return head.end() if head else place


def _check_value(data: Data, place: int) -> int:
    """No dictionary in a value names an entry twice; gives the position after the value."""
    opened = _OPENED.match(data, place)
    if opened is not None:
        return _check_dictionary(data, opened.end(), 0)
    start, end = value_span(data, place)
    _check_raw(data[start:end], 0)
    return end


def _check_dictionary(data: Data, place: int, depth: int) -> int:
    found, end = read_dictionary(data, place)  # refuses an entry named twice
    for name in found.names():
        value = found.get(name)
        if value is not None and value[:1] in (b"<", b"["):
            _check_raw(value, depth + 1)
    return end


def _check_raw(raw: bytes, depth: int) -> None:
    _hold(depth < _MAX_DEPTH)
    if raw.startswith(b"<<"):
        _check_dictionary(raw, 0, depth)
    elif raw.startswith(b"["):
        for value in array_items(raw):
            if value[:1] in (b"<", b"["):
                _check_raw(value, depth + 1)
