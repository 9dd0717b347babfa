"""A stamp's font has the letters that are shown, drawn as in the font's file, and no others."""

from __future__ import annotations

import io
import unicodedata

import pypdfium2
import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from pyhanko.pdf_utils.generic import DictionaryObject, NameObject, StreamObject
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from signing.appearance.drawing import draw_block, draw_line
from signing.appearance.typeface import Face, Typeface, stamp_typeface
from signing.fonts import REGULAR, SERIF, SERIF_ITALIC_DATE

FILES = {Face.SANS: REGULAR, Face.SERIF: SERIF, Face.SERIF_ITALIC: SERIF_ITALIC_DATE}
VIETNAMESE = "Nguyễn Thị Ước Ngỗng, ẵẫợỷ ĐĂK LĂK 0123456789 Thời gian ký: +07:00"
TEXTS = [
    (Face.SANS, "NVM"),
    (Face.SANS, VIETNAMESE),
    (Face.SANS, unicodedata.normalize("NFD", VIETNAMESE)),
    (Face.SERIF, "05/QĐ-UBND"),
    (Face.SERIF_ITALIC, "09"),
]


def page_of(drawing):
    """A page that shows a drawing, and its font's dictionary."""
    writer = PdfFileWriter()
    fonts = DictionaryObject({NameObject("/F"): drawing.font.add_to(writer)})
    contents = writer.add_object(StreamObject(stream_data=drawing.operators))
    page = PageObject(contents=contents, media_box=(0, 0, drawing.width, drawing.height))
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    writer.insert_page(page)
    out = io.BytesIO()
    writer.write(out)
    shown = PdfFileReader(io.BytesIO(out.getvalue())).root["/Pages"]["/Kids"][0]
    return out.getvalue(), shown["/Resources"]["/Font"]["/F"]


def program_of(font):
    return font["/DescendantFonts"][0]["/FontDescriptor"]["/FontFile2"].data


def outline(font, name):
    pen = DecomposingRecordingPen(font.getGlyphSet())
    font.getGlyphSet()[name].draw(pen)
    return pen.value


@pytest.mark.parametrize(("face", "text"), TEXTS)
def test_every_letter_has_the_outline_and_width_of_the_fonts_file(face, text):
    _, font = page_of(draw_line(text, 900, 30, 12, face=face))
    composed = unicodedata.normalize("NFC", text)
    with TTFont(FILES[face]) as whole, TTFont(io.BytesIO(program_of(font))) as cut:
        names = whole.getBestCmap()
        for letter in set(composed):
            name, number = names[ord(letter)], whole.getGlyphID(names[ord(letter)])
            mine = cut.getGlyphName(number)
            assert outline(cut, mine) == outline(whole, name), letter
            assert cut["hmtx"][mine] == whole["hmtx"][name], letter


@pytest.mark.parametrize(("face", "text"), TEXTS)
def test_the_text_can_be_searched_and_has_its_width(face, text):
    """By ToUnicode and by the widths that the font's dictionary states."""
    drawing = draw_line(text, 900, 30, 12, face=face)
    pdf, font = page_of(drawing)
    with pypdfium2.PdfDocument(pdf) as document:
        found = document[0].get_textpage().get_text_range()
    assert found == unicodedata.normalize("NFC", text)
    stated, rows = {}, iter(font["/DescendantFonts"][0]["/W"])
    for first, widths in zip(rows, rows, strict=True):
        stated |= {int(first) + at: int(width) for at, width in enumerate(widths)}
    shown = drawing.operators.split(b"<")[1].split(b">")[0]
    glyphs = [int(shown[at : at + 4], 16) for at in range(0, len(shown), 4)]
    width = stamp_typeface(face).width(text, 1000)
    assert sum(stated[glyph] for glyph in glyphs) == pytest.approx(width)


def test_a_font_is_whole_by_its_own_sums():
    """Every table's, and the file's."""
    _, font = page_of(draw_line(VIETNAMESE, 900, 30, 12))
    program = program_of(font)
    padded = program + bytes(-len(program) % 4)
    words = [int.from_bytes(padded[at : at + 4], "big") for at in range(0, len(padded), 4)]
    assert sum(words) % 2**32 == 0xB1B0AFBA
    with TTFont(io.BytesIO(program), checkChecksums=2) as cut:
        for tag in set(cut.keys()) - {"GlyphOrder"}:
            assert cut[tag] is not None


def test_numbers_and_times_share_a_font_and_other_letters_have_their_own():
    """So that the clerk's number, day and month write one font, each process the same bytes."""
    number, day = (draw_line(text, 90, 20, 12, face=Face.SERIF) for text in ("5", "28"))
    assert number.font is day.font
    blocks = [draw_block([f"Thời gian ký: {time}"], 200, 40, 9) for time in ("01:02", "23:59")]
    assert blocks[0].font is blocks[1].font
    (_, one), (_, other) = page_of(number), page_of(draw_line("5/A", 90, 20, 12, face=Face.SERIF))
    assert one["/BaseFont"] != other["/BaseFont"]
    _, again = page_of(draw_line("5", 90, 20, 12, face=Face.SERIF))
    assert program_of(again) == program_of(one)
    made_anew = Typeface(SERIF).cut("0")
    assert made_anew.name == number.font.name


def test_a_font_of_figures_is_small():
    pdf, _ = page_of(draw_line("05", 90, 20, 12, face=Face.SERIF))
    assert len(pdf) < 4_000
