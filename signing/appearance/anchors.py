"""Finding places in a page's text: names, titles, the end of the text; what a stamp would cover.

Owns matching words against a page's survey, which forgives case, diacritics, composed or decomposed
letters and spaces, but prefers what is spelt alike. Leaves reading the page to ``surveying``, the
dotted places to ``gaps`` and what to put there to ``placement``.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import msgspec

from signing.appearance.pagebox import PageBox, Rect
from signing.contract import PageSurvey
from signing.contract.survey import FLOATS_A_LETTER, FLOATS_A_RUN

LEADERS: Final = frozenset(" .…_-·‥․⋯")  # dotted places are there to be written on
Box = tuple[float, float, float, float]  # left, bottom, right, top

_COVERED = 0.2  # of a letter's box: less is a neighbour, not a collision
_ODD = "\ufffd"  # stands for what is no single letter
_INK = 4  # where a letter's ink begins among its floats
_REACH = 5  # where what a run's ink may reach begins among its floats


class Found(msgspec.Struct, frozen=True, gc=False):
    """A stretch of text on a page: its visible rectangle and its baseline."""

    rect: Rect
    baseline: float  # visible y
    first: int = 0  # position of its first letter in the page's text
    last: int = 0


@lru_cache(maxsize=256)
def skeleton(text: str) -> str:
    """Lower case without diacritics: what two spellings of one word have in common."""
    return "".join(_bare(char) for char in text).strip()


@lru_cache(maxsize=256)
def _sought(words: str) -> tuple[re.Pattern[str] | None, str]:
    """Words as they are looked for: without case and marks, over any spaces; and with marks.

    No word stands nowhere.
    """
    letters = skeleton(words).replace(" ", "")
    return (
        re.compile(" *".join(map(re.escape, letters))) if letters else None,
        unicodedata.normalize("NFC", "".join(words.split())).lower(),
    )


@lru_cache(maxsize=4096)
def _bare(char: str) -> str:
    if char.isspace() or not char.isprintable():
        return " "
    plain = "".join(c for c in unicodedata.normalize("NFD", char) if not unicodedata.combining(c))
    return plain.casefold().replace("đ", "d").replace("ð", "d")


class _Letters(dict[int, str]):
    """A translation of single letters that never changes their number."""

    def __init__(self, *, keep_marks: bool) -> None:
        super().__init__()
        self._keep_marks = keep_marks

    def __missing__(self, code: int) -> str:
        char = chr(code)
        bare = _bare(char)
        found = char.lower() if self._keep_marks and bare != " " else bare
        self[code] = found if len(found) == 1 else _ODD
        return self[code]


_BARE = _Letters(keep_marks=False)
_SPELT = _Letters(keep_marks=True)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A page's letters ready to be searched; equal positions in all three are one letter."""

    bare: str  # without case and marks
    written: str  # as the page has it, composed
    at: range | list[int]  # the survey's letter


def plain_letters(letters: str) -> str:
    """Letters without case and marks, one for one; none where marks stand by themselves."""
    if any(map(unicodedata.combining, set(letters))):
        return ""
    return letters.translate(_BARE)


def _read(letters: str, plain: str) -> _Reading:
    """``plain`` are the letters' own ``plain_letters``, where they were prepared."""
    plain = plain or plain_letters(letters)
    if letters and not plain:
        return _read_clusters(letters)
    return _Reading(plain, letters, range(len(letters)))


def _read_clusters(letters: str) -> _Reading:
    """Letters whose marks follow them as characters of their own, put together."""
    clusters: list[str] = []
    at: list[int] = []
    for position, char in enumerate(letters):
        if clusters and unicodedata.combining(char):
            clusters[-1] += char
        else:
            clusters.append(char)
            at.append(position)
    composed = "".join(
        one if len(one) == 1 else _ODD
        for one in (unicodedata.normalize("NFC", cluster) for cluster in clusters)
    )
    bare = "".join(cluster[0] for cluster in clusters).translate(_BARE)
    return _Reading(bare, composed, at)


