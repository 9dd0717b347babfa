"""Pages and visible signatures of a plain document, read by the fast lane's reader.

Owns what placing needs of a document, for those that the lane takes; the others are read with
pyHanko. Leaves the arithmetic of boxes to ``pagebox``.
"""

from __future__ import annotations

from collections.abc import Iterator

from signing.lane import LaneFile
from signing.lane.form import read_form
from signing.lane.pages import find_page, page_count, page_numbers, page_references
from signing.lane.refusal import NotForTheLane, doubting
from signing.lane.syntax import Dictionary, integer, number, reference, text

Box = tuple[float, ...]
_Seen = tuple[str, int, tuple[float, float, float, float]]


def lane_pages(file: LaneFile | None) -> LanePages | None:
    """A plain document's pages; None when it is not plain after all."""
    if file is None:
        return None
    try:
        with doubting():
            return LanePages(file)
    except NotForTheLane:
        return None


class LanePages:
    """The pages of one document."""

    def __init__(self, file: LaneFile) -> None:
        self._file = file
        self.count = page_count(file)
        self._attributes: dict[int, tuple[Box, Box, int, float]] = {}
        for index in {0, self.count - 1}:
            self.attributes(index)
        self._signatures: tuple[_Seen, ...] | None = None

    def attributes(self, index: int) -> tuple[Box, Box, int, float]:
        """Media box, crop box (empty without one), rotation, user unit."""
        if index not in self._attributes:
            self._attributes[index] = self._read_attributes(index)
        return self._attributes[index]

    def _read_attributes(self, index: int) -> tuple[Box, Box, int, float]:
        found = find_page(self._file, index).attributes
        rotation = self._file.resolve(found.get(b"/Rotate"))
        unit = self._file.resolve(found.get(b"/UserUnit"))
        return (
            page_numbers(self._file, found.get(b"/MediaBox")),
            page_numbers(self._file, found.get(b"/CropBox")),
            integer(rotation) if rotation else 0,
            number(unit) if unit else 1.0,
        )

    def visible_signatures(self) -> tuple[_Seen, ...]:
        """Name, page index and rectangle of every signature that is seen.

        Raises:
            NotForTheLane.
        """
        if self._signatures is None:
            with doubting():
                self._signatures = tuple(self._find_signatures())
        return self._signatures

    def _find_signatures(self) -> Iterator[_Seen]:
        where: dict[bytes, int] = {}
        for raw in read_form(self._file).fields:
            field = self._file.dictionary(raw)
            widget = self._widget(field)
            signed = self._file.resolve(field.get(b"/V")) is not None
            if field.get(b"/FT") != b"/Sig" or not signed or widget is None:
                continue
            x0, y0, x1, y1 = page_numbers(self._file, widget.get(b"/Rect"))
            if x1 - x0 > 1 and y1 - y0 > 1:
                where = where or {
                    bytes(page): index for index, page in enumerate(page_references(self._file))
                }
                page = reference(widget.get(b"/P"))
                label = self._file.resolve(field.get(b"/T"))
                index = where.get(bytes(page), self.count - 1) if page else self.count - 1
                yield text(label or b"()"), index, (x0, y0, x1, y1)

    def _widget(self, field: Dictionary) -> Dictionary | None:
        """The field's own rectangle, or its first widget's; None when it has none."""
        if b"/Rect" not in field:
            kids = self._file.items(field.get(b"/Kids"))
            if not kids:
                return None
            field = self._file.dictionary(kids[0])
        return field if len(self._file.items(field.get(b"/Rect"))) == 4 else None
