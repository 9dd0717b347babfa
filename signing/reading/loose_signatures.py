"""Whether a file's bytes speak of a signature that no form field holds.

Owns telling the remains of a signature (a file written anew, a field thrown away) from a signed
file that is merely attached: what stands inside a stream of an object says nothing about the file
around it. Usage rights are nobody's signature. Leaves signatures that are still whole to
``removed_signatures``.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data
from signing.reading.signature_fields import FoundSignature
from signing.reading.usage_rights import is_usage_rights

_MAX_MENTIONS = 1_000
_MENTION = b"/ByteRange"


def has_loose_signature(pdf: Data, reader: PdfFileReader, found: list[FoundSignature]) -> bool:
    """Whether the bytes outside streams name a byte range although no form field holds one."""
    place = -1 if found else pdf.find(_MENTION)
    if place < 0:
        return False
    objects = _Objects(pdf, reader)
    for _ in range(_MAX_MENTIONS):
        if place < 0:
            return False
        end = objects.end_of_stream_around(place)
        if end is None and is_usage_rights(pdf, place):
            end = place + len(_MENTION)
        if end is None:
            return True
        place = pdf.find(_MENTION, end)
    return True


class _Objects:
    """Where the objects of all revisions stand."""

    def __init__(self, pdf: Data, reader: PdfFileReader) -> None:
        self._pdf = pdf
        self._reader = reader
        placed: dict[int, tuple[int, int, int]] = {}  # place → number, generation, revision
        for revision in range(reader.xrefs.total_revisions):
            data = reader.xrefs.get_xref_data(revision)
            parts = [data] if data.hybrid is None else [data, data.hybrid.xref_data]
            for part in parts:
                for number, (generation, place) in part.standard_xrefs.items():
                    placed[place] = (number, generation, revision)
        self._placed = placed
        self._places = sorted(placed)

    def end_of_stream_around(self, place: int) -> int | None:
        """Where the stream ends in whose data a place lies; None for a place in no stream."""
        index = bisect_right(self._places, place) - 1
        if index < 0:
            return None
        start = self._places[index]
        try:
            length = self._length(*self._placed[start])
        except HOSTILE_INPUT_ERRORS:
            return None
        begin = self._pdf.find(b"stream", start, place)
        if length is None or begin < 0:
            return None
        end = begin + len(b"stream") + length
        return end if place < end else None

    def _length(self, number: int, generation: int, revision: int) -> int | None:
        view = self._reader.get_historical_resolver(revision)
        found: Any = view.get_object(generic.Reference(number, generation, pdf=view))
        return len(found.encoded_data) if isinstance(found, generic.StreamObject) else None
