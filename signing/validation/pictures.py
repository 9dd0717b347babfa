"""Do the pages still look as they were signed? Both revisions drawn small and compared.

Owns drawing the signed revision and the newest one with PDFium (independent of the library that
reads the signatures), masking the boxes in which a change is allowed, and the limits on pages,
size and time. Leaves which boxes those are to ``changes``. Nothing is kept.

Known limit: 72 dots an inch and one renderer. What PDFium draws the same in both revisions and
another viewer does not is found by the object comparison in ``difference``, not here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

import pypdfium2
from PIL import Image, ImageChops, ImageDraw

from signing.reading.opening import Data
from signing.reading.pdfium_files import PdfiumFile
from signing.validation.difference import Deadline
from signing.validation.drawn import Rect
from signing.validation.sentences import say

log = logging.getLogger(__name__)

Pixels = tuple[int, int, int, int]  # left, top, right, bottom
Boxes = Mapping[int, list[Rect]]  # page from 0 → rectangles

_UNDRAWN = (pypdfium2.PdfiumError, OSError, ValueError, MemoryError)
_MAX_PAGES = 300
_MAX_PIXELS = 2_000_000  # A4 at 72 dpi has 500 000
_FAINT = 16  # of 255: below it is the renderer's rounding
_INK, _PAPER = 110, 200  # of 255: what is written, and what is blank
_LETTERS = 24  # dots of ink: two characters of 12 points
_LETTER_HEIGHT = 5  # dots: what is flatter is a dotted line, which a number may cover
_KEPT_PICTURES = 4  # of the newest revision, about 1.5 MB each
_WORDS = 80  # characters of hidden text that are told
_MARGIN = 1.5  # points around a box: smoothing of its edge


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pages (from 1) that differ outside every box, and only inside doubtful ones; or why not."""

    differing: tuple[int, ...] = ()
    doubtful: tuple[int, ...] = ()
    failure: str = ""
    covered: tuple[str, ...] = ()  # the words under later signatures' pictures, as far as readable


class Beginning(NamedTuple):
    """The first bytes of a file, which are not copied."""

    pdf: Data
    end: int


def compare_pictures(
    signed: Data | Beginning, newest: Data, allowed: Boxes, doubtful: Boxes, deadline: Deadline
) -> Comparison:
    """Draw two revisions of a file and look for differences.

    Args:
        signed: the file up to the end of the signed revision.
        newest: the whole file.
        allowed: where the newest may differ.
        doubtful: where a difference is told apart from one elsewhere.
        deadline: checked before every page.

    Raises:
        OutOfTime: the limit passed.
    """
    try:
        with _Document(signed) as before, _Document(newest) as after:
            return _compare(before, after, allowed, doubtful, deadline)
    except _UNDRAWN as error:
        return Comparison(failure=_failure(error))


class CoveredPages:
    """Looks whether later signatures' pictures hide what was written before; made once for a file.

    A stamp may lie over text, as a seal over a signature does; it may not take text away. Looked at
    are only the pages with stamps, and in them only the stamps' boxes. A page is drawn once for all
    signatures after which it got the same stamps.

    Args:
        pdf: the whole file.
        deadline: checked before every page.
    """

    def __init__(self, pdf: Data, deadline: Deadline) -> None:
        self._pdf = pdf
        self._deadline = deadline
        self._known: dict[Any, str | None] = {}  # the words that are hidden; None: nothing is
        self._newest: _Document | None = None
        self._pictures: dict[int, Image.Image] = {}

    def look(self, end: int, stamps: Boxes, others: Boxes, *, alike: bool) -> Comparison:
        """Pages (``doubtful``) on which something is hidden since a signed revision.

        Args:
            end: where that revision ends, in bytes.
            stamps: boxes of the signatures after it.
            others: boxes of everything that may be different since, the stamps included.
            alike: whether, outside those, the pages are drawn from the same objects.

        Raises:
            OutOfTime: the limit passed.
        """
        older: list[_Document] = []
        hidden, words = [], []
        try:
            for number, boxes in sorted(stamps.items()):
                key = (number, tuple(sorted(boxes)), tuple(sorted(others.get(number, []))))
                if not alike or key not in self._known:
                    older = older or [_Document(Beginning(self._pdf, end))]
                    self._known[key] = self._page_hides(older[0], number, boxes)
                covered = self._known[key]
                if covered is not None:
                    hidden.append(number + 1)
                    words.append(covered)
        except _UNDRAWN as error:
            return Comparison(failure=_failure(error))
        finally:
            for document in older:
                document.close()
        return Comparison(doubtful=tuple(hidden), covered=tuple(filter(None, words)))

    def close(self) -> None:
        """Free what PDFium holds."""
        if self._newest is not None:
            self._newest.close()

    def _page_hides(self, before: _Document, number: int, boxes: list[Rect]) -> str | None:
        self._deadline.check()
        if self._newest is None:
            self._newest = _Document(self._pdf)
        areas = self._newest.areas(number, boxes)
        if not areas:
            return None
        if number not in self._pictures:
            if len(self._pictures) >= _KEPT_PICTURES:
                self._pictures.pop(next(iter(self._pictures)))
            self._pictures[number] = self._newest.picture(number)
        hidden = _hides(before.picture(number), self._pictures[number], areas)
        return before.words(number, boxes) if hidden else None


