"""Files made to contain one thing each, for the tests of inspection."""

from __future__ import annotations

import io

import pikepdf
from fontTools import subset
from fontTools.ttLib import TTFont as FontFile
from pikepdf import Array, Dictionary, Name
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from signing import fonts

VALUE = "Nguyễn Văn Mẫu"


def changed(pdf, change):
    """The file with a change made by pikepdf; ``change`` is given the document."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        out = io.BytesIO()
        document.save(out, deterministic_id=True)
    return out.getvalue()


def page(draw):
    """One A4 page drawn by reportlab with our font."""
    if "Made" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("Made", str(fonts.REGULAR)))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setFont("Made", 12)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def invisible(scan=None):
    """Words in rendering mode 3; ``scan`` (a Pillow picture) covers the page with a scan."""

    def draw(canvas):
        if scan is not None:
            canvas.drawImage(ImageReader(scan), 0, 0, *A4)
        text = canvas.beginText(72, 700)
        text.setTextRenderMode(3)
        text.textLine("Số tiền: 900.000.000 đồng")
        canvas.drawText(text)

    return page(draw)


def holes(tmp_path):
    """Words set in a font that was cut down to fewer letters than they have."""
    font = FontFile(fonts.REGULAR)
    cutter = subset.Subsetter()
    cutter.populate(text="Nguyn ăVMu")
    cutter.subset(font)
    name = "Cut"
    for record in font["name"].names:  # reportlab knows a face by its name
        record.string = name
    path = tmp_path / "cut.ttf"
    font.save(path)
    pdfmetrics.registerFont(TTFont(name, str(path)))

    def draw(canvas):
        canvas.setFont(name, 12)
        canvas.drawString(72, 700, VALUE)

    return page(draw)


def holes_in_composite():
    """A Type0 font with Identity-H whose string asks for glyph 0 and for one beyond the last."""

    def plant(document):
        program = document.make_stream(fonts.REGULAR.read_bytes())
        descriptor = Dictionary(Type=Name.FontDescriptor, FontName=Name.X, FontFile2=program)
        descendant = Dictionary(
            Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name.Rong,
            FontDescriptor=document.make_indirect(descriptor), CIDToGIDMap=Name.Identity,
        )  # fmt: skip
        font = Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name.Rong, Encoding=Name("/Identity-H"),
            DescendantFonts=Array([document.make_indirect(descendant)]),
        )  # fmt: skip
        first = document.pages[0]
        first.Resources.Font.Rong = document.make_indirect(font)
        form = document.make_stream(b"BT /Rong 12 Tf 72 600 Td [<0024> 20 <0000>] TJ ET")
        form.Type, form.Subtype = Name.XObject, Name.Form
        form.BBox = Array([0, 0, 595, 842])
        form.Resources = Dictionary(Font=Dictionary(Rong=first.Resources.Font.Rong))
        first.Resources.XObject = Dictionary(Bieu=form)
        first.contents_add(document.make_stream(b"q /Bieu Do Q"))

    return changed(page(lambda canvas: canvas.drawString(72, 700, "A")), plant)


def form(shown=VALUE, value=VALUE, *, appearance=True, flags=0, field_flags=0):
    """A text field: what its widget draws and what its value says."""
    drawn = page(lambda canvas: canvas.drawString(2, 4, shown))

    def plant(document):
        source = pikepdf.open(io.BytesIO(drawn))
        stream = document.copy_foreign(source.pages[0].as_form_xobject())
        stream.BBox = Array([0, 0, 200, 20])
        widget = Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T="NguoiNop",
            V=pikepdf.String(value), Rect=Array([72, 600, 272, 620]), F=flags, Ff=field_flags,
        )  # fmt: skip
        if appearance:
            widget.AP = Dictionary(N=stream)
        widget = document.make_indirect(widget)
        document.pages[0].Annots = Array([widget])
        document.Root.AcroForm = Dictionary(Fields=Array([widget]))

    return changed(page(lambda canvas: canvas.drawString(72, 700, "Đơn")), plant)


def check_box(value, state):
    """A check box with its value and the state it shows."""

    def plant(document):
        drawn = document.make_stream(b"0 0 9 9 re f")
        drawn.Type, drawn.Subtype = Name.XObject, Name.Form
        drawn.BBox = Array([0, 0, 9, 9])
        empty = document.make_stream(b"")
        empty.Type, empty.Subtype, empty.BBox = Name.XObject, Name.Form, Array([0, 0, 9, 9])
        widget = document.make_indirect(
            Dictionary(
                Type=Name.Annot, Subtype=Name.Widget, FT=Name.Btn, T="DongY", V=Name(value),
                AS=Name(state), Rect=Array([72, 600, 81, 609]),
                AP=Dictionary(N=Dictionary(Co=drawn, Off=empty)),
            )
        )  # fmt: skip
        document.pages[0].Annots = Array([widget])
        document.Root.AcroForm = Dictionary(Fields=Array([widget]))

    return changed(page(lambda canvas: canvas.drawString(72, 700, "A")), plant)
