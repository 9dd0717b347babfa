"""The papers of the demo: a decision with dotted places to fill, and an original to be copied.

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
    "Căn cứ Nghị định số 23/2015/NĐ-CP ngày 16 tháng 02 năm 2015;",
    "Xét đề nghị của ông Nguyễn Văn An tại hồ sơ số {reference},",
    "",
    "QUYẾT ĐỊNH:",
    "",
    "Điều 1. Xác nhận hồ sơ của ông Nguyễn Văn An đủ điều kiện giải quyết",
    "theo quy định.",
    "Điều 2. Quyết định này có hiệu lực kể từ ngày ký.",
    "Điều 3. Bộ phận Tiếp nhận và Trả kết quả, ông Nguyễn Văn An và các đơn vị",
    "liên quan chịu trách nhiệm thi hành Quyết định này./.",
)


def typeset(reference: str, title: str, signer: str) -> bytes:
    """One A4 page; ``signer`` stands under ``title`` with room for the signature between."""
    sheet = _Sheet(f"Quyết định – hồ sơ {reference}")
    sheet.letterhead()
    sheet.centred(55, 40, "Số: ........../QĐ-UBND")
    sheet.centred(145, 40, "Phường Mẫu, ngày ....... tháng ....... năm 2026")
    sheet.centred(105, 58, "QUYẾT ĐỊNH", 14)
    sheet.centred(105, 65, "Về việc giải quyết hồ sơ thủ tục hành chính", 13)
    for number, line in enumerate(BODY):
        text, y = line.format(reference=reference), 80 + number * 7.5
        if text == "QUYẾT ĐỊNH:":
            sheet.centred(105, y, text)
        else:
            sheet.line(30, y, text)
    for number, text in enumerate(("Nơi nhận:", "- Như Điều 3;", "- Lưu: VT.")):
        sheet.line(30, 178 + 5 * number, text, 10)
    sheet.centred(145, 178, title.upper())
    sheet.centred(145, 218, signer)
    return sheet.finish()


def original(title: str) -> bytes:
    """A paper somebody brings to be copied and certified: one page, as if scanned."""
    sheet = _Sheet(title)
    sheet.letterhead()
    sheet.centred(105, 70, title.upper(), 18)
    for number, text in enumerate(
        ("Cấp cho ông: Nguyễn Văn An", "Sinh ngày: 01 tháng 01 năm 1990", "Số hiệu: 123")
    ):
        sheet.centred(105, 95 + 10 * number, text, 13)
    sheet.centred(145, 150, "GIÁM ĐỐC SỞ MẪU")
    sheet.centred(145, 190, "(đã ký và đóng dấu)")
    return sheet.finish()


class _Sheet:
    """An A4 page measured in millimetres from its top left corner."""

    def __init__(self, title: str) -> None:
        if _FONT not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(_FONT, str(REGULAR)))
        self._out = io.BytesIO()
        self._canvas = Canvas(self._out, pagesize=A4, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setAuthor("UBND phường Mẫu")

    def letterhead(self) -> None:
        """Agency on the left, national title on the right."""
        self.centred(55, 25, "ỦY BAN NHÂN DÂN")
        self.centred(55, 31, "PHƯỜNG MẪU")
        self.centred(145, 25, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        self.centred(145, 31, "Độc lập - Tự do - Hạnh phúc")
        for left, right in ((42, 68), (115, 175)):
            self._canvas.line(left * mm, A4[1] - 33 * mm, right * mm, A4[1] - 33 * mm)

    def centred(self, x: float, y: float, text: str, size: float = 12) -> None:
        """Text centred on x."""
        self._canvas.setFont(_FONT, size)
        self._canvas.drawCentredString(x * mm, A4[1] - y * mm, text)

    def line(self, x: float, y: float, text: str, size: float = 12) -> None:
        """Text from x."""
        self._canvas.setFont(_FONT, size)
        self._canvas.drawString(x * mm, A4[1] - y * mm, text)

    def finish(self) -> bytes:
        """The PDF."""
        self._canvas.showPage()
        self._canvas.save()
        return self._out.getvalue()
