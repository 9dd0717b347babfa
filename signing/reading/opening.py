"""Opening a PDF from a stranger: strict first, then lax, always with decode limits.

Owns the ladder and the one place where pyHanko's many exceptions become a short reason. Leaves
judging what is inside to ``signing.inspection`` and ``signing.validation``.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodeLimits
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.reading import hex_strings, name_cache, streams_in_place
from signing.reading.declared_sizes import promises_too_much
from signing.reading.explanations import explain
from signing.reading.mapped_stream import MappedStream
from signing.reading.quiet_libraries import silence_libraries
from signing.reading.stretches import Data as Data  # noqa: PLC0414 - mypy's word for giving it on

silence_libraries()
hex_strings.install()
name_cache.install()
streams_in_place.install()

# What a hostile file can raise out of a pure-Python parser, beyond the parser's own errors.
HOSTILE_INPUT_ERRORS = (
    PdfError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

MAX_SIZE = 400 * 1024 * 1024
HEADER_WINDOW = 1024  # ISO 32000-1 Annex H: readers accept the header in the first 1024 bytes
_REASON_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Opened:
    """A readable file: its reader, which rung of the ladder held, why strict did not (words)."""

    reader: PdfFileReader
    strict: bool
    strict_reason: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that no rung of the ladder could open, and why, in words."""

    reason: str
    decode_limit: bool = False


def short_reason(error: BaseException) -> str:
    """One printable line about an error of a library, without a traceback."""
    text = " ".join(str(error).split()) or type(error).__name__
    printable = "".join(c for c in text if c.isprintable())
    return printable[:_REASON_LENGTH]


def stream_of(pdf: Data) -> BinaryIO:
    """A fresh stream over a file's bytes."""
    return io.BytesIO(pdf) if isinstance(pdf, bytes) else cast("BinaryIO", MappedStream(pdf))


def open_pdf(pdf: Data) -> Opened | Unreadable:
    """Open strictly, else laxly, else say why not; never raises for bad input."""
    strict = _try_open(pdf, strict=True)
    if isinstance(strict, PdfFileReader) and not strict.xrefs.hybrid_xrefs_present:
        return Opened(strict, strict=True)
    if promises_too_much(pdf):
        return Unreadable("bảng tham chiếu (xref) khai nhiều đối tượng hơn tệp có thể chứa")
    lax = _try_open(pdf, strict=False)
    if isinstance(lax, PdfFileReader):
        reason = "" if isinstance(strict, PdfFileReader) else explain(strict)
        return Opened(lax, strict=isinstance(strict, PdfFileReader), strict_reason=reason)
    return Unreadable(explain(lax), decode_limit=is_decode_limit(lax))


def hides_objects(reader: PdfFileReader) -> bool:
    """Whether the trailer's /Size is not above every number in use (ISO 32000-2, 7.5.5).

    A reader may then take some objects for missing, and whoever appends would give their numbers
    to new objects, which would take their place.
    """
    xrefs, size = reader.xrefs, int(reader.trailer_view["/Size"])
    for revision in range(xrefs.total_revisions):
        data = xrefs.get_xref_data(revision)
        parts = [data] if data.hybrid is None else [data, data.hybrid.xref_data]
        for part in parts:
            if max([*part.standard_xrefs, *part.xrefs_in_objstm], default=0) >= size:
                return True
    return False


def entry(container: Any, key: str) -> Any:
    """A dictionary's entry, dereferenced; None when missing or broken.

    Never ``container.get(key)``: on pyHanko's dictionaries that does not follow references.
    """
    if not isinstance(container, generic.DictionaryObject):
        return None
    try:
        return container[key]
    except HOSTILE_INPUT_ERRORS:
        return None


def is_decode_limit(error: BaseException) -> bool:
    """Whether the error is pyHanko's refusal to inflate further."""
    return "DecodeLimit" in type(error).__name__


def _try_open(pdf: Data, *, strict: bool) -> PdfFileReader | BaseException:
    try:
        reader = PdfFileReader(
            stream_of(pdf), strict=strict, decode_limits=DecodeLimits.for_untrusted_input()
        )
        _ = reader.root
    except HOSTILE_INPUT_ERRORS as error:
        return error
    return reader
