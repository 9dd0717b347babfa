"""Phiếu gửi hồ sơ: the note that both sides sign, A4.

Owns its drawing, with everything Thông tư 17/2017/TT-BTTTT Điều 9 khoản 2 asks for: parties (a,
b), time, place and manner (d), postage (đ), quality, rights and liability (e, g, h; the sentences
are data, see ``deadlines``), the procedure and the list of papers (i, k). Originals and copies
are told apart (Điều 5.2), papers to be withdrawn are named, and there is room for what people do
by hand: counting, showing identity papers, signing at both ends. No identity number is printed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, SimpleDocTemplate, Spacer, Table

from gateway.foundation.dates import format_sentence_vi
from gateway.foundation.money import amount_in_words, format_number, format_vi
from gateway.shipments.deadlines import NoteText
from gateway.shipments.drawing import (
    HAIR,
    INK,
    MUTED,
    SIMULATED,
    Box,
    Sheet,
    clean,
    paragraph,
    register_fonts,
    style,
)
from gateway.shipments.label import POSTAGE_PAYERS, PostalParty, spaced_item_code
from gateway.shipments.note_parts import (
    Ticks,
    boxed,
    grid,
    labelled,
    numbered,
    places_to_sign,
)
from gateway.shipments.statuses import ShipmentKind

_WIDTH: Final = 180.0
_MARGIN: Final = 15.0
_HEAD: Final = 34.0  # of the first page
_SERVICES: Final = {
    ShipmentKind.RESULT_DELIVERY: "Chuyển trả kết quả giải quyết thủ tục hành chính",
    ShipmentKind.DOSSIER_COLLECTION: "Nhận gửi hồ sơ giải quyết thủ tục hành chính",
    ShipmentKind.ROUND_TRIP: "Nhận gửi hồ sơ và chuyển trả kết quả thủ tục hành chính",
}
_FORMS: Final = {"original": "Bản chính", "copy": "Bản sao", "e-copy": "Bản sao điện tử"}
_SECTIONS: Final = {
    "quality": "Chất lượng dịch vụ",
    "rights": "Quyền và nghĩa vụ của các bên",
    "liability": "Trách nhiệm và bồi thường",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLine:
    """One paper: ``form`` is ``original``, ``copy`` or ``e-copy``."""

    title: str
    form: str
    quantity: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsignmentNote:
    """What the note says. ``made_at`` is when it was asked for; empty values leave room to write.

    ``accepted_on`` is J, ``due_on`` the last day in time; ``texts`` are the law's sentences.
    """

    number: str
    kind: ShipmentKind
    agency: str
    carrier: str
    order_number: str
    dossier: str
    procedure: str
    sender: PostalParty
    recipient: PostalParty
    contents: tuple[ContentLine, ...]
    weight_g: int
    collect_vnd: int
    postage_payer: str
    tracking_url: str
    made_at: datetime
    texts: tuple[NoteText, ...] = ()
    item_code: str | None = None
    postage_vnd: int | None = None
    proxy: str = ""
    withdraw: tuple[str, ...] = ()
    seal_number: str = ""
    handed_over_at: str = ""
    delivery_manner: str = "Phát tận tay tại địa chỉ người nhận"
    accepted_on: date | None = None
    due_on: date | None = None
    simulated: bool = False


def render_consignment_note(note: ConsignmentNote) -> bytes:
    """Draw the note as a PDF; the same values give the same bytes."""
    register_fonts()
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN * mm - 6,
        rightMargin=_MARGIN * mm - 6,
        topMargin=10 * mm,
        bottomMargin=10.5 * mm,
        title=f"Phiếu gửi hồ sơ {clean(note.number)}",
        author=clean(note.agency),
        lang="vi-VN",
        invariant=1,
    )
    document.build(_story(note), canvasmaker=numbered(partial(_furniture, note)))
    return out.getvalue()


def _furniture(note: ConsignmentNote, canvas: Any, page: int, pages: int) -> None:
    sheet = Sheet(canvas, A4[1] / mm)
    if page == 1:
        _draw_head(sheet, note)
    foot = f"Phiếu gửi hồ sơ số {note.number} · Lập lúc {format_sentence_vi(note.made_at)}"
    sheet.rule(_MARGIN, 285.5, _WIDTH, weight=0.4)
    sheet.text(Box(_MARGIN, 286.3, 150, 5), foot, 7.5, color=MUTED)
    sheet.text(Box(165, 286.3, 30, 5), f"Trang {page}/{pages}", 7.5, align="right", color=MUTED)
    if note.simulated:
        band = "MÔ PHỎNG – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
        sheet.text(
            Box(_MARGIN, 4.5, _WIDTH, 5), band, 8, bold=True, align="center", color=SIMULATED
        )


def _draw_head(sheet: Sheet, note: ConsignmentNote) -> None:
    y = 11 + sheet.text(Box(_MARGIN, 10, 86, 10), note.agency, 10, bold=True, smallest=7)
    sheet.text(Box(_MARGIN, y, 86, 5), "Dịch vụ bưu chính công ích", 8.5, color=MUTED)
    sheet.text(Box(_MARGIN, y + 4.2, 86, 5), f"Vận chuyển: {note.carrier}", 8.5, color=MUTED)
    code = note.item_code or note.order_number
    sheet.barcode(Box(104, 10, 68, 12), code, widest_mm=0.34)
    sheet.text(Box(104, 22.4, 68, 5.5), spaced_item_code(code), 10, bold=True, align="center")
    meaning = "Mã bưu gửi" if note.item_code else "Số đơn hàng"
    sheet.text(Box(104, 27.2, 68, 4), meaning, 7, align="center", color=MUTED)
    sheet.qr(Box(173, 7.5, 24, 24), note.tracking_url)
    sheet.rule(_MARGIN, 33, _WIDTH, weight=1)


def _story(note: ConsignmentNote) -> list[Flowable]:
    centre = style(8.5, align="center", color=MUTED)
    story: list[Flowable] = [
        Spacer(1, (_HEAD - 10) * mm),
        paragraph("PHIẾU GỬI HỒ SƠ", style(17, bold=True, align="center")),
        paragraph(f"{_SERVICES[note.kind]} qua dịch vụ bưu chính công ích", centre),
        paragraph(f"Số: {note.number}", style(10, bold=True, align="center")),
        Spacer(1, 2 * mm),
        _parties(note),
        Spacer(1, 2 * mm),
        _facts(note),
        Spacer(1, 2.5 * mm),
        _contents(note),
        Spacer(1, 2.5 * mm),
        *_withdrawn(note),
        _signatures(note),
    ]
    if note.texts:
        story += [Spacer(1, 1 * mm), KeepTogether(_law(note.texts))]
    return story


def _parties(note: ConsignmentNote) -> Table:
    sides = (("Người gửi", note.sender, ""), ("Người nhận", note.recipient, note.proxy))
    cells = [
        [
            paragraph(title, style(7.5, color=MUTED)),
            paragraph(party.name, style(10.5, bold=True)),
            paragraph(party.address, style(9)),
            paragraph(f"Điện thoại: {party.phone}", style(9)),
            *([paragraph(f"Thư điện tử: {party.email}", style(9))] if party.email else []),
            *([paragraph(f"Người được ủy quyền nhận: {proxy}", style(9))] if proxy else []),
        ]
        for title, party, proxy in sides
    ]
    return grid([cells], [_WIDTH / 2] * 2, *boxed())


def _facts(note: ConsignmentNote) -> Table:
    day = "……/……/………"
    accepted = f"{note.accepted_on:%d/%m/%Y}" if note.accepted_on else day
    due = f"{note.due_on:%d/%m/%Y}" if note.due_on else day
    gives_agency = note.kind is ShipmentKind.RESULT_DELIVERY
    usual_place = note.agency if gives_agency else "Địa chỉ người gửi"
    third = _WIDTH / 3
    top = grid(
        [[labelled("Thủ tục hành chính", note.procedure), labelled("Mã hồ sơ", note.dossier)]],
        [2 * third, third],
        *boxed(),
    )
    middle = grid(
        [
            [
                labelled("Ngày nhận gửi (J)", accepted),
                labelled("Hạn phát chậm nhất", due, bold=True),
                labelled("Nơi nhận gửi", note.handed_over_at or usual_place),
            ],
            [
                labelled("Phương thức", note.delivery_manner),
                labelled("Khối lượng", f"{format_number(note.weight_g)} g"),
                labelled("Số niêm phong", note.seal_number or "…………………………"),
            ],
        ],
        [third] * 3,
        *boxed(),
    )
    bottom = grid([[_postage(note), _fee(note)]], [third, 2 * third], *boxed())
    return grid(
        [[top], [middle], [bottom]],
        [_WIDTH],
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
    )


def _postage(note: ConsignmentNote) -> list[Any]:
    price = "Theo giá công bố" if note.postage_vnd is None else format_vi(note.postage_vnd)
    payer = POSTAGE_PAYERS.get(note.postage_payer, note.postage_payer)
    return labelled("Giá cước và người trả cước", f"{price} – {payer.lower()}")


def _fee(note: ConsignmentNote) -> list[Any]:
    name = "Phí, lệ phí thu khi phát"
    if not note.collect_vnd:
        return labelled(name, "Không thu", bold=True)
    words = f"{amount_in_words(note.collect_vnd)}. Biên lai số: ……………………………"
    return [
        *labelled(name, format_vi(note.collect_vnd), bold=True, size=11),
        paragraph(words, style(8.5)),
    ]


def _contents(note: ConsignmentNote) -> Table:
    head, body, number = style(8.5, bold=True), style(9), style(9, align="center")
    names = ("STT", "Tên giấy tờ, tài liệu", "Hình thức", "Số lượng", "Ghi chú")
    cells = [[paragraph(name, head) for name in names]]
    for index, line in enumerate(note.contents, 1):
        form = _FORMS.get(line.form, line.form)
        cells.append(
            [
                paragraph(str(index), number),
                paragraph(line.title, body),
                paragraph(form, style(9, bold=line.form == "original")),
                paragraph(str(line.quantity), number),
                paragraph(line.note, body),
            ]
        )
    total = sum(line.quantity for line in note.contents)
    originals = sum(line.quantity for line in note.contents if line.form == "original")
    said = f"Cộng {len(note.contents)} loại; số bản chính: {originals}"
    strong = style(9, bold=True, align="center")
    cells.append(["", paragraph(said, head), "", paragraph(str(total), strong), ""])
    return grid(
        cells,
        [11, 86, 30, 18, 35],
        ("BOX", (0, 0), (-1, -1), 0.8, INK),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
        ("INNERGRID", (0, 1), (-1, -1), 0.4, HAIR),
        ("LINEABOVE", (0, -1), (-1, -1), 0.8, INK),
        repeat=1,
    )


def _withdrawn(note: ConsignmentNote) -> list[Flowable]:
    if not note.withdraw:
        return []
    lead = paragraph("Giấy tờ phải thu hồi khi phát, chuyển lại cơ quan:", style(9, bold=True))
    ticks = [Ticks("", [title]) for title in note.withdraw]
    return [KeepTogether([lead, *ticks]), Spacer(1, 2 * mm)]


def _signatures(note: ConsignmentNote) -> Flowable:
    """Both ends side by side: who gives and who takes, each time two signatures."""
    collects = note.kind is ShipmentKind.DOSSIER_COLLECTION
    gives = "Đại diện cơ quan" if note.kind is ShipmentKind.RESULT_DELIVERY else "Người gửi"
    takes = "Người tiếp nhận hồ sơ" if collects else "Người nhận hoặc người được ủy quyền"
    ticks: list[Flowable] = []
    if not collects:
        ticks.append(Ticks("Đã xuất trình:", ("Căn cước", "Hộ chiếu", "Giấy ủy quyền")))
    if note.collect_vnd:
        ticks.append(Ticks("", ("Đã thu đủ phí, lệ phí và giao chứng từ",)))
        ticks.append(Ticks("", ("Chưa thu, lý do: ………………………………………………",)))
    halves: tuple[tuple[str, str, list[Flowable]], ...] = (
        ("1. Khi gửi: đã kiểm đếm, đóng gói, niêm phong", gives, []),
        ("2. Khi phát: đã kiểm đếm đủ theo danh mục", takes, ticks),
    )
    cells = [
        [
            paragraph(title, style(8.5, bold=True)),
            *lines,
            places_to_sign((role, "Nhân viên bưu chính"), 86, 16),
        ]
        for title, role, lines in halves
    ]
    return grid([cells], [_WIDTH / 2] * 2, *boxed())


def _short(legal_basis: str) -> str:
    """The usual abbreviations of a citation, for small print."""
    return legal_basis.replace("Thông tư", "TT").replace("Quyết định", "QĐ")


def _law(texts: Sequence[NoteText]) -> list[Flowable]:
    cells: list[list[Any]] = [[], []]
    small = style(6.8, lead=1.18)
    for section, heading in _SECTIONS.items():
        column = cells[1] if section == "rights" else cells[0]
        lines = [text for text in texts if text.section == section]
        if lines:
            column.append(paragraph(heading, style(7.5, bold=True)))
        for line in lines:
            column.append(paragraph(f"– {line.text} ({_short(line.legal_basis)})", small))
    return [grid([cells], [_WIDTH / 2 + 2, _WIDTH / 2 - 2], ("LEFTPADDING", (0, 0), (0, 0), 0))]
