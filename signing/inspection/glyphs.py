"""Letters that a page asks for and its embedded font does not have.

Owns reading the pages' show operators (ISO 32000-2, 9.4.3), forms inside included, within limits.
Where a code leads in an embedded font is ``font_programs``'; fonts that are not embedded, and ways
that are not certain, are not judged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pikepdf

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.inspection.font_programs import Missing, judge
from signing.reading.opening import Data, stream_of

_MAX_PAGES = 200
_MAX_CONTENT = 2 * 1024 * 1024  # decoded bytes of one content stream
_SECONDS = 4.0
_SHOWING = frozenset({"Tj", "TJ", "'", '"'})


def find_missing_glyphs(pdf: Data) -> list[Finding]:
    """A finding for every page and font with letters that cannot be drawn."""
    with pikepdf.open(stream_of(pdf)) as document:
        return list(_look(document))


def _look(document: pikepdf.Pdf) -> Iterator[Finding]:
    deadline = time.monotonic() + _SECONDS
    fonts = _Fonts()
    for index, page in enumerate(document.pages):
        if index >= _MAX_PAGES or time.monotonic() > deadline:
            return
        names = set()
        for font, codes in _shown(page, page.get("/Resources"), depth=2):
            if fonts.lacks(font, codes):
                names.add(str(font.get("/BaseFont", "không tên")).lstrip("/"))
        for name in sorted(names):
            yield finding("missing_glyphs", f"trang {index + 1}", name=name)


def _shown(stream: Any, resources: Any, depth: int) -> Iterator[tuple[Any, bytes]]:
    """Every (font dictionary, string) that a content stream shows, forms inside included."""
    if resources is None or not _is_small(stream):
        return
    fonts, forms = resources.get("/Font", {}), resources.get("/XObject", {})
    font = None
    for step in pikepdf.parse_content_stream(stream, "Tf Tj TJ ' \" Do"):
        operands, kind = list(step.operands), str(step.operator)
        if kind == "Tf":
            font = fonts.get(str(operands[0])) if operands else None
        elif kind in _SHOWING and font is not None and operands:
            yield from ((font, bytes(text)) for text in _strings(operands[-1]))
        elif kind == "Do" and depth and operands:
            yield from _inside(forms.get(str(operands[0])), depth)


def _inside(form: Any, depth: int) -> Iterator[tuple[Any, bytes]]:
    if isinstance(form, pikepdf.Stream) and form.get("/Subtype") == pikepdf.Name.Form:
        yield from _shown(form, form.get("/Resources"), depth - 1)


def _strings(operand: Any) -> Iterator[Any]:
    parts = operand if isinstance(operand, pikepdf.Array) else [operand]
    return (part for part in parts if isinstance(part, pikepdf.String))


def _is_small(stream: Any) -> bool:
    contents = stream.get("/Contents") if not isinstance(stream, pikepdf.Stream) else stream
    parts = contents if isinstance(contents, pikepdf.Array) else [contents]
    streams = [part for part in parts if isinstance(part, pikepdf.Stream)]
    return bool(streams) and sum(len(part.read_bytes()) for part in streams) <= _MAX_CONTENT


class _Fonts:
    """The fonts looked at so far, each read once a file."""

    def __init__(self) -> None:
        self._known: dict[Any, Missing | None] = {}

    def lacks(self, font: Any, codes: bytes) -> bool:
        """Whether any of these codes leads to no glyph."""
        key = font.objgen if font.is_indirect else id(font)
        if key not in self._known:
            self._known[key] = judge(font)
        missing = self._known[key]
        return missing is not None and missing(codes)
