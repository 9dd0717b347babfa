"""Finding places in a page's text: names, titles, the dotted places for number and date.

Owns reading the text with pdfium, in the signer process. Matching forgives case, diacritics,
composed or decomposed letters and spaces. Leaves what to put there to ``placement``.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from signing.appearance.pagebox import PageBox, Rect
from signing.reading.opening import Data, stream_of

MAX_CHARS = 60_000
_ITALIC = 1 << 6  # font descriptor flag (ISO 32000-2, table 121)
_LEADERS = frozenset(" .…_-·")  # dotted places are there to be written on
_BEHIND = 80  # letters read behind a number's place: longer than any symbol
_COVERED = 0.2  # of a letter's box: less is a neighbour, not a collision


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of text on a page: its visible rectangle and its baseline."""

    rect: Rect
    baseline: float  # visible y


@dataclass(frozen=True, slots=True)
class Gap:
    """A place between two words, to be written on."""

    left: float
    right: float
    baseline: float
    font_size: float  # of the words beside it
    written: str  # digits already there
    italic: bool = False  # the words beside it
    symbol_follows: bool = True  # after a number: "/QĐ-UBND" is printed already
    behind: str = ""  # skeleton of what is printed behind it: the symbol's line, the year


def skeleton(text: str) -> str:
    """Lower case without diacritics: what two spellings of one word have in common."""
    return "".join(_bare(char) for char in text).strip()


@lru_cache(maxsize=4096)
def _bare(char: str) -> str:
    if char.isspace() or char == "\xa0":
        return " "
    plain = "".join(c for c in unicodedata.normalize("NFD", char) if not unicodedata.combining(c))
    return plain.casefold().replace("đ", "d").replace("ð", "d")


