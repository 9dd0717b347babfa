"""Objects that one revision of a file defines twice: two readers may each see another one.

Owns counting object headers in the bytes against what the cross-references say (ISO 32000-2,
7.5.4). A later revision may define an object anew, which is what updates are for; twice in one
revision it is a content kept in reserve.
"""

from __future__ import annotations

import re
from collections import Counter

from pyhanko.pdf_utils.reader import PdfFileReader

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, Opened

_MAX_SIZE = 64 * 1024 * 1024
_HEADER = re.compile(rb"(?:^|[\r\n])(\d{1,10}) (\d{1,5}) obj\b")
_STREAM = re.compile(rb"\bstream\r?\n.*?endstream", re.DOTALL)


def look_for_doubles(pdf: Data, opened: Opened) -> list[Finding]:
    """One finding that names the first few; nothing where the cross-references are not reliable."""
    doubled = doubled_objects(pdf, opened.reader) if opened.strict else []
    if not doubled:
        return []
    return [finding("doubled_object", numbers=", ".join(str(number) for number in doubled[:5]))]


def doubled_objects(pdf: Data, reader: PdfFileReader) -> list[int]:
    """Object numbers with more definitions in the bytes than revisions that define them."""
    if len(pdf) > _MAX_SIZE:
        return []
    written = Counter(
        (int(m.group(1)), int(m.group(2))) for m in _HEADER.finditer(_STREAM.sub(b"", pdf))
    )
    if max(written.values(), default=0) < 2:
        return []
    try:
        allowed = _defined(reader)
    except HOSTILE_INPUT_ERRORS:
        return []
    return sorted({key[0] for key, count in written.items() if 1 <= allowed[key] < count})


def _defined(reader: PdfFileReader) -> Counter[tuple[int, int]]:
    """In how many revisions each object is defined."""
    counts: Counter[tuple[int, int]] = Counter()
    for revision in range(reader.xrefs.total_revisions):
        for reference in reader.xrefs.explicit_refs_in_revision(revision):
            counts[reference.idnum, reference.generation] += 1
    return counts
