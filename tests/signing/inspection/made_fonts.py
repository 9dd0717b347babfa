"""One page set in a font of each kind, with the letters it has and the letters it lacks."""

from __future__ import annotations

import io
from importlib import resources

import pikepdf
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name

LETTERS = (".notdef", "space", "A", "B")


def page(text, font):
    """One page that shows ``text`` (bytes) in a font; ``font`` is given the document."""
    document = pikepdf.new()
    document.add_blank_page(page_size=(595, 842))
    content = b"BT /F1 24 Tf 72 700 Td <%s> Tj ET" % text.hex().encode()
    sheet = document.pages[0]
    sheet.Contents = document.make_stream(content)
    sheet.Resources = Dictionary(Font=Dictionary(F1=font(document)))
    out = io.BytesIO()
    document.save(out, deterministic_id=True)
    document.close()
    return out.getvalue()


def _square(pen):
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 500))
    pen.closePath()


def _built(*, is_ttf):
    builder = FontBuilder(1000, isTTF=is_ttf)
    builder.setupGlyphOrder(list(LETTERS))
    builder.setupCharacterMap({32: "space", 65: "A", 66: "B"})
    if is_ttf:
        pen = TTGlyphPen(None)
        _square(pen)
        builder.setupGlyf(dict.fromkeys(LETTERS, pen.glyph()))
    else:
        pen = T2CharStringPen(600, None)
        _square(pen)
        strings = dict.fromkeys(LETTERS, pen.getCharString())
        builder.setupCFF("Thu", {}, strings, {})
    builder.setupHorizontalMetrics(dict.fromkeys(LETTERS, (600, 0)))
    builder.setupHorizontalHeader()
    builder.setupPost()
    out = io.BytesIO()
    builder.save(out)
    return out.getvalue()


def _descriptor(document, key, program, **options):
    stream = document.make_stream(program, **options)
    return Dictionary(Type=Name.FontDescriptor, FontName=Name.Thu, **{key: stream})


def truetype(encoding):
    """Simple TrueType with an encoding of its own."""

    def make(document):
        return Dictionary(
            Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name.Thu, Encoding=encoding,
            FontDescriptor=_descriptor(document, "FontFile2", _built(is_ttf=True)),
        )  # fmt: skip

    return make


def cff(subtype=Name.Type1C):
    """Simple font with a CFF program, bare or in an OpenType file."""
    whole = _built(is_ttf=False)
    bare = TTFont(io.BytesIO(whole)).getTableData("CFF ")
    program = whole if subtype == Name.OpenType else bare

    def make(document):
        return Dictionary(
            Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Thu, Encoding=Name.WinAnsiEncoding,
            FontDescriptor=_descriptor(document, "FontFile3", program, Subtype=subtype),
        )  # fmt: skip

    return make


def composite(key, mapping=None):
    """Identity-H over a TrueType or CFF program; ``mapping`` is CID → glyph number."""
    whole = _built(is_ttf=key == "FontFile2")
    bare = TTFont(io.BytesIO(whole)).getTableData("CFF ") if key == "FontFile3" else whole

    def make(document):
        options = {"Subtype": Name.CIDFontType0C} if key == "FontFile3" else {}
        kind = Name.CIDFontType0 if key == "FontFile3" else Name.CIDFontType2
        descendant = Dictionary(
            Type=Name.Font, Subtype=kind, BaseFont=Name.Thu,
            CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
            FontDescriptor=_descriptor(document, key, bare, **options),
        )  # fmt: skip
        if mapping is not None:
            table = b"".join(number.to_bytes(2) for number in mapping)
            descendant.CIDToGIDMap = document.make_stream(table)
        return Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name.Thu, Encoding=Name("/Identity-H"),
            DescendantFonts=Array([document.make_indirect(descendant)]),
        )  # fmt: skip

    return make


def type1(encoding=None, *, hexadecimal=False):
    """A Type 1 program, as reportlab ships one: its segments as PDF wants them."""
    pfb = (resources.files("reportlab") / "fonts" / "_a______.pfb").read_bytes()
    parts, place = [], 0
    while pfb[place + 1] != 3:
        size = int.from_bytes(pfb[place + 2 : place + 6], "little")
        parts.append(pfb[place + 6 : place + 6 + size])
        place += 6 + size
    if hexadecimal:
        parts[1] = parts[1].hex().encode()

    def make(document):
        font = Dictionary(
            Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Thu,
            FontDescriptor=_descriptor(document, "FontFile", b"".join(parts)),
        )  # fmt: skip
        if encoding is not None:
            font.Encoding = encoding
        return font

    return make


def type3(document):
    """Drawings as letters: A only."""
    square = document.make_stream(b"600 0 0 0 500 500 d1 0 0 500 500 re f")
    return Dictionary(
        Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 600, 600]),
        FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]), FirstChar=65, LastChar=66,
        Widths=Array([600, 600]), CharProcs=Dictionary(A=square),
        Encoding=Dictionary(Type=Name.Encoding, Differences=Array([65, Name.A, Name.B])),
    )  # fmt: skip
