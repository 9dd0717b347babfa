"""Typesets a Vietnamese decision as offices write it, for tests of signing."""

from __future__ import annotations

import io
import unicodedata

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

from signing.fonts import REGULAR, SERIF_ITALIC_DATE

SIGNER = "Nguyễn Văn Mẫu"
TITLE = "CHỦ TỊCH"


def decision(
    *,
    nfd=False,
    number_gap="      ",
    symbol="/QĐ-UBND",
    date_gap="     ",
    numbered=True,
    names=True,
    turned=False,
    crowded=False,
    head=True,
    name_at=390,
    pieces=False,
    italic_date=False,
):
    """One page: letterhead, dotted places, a sentence, title and name.

    ``crowded`` fills the page with text from edge to edge; ``pieces`` draws the name in several
    runs a little apart; ``name_at`` is the name's baseline, the title's is at 300.
    """
    if "NotoVN" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("NotoVN", str(REGULAR)))
    if "DateVN" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("DateVN", str(SERIF_ITALIC_DATE)))
    out = io.BytesIO()
    across, down = A4
    pdf = canvas.Canvas(out, pagesize=A4, invariant=1)
    if turned:  # stored lying on its side, shown upright by /Rotate (reportlab swaps the sides)
        pdf.setPageRotation(90)
        pdf.translate(down, 0)
        pdf.rotate(90)

    def write(x, y, text, points=12, centred=False, font="NotoVN"):
        pdf.setFont(font, points)
        shown = unicodedata.normalize("NFD" if nfd else "NFC", text)
        (pdf.drawCentredString if centred else pdf.drawString)(x, down - y, shown)

    if head:
        write(150, 60, "ỦY BAN NHÂN DÂN", centred=True)
        write(150, 76, "PHƯỜNG MẪU", centred=True)
        write(across - 190, 60, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 11, centred=True)
        write(across - 190, 76, "Độc lập - Tự do - Hạnh phúc", centred=True)
    if numbered:
        write(80, 110, f"Số:{number_gap}{symbol}")
        if italic_date:
            write(across - 300, 110, f"ngày{date_gap}tháng{date_gap}năm", font="DateVN")
        else:
            write(across - 300, 110, f"Phường Mẫu, ngày{date_gap}tháng{date_gap}năm 2026")
    if crowded:
        for row in range(60):
            write(20, 14 + row * 13, "Nội dung kín trang, không còn chỗ trống nào. " * 3, 10)
    write(across / 2, 160, "QUYẾT ĐỊNH", 14, centred=True)
    write(80, 200, "Điều 1. Cấp giấy phép xây dựng cho ông Trần Văn Ví Dụ./.")
    if names:
        write(across - 160, 300, TITLE, centred=True)
        if pieces:
            for x, part in ((390, "Nguy"), (421, "ễn V"), (448, "ăn"), (466, "M"), (480, "ẫu")):
                write(x, name_at, part)
        else:
            write(across - 160, name_at, SIGNER, centred=True)
    pdf.showPage()
    pdf.save()
    return out.getvalue()