class PageText:
    """The text of one page with the place of every letter, as people see the page."""

    def __init__(self, survey: PageSurvey, box: PageBox) -> None:
        if not survey.consistent:  # it came from another process, which reads strangers' files
            survey = PageSurvey(survey.index, "", b"", b"")
        self._box = box
        self._survey = survey
        self._boxes = memoryview(survey.boxes).cast("f")
        self._runs = memoryview(survey.runs).cast("f")
        self._starts = self._runs[::FLOATS_A_RUN]
        reading = _read(survey.letters, survey.plain)
        self.plain, self._written, self._at = reading.bare, reading.written, reading.at

    @property
    def scanned(self) -> bool:
        """Whether the page is a picture without text."""
        return self._survey.scanned

    @property
    def letters(self) -> str:
        """The page's letters as the file gives them."""
        return self._survey.letters

    @property
    def height(self) -> float:
        """Of the visible page."""
        return self._box.height

    @cached_property
    def drawn(self) -> list[Rect]:
        """The visible boxes of pictures and annotations."""
        return [self._box.visible_rect(box) for box in self._survey.drawn]

    def spelt(self, start: int, end: int) -> str:
        """The letters between two positions without case and spaces, with their marks."""
        return self._written[start:end].translate(_SPELT).replace(" ", "")

    def find(self, words: str) -> list[Found]:
        """Every place where the words stand, in reading order.

        Of those spelt alike if there are any, else of those alike without their marks; whole
        words if there are any. Spaces do not count: a line may be drawn in several pieces, which
        shows them as more or fewer than there are.
        """
        wanted, exact = _sought(words)
        spans = [match.span() for match in wanted.finditer(self.plain)] if wanted else []
        spans = [span for span in spans if self.spelt(*span) == exact] or spans
        whole = [span for span in spans if self._is_whole(*span)]
        return [self.found(*span) for span in whole or spans]

    def _is_whole(self, start: int, end: int) -> bool:
        before = self.plain[start - 1 : start] if self.plain[start].isalnum() else ""
        after = self.plain[end : end + 1] if self.plain[end - 1].isalnum() else ""
        return not before.isalnum() and not after.isalnum()

    def letters_under(self, rect: Rect) -> Iterator[Rect]:
        """The letters that a rectangle covers, as their boxes; leaders and dashes do not count."""
        return map(self.ink_of, self.covered_by(rect))

    def covered_by(self, rect: Rect) -> Iterator[int]:
        """The same, as their positions in ``letters``."""
        asked = left, bottom, right, top = self._box.page_box(rect)
        boxes, letters = self._boxes, self._survey.letters
        for first, end in self._runs_reaching(asked):
            place = first * FLOATS_A_LETTER + _INK
            inks = boxes[place : end * FLOATS_A_LETTER]
            if min(inks[1::FLOATS_A_LETTER]) >= top or max(inks[3::FLOATS_A_LETTER]) <= bottom:
                continue  # another line, whatever its letters are
            for at in range(first, end):
                ink = boxes[place : place + 4].tolist()
                place += FLOATS_A_LETTER
                beside = ink[0] >= right or left >= ink[2] or ink[1] >= top or bottom >= ink[3]
                if not beside and _counts(letters[at]) and _share(ink, asked) > _COVERED:
                    yield at

    def ink_of(self, at: int) -> Rect:
        """The visible box of one of ``letters``."""
        return self._box.visible_rect(self._side(at, _INK))

    def _runs_reaching(self, box: Box) -> Iterator[tuple[int, int]]:
        """First letter and end of every run whose ink may lie in a box, in reading order."""
        left, bottom, right, top = box
        lows, highs = self._heights
        level = [n for n, low in enumerate(lows) if low < top and bottom < highs[n]]
        for number in level:
            place = number * FLOATS_A_RUN + _REACH
            if self._runs[place] < right and left < self._runs[place + 2]:
                first, end = self._start(number), self._start(number + 1)
                if first < end:
                    yield first, end

    def _start(self, number: int) -> int:
        """A run's first letter, or the end; within the text, whatever a survey says."""
        letters = len(self._survey.letters)
        starts = self._starts
        return min(max(int(starts[number]), 0), letters) if number < len(starts) else letters

    @cached_property
    def _heights(self) -> tuple[Sequence[float], Sequence[float]]:
        """Bottoms and tops of what the runs' ink may reach; a run is a word, or less."""
        lows, highs = (self._runs[_REACH + side :: FLOATS_A_RUN] for side in (1, 3))
        return lows.tolist(), highs.tolist()

    def _side(self, at: int, which: int = 0) -> Box:
        start = at * FLOATS_A_LETTER + which
        left, bottom, right, top = self._boxes[start : start + 4]
        return left, bottom, right, top

    def found(self, start: int, end: int) -> Found:
        """The letters between two positions as one stretch."""
        letters = self.plain[start:end]
        first = start + len(letters) - len(letters.lstrip(" "))
        letters = letters.strip(" ")
        if not letters:
            return Found(Rect(0, 0, 0, 0), 0.0)
        last = first + len(letters) - 1
        boxes, at = [], first
        for word in letters.split(" "):  # a space's cell may lie anywhere
            if word:
                boxes.append(self._cells(at, at + len(word)))
            at += len(word) + 1
        rect = self._box.visible_rect(boxes[0] if len(boxes) == 1 else _around(boxes))
        return Found(rect, self._baseline(first), first, last)

    def _cells(self, start: int, end: int) -> Box:
        """The box around the cells of letters that follow each other."""
        if end == start + 1:
            return self._side(self._at[start])
        if not isinstance(self._at, range):
            return _around([self._side(self._at[at]) for at in range(start, end)])
        cells = self._boxes[start * FLOATS_A_LETTER : end * FLOATS_A_LETTER]
        lefts, bottoms, rights, tops = (cells[side::FLOATS_A_LETTER] for side in range(4))
        return min(lefts), min(bottoms), max(rights), max(tops)

    def is_alone(self, found: Found) -> bool:
        """Whether the nearest letters before and after stand on other lines or far away."""
        rect = found.rect
        near = Rect(rect.x - rect.height, rect.y, rect.width + 2 * rect.height, rect.height)
        for beside in self._beside(found):
            on_line = abs(beside.middle[1] - rect.middle[1]) < rect.height / 2
            if on_line and beside.meets(near):
                return False
        return True

    def _beside(self, found: Found) -> Iterator[Rect]:
        """The nearest inked letters before and after, in reading order."""
        before, after = range(found.first - 1, -1, -1), range(found.last + 1, len(self.plain))
        for positions in (before, after):
            at = next((at for at in positions if self.plain[at] != " "), None)
            if at is not None:
                yield self._box.visible_rect(self._cells(at, at + 1))

    def size_of(self, position: int) -> float:
        """The font size as seen."""
        return self._run(position)[3] * self._box.unit

    def is_italic(self, position: int) -> bool:
        """Whether a letter is slanted."""
        return bool(self._run(position)[4])

    def _baseline(self, position: int) -> float:
        _, x, y, _, _ = self._run(position)
        return self._box.to_visible(x, y)[1]

    def _run(self, position: int) -> tuple[float, ...]:
        """What the letters around a position have in common."""
        low = max(bisect_right(self._starts, self._at[position]) - 1, 0)
        return tuple(self._runs[low * FLOATS_A_RUN : low * FLOATS_A_RUN + _REACH])


_texts: deque[tuple[PageSurvey, PageBox, PageText]] = deque(maxlen=4)


def page_text(survey: PageSurvey, box: PageBox) -> PageText:
    """A page's text; the same one for the acts that follow each other on a document.

    Those have the very same survey: comparing two by their bytes would cost as much as reading.
    """
    for known, seen_in, text in _texts:
        if known is survey and seen_in == box:
            return text
    _texts.append((survey, box, PageText(survey, box)))
    return _texts[-1][2]


def _around(boxes: list[Box]) -> Box:
    """The smallest box with all of some in it."""
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


@lru_cache(maxsize=4096)
def _counts(letter: str) -> bool:
    """Whether a letter is text that must not be covered."""
    return letter not in LEADERS and letter.isprintable() and not unicodedata.combining(letter)


def _share(letter: Sequence[float], over: Box) -> float:
    """Which part of a letter's ink a box covers."""
    across = min(letter[2], over[2]) - max(letter[0], over[0])
    down = min(letter[3], over[3]) - max(letter[1], over[1])
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / ((letter[2] - letter[0]) * (letter[3] - letter[1]))
