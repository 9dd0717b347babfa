"""Where each role's signature goes when the order does not say: the rules of NĐ 30/2020 Annex I.

Owns places for a person's signature (between title and name), the initial, the seal (over the left
third of the person's signature), number, day and month (on their dotted places), copies and annexes
(top right of page 1), each with a fall-back when the text gives no hold. Leaves the drawing to
``drawing`` and the text search to ``anchors``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from signing.appearance.anchors import DocumentText, Found, Gap
from signing.appearance.lane_pages import LanePages
from signing.appearance.pagebox import MM, PageBox, Rect, page_box, page_count
from signing.contract import Placement, SignOrder

DEFAULT_SEAL_MM = 36.0
DEFAULT_SIGNATURE_MM = (40.0, 20.0)
_TALLEST_GAP_MM = 45.0
_PERSON_MIN_AREA = 60 * 40
_LOWEST_SIGNATURE_MM = 8.0  # in a narrow room
_SMALL_INITIAL = 0.75
_CORNER_MARGIN = 8.0  # points from the page's edges


@dataclass(frozen=True, slots=True)
class Spot:
    """A page and a visible rectangle on it."""

    page: PageBox
    rect: Rect


class Page1Spots:
    """Where number, day and month go: gaps in the text, or None where there is no hold."""

    def __init__(self, number: Gap | None, day: Gap | None, month: Gap | None) -> None:
        self.number = number
        self.day = day
        self.month = month


class Surveyor:
    """Looks a document over once and answers where things go."""

    def __init__(self, pdf: bytes, reader: PdfFileReader | LanePages) -> None:
        self._pdf = pdf
        self._reader = reader
        self.pages = page_count(reader)

    @cached_property
    def _text(self) -> DocumentText | None:
        """The pages' text, opened only where a place is looked for in it."""
        try:
            return DocumentText(self._pdf)
        except Exception:
            return None

    def close(self) -> None:
        """Free pdfium's memory."""
        if self.__dict__.get("_text") is not None:
            self.__dict__["_text"].close()

    def page(self, number: int) -> PageBox:
        """A page by the contract's counting: from 1, negative from the end."""
        index = number - 1 if number > 0 else self.pages + number
        return page_box(self._reader, min(max(index, 0), self.pages - 1))

    def explicit(self, placement: Placement | None) -> Spot | None:
        """The rectangle the order names, if it names one."""
        if placement is None or placement.rect_mm is None:
            return None
        page = self.page(placement.page)
        return Spot(page, page.clamp(Rect.from_mm(placement.rect_mm)))

    def person(self, order: SignOrder, name: str, size: tuple[float, float]) -> Spot:
        """Between title and name; else the lower right of the last page."""
        anchor = order.placement.anchor if order.placement else None
        for words in (anchor, name):
            hit = self._name(words, order.title) if words else None
            if hit is not None:
                return self._above_name(*hit, order.title, size)
        hit = self._last(order.title) if order.title else None
        if hit is not None:
            page, found = hit
            top = found.rect.bottom + 6
            return Spot(page, page.clamp(Rect(found.rect.middle[0] - size[0] / 2, top, *size)))
        page = self.page(order.placement.page if order.placement else -1)
        x = page.width - 20 * MM - max(size[0], 60 * MM)
        start = Rect(x, page.height - 45 * MM - size[1], *size)
        return Spot(page, self.first_free(page, _upwards(page, start)))

    def _name(self, words: str, title: str | None) -> tuple[PageBox, Found] | None:
        """The last place of a name, of those below the title if there are any."""
        hit = self._last(words)
        if hit is None or title is None:
            return hit
        page = hit[0]
        below = [f for f in self._find(page, words) if self._title_above(page, f, title)]
        return (page, below[-1]) if below else hit

    def _above_name(
        self, page: PageBox, name: Found, title: str | None, size: tuple[float, float]
    ) -> Spot:
        """In the middle of the room over the name, as large as the room allows."""
        middle, bottom = name.rect.middle[0], name.rect.y - 2
        above = self._title_above(page, name, title) if title else None
        room_top = above.rect.bottom + 2 if above is not None else bottom - size[1]
        room = Rect(middle - size[0] / 2, room_top, size[0], max(bottom - room_top, 0.0))
        covered = [box.bottom for _, box in self.letters_under(page, room)]
        room_top = max([room_top, *(low + 2 for low in covered if low < bottom)])
        height = min(size[1], max(bottom - room_top, _LOWEST_SIGNATURE_MM * MM))
        width = size[0] * height / size[1]
        centre = max((room_top + bottom) / 2, room_top + height / 2)
        return Spot(page, page.clamp(Rect.around(middle, centre, width, height)))

    def _title_above(self, page: PageBox, name: Found, title: str) -> Found | None:
        above = [
            found
            for found in self._find(page, title)
            if 0 < name.rect.y - found.rect.bottom < _TALLEST_GAP_MM * MM
        ]
        return above[-1] if above else None

    def initial(self, order: SignOrder, size: tuple[float, float]) -> Spot:
        """After the “./.” that ends the text; else the lower left of the last page."""
        anchor = order.placement.anchor if order.placement else None
        hit = self._last(anchor or "./.")
        if hit is None:
            page = self.page(-1)
            start = Rect(30 * MM, page.height - 45 * MM, *size)
            return Spot(page, self.first_free(page, _upwards(page, start)))
        page, found = hit
        right, low = found.rect.x + found.rect.width + 4, found.rect.bottom + 1
        small = (size[0] * _SMALL_INITIAL, size[1] * _SMALL_INITIAL)
        middle = found.rect.middle[1]
        places = (
            Rect(right, middle - size[1] / 2, *size),
            Rect(right, found.rect.y, *size),
            Rect(right, middle - small[1] / 2, *small),
            Rect(right, found.rect.y, *small),
            Rect(found.rect.x - small[0], low, *small),
        )
        return Spot(page, self.first_free(page, places))

    def seal(self, order: SignOrder, size: tuple[float, float]) -> Spot:
        """Over the left third of the person's signature, in real size."""
        named = self.explicit(order.placement)
        if named is not None:
            page = named.page
            return Spot(page, page.clamp(Rect.around(*named.rect.middle, *size)))
        earlier = self.person_widget()
        anchor = order.placement.anchor if order.placement else None
        if earlier is None and anchor:
            hit = self._last(anchor)
            earlier = Spot(hit[0], hit[1].rect) if hit else None
        if earlier is not None:
            page, rect = earlier.page, earlier.rect
            right = rect.x + rect.width / 3
            top = rect.middle[1] - size[1] / 2
            return Spot(page, page.clamp(Rect(right - size[0], top, *size)))
        page = self.page(order.placement.page if order.placement else -1)
        start = Rect(page.width - 95 * MM, page.height - 45 * MM - size[1], *size)
        return Spot(page, self.first_free(page, _upwards(page, start)))

    def corner(self, order: SignOrder, size: tuple[float, float]) -> Spot:
        """The top right of page 1, for copies and annexes: there, or the next free place by it."""
        page = self.page(order.placement.page if order.placement else 1)
        width, height = size
        lefts = _steps(page.width - width - _CORNER_MARGIN, page.width / 2 - width / 2, -18.0)
        tops = _steps(_CORNER_MARGIN, page.height * 0.1, 6.0)
        places = (Rect(left, top, width, height) for left in lefts for top in tops)
        return Spot(page, self.first_free(page, places))

    def first_free(self, page: PageBox, places: Iterable[Rect]) -> Rect:
        """The first place that covers neither text nor a signature; the first of all otherwise."""
        kept = [page.clamp(place) for place in places]
        signed = [spot.rect for spot in self._signed_spots if spot.page.index == page.index]
        for place in kept:
            if not any(map(place.meets, signed)) and not self.covers_text(page, place):
                return place
        return kept[0]

    def covers_text(self, page: PageBox, rect: Rect) -> bool:
        """Whether a rectangle lies over the page's own letters."""
        return any(True for _ in self.letters_under(page, rect))

    def letters_under(self, page: PageBox, rect: Rect) -> Iterator[tuple[str, Rect]]:
        """The page's own letters that a rectangle covers; none where the text cannot be read."""
        return self._text.page(page).letters_under(rect) if self._text is not None else iter(())

    def first_page_gaps(self) -> Page1Spots:
        """The dotted places for number, day and month."""
        if self._text is None:
            return Page1Spots(None, None, None)
        text = self._text.page(self.page(1))
        dates = text.date_gaps()
        return Page1Spots(text.number_gap(), *(dates or (None, None)))

    def _find(self, page: PageBox, words: str) -> list[Found]:
        return self._text.page(page).find(words) if self._text is not None else []

    def _last(self, words: str | None) -> tuple[PageBox, Found] | None:
        """The last place where words stand, from the last page backwards."""
        if not words or self._text is None:
            return None
        for number in range(self.pages, max(0, self.pages - 20), -1):
            page = self.page(number)
            found = self._find(page, words)
            if found:
                return page, found[-1]
        return None

    def person_widget(self) -> Spot | None:
        """The person's visible signature: ours by its name, else the latest large one."""
        large: Spot | None = None
        for name, spot in self._named_spots():
            if re.match(r"Person\d", name) or (
                spot.rect.width * spot.rect.height >= _PERSON_MIN_AREA and large is None
            ):
                large = spot
        return large

    @cached_property
    def _signed_spots(self) -> list[Spot]:
        return [spot for _, spot in self._named_spots()]

    def _named_spots(self) -> Iterator[tuple[str, Spot]]:
        for name, page_index, box in self._visible_signatures():
            page = page_box(self._reader, page_index)
            yield name, Spot(page, page.visible_rect(box))

    def _page_numbers(self, reader: PdfFileReader) -> dict[Any, int]:
        pages = range(self.pages)
        return {reader.find_page_for_modification(n)[0].reference: n for n in pages}

    def _visible_signatures(
        self,
    ) -> Iterator[tuple[str, int, tuple[float, float, float, float]]]:
        if isinstance(self._reader, LanePages):
            yield from self._reader.visible_signatures()
            return
        where: dict[Any, int] | None = None
        for name, _, field in enumerate_sig_fields(self._reader, filled_status=True):
            where = where or self._page_numbers(self._reader)
            widget = _widget(field.get_object())
            page = widget.raw_get("/P") if "/P" in widget else None
            index = where.get(getattr(page, "reference", None), self.pages - 1)
            rect = [float(v) for v in widget.get("/Rect", ())]
            if len(rect) == 4 and rect[2] - rect[0] > 1 and rect[3] - rect[1] > 1:
                yield name, index, (rect[0], rect[1], rect[2], rect[3])


def _steps(start: float, end: float, step: float) -> list[float]:
    """From a start towards an end, the start always among them."""
    count = max(0, int((end - start) / step))
    return [start + number * step for number in range(count + 1)]


def _upwards(page: PageBox, start: Rect) -> Iterator[Rect]:
    """A place and those above it, as far as the middle of the page."""
    for top in _steps(start.y, page.height / 2, -6.0):
        yield Rect(start.x, top, start.width, start.height)


def _widget(field: generic.DictionaryObject) -> generic.DictionaryObject:
    kids = field.get("/Kids")
    if "/Rect" not in field and kids:
        field = kids[0]
    return field
