"""The address label of a parcel: A6, for the envelope.

Owns its drawing. Says what a postman needs at a glance and nothing about the contents, which
nobody outside may read (Thông tư 17/2017/TT-BTTTT Điều 11.3). Vietnamese only.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import Final

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from gateway.foundation.money import NBSP, format_number
from gateway.shipments.drawing import MUTED, SIMULATED, Box, Sheet, clean
from gateway.shipments.statuses import ShipmentKind

WIDTH: Final = 105.0
HEIGHT: Final = 148.0
_EDGE: Final = 5.0
_INNER: Final = WIDTH - 2 * _EDGE
_QR: Final = 27.0

KIND_TITLES: Final = {
    ShipmentKind.RESULT_DELIVERY: "Trả kết quả",
    ShipmentKind.DOSSIER_COLLECTION: "Thu gom hồ sơ",
    ShipmentKind.ROUND_TRIP: "Thu gom và trả kết quả",
}
_AT_THE_DOOR = (
    "Phát tận tay người nhận hoặc người được ủy quyền, có xuất trình giấy tờ tùy thân. "
    "Không phát được: mời ít nhất hai lần rồi chuyển hoàn cơ quan gửi."
)
_NOTICES: Final = {
    ShipmentKind.RESULT_DELIVERY: _AT_THE_DOOR,
    ShipmentKind.DOSSIER_COLLECTION: (
        "Kiểm đếm theo danh mục trên Phiếu gửi hồ sơ, niêm phong trước mặt người gửi. "
        "Giao tại bộ phận tiếp nhận, lập Biên bản giao nhận."
    ),
    ShipmentKind.ROUND_TRIP: _AT_THE_DOOR,
}
POSTAGE_PAYERS: Final = {"applicant": "Người dân trả", "province": "Cơ quan trả"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalParty:
    """Sender or recipient as printed; ``address`` is the whole address in one line."""

    name: str
    phone: str
    address: str
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the label says.

    Without ``item_code`` the bar code carries the order number, by which the post finds the
    order. ``tracking_url`` becomes the QR code: a signed address, with no personal data in it.
    """

    kind: ShipmentKind
    carrier: str
    order_number: str
    dossier: str
    sender: PostalParty
    recipient: PostalParty
    weight_g: int
    collect_vnd: int
    postage_payer: str
    tracking_url: str
    item_code: str | None = None
    due_on: date | None = None
    service: str = "Bưu chính công ích"
    simulated: bool = False


