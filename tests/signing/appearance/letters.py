"""Typesets one-page Vietnamese letters line by line, in the ways offices' programs write them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pikepdf
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

from signing.fonts import REGULAR

RIGHT = 440.0  # middle of the right column, where motto, date, title and name stand
LEFT = 150.0
HEADER = 110.0  # baseline of number and date


@dataclass(frozen=True)
class Line:
    """A line with its baseline from the page's top, in points; centred at x, or starting there."""

    x: float
    y: float
    text: str
    size: float = 12.0
    centred: bool = True
    apart: float = 0.0  # between letters


def letter(*lines, size=A4, unit=None, picture=None):
    """One page with the lines in the order they are drawn; ``picture`` is a box from the top."""
    if "NotoVN" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("NotoVN", str(REGULAR)))
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=size, invariant=1)
    if picture is not None:
        x, y, width, height = picture
        grey = ImageReader(Image.new("RGB", (60, 80), (235, 235, 235)))
        page.drawImage(grey, x, size[1] - y - height, width, height)
    for line in lines:
        width = pdfmetrics.stringWidth(line.text, "NotoVN", line.size)
        width += line.apart * len(line.text)
        text = page.beginText(line.x - width / 2 if line.centred else line.x, size[1] - line.y)
        text.setFont("NotoVN", line.size)
        text.setCharSpace(line.apart)
        text.textOut(line.text)
        page.drawText(text)
    page.showPage()
    page.save()
    return out.getvalue() if unit is None else _in_units(out.getvalue(), unit)


def _in_units(pdf, unit):
    """The same visible page, stored in larger units."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        page = document.pages[0]
        scale = f"q {1 / unit:g} 0 0 {1 / unit:g} 0 0 cm\n".encode()
        page.contents_add(document.make_stream(scale), prepend=True)
        page.contents_add(document.make_stream(b"\nQ"))
        page.MediaBox = pikepdf.Array([float(side) / unit for side in page.MediaBox])
        page.UserUnit = unit
        out = io.BytesIO()
        document.save(out, deterministic_id=True, min_version="1.6")
    return out.getvalue()


HEAD = (
    Line(LEFT, 60, "ỦY BAN NHÂN DÂN"),
    Line(LEFT, 76, "PHƯỜNG MẪU"),
    Line(RIGHT, 60, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 10),
    Line(RIGHT, 76, "Độc lập - Tự do - Hạnh phúc"),
)
NUMBER = Line(80, HEADER, "Số:       /QĐ-UBND", centred=False)
DATE = Line(310, HEADER, "Hà Mẫu, ngày      tháng      năm 2026", centred=False)
BODY = Line(80, 230, "Điều 1. Cấp giấy phép cho ông Trần Văn Ví Dụ./.", centred=False)
TITLE = Line(RIGHT, 320, "CHỦ TỊCH")
NAME = Line(RIGHT, 420, "Nguyễn Văn Mẫu")
