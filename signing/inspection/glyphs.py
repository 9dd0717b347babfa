"""Letters that a page asks for and its embedded font does not have.

Owns reading the pages' show operators and looking each code up in the embedded TrueType font:
glyph 0 (.notdef) or a number beyond the last glyph is a hole where a letter should be (ISO 32000-2,
9.6.5 and 9.7.4). Only fonts whose codes lead to glyphs without guessing are judged: Identity-H with
an embedded TrueType program, and simple TrueType fonts without an encoding of their own.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import pikepdf
from fontTools.ttLib import TTFont, TTLibError

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, stream_of

_MAX_PAGES = 200
_MAX_CONTENT = 2 * 1024 * 1024  # decoded bytes of one content stream
_MAX_FONT = 16 * 1024 * 1024
_SECONDS = 4.0
_SHOWING = frozenset({"Tj", "TJ", "'", '"'})

Missing = Callable[[bytes], bool]


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
            self._known[key] = _judge(font)
        missing = self._known[key]
        return missing is not None and missing(codes)


def _judge(font: Any) -> Missing | None:
    """How to tell a missing letter in this font, or None where it cannot be told for certain."""
    try:
        if font.get("/Subtype") == pikepdf.Name.Type0:
            return _judge_composite(font)
        if font.get("/Subtype") == pikepdf.Name.TrueType and "/Encoding" not in font:
            return _judge_simple(font)
    except (TTLibError, RuntimeError, pikepdf.PdfError, *HOSTILE_INPUT_ERRORS):
        return None
    return None


def _judge_composite(font: Any) -> Missing | None:
    descendant = font["/DescendantFonts"][0]
    if str(font.get("/Encoding")) != "/Identity-H" or "/FontDescriptor" not in descendant:
        return None
    program = _program(descendant)
    if program is None:
        return None
    mapping = descendant.get("/CIDToGIDMap")
    table = mapping.read_bytes() if isinstance(mapping, pikepdf.Stream) else None
    count = int(program["maxp"].numGlyphs)

    def missing(codes: bytes) -> bool:
        cids = (codes[at : at + 2] for at in range(0, len(codes) - 1, 2))
        glyphs = (_glyph(table, int.from_bytes(cid)) for cid in cids)
        return any(not 0 < glyph < count for glyph in glyphs)

    return missing


def _glyph(table: bytes | None, cid: int) -> int:
    return cid if table is None else int.from_bytes(table[2 * cid : 2 * cid + 2])


def _judge_simple(font: Any) -> Missing | None:
    program = _program(font)
    if program is None or "cmap" not in program:
        return None
    tables = [t.cmap for t in program["cmap"].tables if (t.platformID, t.platEncID) in _SYMBOLIC]
    if not tables:
        return None

    def missing(codes: bytes) -> bool:
        return any(code not in _BLANK and not _has(program, tables, code) for code in codes)

    return missing


_SYMBOLIC = ((1, 0), (3, 0))
_BLANK = frozenset(b" \t\r\n")


def _has(program: TTFont, tables: list[dict[int, str]], code: int) -> bool:
    names = [table.get(code) or table.get(0xF000 + code) for table in tables]
    return any(name is not None and program.getGlyphID(name) != 0 for name in names)


def _program(font: Any) -> TTFont | None:
    descriptor = font.get("/FontDescriptor", {})
    stream = descriptor.get("/FontFile2")
    if stream is None or int(stream.get("/Length", 0)) > _MAX_FONT:
        return None
    data = stream.read_bytes()
    return TTFont(io.BytesIO(data), lazy=True) if len(data) <= _MAX_FONT else None
