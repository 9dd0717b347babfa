"""What a visible signature looks like: a picture, a line, or a block of text.

Owns the drawing operators; the font and the pictures are prepared once a process, so that a stamp
costs a document next to nothing. Leaves the place to ``placement``. Follows NĐ 30/2020
Annex I (blue signature, red seal, transparent PNG; times in Vietnam's zone).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import ResourceType
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.layout import AxisAlignment, BoxConstraints, SimpleBoxLayoutRule
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.stamp.base import BaseStamp, BaseStampStyle

from signing.appearance.pictures import Picture
from signing.appearance.typeface import Face, FontCut, Typeface, stamp_typeface
from signing.clock import VIETNAM
from signing.contract import DocumentRefused

BLACK = (0.0, 0.0, 0.0)
BLUE = (0.05, 0.15, 0.6)
RED = (0.8, 0.05, 0.05)
MARK_SIZE = 10.0  # points, of a copy's or annex's mark (NĐ 30/2020, Annex I)
_SMALLEST = 4.0
_LEADING = 1.3
_FONT = pdf_name("/F")
_IMAGE = pdf_name("/Im")
_NO_BACKGROUND = SimpleBoxLayoutRule(AxisAlignment.ALIGN_MID, AxisAlignment.ALIGN_MID)
_MOST_KEPT = 512  # lines: days and months come again and again


class Drawing(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Something to draw in a box of the given size, in points; known by itself, not by content."""

    width: float
    height: float
    operators: bytes
    picture: Picture | None = None
    font: FontCut | None = None  # that the operators call ``/F``


def write_time(moment: datetime, style: str) -> str:
    """A signing time for people: ``vgca`` dd.MM.yyyy HH:mm:ss +07:00, ``iso`` ISO 8601."""
    iso = moment.astimezone(VIETNAM).isoformat(timespec="seconds")
    if style == "iso":
        return iso
    year, month, day, time, zone = iso[:4], iso[5:7], iso[8:10], iso[11:19], iso[19:]
    return f"{day}.{month}.{year} {time} {zone}"


@lru_cache(maxsize=_MOST_KEPT)
def tidy(text: str) -> str:
    """One line of composed Vietnamese without control characters."""
    composed = unicodedata.normalize("NFC", text)
    if not composed.isprintable():
        composed = "".join(c if c.isprintable() else " " for c in composed)
    return " ".join(composed.split())


@lru_cache(maxsize=_MOST_KEPT)
def draw_picture(picture: Picture, width: float, height: float) -> Drawing:
    """A picture, as large as fits, in the middle of its box."""
    across = min(width, height * picture.aspect)
    down = across / picture.aspect
    left, bottom = (width - across) / 2, (height - down) / 2
    operators = b"q %.3f 0 0 %.3f %.3f %.3f cm /Im Do Q" % (across, down, left, bottom)
    return Drawing(width, height, operators, picture=picture.printed(across))


@lru_cache(maxsize=_MOST_KEPT)
def draw_line(
    text: str,
    width: float,
    height: float,
    size: float,
    *,
    colour: tuple[float, float, float] = BLACK,
    face: Face = Face.SANS,
) -> Drawing:
    """One centred line whose baseline lies three tenths of the size above the bottom.

    Raises:
        DocumentRefused: ``missing_glyph``.
    """
    font = stamp_typeface(face)
    text = tidy(text)
    size = _fit(font, [text], width, size)
    left = max(0.0, (width - font.width(text, size)) / 2)
    operators = _text_at(font, [(text, left, 0.3 * size)], size, colour)
    return Drawing(width, height, operators, font=font.cut(text))


def draw_block(
    lines: Sequence[str],
    width: float,
    height: float,
    size: float,
    *,
    colour: tuple[float, float, float] = BLACK,
    framed: bool = False,
) -> Drawing:
    """Lines under each other, shrunk to fit; framed for a signature without a picture.

    Raises:
        DocumentRefused: ``missing_glyph``.
    """
    font = stamp_typeface()
    shown = [tidy(line) for line in lines if line]
    margin = 4.0 if framed else 0.0
    room = min(size, (height - 2 * margin) / (_LEADING * max(1, len(shown))))
    size = _fit(font, shown, width - 2 * margin, room)
    step = size * _LEADING
    top = (height + step * len(shown)) / 2
    placed = [
        (line, margin, top - step * row + 0.3 * size) for row, line in enumerate(shown, start=1)
    ]
    operators = _text_at(font, placed, size, colour)
    if framed:
        frame = b"q %.3f %.3f %.3f RG 0.8 w 0.4 0.4 %.3f %.3f re S Q "
        operators = frame % (*colour, width - 0.8, height - 0.8) + operators
    return Drawing(width, height, operators, font=font.cut("".join(shown)))


