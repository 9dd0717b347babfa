"""What the evidence report is set with: one column of headings, paragraphs and two-column tables.

Owns fonts, sizes and the page; leaves every word to ``evidence_report``.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from gateway.frame.fonts import font_path

_REGULAR: Final = "MotcuaEvidence"
_BOLD: Final = "MotcuaEvidence-Bold"
_INK: Final = colors.HexColor("#1A1F24")
_MUTED: Final = colors.HexColor("#4A5560")
_HAIR: Final = colors.HexColor("#C3CBD4")
_WIDTH: Final = A4[0] - 40 * mm - 12  # the frame has its own padding of 6 points
_NAMES: Final = 48 * mm
_GRID: Final = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, _HAIR),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
]


class Paper:
    """Collects the report's pieces in order, then prints them."""

    def __init__(self, title: str, footer: str) -> None:
        _register_fonts()
        self._title = title
        self._footer = footer
        self._pieces: list[Flowable] = []
        self._heading: list[Flowable] = []  # waits for what it must stand with

    def title(self, text: str, below: str) -> None:
        """The report's name, and a line of what it is about."""
        self._pieces += [_paragraph(text, 16, bold=True), _paragraph(below, 10, color=_MUTED)]

    def heading(self, text: str, *, small: bool = False) -> None:
        """A heading that stays with what follows."""
        self._heading += [Spacer(1, 3 * mm), _paragraph(text, 10 if small else 12.5, bold=True)]

    def text(self, text: str, *, bold: bool = False) -> None:
        """A paragraph."""
        self._add(_paragraph(text, 10, bold=bold))

    def facts(self, rows: Iterable[tuple[str, str | None]]) -> None:
        """Names and values; what has no value is left out."""
        cells = [
            [_paragraph(name, 9, color=_MUTED), _paragraph(value, 9)]
            for name, value in rows
            if value
        ]
        if cells:
            self._add(Table(cells, colWidths=[_NAMES, _WIDTH - _NAMES], style=_GRID, hAlign="LEFT"))

    def table(
        self, head: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[float]
    ) -> None:
        """A table with a heading row; ``widths`` in millimetres."""
        cells = [[_paragraph(cell, 8.5, bold=True) for cell in head]]
        cells += [[_paragraph(cell, 8.5) for cell in row] for row in rows]
        columns = [w * mm for w in widths]
        self._add(Table(cells, colWidths=columns, style=_GRID, repeatRows=1, hAlign="LEFT"))

    def print(self) -> bytes:
        """The PDF."""
        out = io.BytesIO()
        document = SimpleDocTemplate(
            out,
            pagesize=A4,
            leftMargin=20 * mm,
            rightMargin=20 * mm,
            topMargin=18 * mm,
            bottomMargin=20 * mm,
            title=self._title,
            lang="vi",
            invariant=1,
        )
        document.build(
            [*self._pieces, *self._heading],
            onFirstPage=self._draw_footer,
            onLaterPages=self._draw_footer,
        )
        return out.getvalue()

    def _add(self, piece: Flowable) -> None:
        if self._heading:
            # A long table must be able to break: only a short one is held with its heading.
            whole = piece.wrap(_WIDTH, A4[1])[1] < A4[1] / 2
            held = [*self._heading, piece] if whole else self._heading
            self._pieces += [KeepTogether(held)] if whole else [*held, piece]
            self._heading = []
        else:
            self._pieces.append(piece)

    def _draw_footer(self, canvas: Any, document: Any) -> None:
        canvas.setFont(_REGULAR, 8)
        canvas.setFillColor(_MUTED)
        canvas.drawString(20 * mm, 12 * mm, self._footer)
        canvas.drawRightString(A4[0] - 20 * mm, 12 * mm, f"Trang {document.page}")


def _paragraph(text: str, size: float, *, bold: bool = False, color: Any = _INK) -> Paragraph:
    style = ParagraphStyle(
        "evidence",
        fontName=_BOLD if bold else _REGULAR,
        fontSize=size,
        leading=size * 1.4,
        textColor=color,
        splitLongWords=1,
        spaceAfter=2,
    )
    return Paragraph(escape(_printable(text)), style)


def _printable(text: str) -> str:
    """Composed characters without controls; what the font lacks is a box, not a crash."""
    composed = unicodedata.normalize("NFC", text)
    plain = (" " if unicodedata.category(char)[0] == "C" else char for char in composed)
    return " ".join("".join(plain).split())


@cache
def _register_fonts() -> None:
    pdfmetrics.registerFont(TTFont(_REGULAR, font_path("NotoSansVN-400.ttf")))
    pdfmetrics.registerFont(TTFont(_BOLD, font_path("NotoSansVN-700.ttf")))
