"""The fonts of our stamps: prepared once a process, drawn without shaping.

Owns text to glyphs, the widths and the PDF font objects, cut down to the letters that are shown;
the files are ``signing.fonts``'. Vietnamese in NFC is one glyph a letter, so no shaping is needed.
A letter that a font lacks is named by ``missing``, and whoever draws refuses it.
"""

from __future__ import annotations

import hashlib
import string
import unicodedata
import zlib
from enum import StrEnum
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.appearance.glyphs import Outlines
from signing.fonts import REGULAR, SERIF, SERIF_ITALIC_DATE

_ITALIC = 1 << 6  # font descriptor flag (ISO 32000-2, table 121)
_SYMBOLIC = 1 << 2
_FIGURES = frozenset(string.digits)  # in every cut: numbers and times differ in nothing else
_TAG = 6  # letters before a cut font's name (ISO 32000-2, 9.9.2)
_MOST_KEPT = 256  # cuts: about ten kilobytes each


class Face(StrEnum):
    """Which font a drawing is set in."""

    SANS = "sans"  # blocks of our own
    SERIF = "serif"  # Times metrics: what becomes part of the document's text
    SERIF_ITALIC = "serif-italic"  # day and month in a line set in italics


_FILES = {Face.SANS: REGULAR, Face.SERIF: SERIF, Face.SERIF_ITALIC: SERIF_ITALIC_DATE}


class _Digits(dict[int, str]):
    """Code point → its glyph's number as a font shows it; 0 for what the font does not have."""

    def __missing__(self, code: int) -> str:
        return "0000"


class Typeface:
    """A TrueType font to be embedded as far as it is used."""

    def __init__(self, path: Path = REGULAR) -> None:
        self.name = path.stem
        with TTFont(path, recalcBBoxes=False, recalcTimestamp=False) as font:
            self.angle = round(font["post"].italicAngle)
            self.glyphs = {code: font.getGlyphID(n) for code, n in font.getBestCmap().items()}
            scale = 1000 / font["head"].unitsPerEm
            metrics = font["hmtx"].metrics
            self.widths = [round(metrics[name][0] * scale) for name in font.getGlyphOrder()]
            self._advances = {chr(c): self.widths[g] for c, g in self.glyphs.items()}
            self._digits = _Digits((c, f"{g:04X}") for c, g in self.glyphs.items())
            head, hhea = font["head"], font["hhea"]
            self.box = [round(v * scale) for v in (head.xMin, head.yMin, head.xMax, head.yMax)]
            self.ascent = round(hhea.ascent * scale)
            self.descent = round(hhea.descent * scale)
            self.outlines = Outlines(font)

    def missing(self, text: str) -> str:
        """The letters of a text that the font does not have, each once."""
        composed = unicodedata.normalize("NFC", text)
        if self._advances.keys() >= set(composed):
            return ""
        return "".join(dict.fromkeys(c for c in composed if ord(c) not in self.glyphs))

    def width(self, text: str, size: float) -> float:
        """Width of a line in points."""
        return float(_set(self, text)[0] * size / 1000)

    def show(self, text: str) -> bytes:
        """The operand and operator that show a line."""
        return _set(self, text)[1]

    def set_line(self, text: str) -> tuple[int, bytes]:
        """A line's width in thousandths of its size, and what shows it."""
        composed = unicodedata.normalize("NFC", text)
        unknown, advances = self.widths[0], self._advances
        width = sum([advances.get(char, unknown) for char in composed])
        return width, b"<" + composed.translate(self._digits).encode() + b"> Tj"

    def cut(self, text: str) -> FontCut:
        """As much of the font as a text needs."""
        letters = frozenset(unicodedata.normalize("NFC", text))
        return _cut(self, _FIGURES if letters <= _FIGURES else letters | _FIGURES)


@lru_cache(maxsize=4 * _MOST_KEPT)
def _set(face: Typeface, text: str) -> tuple[int, bytes]:
    """A line as it was set before: names and titles come again and again."""
    return face.set_line(text)


@lru_cache(maxsize=_MOST_KEPT)
def _cut(face: Typeface, letters: frozenset[str]) -> FontCut:
    return FontCut(face, letters)


