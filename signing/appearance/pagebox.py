"""Where things are on a page as people see it: crop box, rotation and user unit respected.

Owns the arithmetic between visible places (points from the visible top-left corner, y downwards)
and the page's own coordinates. Follows ISO 32000-1 §7.7.3.3, §8.3.2.3 and §12.5.5.
"""

from __future__ import annotations

import msgspec
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.appearance.lane_pages import LanePages

MM = 72 / 25.4
_A4 = (0.0, 0.0, 595.28, 841.89)
_SIDES = 4
_MAX_DEPTH = 50
_UPRIGHT = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


class Rect(msgspec.Struct, frozen=True, gc=False):
    """A visible rectangle in points: left, top, width, height.

    Placing makes dozens for each document: a ``Struct`` takes a tenth of a data class's time.
    """

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def from_mm(cls, rect: tuple[float, float, float, float]) -> Rect:
        """From the contract's millimetres."""
        return cls(*(value * MM for value in rect))

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> Rect:
        """A rectangle by its middle."""
        return cls(x - width / 2, y - height / 2, width, height)

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    def meets(self, other: Rect) -> bool:
        """Whether two rectangles have any area in common."""
        return self._common(other) > 0

    def share_of(self, other: Rect) -> float:
        """Which part of another rectangle this one covers, 0 to 1."""
        common = self._common(other)
        return common / (other.width * other.height) if common else 0.0

    def _common(self, other: Rect) -> float:
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return across * down if across > 0 and down > 0 else 0.0

    def fitted(self, aspect: float) -> Rect:
        """The largest rectangle of an aspect (width over height) in the middle of this one."""
        width = min(self.width, self.height * aspect)
        return Rect.around(*self.middle, width, width / aspect)


class PageBox(msgspec.Struct, frozen=True, gc=False):
    """One page's visible area."""

    index: int
    x0: float
    y0: float
    x1: float
    y1: float
    rotation: int = 0  # 0, 90, 180, 270 clockwise
    unit: float = 1.0

    @property
    def width(self) -> float:
        """Visible width in points."""
        across = self.x1 - self.x0 if self.rotation % 180 == 0 else self.y1 - self.y0
        return across * self.unit

    @property
    def height(self) -> float:
        """Visible height in points."""
        down = self.y1 - self.y0 if self.rotation % 180 == 0 else self.x1 - self.x0
        return down * self.unit

    def to_visible(self, x: float, y: float) -> tuple[float, float]:
        """A point of the page's own coordinates as people see it."""
        match self.rotation:
            case 0:
                across, down = x - self.x0, self.y1 - y
            case 90:
                across, down = y - self.y0, x - self.x0
            case 180:
                across, down = self.x1 - x, y - self.y0
            case _:
                across, down = self.y1 - y, self.x1 - x
        return across * self.unit, down * self.unit

    def to_page(self, x: float, y: float) -> tuple[float, float]:
        """The inverse of ``to_visible``."""
        x, y = x / self.unit, y / self.unit
        match self.rotation:
            case 0:
                return self.x0 + x, self.y1 - y
            case 90:
                return self.x0 + y, self.y0 + x
            case 180:
                return self.x1 - x, self.y0 + y
            case _:
                return self.x1 - y, self.y1 - x

    def visible_rect(self, box: tuple[float, float, float, float]) -> Rect:
        """A rectangle of the page's own coordinates as people see it."""
        ax, ay = self.to_visible(box[0], box[1])
        bx, by = self.to_visible(box[2], box[3])
        return Rect(min(bx, ax), min(by, ay), abs(ax - bx), abs(ay - by))

    def page_box(self, rect: Rect) -> tuple[float, float, float, float]:
        """A visible rectangle as (left, bottom, right, top) in the page's own coordinates."""
        ax, ay = self.to_page(rect.x, rect.y)
        bx, by = self.to_page(rect.x + rect.width, rect.y + rect.height)
        return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)

    def upright(self) -> tuple[int, int, int, int]:
        """The matrix that keeps a drawing upright on a rotated page."""
        return _UPRIGHT[self.rotation]

    def clamp(self, rect: Rect) -> Rect:
        """Move (and if need be shrink) a rectangle so that it lies on the page."""
        width, height = min(rect.width, self.width), min(rect.height, self.height)
        x = min(max(rect.x, 0.0), self.width - width)
        y = min(max(rect.y, 0.0), self.height - height)
        return Rect(x, y, width, height)


def page_count(reader: PdfFileReader | LanePages) -> int:
    """How many pages the document says it has; at least one."""
    if isinstance(reader, LanePages):
        return reader.count
    try:
        return max(1, int(reader.root["/Pages"]["/Count"]))
    except (KeyError, TypeError, ValueError, PdfError):
        return 1


def page_box(reader: PdfFileReader | LanePages, index: int) -> PageBox:
    """Read a page's visible area; broken boxes fall back to A4."""
    if isinstance(reader, LanePages):
        return _make_box(index, *reader.attributes(index))
    page = reader.find_page_for_modification(index)[0].get_object()
    boxes = (_inherited(page, "/MediaBox"), _inherited(page, "/CropBox"))
    return _make_box(index, *boxes, _inherited(page, "/Rotate"), page.get("/UserUnit", 1))


def _make_box(
    index: int, media_box: object, crop_box: object, rotation: object, unit: object
) -> PageBox:
    media = _box(media_box) or _A4
    crop = _box(crop_box)
    seen = _intersect(media, crop) if crop else media
    return PageBox(
        index,
        *seen,
        rotation=int(rotation) % 360 // 90 * 90 if isinstance(rotation, int) else 0,
        unit=float(unit) if isinstance(unit, int | float) and unit > 0 else 1.0,
    )


def _inherited(page: generic.DictionaryObject, key: str) -> object:
    node = page
    for _ in range(_MAX_DEPTH):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    return None


def _box(value: object) -> tuple[float, float, float, float] | None:
    if not isinstance(value, generic.ArrayObject | tuple) or len(value) != _SIDES:
        return None
    try:
        a, b, c, d = (float(side) for side in value)
    except (TypeError, ValueError):
        return None
    box = (min(a, c), min(b, d), max(a, c), max(b, d))
    return box if box[2] - box[0] > 1 and box[3] - box[1] > 1 else None


def _intersect(
    media: tuple[float, float, float, float], crop: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    both = (
        max(media[0], crop[0]),
        max(media[1], crop[1]),
        min(media[2], crop[2]),
        min(media[3], crop[3]),
    )
    return both if both[2] - both[0] > 1 and both[3] - both[1] > 1 else media
