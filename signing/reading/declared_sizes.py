"""How many objects a file's cross-reference streams promise, before a lenient reader believes it.

Owns one bound: a lenient reader makes up an entry for every number that a stream declares and does
not hold (ISO 32000-2, 7.5.8.2), so that twelve digits in a small file would cost all memory there
is. More objects than the file has bytes are no objects.
"""

from __future__ import annotations

import re
from typing import Final

from signing.reading.stretches import Data

_XREF: Final = re.compile(rb"/XRef(?![A-Za-z0-9])")
_INDEX: Final = re.compile(rb"/Index\s{0,64}\[([\d\s]*+)")
_SIZE: Final = re.compile(rb"/Size\s{1,64}(\d+)")
_AROUND: Final = 64 * 1024  # bytes of a dictionary
_ALWAYS: Final = 100_000  # objects, however short the file


def promises_too_much(pdf: Data) -> bool:
    """Whether some cross-reference stream declares more objects than there can be."""
    most = max(_ALWAYS, len(pdf))
    return any(_declared(pdf, found.start()) > most for found in _XREF.finditer(pdf))


def _declared(pdf: Data, place: int) -> int:
    """The most that the dictionary around its type declares."""
    begin = max(pdf.rfind(b"obj", max(place - _AROUND, 0), place), 0)
    end = pdf.find(b"stream", place, place + _AROUND)
    dictionary = pdf[begin : end if end >= 0 else place + _AROUND]
    index = _INDEX.search(dictionary)
    counts = _SIZE.findall(dictionary) if index is None else index[1].split()[1::2]
    # thousands of digits would be too many for ``int``, and say no more than the first twelve
    return max((int(count.lstrip(b"0")[:12] or b"0") for count in counts), default=0)
