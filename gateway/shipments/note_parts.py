"""The pieces a consignment note is built of: numbered pages, tick boxes, places to sign.

Owns drawing that the drawing library lacks; leaves what the note says to ``consignment_note``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table, TableStyle

from gateway.shipments.drawing import HAIR, INK, MUTED, REGULAR, clean, paragraph, style

_TICK: Final = 3.0 * mm
_GAP: Final = 1.6 * mm

Furniture = Callable[[Any, int, int], None]
"""Draws what every page carries: canvas, page number, number of pages."""


def numbered(furniture: Furniture) -> type[Canvas]:
    """A canvas that knows how many pages there are before it draws what each carries."""

    class Numbered(Canvas):  # type: ignore[misc] # the drawing library has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - the library's name
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                furniture(self, number, len(self._pages))
                super().showPage()
            super().save()

    return Numbered


class Ticks(Flowable):  # type: ignore[misc] # the drawing library has no types
    """Boxes to tick by hand, one after another; ``lead`` stands before them."""

    def __init__(self, lead: str, choices: Sequence[str], size: float = 8) -> None:
        super().__init__()
        self._lead, self._choices, self._size = clean(lead), [*map(clean, choices)], size

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """One line."""
        del height
        return width, self._size * 1.6

    def draw(self) -> None:
        """The lead, then a box before each choice."""
        canvas, x = self.canv, 0.0
        canvas.setFont(REGULAR, self._size)
        canvas.setFillColor(INK)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.6)
        if self._lead:
            canvas.drawString(x, 2, self._lead)
            x += canvas.stringWidth(self._lead, REGULAR, self._size) + 2 * _GAP
        for choice in self._choices:
            canvas.rect(x, 1, _TICK, _TICK)
            x += _TICK + _GAP
            canvas.drawString(x, 2, choice)
            x += canvas.stringWidth(choice, REGULAR, self._size) + 3 * _GAP


def grid(
    cells: Sequence[Sequence[Any]],
    widths_mm: Sequence[float],
    *commands: tuple[Any, ...],
    repeat: int = 0,
) -> Table:
    """A table with our paddings; every cell from the top."""
    return Table(
        [list(row) for row in cells],
        colWidths=[width * mm for width in widths_mm],
        repeatRows=repeat,
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 1.5 * mm),
                ("RIGHTPADDING", (0, 0), (-1, -1), 1.5 * mm),
                ("TOPPADDING", (0, 0), (-1, -1), 0.9 * mm),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.1 * mm),
                *commands,
            ]
        ),
    )


def boxed() -> tuple[tuple[Any, ...], ...]:
    """Outer frame in ink, hair lines inside."""
    return (
        ("BOX", (0, 0), (-1, -1), 0.8, INK),
        ("INNERGRID", (0, 0), (-1, -1), 0.4, HAIR),
    )


def labelled(name: str, value: str, *, bold: bool = False, size: float = 9.5) -> list[Paragraph]:
    """A small name above its value."""
    return [
        paragraph(name, style(7.5, color=MUTED)),
        paragraph(value, style(size, bold=bold)),
    ]


def places_to_sign(names: Sequence[str], width_mm: float, height_mm: float) -> Table:
    """Empty places with the role above, to be signed by hand."""
    small = style(7, align="center", color=MUTED)
    heads = [
        [
            paragraph(name, style(8, bold=True, align="center", lead=1.2)),
            paragraph("…… giờ ……, ngày ……/……/………", small),
            paragraph("(ký, ghi rõ họ tên)", small),
        ]
        for name in names
    ]
    table = grid(
        [heads, [""] * len(names)],
        [width_mm / len(names)] * len(names),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    )
    table._argH[1] = height_mm * mm  # noqa: SLF001 - the library sets heights only all at once
    return table
