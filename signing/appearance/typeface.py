"""The fonts of our stamps: prepared once a process, drawn without shaping or subsetting.

Owns text to glyphs, the widths and the PDF font objects; the files are ``signing.fonts``'.
Vietnamese in NFC is one glyph a letter, so no shaping is needed. A letter that a font lacks is
named by ``missing``, and whoever draws refuses it.
"""

from __future__ import annotations

import io
import unicodedata
import zlib
from enum import StrEnum
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.fonts import REGULAR, SERIF, SERIF_ITALIC_DATE

_UNUSED_TABLES = ("GPOS", "GSUB", "GDEF", "gasp", "name")
_ITALIC = 1 << 6  # font descriptor flag (ISO 32000-2, table 121)
_SYMBOLIC = 1 << 2


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
    """A TrueType font ready to be embedded as it is."""

    def __init__(self, path: Path = REGULAR) -> None:
        self._name = f"/MOTCUA+{path.stem}"
        with TTFont(path) as font:
            self._angle = round(font["post"].italicAngle)
            self._glyphs = {code: font.getGlyphID(n) for code, n in font.getBestCmap().items()}
            scale = 1000 / font["head"].unitsPerEm
            metrics = font["hmtx"].metrics
            self._widths = [round(metrics[name][0] * scale) for name in font.getGlyphOrder()]
            self._advances = {chr(c): self._widths[g] for c, g in self._glyphs.items()}
            self._digits = _Digits((c, f"{g:04X}") for c, g in self._glyphs.items())
            head, hhea = font["head"], font["hhea"]
            self._box = [round(v * scale) for v in (head.xMin, head.yMin, head.xMax, head.yMax)]
            self.ascent = round(hhea.ascent * scale)
            self.descent = round(hhea.descent * scale)
            for table in _UNUSED_TABLES:
                if table in font:
                    del font[table]
            buffer = io.BytesIO()
            font.save(buffer)
        self._program_length = len(buffer.getvalue())
        self._program = zlib.compress(buffer.getvalue(), 9)
        self._to_unicode = zlib.compress(self._build_to_unicode(), 9)

    def missing(self, text: str) -> str:
        """The letters of a text that the font does not have, each once."""
        composed = unicodedata.normalize("NFC", text)
        if self._advances.keys() >= set(composed):
            return ""
        return "".join(dict.fromkeys(c for c in composed if ord(c) not in self._glyphs))

    def width(self, text: str, size: float) -> float:
        """Width of a line in points."""
        unknown, advances = self._widths[0], self._advances
        composed = unicodedata.normalize("NFC", text)
        return float(sum([advances.get(char, unknown) for char in composed]) * size / 1000)

    def show(self, text: str) -> bytes:
        """The operand and operator that show a line."""
        digits = unicodedata.normalize("NFC", text).translate(self._digits)
        return b"<" + digits.encode() + b"> Tj"

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
                pdf_name("/BaseFont"): pdf_name(self._name),
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
                pdf_name("/BaseFont"): pdf_name(self._name),
                pdf_name("/CIDSystemInfo"): generic.DictionaryObject(
                    {
                        pdf_name("/Registry"): generic.pdf_string("Adobe"),
                        pdf_name("/Ordering"): generic.pdf_string("Identity"),
                        pdf_name("/Supplement"): generic.NumberObject(0),
                    }
                ),
                pdf_name("/FontDescriptor"): descriptor,
                pdf_name("/CIDToGIDMap"): pdf_name("/Identity"),
                pdf_name("/W"): generic.ArrayObject(
                    [generic.NumberObject(0), _numbers(self._widths)]
                ),
            }
        )

    def _descriptor(self, program: generic.IndirectObject) -> generic.DictionaryObject:
        return generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/FontDescriptor"),
                pdf_name("/FontName"): pdf_name(self._name),
                pdf_name("/Flags"): generic.NumberObject(
                    _SYMBOLIC | (_ITALIC if self._angle else 0)
                ),
                pdf_name("/FontBBox"): _numbers(self._box),
                pdf_name("/ItalicAngle"): generic.NumberObject(self._angle),
                pdf_name("/Ascent"): generic.NumberObject(self.ascent),
                pdf_name("/Descent"): generic.NumberObject(self.descent),
                pdf_name("/CapHeight"): generic.NumberObject(714),
                pdf_name("/StemV"): generic.NumberObject(80),
                pdf_name("/FontFile2"): program,
            }
        )

    def _build_to_unicode(self) -> bytes:
        """Glyphs back to letters, so that the stamp's text can be searched and read aloud."""
        letters: dict[int, int] = {}
        for code, glyph in sorted(self._glyphs.items()):
            letters.setdefault(glyph, code)
        rows = [b"<%04X> <%04X>" % (glyph, code) for glyph, code in sorted(letters.items())]
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