class PageText:
    """The text of one page with the place of every letter."""

    def __init__(self, page: pdfium.PdfPage, box: PageBox) -> None:
        self._box = box
        self._text = page.get_textpage()
        self.plain, self._index = self._read()
        self._inked_at = [at for at, letter in enumerate(self.plain) if letter != " "]
        self._tight = self.plain.replace(" ", "")
        self._boxes: list[tuple[str, Rect]] | None = None

    def close(self) -> None:
        """Free the page's text."""
        self._text.close()

    def _read(self) -> tuple[str, list[int]]:
        letters: list[str] = []
        index: list[int] = []
        for at in range(min(self._text.count_chars(), MAX_CHARS)):
            bare = _bare(chr(pdfium_c.FPDFText_GetUnicode(self._text, at)))
            if bare == " " and letters and letters[-1] == " ":
                continue
            for letter in bare:
                letters.append(letter)
                index.append(at)
        return "".join(letters), index

    def find(self, words: str) -> list[Found]:
        """Every place where the words stand, in reading order; whole words if there are any.

        Spaces do not count: a line may be drawn in several pieces, which shows them as more or
        fewer than there are.
        """
        wanted = skeleton(words).replace(" ", "")
        if not wanted:
            return []
        matches = [m.span() for m in re.finditer(re.escape(wanted), self._tight)]
        spans = [(self._inked_at[start], self._inked_at[end - 1] + 1) for start, end in matches]
        whole = [span for span in spans if self._is_whole(*span)]
        return [self._found(*span) for span in whole or spans]

    def _is_whole(self, start: int, end: int) -> bool:
        before = self.plain[start - 1 : start] if self.plain[start].isalnum() else ""
        after = self.plain[end : end + 1] if self.plain[end - 1].isalnum() else ""
        return not before.isalnum() and not after.isalnum()

    def letters_under(self, rect: Rect) -> Iterator[tuple[str, Rect]]:
        """The letters that a rectangle covers, with their boxes; leaders and dashes do not count.

        pdfium says first, at once, whether there is any text at all: there mostly is none.
        """
        left, bottom, right, top = self._box.page_box(rect)
        if set(self._text.get_text_bounded(left, bottom, right, top)) - _LEADERS:
            yield from (item for item in self._letters() if rect.share_of(item[1]) > _COVERED)

    def _letters(self) -> list[tuple[str, Rect]]:
        """Every letter with its box, read once a page and only when something may be covered."""
        if self._boxes is None:
            self._boxes = [
                (self.plain[at], self._box.visible_rect(self._text.get_charbox(self._index[at])))
                for at in self._inked_at
                if self.plain[at] not in _LEADERS
            ]
        return self._boxes

    def _is_italic(self, position: int) -> bool:
        flags, name = ctypes.c_int(), ctypes.create_string_buffer(128)
        pdfium_c.FPDFText_GetFontInfo(
            self._text, self._index[position], name, len(name), ctypes.byref(flags)
        )
        return bool(flags.value & _ITALIC) or any(
            word in name.value.lower() for word in (b"italic", b"oblique")
        )

    def number_gap(self) -> Gap | None:
        """The place after “Số:” in the upper part of the page."""
        for match in re.finditer(r"\bso ?: ?(?P<gap>[ .…_\d]{0,60})", self.plain):
            before = self._found(match.start(), match.start() + 2)
            if before.rect.y > self._box.height * 0.4:
                return None
            left = self._edge_after(match.start("gap"))
            right = left + 38.0
            end = match.end("gap")
            symbol = end < len(self.plain) and self.plain[end] == "/"
            if symbol:
                slash = self._found(end, end + 1)
                if abs(slash.baseline - before.baseline) < 4 and slash.rect.x - left > 10:
                    right = slash.rect.x
            size = self._size_of(match.start())
            return Gap(
                left,
                right,
                before.baseline,
                size,
                _digits(match["gap"]),
                self._is_italic(match.start()),
                symbol,
                self.plain[end + 1 : end + 1 + _BEHIND].replace(" ", "") if symbol else "",
            )
        return None

    def date_gaps(self) -> tuple[Gap, Gap] | None:
        """The places for day and month in “ngày … tháng … năm”, upper part of the page."""
        pattern = (
            r"ngay(?P<day>[ .…_\d]{1,40})thang(?P<month>[ .…_\d]{1,40})nam(?P<year> ?\d{4}\b)?"
        )
        for match in re.finditer(pattern, self.plain):
            first = self._found(match.start(), match.start("day"))
            if first.rect.y > self._box.height * 0.4:
                return None
            second = self._found(match.end("day"), match.start("month"))
            third = self._found(match.end("month"), match.end("month") + len("nam"))
            if abs(third.baseline - first.baseline) > 4:
                continue
            size = self._size_of(match.end("day") + 1)
            italic = self._is_italic(match.start())
            month = _between(second, third, size, _digits(match["month"]), italic)
            return (
                _between(first, second, size, _digits(match["day"]), italic),
                replace(month, behind=(match["year"] or "").strip()),
            )
        return None

    def _edge_after(self, position: int) -> float:
        """The right edge of the last inked letter before a position."""
        while position > 0 and self.plain[position - 1] == " ":
            position -= 1
        rect = self._found(position - 1, position).rect
        return rect.x + rect.width

    def _found(self, start: int, end: int) -> Found:
        rects: list[Rect] = []
        baseline = 0.0
        for at in self._inked(start, end):
            rects.append(self._box.visible_rect(self._text.get_charbox(at, loose=True)))
            if baseline == 0.0:
                baseline = self._baseline(at)
        if not rects:
            return Found(Rect(0, 0, 0, 0), 0.0)
        x = min(r.x for r in rects)
        y = min(r.y for r in rects)
        right = max(r.x + r.width for r in rects)
        bottom = max(r.y + r.height for r in rects)
        return Found(Rect(x, y, right - x, bottom - y), baseline)

    def _inked(self, start: int, end: int) -> Iterator[int]:
        for position in range(start, min(end, len(self._index))):
            if self.plain[position] != " ":
                yield self._index[position]

    def _size_of(self, position: int) -> float:
        """The font size as seen: what the font is set in, stretched by the text's matrix."""
        at = self._index[position]
        matrix = pdfium_c.FS_MATRIX()
        pdfium_c.FPDFText_GetMatrix(self._text, at, matrix)
        size = pdfium_c.FPDFText_GetFontSize(self._text, at)
        return float(size * math.hypot(matrix.c, matrix.d) * self._box.unit)

    def _baseline(self, at: int) -> float:
        x, y = ctypes.c_double(), ctypes.c_double()
        pdfium_c.FPDFText_GetCharOrigin(self._text, at, ctypes.byref(x), ctypes.byref(y))
        return self._box.to_visible(x.value, y.value)[1]


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _between(left: Found, right: Found, size: float, written: str, italic: bool) -> Gap:
    start = left.rect.x + left.rect.width
    return Gap(start, right.rect.x, left.baseline, size, written, italic)


class DocumentText:
    """The pages' text of one document, read page by page when asked."""

    def __init__(self, pdf: Data) -> None:
        self._document = pdfium.PdfDocument(pdf if isinstance(pdf, bytes) else stream_of(pdf))
        self._open: dict[int, tuple[pdfium.PdfPage, PageText]] = {}

    def page(self, box: PageBox) -> PageText:
        """One page's text."""
        if box.index not in self._open:
            page = self._document[box.index]
            self._open[box.index] = (page, PageText(page, box))
        return self._open[box.index][1]

    def close(self) -> None:
        """Free pdfium's memory in the right order."""
        for page, text in self._open.values():
            text.close()
            page.close()
        self._open.clear()
        self._document.close()