def _hides(before: Image.Image, after: Image.Image, areas: list[Pixels]) -> bool:
    for area in areas:
        ink = before.crop(area).convert("L").point(lambda value: 255 * (value < _INK))
        gone = after.crop(area).convert("L").point(lambda value: 255 * (value > _PAPER))
        lost = ImageChops.darker(ink, gone)
        place = lost.getbbox()
        if place is None or place[3] - place[1] < _LETTER_HEIGHT:
            continue  # nothing, or the dots of a dotted line
        if lost.histogram()[255] >= _LETTERS:
            return True
    return False


def _compare(
    before: _Document, after: _Document, allowed: Boxes, doubtful: Boxes, deadline: Deadline
) -> Comparison:
    if before.pages != after.pages:
        return Comparison(differing=(min(before.pages, after.pages) + 1,))
    if after.pages > _MAX_PAGES:
        return Comparison(failure=say("too_many_pages"))
    differing: list[int] = []
    in_doubt: list[int] = []
    for number in range(after.pages):
        deadline.check()
        old, new = before.picture(number), after.picture(number)
        if old.size != new.size:
            differing.append(number + 1)
            continue
        difference = ImageChops.difference(old, new)
        after.blank(difference, number, allowed.get(number, []))
        if not _seen(difference):
            continue
        after.blank(difference, number, doubtful.get(number, []))
        (differing if _seen(difference) else in_doubt).append(number + 1)
    return Comparison(tuple(differing), tuple(in_doubt))


def _failure(error: BaseException) -> str:
    """Why pages were not drawn, for people; the library's word for it goes to the log."""
    log.info("pages not drawn: %s", type(error).__name__)
    return say("drawing_memory" if isinstance(error, MemoryError) else "undrawable")


def _seen(difference: Image.Image) -> bool:
    extremes: Any = difference.getextrema()  # a pair for each of the three colours
    return any(high > _FAINT for _, high in extremes)


class _Document:
    """An open file whose pages can be drawn with their annotations."""

    def __init__(self, pdf: Data | Beginning) -> None:
        whole, end = pdf if isinstance(pdf, Beginning) else (pdf, None)
        self._document = PdfiumFile(whole, end, forms=True)

    def __enter__(self) -> _Document:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._document.close()

    @property
    def pages(self) -> int:
        return len(self._document)

    def picture(self, number: int) -> Image.Image:
        with self._document.page(number) as page:
            bitmap = page.render(scale=_scale(page), may_draw_forms=True)
            picture: Image.Image = bitmap.to_pil().convert("RGB")
            bitmap.close()
            return picture

    def words(self, number: int, boxes: list[Rect]) -> str:
        """The text within rectangles of a page, on one line and not too long."""
        with self._document.page(number) as page:
            text = page.get_textpage()
            try:
                found = " ".join(text.get_text_bounded(*box) for box in boxes)
            finally:
                text.close()
        line = " ".join("".join(c if c.isprintable() else " " for c in found).split())
        return line if len(line) <= _WORDS else line[:_WORDS] + "…"

    def blank(self, picture: Image.Image, number: int, boxes: list[Rect]) -> None:
        """Paint rectangles of the page black, whichever way the page is turned."""
        pen = ImageDraw.Draw(picture)
        for area in self.areas(number, boxes):
            pen.rectangle(area, fill=0)

    def areas(self, number: int, boxes: list[Rect]) -> list[Pixels]:
        """Where rectangles of a page lie in its picture; those without an area are left out."""
        drawn = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
        if not drawn:
            return []
        with self._document.page(number) as page:
            return [_area(page, box) for box in drawn]


def _scale(page: Any) -> float:
    across, down = page.get_size()
    return float(min(1.0, (_MAX_PIXELS / max(across * down, 1.0)) ** 0.5))


def _area(page: Any, box: Rect) -> Pixels:
    left, bottom, right, top = box
    corners = (
        _to_pixels(page, left - _MARGIN, bottom - _MARGIN),
        _to_pixels(page, right + _MARGIN, top + _MARGIN),
    )
    across, down = sorted(c[0] for c in corners), sorted(c[1] for c in corners)
    return (across[0], down[0], across[1], down[1])


def _to_pixels(page: Any, x: float, y: float) -> tuple[int, int]:
    raw, scale = pypdfium2.raw, _scale(page)
    width, height = (ceil(side * scale) for side in page.get_size())
    across, down = raw.c_int(), raw.c_int()
    raw.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, x, y, across, down)
    return across.value, down.value
