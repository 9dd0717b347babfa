"""Where each role's signature goes when the order does not say: the rules of NĐ 30/2020 Annex I.

Owns places for a person's signature (between title and name), the initial, the seal (over the left
third of the person's signature), number, day and month (on their dotted places), copies and annexes
(top right of page 1), each with a fall-back when the text gives no hold. Leaves the drawing to
``drawing`` and the text search to ``anchors``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

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
            hit = self._last(words) if words else None
            if hit is not None:
                return self._above_name(*hit, order.title, size)
        hit = self._last(order.title) if order.title else None
        if hit is not None:
            page, found = hit
            middle = found.rect.x + found.rect.width / 2
            top = found.rect.y + found.rect.height + 6
            return Spot(page, page.clamp(Rect(middle - size[0] / 2, top, *size)))
        page = self.page(order.placement.page if order.placement else -1)
        x = page.width - 20 * MM - max(size[0], 60 * MM)
        return Spot(page, page.clamp(Rect(x, page.height - 45 * MM - size[1], *size)))

    def _above_name(
        self, page: PageBox, name: Found, title: str | None, size: tuple[float, float]
    ) -> Spot:
        middle = name.rect.x + name.rect.width / 2
        bottom = name.rect.y - 2
        top = bottom - size[1]
        above = self._title_above(page, name, title) if title else None
        if above is not None:
            room_top = above.rect.y + above.rect.height + 2
            centre = (room_top + bottom) / 2
            height = min(size[1], max(bottom - room_top, 8 * MM))
            top, size = centre - height / 2, (size[0], height)
        return Spot(page, page.clamp(Rect(middle - size[0] / 2, top, *size)))

    def _title_above(self, page: PageBox, name: Found, title: str) -> Found | None:
        above = [
            found
            for found in self._find(page, title)
            if 0 < name.rect.y - (found.rect.y + found.rect.height) < _TALLEST_GAP_MM * MM
        ]
        return above[-1] if above else None

    def initial(self, order: SignOrder, size: tuple[float, float]) -> Spot:
        """After the “./.” that ends the text; else the lower left of the last page."""
        anchor = order.placement.anchor if order.placement else None
        hit = self._last(anchor or "./.")
        if hit is not None:
            page, found = hit
            top = found.rect.y + found.rect.height / 2 - size[1] / 2
            return Spot(page, page.clamp(Rect(found.rect.x + found.rect.width + 4, top, *size)))
        page = self.page(-1)
        return Spot(page, page.clamp(Rect(30 * MM, page.height - 45 * MM, *size)))

    def seal(self, order: SignOrder, size: tuple[float, float]) -> Spot:
        """Over the left third of the person's signature, in real size."""
        earlier = self._person_widget()
        anchor = order.placement.anchor if order.placement else None
        if earlier is None and anchor:
            hit = self._last(anchor)
            earlier = Spot(hit[0], hit[1].rect) if hit else None
        if earlier is not None:
            page, rect = earlier.page, earlier.rect
            right = rect.x + rect.width / 3
            top = rect.y + rect.height / 2 - size[1] / 2
            return Spot(page, page.clamp(Rect(right - size[0], top, *size)))
        page = self.page(order.placement.page if order.placement else -1)
        x = page.width - 95 * MM
        return Spot(page, page.clamp(Rect(x, page.height - 45 * MM - size[1], *size)))

    def corner(self, order: SignOrder) -> Spot:
        """The top right of page 1, for copies and annexes."""
        page = self.page(order.placement.page if order.placement else 1)
        width, height = min(170.0, page.width * 0.5), 46.0
        return Spot(page, page.clamp(Rect(page.width - width - 8, 8, width, height)))

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

    def _person_widget(self) -> Spot | None:
        """The person's visible signature: ours by its name, else the latest large one."""
        large: Spot | None = None
        for name, page_index, box in self._visible_signatures():
            page = page_box(self._reader, page_index)
            spot = Spot(page, page.visible_rect(box))
            if re.match(r"Person\d", name) or (
                spot.rect.width * spot.rect.height >= _PERSON_MIN_AREA and large is None
            ):
                large = spot
        return large

    def _visible_signatures(
        self,
    ) -> Iterator[tuple[str, int, tuple[float, float, float, float]]]:
        if isinstance(self._reader, LanePages):
            yield from self._reader.visible_signatures()
            return
        where = {}
        for index in range(self.pages):
            where[self._reader.find_page_for_modification(index)[0].reference] = index
        for name, _, field in enumerate_sig_fields(self._reader, filled_status=True):
            widget = _widget(field.get_object())
            page = widget.raw_get("/P") if "/P" in widget else None
            index = where.get(getattr(page, "reference", None), self.pages - 1)
            rect = [float(v) for v in widget.get("/Rect", ())]
            if len(rect) == 4 and rect[2] - rect[0] > 1 and rect[3] - rect[1] > 1:
                yield name, index, (rect[0], rect[1], rect[2], rect[3])


def _widget(field: generic.DictionaryObject) -> generic.DictionaryObject:
    kids = field.get("/Kids")
    if "/Rect" not in field and kids:
        field = kids[0]
    return field