class FontCut:
    """A font with the glyphs of some letters only, as the objects of a PDF."""

    def __init__(self, face: Typeface, letters: frozenset[str]) -> None:
        self._face = face
        codes = sorted(code for code in map(ord, letters) if code in face.glyphs)
        self._letters: dict[int, int] = {}  # glyph → code point
        for code in codes:
            self._letters.setdefault(face.glyphs[code], code)
        program = face.outlines.cut(self._letters)
        self._program_length = len(program)
        self._program = zlib.compress(program, 9)
        self._to_unicode = zlib.compress(self._build_to_unicode(), 9)
        drawn = hashlib.sha256(program).digest()[:_TAG]
        tag = "".join(string.ascii_uppercase[byte % 26] for byte in drawn)
        self.name = f"/{tag}+{face.name}"

    def add_to(self, writer: BasePdfFileWriter) -> generic.IndirectObject:
        """Write the font into a document."""
        program = generic.StreamObject(
            {
                pdf_name("/Length1"): generic.NumberObject(self._program_length),
                pdf_name("/Filter"): pdf_name("/FlateDecode"),
            },
            encoded_data=self._program,
        )
        descriptor = self._descriptor(writer.add_object(program))
        unicode_map = generic.StreamObject(
            {pdf_name("/Filter"): pdf_name("/FlateDecode")}, encoded_data=self._to_unicode
        )
        descendant = self._descendant(writer.add_object(descriptor))
        font = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Font"),
                pdf_name("/Subtype"): pdf_name("/Type0"),
                pdf_name("/BaseFont"): pdf_name(self.name),
                pdf_name("/Encoding"): pdf_name("/Identity-H"),
                pdf_name("/DescendantFonts"): generic.ArrayObject([writer.add_object(descendant)]),
                pdf_name("/ToUnicode"): writer.add_object(unicode_map),
            }
        )
        return writer.add_object(font)

    def _descendant(self, descriptor: generic.IndirectObject) -> generic.DictionaryObject:
        return generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Font"),
                pdf_name("/Subtype"): pdf_name("/CIDFontType2"),
                pdf_name("/BaseFont"): pdf_name(self.name),
                pdf_name("/CIDSystemInfo"): generic.DictionaryObject(
                    {
                        pdf_name("/Registry"): generic.pdf_string("Adobe"),
                        pdf_name("/Ordering"): generic.pdf_string("Identity"),
                        pdf_name("/Supplement"): generic.NumberObject(0),
                    }
                ),
                pdf_name("/FontDescriptor"): descriptor,
                pdf_name("/CIDToGIDMap"): pdf_name("/Identity"),
                pdf_name("/W"): self._build_widths(),
            }
        )

    def _build_widths(self) -> generic.ArrayObject:
        """First glyph and widths of every run of glyphs that follow each other."""
        rows = generic.ArrayObject()
        numbered = enumerate(sorted({0, *self._letters}))
        for _, run in groupby(numbered, key=lambda one: one[1] - one[0]):
            glyphs = [glyph for _, glyph in run]
            rows.append(generic.NumberObject(glyphs[0]))
            rows.append(_numbers([self._face.widths[glyph] for glyph in glyphs]))
        return rows

    def _descriptor(self, program: generic.IndirectObject) -> generic.DictionaryObject:
        face = self._face
        return generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/FontDescriptor"),
                pdf_name("/FontName"): pdf_name(self.name),
                pdf_name("/Flags"): generic.NumberObject(
                    _SYMBOLIC | (_ITALIC if face.angle else 0)
                ),
                pdf_name("/FontBBox"): _numbers(face.box),
                pdf_name("/ItalicAngle"): generic.NumberObject(face.angle),
                pdf_name("/Ascent"): generic.NumberObject(face.ascent),
                pdf_name("/Descent"): generic.NumberObject(face.descent),
                pdf_name("/CapHeight"): generic.NumberObject(714),
                pdf_name("/StemV"): generic.NumberObject(80),
                pdf_name("/FontFile2"): program,
            }
        )

    def _build_to_unicode(self) -> bytes:
        """Glyphs back to letters, so that the stamp's text can be searched and read aloud."""
        rows = [b"<%04X> <%04X>" % row for row in sorted(self._letters.items())]
        blocks = [
            b"%d beginbfchar\n%s\nendbfchar" % (len(part), b"\n".join(part))
            for part in (rows[i : i + 100] for i in range(0, len(rows), 100))
        ]
        return (
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
            b"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            b"/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
            b"1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
            + b"\n".join(blocks)
            + b"\nendcmap CMapName currentdict /CMap defineresource pop end end"
        )


def _numbers(values: list[int]) -> generic.ArrayObject:
    return generic.ArrayObject([generic.NumberObject(value) for value in values])


@cache
def stamp_typeface(face: Face = Face.SANS) -> Typeface:
    """A packaged font, read once a process."""
    return Typeface(_FILES[face])
