"""Finding the signatures in a PDF, also in files where a library's own listing gives up.

Owns the walk over form fields and the judgement of a ``/ByteRange`` against the file's bytes
(ISO 32000-2, 12.8.1). Leaves cryptography to ``signing.validation``. pyHanko's
``embedded_signatures`` raises for the whole file when one field is broken; here each signature
stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.sign.validation.pdf_embedded import extract_contents

from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, entry

MAX_FIELDS = 10_000
MAX_SIGNATURES = 64
_BLANK = b"\x00\t\n\x0c\r "


class Layout(StrEnum):
    """How a signature's byte range lies on the file."""

    WHOLE_FILE = "whole_file"
    PREFIX = "prefix"  # everything up to a later update
    LOOSE_END = "loose_end"  # what follows the signed part belongs to no later update
    ODD = "odd"  # not the standard two spans around the signature value
    RESAVED = "resaved"  # belongs to other bytes than these


@dataclass(frozen=True, slots=True)
class FormField:
    """A form field as found: full name, type, dictionary and the pages' widgets of it."""

    name: str
    kind: str
    dictionary: Any
    widgets: tuple[Any, ...]

    @property
    def signed(self) -> bool:
        """Whether it is a signature field that holds a signature dictionary."""
        return self.kind == "/Sig" and isinstance(
            entry(self.dictionary, "/V"), generic.DictionaryObject
        )


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """A filled signature field, its signature dictionary and how it lies on the file."""

    field: FormField
    value: Any
    layout: Layout

    @property
    def end(self) -> int:
        """Where the signed bytes end, by its byte range; 0 for a range of another form."""
        try:
            _, _, start, length = (int(number) for number in entry(self.value, "/ByteRange"))
        except (TypeError, ValueError):
            return 0
        return start + length

    @property
    def is_timestamp(self) -> bool:
        """Whether this is an archive time-stamp rather than somebody's signature."""
        return bool(
            entry(self.value, "/Type") == "/DocTimeStamp"
            or entry(self.value, "/SubFilter") == "/ETSI.RFC3161"
        )


def form_fields(root: Any) -> Iterator[FormField]:
    """Every terminal field below ``/AcroForm``; broken branches are passed over."""
    form = entry(root, "/AcroForm")
    pending = [(field, "", None) for field in _items(entry(form, "/Fields"))][::-1]
    seen: set[int] = set()
    while pending and len(seen) < MAX_FIELDS:
        field, prefix, inherited = pending.pop()
        if not isinstance(field, generic.DictionaryObject) or id(field) in seen:
            continue
        seen.add(id(field))
        label = entry(field, "/T")
        name = prefix if label is None else f"{prefix}.{label}".lstrip(".")
        kind = entry(field, "/FT") or inherited
        kids = _items(entry(field, "/Kids"))
        children = [kid for kid in kids if entry(kid, "/T") is not None]
        if children:
            pending.extend((kid, name, kind) for kid in reversed(children))
        else:
            yield FormField(name, str(kind or ""), field, tuple(kids) or (field,))


def find_signatures(pdf: Data, root: Any) -> list[FoundSignature]:
    """Every filled signature field, in the form's order, at most ``MAX_SIGNATURES`` + 1."""
    found: list[FoundSignature] = []
    for field in form_fields(root):
        if not field.signed:
            continue
        value = entry(field.dictionary, "/V")
        found.append(FoundSignature(field, value, layout_of(pdf, value)))
        if len(found) > MAX_SIGNATURES:
            break
    return found


def layout_of(pdf: Data, value: Any) -> Layout:
    """Lay the signature dictionary's byte range on the file's bytes."""
    try:
        spans = [int(n) for n in value["/ByteRange"]]
        contents = extract_contents(value)
    except HOSTILE_INPUT_ERRORS:
        return Layout.ODD
    return byte_range_layout(pdf, spans, contents)


def byte_range_layout(pdf: Data, spans: list[int], contents: bytes) -> Layout:
    """Judge ``[0, length, start, length]`` against the file; pure.

    The gap must hold exactly the signature value's hexadecimal string and nothing else. A range
    that reaches beyond the file, or whose gap does not hold this value at all, was made for
    other bytes: the file was written anew after signing.
    """
    if len(spans) != 4 or spans[0] != 0 or min(spans) < 0:
        return Layout.ODD
    _, first, start, second = spans
    if start < first:
        return Layout.ODD
    if start + second > len(pdf):
        return Layout.RESAVED
    gap = pdf[first:start]
    digits = contents.hex().encode()
    lowered = gap.lower()
    if lowered == b"<" + digits + b">":
        if start + second == len(pdf):
            return Layout.WHOLE_FILE
        return Layout.LOOSE_END if _has_loose_end(pdf, start + second) else Layout.PREFIX
    return Layout.ODD if digits and digits in lowered else Layout.RESAVED


def _has_loose_end(pdf: Data, signed: int) -> bool:
    """Whether bytes after the ``signed`` ones belong to no update.

    They do when the file's last ``startxref`` names cross-references before them, or ones whose own
    end marker is not the file's last: a reader would then be led past what was appended.
    """
    if not pdf[signed:].strip(_BLANK):
        return False
    mark = pdf.rfind(b"%%EOF")
    if pdf[mark + 5 :].strip(_BLANK):
        return True
    named = pdf[pdf.rfind(b"startxref", 0, mark) : mark].split()[1:2]
    if not (named and named[0].isdigit()):
        return True
    table = int(named[0])
    return table < signed or pdf.find(b"%%EOF", table) != mark


def docmdp_level(value: Any) -> int | None:
    """The level P of a certifying signature's DocMDP transform, None without one."""
    for reference in _items(entry(value, "/Reference")):
        if entry(reference, "/TransformMethod") != "/DocMDP":
            continue
        level = entry(entry(reference, "/TransformParams"), "/P")
        return int(level) if isinstance(level, generic.NumberObject) else 2
    return None


def _items(array: Any) -> list[Any]:
    """An array's elements, dereferenced; broken ones are left out."""
    if not isinstance(array, generic.ArrayObject):
        return []
    elements = []
    for raw in list(array)[:MAX_FIELDS]:
        try:
            elements.append(raw.get_object() if isinstance(raw, generic.IndirectObject) else raw)
        except HOSTILE_INPUT_ERRORS:
            continue
    return elements