def draw_mark(lines: Sequence[str], widest: float) -> Drawing:
    """A copy's or annex's mark: Times metrics, 10 points, black, upright, as large as its text.

    The law gives the size (NĐ 30/2020, Annex I), so that lines too long are broken between words
    and never made smaller.

    Raises:
        DocumentRefused: ``missing_glyph``.
    """
    font = stamp_typeface(Face.SERIF)
    shown = [part for line in lines if line for part in _broken(font, tidy(line), widest)]
    width = max(font.width(line, MARK_SIZE) for line in shown)
    step = MARK_SIZE * _LEADING
    height = step * len(shown)
    placed = [
        (line, width - font.width(line, MARK_SIZE), height - step * row + 0.3 * MARK_SIZE)
        for row, line in enumerate(shown, start=1)
    ]
    operators = _text_at(font, placed, MARK_SIZE, BLACK)
    return Drawing(width, height, operators, font=font.cut("".join(shown)))


def _broken(font: Typeface, line: str, widest: float) -> list[str]:
    """A line in as many lines as its width needs; a single long word stays whole."""
    rows: list[str] = []
    for word in line.split(" "):
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and font.width(longer, MARK_SIZE) <= widest:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows


def _fit(face: Typeface, lines: Sequence[str], width: float, size: float) -> float:
    widest = max((face.width(line, 1.0) for line in lines), default=0.0)
    return max(_SMALLEST, min(size, width / widest)) if widest else size


def _text_at(
    face: Typeface,
    placed: Sequence[tuple[str, float, float]],
    size: float,
    colour: tuple[float, float, float],
) -> bytes:
    _check_letters(face, "".join(text for text, _, _ in placed))
    rows = [b"BT %.3f %.3f %.3f rg /F %.3f Tf" % (*colour, size)]
    rows += [b"1 0 0 1 %.3f %.3f Tm %s" % (x, y, face.show(text)) for text, x, y in placed]
    return b" ".join([*rows, b"ET"])


def _check_letters(face: Typeface, text: str) -> None:
    missing = face.missing(text)
    if missing:
        names = ", ".join(f"“{c}” (U+{ord(c):04X})" for c in missing[:5])
        raise DocumentRefused(
            "missing_glyph",
            f"Phông chữ của chữ ký không có chữ {names}.",
            f"the stamp's font has no glyph for {names}",
        )


@dataclass(frozen=True)
class PreparedStamp(BaseStampStyle):
    """A drawing as a pyHanko stamp style; upright on rotated pages."""

    background_layout: SimpleBoxLayoutRule = _NO_BACKGROUND  # the same for all: none is drawn
    drawing: Drawing | None = None
    upright: tuple[int, int, int, int] = (1, 0, 0, 1)

    def create_stamp(
        self,
        writer: BasePdfFileWriter,
        box: BoxConstraints,
        text_params: dict[str, object],
    ) -> _PreparedAppearance:
        """Make the appearance for one document."""
        assert self.drawing is not None
        return _PreparedAppearance(writer, self, self.drawing)


@lru_cache(maxsize=_MOST_KEPT)
def stamp_style(drawing: Drawing, upright: tuple[int, int, int, int]) -> PreparedStamp:
    """A drawing's style; the drawings of days, months and seals come again and again."""
    return PreparedStamp(drawing=drawing, upright=upright, border_width=0)


class _PreparedAppearance(BaseStamp):
    def __init__(self, writer: BasePdfFileWriter, style: PreparedStamp, drawing: Drawing) -> None:
        super().__init__(
            writer, style, box=BoxConstraints(width=drawing.width, height=drawing.height)
        )
        self._drawing = drawing
        self._upright = style.upright

    def render(self) -> bytes:
        """Give the operators; put font and picture into the document."""
        writer = self._ensure_writer
        if self._drawing.font is not None:
            self.set_resource(ResourceType.FONT, _FONT, self._drawing.font.add_to(writer))
        if self._drawing.picture is not None:
            self.set_resource(ResourceType.XOBJECT, _IMAGE, self._drawing.picture.add_to(writer))
        return self._drawing.operators

    def as_form_xobject(self) -> generic.StreamObject:
        """The appearance stream, turned against the page's rotation."""
        form = super().as_form_xobject()
        numbers = [generic.NumberObject(value) for value in (*self._upright, 0, 0)]
        form[pdf_name("/Matrix")] = generic.ArrayObject(numbers)
        return form
