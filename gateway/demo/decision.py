"""The result document of the demo: a Vietnamese decision, typeset with dotted places to fill.

Layout by NĐ 30/2020/NĐ-CP Annex I: national title, agency, "Số: …", place and date line, body,
then the signature block on the right. The names are fictitious.
"""

from __future__ import annotations

import io

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from signing.fonts import REGULAR

_FONT = "MotcuaDemo"

BODY = (
    "Căn cứ Luật Tổ chức chính quyền địa phương;",
    "Căn cứ Nghị định số 23/2015/NĐ-CP ngày 16 tháng 02 năm 2015 của Chính phủ;",
    "Xét đề nghị của ông Nguyễn Văn An tại hồ sơ số {reference},",
    "",
    "QUYẾT ĐỊNH:",
    "",
    "Điều 1. Xác nhận hồ sơ của ông Nguyễn Văn An đủ điều kiện giải quyết theo quy định.",
    "Điều 2. Quyết định này có hiệu lực kể từ ngày ký.",
    "Điều 3. Bộ phận Tiếp nhận và Trả kết quả, ông Nguyễn Văn An và các đơn vị liên quan",
    "chịu trách nhiệm thi hành Quyết định này./.",
)


def typeset(reference: str, title: str, signer: str) -> bytes:
    """One A4 page; ``signer`` stands under ``title`` with room for the signature between."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(_FONT, str(REGULAR)))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"Quyết định – hồ sơ {reference}")
    canvas.setAuthor("UBND phường Mẫu")
    width, height = A4

    def centred(x: float, y: float, text: str, size: float = 12) -> None:
        canvas.setFont(_FONT, size)
        canvas.drawCentredString(x * mm, height - y * mm, text)

    centred(55, 25, "ỦY BAN NHÂN DÂN")
    centred(55, 31, "PHƯỜNG MẪU")
    centred(145, 25, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    centred(145, 31, "Độc lập - Tự do - Hạnh phúc")
    canvas.line(42 * mm, height - 33 * mm, 68 * mm, height - 33 * mm)
    canvas.line(115 * mm, height - 33 * mm, 175 * mm, height - 33 * mm)
    centred(55, 40, "Số: ........../QĐ-UBND")
    centred(145, 40, "Phường Mẫu, ngày ..... tháng ..... năm 2026")
    centred(width / mm / 2, 58, "QUYẾT ĐỊNH", 14)
    centred(width / mm / 2, 65, "Về việc giải quyết hồ sơ thủ tục hành chính", 13)
    canvas.setFont(_FONT, 12)
    for number, line in enumerate(BODY):
        text = line.format(reference=reference)
        if text == "QUYẾT ĐỊNH:":
            centred(width / mm / 2, 80 + number * 7.5, text)
            canvas.setFont(_FONT, 12)
        else:
            canvas.drawString(30 * mm, height - (80 + number * 7.5) * mm, text)
    canvas.setFont(_FONT, 10)
    canvas.drawString(30 * mm, height - 175 * mm, "Nơi nhận:")
    canvas.drawString(30 * mm, height - 180 * mm, "- Như Điều 3;")
    canvas.drawString(30 * mm, height - 185 * mm, "- Lưu: VT.")
    centred(145, 175, title.upper())
    centred(145, 215, signer)
    canvas.showPage()
    canvas.save()
    return out.getvalue()