def render_label(label: Label) -> bytes:
    """Draw the label as a PDF of one page; the same values give the same bytes."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH * mm, HEIGHT * mm), invariant=1, lang="vi-VN")
    canvas.setTitle(f"Nhãn bưu gửi {clean(label.item_code or label.order_number)}")
    canvas.setAuthor(clean(label.sender.name))
    sheet = Sheet(canvas, HEIGHT)
    _draw_head(sheet, label)
    _draw_code(sheet, label)
    _draw_sender(sheet, label)
    _draw_recipient(sheet, label)
    _draw_figures(sheet, label)
    _draw_foot(sheet, label)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def spaced_item_code(code: str) -> str:
    """``EA123456785VN`` → ``EA 123 456 785 VN``, as it is read aloud; others stay."""
    if len(code) == 13 and (code[:2] + code[11:]).isalpha() and code[2:11].isdigit():
        return f"{code[:2]} {code[2:5]} {code[5:8]} {code[8:11]} {code[11:]}"
    return code


def _draw_head(sheet: Sheet, label: Label) -> None:
    top, color = label.service, MUTED
    if label.simulated:
        top, color = "MÔ PHỎNG – KHÔNG CÓ GIÁ TRỊ", SIMULATED
    sheet.text(Box(_EDGE, 4.5, 60, 4), top, 7.5, color=color, bold=label.simulated)
    sheet.text(Box(_EDGE, 8, 62, 8), KIND_TITLES[label.kind], 15, bold=True, smallest=9)
    sheet.text(Box(67, 4.5, 33, 4), "Đơn vị vận chuyển", 7, color=MUTED, align="right")
    sheet.text(Box(63, 8.6, 37, 7), label.carrier, 11, bold=True, align="right", smallest=7)
    sheet.rule(_EDGE, 16.5, _INNER, weight=1.2)


def _draw_code(sheet: Sheet, label: Label) -> None:
    code = label.item_code or label.order_number
    sheet.barcode(Box(_EDGE, 19, _INNER, 15), code)
    sheet.text(Box(_EDGE, 34.6, _INNER, 7), spaced_item_code(code), 14, bold=True, align="center")
    if not label.item_code:
        note = "Số đơn hàng – bưu cục dán mã bưu gửi tại đây"
        sheet.text(Box(_EDGE, 41, _INNER, 3.6), note, 7, align="center", color=MUTED)
    sheet.rule(_EDGE, 45.5, _INNER)


def _draw_sender(sheet: Sheet, label: Label) -> None:
    sheet.text(Box(_EDGE, 46.8, _INNER, 4), "Người gửi", 7.5, color=MUTED)
    used = sheet.text(Box(_EDGE, 50.2, 63, 8), label.sender.name, 10, bold=True, smallest=7)
    sheet.text(Box(70, 50.2, 30, 5), label.sender.phone, 10, align="right")
    address = Box(_EDGE, 50.4 + used, _INNER, 13.5 - used)
    sheet.text(address, label.sender.address, 8.5)
    sheet.rule(_EDGE, 65, _INNER, weight=1.2)


def _draw_recipient(sheet: Sheet, label: Label) -> None:
    width = _INNER - _QR - 1
    y = 70.0
    sheet.text(Box(_EDGE, 66.3, width, 4), "Người nhận", 7.5, color=MUTED)
    y += sheet.text(Box(_EDGE, y, width, 13), label.recipient.name, 14, bold=True, smallest=8)
    y += 0.5 + sheet.text(Box(_EDGE, y + 0.5, width, 7), label.recipient.phone, 13, bold=True)
    sheet.text(Box(_EDGE, y + 1, width, 108.5 - y), label.recipient.address, 11)
    left = WIDTH - _EDGE - _QR + 2.5
    sheet.qr(Box(left, 66.5, _QR, _QR), label.tracking_url)
    caption = Box(left + 2, 93, _QR - 4, 8)
    sheet.text(caption, "Quét để theo dõi bưu gửi", 7, align="center", color=MUTED)
    sheet.rule(_EDGE, 110.5, _INNER, weight=1.2)


def _draw_figures(sheet: Sheet, label: Label) -> None:
    money = Box(_EDGE, 112.5, 44, 18)
    if label.collect_vnd:
        sheet.frame(Box(money.x, money.y, money.width, money.height), weight=1.2)
        sheet.text(Box(money.x + 2, 113.8, 40, 4), "Thu hộ khi phát (COD)", 8)
        amount = f"{format_number(label.collect_vnd)}{NBSP}đ"
        sheet.text(Box(money.x + 2, 118, 40, 11), amount, 19, bold=True, smallest=11)
    else:
        sheet.text(Box(money.x, 113.8, 42, 4), "Thu hộ khi phát (COD)", 8, color=MUTED)
        sheet.text(Box(money.x, 118.4, 42, 9), "Không thu tiền", 13, bold=True)
    due = f"{label.due_on:%d/%m/%Y}" if label.due_on else "–"
    payer = POSTAGE_PAYERS.get(label.postage_payer, label.postage_payer)
    rows = (
        ("Khối lượng", f"{format_number(label.weight_g)} g"),
        ("Cước", payer),
        ("Hạn phát", due),
    )
    for index, (name, value) in enumerate(rows):
        y = 112.6 + index * 6.1
        sheet.text(Box(53, y + 0.6, 18, 5), name, 8, color=MUTED)
        sheet.text(Box(71, y, 29, 6), value, 10, bold=True, align="right", smallest=7)
        if index:
            sheet.rule(53, y - 0.3, 47)
    sheet.rule(_EDGE, 132.5, _INNER)


def _draw_foot(sheet: Sheet, label: Label) -> None:
    sheet.text(Box(_EDGE, 133.6, 12, 4), "Hồ sơ", 7.5, color=MUTED)
    sheet.text(Box(_EDGE + 12, 133.4, _INNER - 12, 4.4), label.dossier, 8.5, bold=True)
    sheet.text(Box(_EDGE, 137.8, _INNER, 7.5), _NOTICES[label.kind], 7)
