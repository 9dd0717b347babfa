"""What the postal papers are drawn with: fonts, colours, text that fits its box, codes.

Owns the drawing of a bar code, a QR code and a fitted text; leaves what stands where to the
papers. Coordinates are millimetres from the page's upper left corner.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

import segno
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_LEFT, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from gateway.frame.fonts import font_path
from gateway.shipments import code128

REGULAR: Final = "NotoVN"
BOLD: Final = "NotoVN-Bold"
INK: Final = colors.HexColor("#1A1F24")
MUTED: Final = colors.HexColor("#4A5560")
HAIR: Final = colors.HexColor("#9AA5B1")
SIMULATED: Final = colors.HexColor("#4A2373")
ALIGNMENTS: Final = {"left": TA_LEFT, "center": TA_CENTER, "right": TA_RIGHT}


@cache
def register_fonts() -> None:
    """Make our two weights known to the drawing library."""
    pdfmetrics.registerFont(TTFont(REGULAR, font_path("NotoSansVN-400.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, font_path("NotoSansVN-700.ttf")))


def clean(text: str) -> str:
    """Composed characters, one line, no control characters: what the font can draw."""
    composed = unicodedata.normalize("NFC", text)
    printable = (" " if unicodedata.category(char)[0] == "C" else char for char in composed)
    return " ".join("".join(printable).split())


def style(
    size: float, *, bold: bool = False, align: str = "left", color: Any = INK, lead: float = 1.3
) -> ParagraphStyle:
    """A paragraph style of ours."""
    return ParagraphStyle(
        "postal",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=size * lead,
        textColor=color,
        alignment=ALIGNMENTS[align],
        splitLongWords=1,
    )


def paragraph(text: str, of_style: ParagraphStyle) -> Paragraph:
    """A paragraph of plain text."""
    return Paragraph(escape(clean(text)), of_style)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in millimetres from the page's upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Sheet:
    """A page to draw on, in millimetres from the upper left corner."""

    def __init__(self, canvas: Any, height_mm: float) -> None:
        register_fonts()
        self.canvas = canvas
        self._height = height_mm

    def text(
        self,
        box: Box,
        text: str,
        size: float,
        *,
        bold: bool = False,
        align: str = "left",
        color: Any = INK,
        smallest: float = 6,
    ) -> float:
        """Draw text in a box, smaller when it would not fit; the height used, in millimetres.

        Text that does not fit at the smallest size is cut at a word, with an ellipsis.
        """

        def fitted(words: str, size: float) -> tuple[Paragraph, float]:
            drawn = Paragraph(
                escape(words), style(size, bold=bold, align=align, color=color, lead=1.25)
            )
            return drawn, float(drawn.wrap(box.width * mm, 10_000)[1])

        words = clean(text)
        drawn, height = fitted(words, size)
        while height > box.height * mm and size > smallest:
            size = max(size - 0.5, smallest)
            drawn, height = fitted(words, size)
        kept = words.split(" ")
        while height > box.height * mm and len(kept) > 1:
            kept = kept[:-1]
            drawn, height = fitted(" ".join(kept) + " …", size)
        drawn.drawOn(self.canvas, box.x * mm, (self._height - box.y) * mm - height)
        return float(height / mm)

    def rule(self, x: float, y: float, length: float, *, weight: float = 0.5) -> None:
        """A horizontal line; ``weight`` in points."""
        self._line(x, y, x + length, y, weight)

    def upright(self, x: float, y: float, length: float, *, weight: float = 0.5) -> None:
        """A vertical line downwards."""
        self._line(x, y, x, y + length, weight)

    def _line(self, x1: float, y1: float, x2: float, y2: float, weight: float) -> None:
        self.canvas.setStrokeColor(INK)
        self.canvas.setLineWidth(weight)
        top = self._height
        self.canvas.line(x1 * mm, (top - y1) * mm, x2 * mm, (top - y2) * mm)

    def frame(self, box: Box, *, weight: float = 0.5, fill: Any = None) -> None:
        """A rectangle, drawn or (with ``fill``) filled."""
        self.canvas.setStrokeColor(INK)
        self.canvas.setLineWidth(weight)
        if fill is not None:
            self.canvas.setFillColor(fill)
        self._rectangle(box.x, box.y, box.width, box.height, filled=fill is not None)

    def barcode(self, box: Box, text: str, *, widest_mm: float = 0.4) -> None:
        """Code 128 in the middle of a box, quiet zones inside it."""
        values = code128.symbols(text)
        count = code128.module_count(values) + 2 * code128.QUIET_ZONE
        module = min(box.width / count, widest_mm)
        left = box.x + (box.width - module * count) / 2 + module * code128.QUIET_ZONE
        self.canvas.setFillColor(colors.black)
        for first, width in code128.bars(values):
            self._rectangle(left + first * module, box.y, width * module, box.height)

    def qr(self, box: Box, payload: str) -> None:
        """A QR code that fills a square box, with its quiet zone of four modules."""
        rows = segno.make_qr(payload, error="M", boost_error=False).matrix
        module = box.width / (len(rows) + 8)
        self.canvas.setFillColor(colors.black)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    left, top = box.x + (x + 4) * module, box.y + (y + 4) * module
                    self._rectangle(left, top, module, module)

    def _rectangle(
        self, x: float, y: float, width: float, height: float, *, filled: bool = True
    ) -> None:
        bottom = (self._height - y - height) * mm
        self.canvas.rect(x * mm, bottom, width * mm, height * mm, stroke=not filled, fill=filled)
