"""The plain payment confirmation as an A5 PDF ("Giấy xác nhận thanh toán").

Owns its drawing. It is not the legal biên lai, which the collecting agency issues, and says so
on its face. Vietnamese only: the payer shows it to a Vietnamese agency.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from gateway.foundation.dates import format_sentence_vi
from gateway.foundation.money import amount_in_words, format_number, format_vi
from gateway.frame.catalog import words
from gateway.frame.fonts import font_path
from gateway.frame.formats import nfc

_INK = colors.HexColor("#1A1F24")
_MUTED = colors.HexColor("#4A5560")
_HAIR = colors.HexColor("#C9D1D9")
_BRAND = colors.HexColor("#0B3D6B")
_WIDTH = A5[0] - 30 * mm - 12  # the frame pads 6 points on either side


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedItem:
    """One line of the confirmation."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the confirmation states. ``made_at`` is when the PDF was asked for."""

    number: str
    agency: str
    province: str
    code: str
    procedure: str
    payer_name: str
    items: tuple[ConfirmedItem, ...]
    total: int
    method: str
    reference: str
    paid_at: datetime
    made_at: datetime
    simulated: bool = False


def render_confirmation_pdf(confirmation: Confirmation) -> bytes:
    """Draw the PDF; the same values give the same bytes."""
    _register_fonts()
    out = io.BytesIO()
    title = f"{_say('receipt.h1')} {confirmation.number}"
    document = SimpleDocTemplate(
        out,
        pagesize=A5,
        leftMargin=15 * mm,
        rightMargin=15 * mm,
        topMargin=12 * mm,
        bottomMargin=12 * mm,
        title=title,
        author=nfc(confirmation.agency),
        lang="vi-VN",
        invariant=1,
    )
    document.build(_story(confirmation))
    return out.getvalue()


@cache
def _register_fonts() -> None:
    pdfmetrics.registerFont(TTFont("NotoVN", font_path("NotoSansVN-400.ttf")))
    pdfmetrics.registerFont(TTFont("NotoVN-Bold", font_path("NotoSansVN-700.ttf")))


def _say(key: str) -> str:
    return words().plain("vi", key)


def _style(*, bold: bool = False, size: float = 10, **changes: object) -> ParagraphStyle:
    values = {
        "fontName": "NotoVN-Bold" if bold else "NotoVN",
        "fontSize": size,
        "leading": size * 1.45,
        "textColor": _INK,
        "splitLongWords": 1,
    }
    return ParagraphStyle("text", **{**values, **changes})


def _text(value: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(nfc(value)), style)


def _story(confirmation: Confirmation) -> list[Flowable]:
    place = " · ".join(filter(None, (confirmation.agency, confirmation.province)))
    centre = {"alignment": TA_CENTER}
    story: list[Flowable] = []
    if confirmation.simulated:
        band = _style(bold=True, size=8, textColor=colors.HexColor("#4A2373"), **centre)
        story += [_text(_say("frame.simulated"), band), Spacer(1, 2 * mm)]
    story += [
        _text(place, _style(bold=True, textColor=_BRAND, **centre)),
        Spacer(1, 4 * mm),
        _text(_say("receipt.h1").upper(), _style(bold=True, size=15, **centre)),
        _text(f"Số: {confirmation.number}", _style(textColor=_MUTED, **centre)),
        Spacer(1, 4 * mm),
        _facts(confirmation),
        Spacer(1, 4 * mm),
        _items(confirmation),
        Spacer(1, 2 * mm),
        _text(f"{_say('fact.words')}: {amount_in_words(confirmation.total)}.", _style()),
        Spacer(1, 4 * mm),
        _text(_say("receipt.not_legal"), _style(size=9, textColor=_MUTED)),
        Spacer(1, 2 * mm),
        _text(
            f"Lập lúc {format_sentence_vi(confirmation.made_at)}.",
            _style(size=9, textColor=_MUTED),
        ),
    ]
    return story


def _facts(confirmation: Confirmation) -> Table:
    rows = (
        (_say("fact.payer"), confirmation.payer_name),
        (_say("fact.dossier"), confirmation.code),
        (_say("fact.procedure"), confirmation.procedure),
        (_say("fact.amount"), format_vi(confirmation.total)),
        (_say("fact.paid_at"), format_sentence_vi(confirmation.paid_at)),
        (_say("fact.method"), confirmation.method),
        (_say("fact.reference"), confirmation.reference),
    )
    label, value = _style(size=9, leading=14.5, textColor=_MUTED), _style()
    cells = [[_text(name, label), _text(said, value)] for name, said in rows if said]
    return Table(
        cells,
        colWidths=[32 * mm, _WIDTH - 32 * mm],
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ],
    )


def _items(confirmation: Confirmation) -> Table:
    right, strong = _style(alignment=TA_RIGHT), _style(bold=True)
    strong_right = _style(bold=True, alignment=TA_RIGHT)
    head = [_say("checkout.item"), _say("checkout.amount_column")]
    cells = [[_text(head[0], strong), _text(head[1], strong_right)]]
    cells += [
        [_text(item.name, _style()), _text(format_number(item.amount), right)]
        for item in confirmation.items
    ]
    total = format_number(confirmation.total)
    cells.append([_text(_say("checkout.total"), strong), _text(total, strong_right)])
    return Table(
        cells,
        colWidths=[_WIDTH - 36 * mm, 36 * mm],
        repeatRows=1,
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("LINEBELOW", (0, 0), (-1, -2), 0.5, _HAIR),
            ("LINEABOVE", (0, 0), (-1, 0), 0.8, _INK),
            ("LINEABOVE", (0, -1), (-1, -1), 0.8, _INK),
            ("LINEBELOW", (0, -1), (-1, -1), 0.8, _INK),
        ],
    )
