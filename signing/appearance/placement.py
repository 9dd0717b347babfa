"""Where each role's signature goes when the order does not say: the rules of NĐ 30/2020 Annex I.

Owns places for a person's signature (between title and name), the initial, the seal (over the left
third of the person's signature), number, day and month (on their dotted places), copies and annexes
(top right of page 1), each with a fall-back when the text gives no hold. Leaves the drawing to
``drawing`` and the text search to ``anchors``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import msgspec
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from signing.appearance.anchors import Found, PageText, page_text
from signing.appearance.lane_pages import LanePages
from signing.appearance.letterhead import letterhead_of
from signing.appearance.pagebox import MM, PageBox, Rect, page_box, page_count
from signing.appearance.surveying import SurveyedPages
from signing.contract import DocumentRefused, Letterhead, Placement, SignOrder

DEFAULT_SEAL_MM = 36.0
DEFAULT_SIGNATURE_MM = (40.0, 20.0)
_TALLEST_GAP_MM = 45.0
_PERSON_MIN_AREA = 60 * 40
_LOWEST_SIGNATURE_MM = 8.0  # in a narrow room
_SMALL_INITIAL = 0.75
_SEARCHED_PAGES = 20  # from the end
_CORNER_MARGIN = 8.0  # points from the page's edges


class Spot(msgspec.Struct, frozen=True, gc=False):
    """A page and a visible rectangle on it."""

    page: PageBox
    rect: Rect


class Surveyor:
    """Looks a document over once and answers where things go."""

    def __init__(self, surveyed: SurveyedPages, reader: PdfFileReader | LanePages) -> None:
        self._surveyed = surveyed
        self._texts: dict[int, PageText] = {}
        self._places: dict[tuple[int, str], list[Found]] = {}
        self._reader = reader
        self._boxes: dict[int, PageBox] = {}
        self.pages = page_count(reader)

    def text(self, page: PageBox) -> PageText:
        """A page's text; none where it cannot be read."""
        if page.index not in self._texts:
            self._texts[page.index] = page_text(self._surveyed.page(page.index), page)
        return self._texts[page.index]

    def page(self, number: int) -> PageBox:
        """A page by the contract's counting: from 1, negative from the end."""
        index = number - 1 if number > 0 else self.pages + number
        return self._page(min(max(index, 0), self.pages - 1))

    def _page(self, index: int) -> PageBox:
        box = self._boxes.get(index)
        if box is None:
            box = self._boxes[index] = page_box(self._reader, index)
        return box

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
        self.refuse_scan(page)
        x = page.width - 20 * MM - max(size[0], 60 * MM)
        start = Rect(x, page.height - 45 * MM - size[1], *size)
        return Spot(page, self.first_free(page, _upwards(page, start)))

    def _name(self, words: str, title: str | None) -> tuple[PageBox, Found] | None:
        """Where the official's name is printed to be signed over, not where the text names them.

        Below the title, if the order has one and it stands there; else by itself on its line; else
        the last place of all.
        """
        alone: tuple[PageBox, Found] | None = None
        last: tuple[PageBox, Found] | None = None
        for page in self._latest_pages():
            places = self._find(page, words)
            titled = [f for f in places if title and self._title_above(page, f, title)]
            if titled:
                return page, ([f for f in titled if self.text(page).is_alone(f)] or titled)[-1]
            single = [found for found in places if self.text(page).is_alone(found)]
            alone = alone or ((page, single[-1]) if single else None)
            last = last or ((page, places[-1]) if places else None)
            if (alone or last) and title is None:
                break
        return alone or last

    def _above_name(
        self, page: PageBox, name: Found, title: str | None, size: tuple[float, float]
    ) -> Spot:
        """In the middle of the room over the name, as large as the room allows."""
        middle, bottom = name.rect.middle[0], name.rect.y - 2
        above = self._title_above(page, name, title) if title else None
        room_top = above.rect.bottom + 2 if above is not None else bottom - size[1]
        room = Rect(middle - size[0] / 2, room_top, size[0], max(bottom - room_top, 0.0))
        covered = [box.bottom for box in self.text(page).letters_under(room)]
        room_top = max([room_top, *(low + 2 for low in covered if low < bottom)])
        height = min(size[1], max(bottom - room_top, _LOWEST_SIGNATURE_MM * MM))
        width = size[0] * height / size[1]
        centre = max((room_top + bottom) / 2, room_top + height / 2)
        return Spot(page, page.clamp(Rect.around(middle, centre, width, height)))

    def _title_above(self, page: PageBox, name: Found, title: str) -> Found | None:
        """The lowest place of a title over a name, in the same column."""
        above = [
            found
            for found in self._find(page, title)
            if 0 < name.rect.y - found.rect.bottom < _TALLEST_GAP_MM * MM
            and found.rect.x < name.rect.x + name.rect.width
            and name.rect.x < found.rect.x + found.rect.width
        ]
        return max(above, key=lambda found: found.rect.y) if above else None

    def initial(self, order: SignOrder, size: tuple[float, float]) -> Spot:
        """After the “./.” that ends the text; else the lower left of the last page."""
        anchor = order.placement.anchor if order.placement else None
        hit = self._last(anchor or "./.")
        if hit is None:
            page = self.page(-1)
            self.refuse_scan(page)
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
        hit = self._last(order.placement.anchor) if order.placement else None
        earlier = Spot(hit[0], hit[1].rect) if hit else self.person_widget()
        if earlier is not None:
            page, rect = earlier.page, earlier.rect
            right = rect.x + rect.width / 3
            top = rect.middle[1] - size[1] / 2
            return Spot(page, page.clamp(Rect(right - size[0], top, *size)))
        page = self.page(order.placement.page if order.placement else -1)
        self.refuse_scan(page)
        start = Rect(page.width - 95 * MM, page.height - 45 * MM - size[1], *size)
        return Spot(page, self.first_free(page, _upwards(page, start)))

    def refuse_scan(self, page: PageBox) -> None:
        """Guess no place on a picture of a page.

        Raises:
            DocumentRefused: ``page_without_text``.
        """
        if self.text(page).scanned:
            number = page.index + 1
            raise DocumentRefused(
                "page_without_text",
                f"Trang {number} là ảnh quét, không có chữ để tìm chỗ ký; hãy cho biết chỗ ký bằng"
                f" placement: page {number} và rect_mm [cách trái, cách trên, rộng, cao] tính bằng"
                " mm từ góc trên bên trái của trang.",
                f"page {number} is a picture without text: name the place by placement.rect_mm",
            )

    def refuse_scan_for_number(self) -> None:
        """Write no number and date on a picture whose dotted places cannot be found.

        Raises:
            DocumentRefused: ``page_without_text``.
        """
        if self.text(self.page(1)).scanned:
            raise DocumentRefused(
                "page_without_text",
                "Trang 1 là ảnh quét, không tìm được chỗ ghi số và ngày; hãy chỉ đóng dấu (không"
                " kèm số văn bản, chỗ đóng dấu theo rect_mm), hoặc cho phép đè lên chữ (over_text)"
                " để ghi số và ngày ở đầu trang.",
                "page 1 is a picture without text: seal without a number, or allow over_text",
            )

    def corner(self, order: SignOrder, size: tuple[float, float]) -> Spot:
        """The top right of page 1, for copies and annexes: there, or the next free place by it."""
        page = self.page(order.placement.page if order.placement else 1)
        width, height = size
        lefts = _steps(page.width - width - _CORNER_MARGIN, page.width / 2 - width / 2, -18.0)
        tops = _steps(_CORNER_MARGIN, page.height * 0.1, 6.0)
        places = (Rect(left, top, width, height) for left in lefts for top in tops)
        return Spot(page, self.first_free(page, places))

    def first_free(self, page: PageBox, places: Iterable[Rect]) -> Rect:
        """The first place that covers nothing; else the first without text and signatures.

        A picture or an annotation is kept off where that can be: it may be the page's background.
        Without any free place, it is the first of all.
        """
        kept = [page.clamp(place) for place in places]
        signed = [spot.rect for spot in self._signed_spots if spot.page.index == page.index]
        free = (
            place
            for place in kept
            if not any(map(place.meets, signed)) and not self.covers_text(page, place)
        )
        second = None
        for place in free:
            if not any(map(place.meets, self.text(page).drawn)):
                return place
            second = second or place
        return second or kept[0]

    def covers_text(self, page: PageBox, rect: Rect) -> bool:
        """Whether a rectangle lies over the page's own letters."""
        return any(True for _ in self.text(page).letters_under(rect))

    def first_page_gaps(self) -> Letterhead:
        """The dotted places for number, day and month."""
        page = self.page(1)
        return letterhead_of(self._surveyed.page(page.index), page)

    def _find(self, page: PageBox, words: str) -> list[Found]:
        found = self._places.get((page.index, words))
        if found is None:
            found = self._places[page.index, words] = self.text(page).find(words)
        return found

    def _latest_pages(self) -> Iterator[PageBox]:
        """From the last page backwards."""
        for number in range(self.pages, max(0, self.pages - _SEARCHED_PAGES), -1):
            yield self.page(number)

    def _last(self, words: str | None) -> tuple[PageBox, Found] | None:
        """The last place where words stand, from the last page backwards."""
        if not words:
            return None
        for page in self._latest_pages():
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
            page = self._page(page_index)
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
