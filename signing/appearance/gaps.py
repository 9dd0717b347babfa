"""The dotted places of a letterhead: after “Số:”, and in “ngày … tháng … năm”.

Owns finding them in a page's text, spaced, dotted, drawn in pieces or written on already. Leaves
matching and measuring letters to ``anchors``. Follows NĐ 30/2020, Annex I §II.3 and 4: number, and
place and date, stand in the letterhead, above everything that cites other documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from signing.appearance.anchors import Found, PageText
from signing.contract import Gap

_UPPER = 0.4  # of the page: a letterhead ends above
_ONE_LINE = 4.0  # points between the baselines of what stands on one line
_ROOM = 38.0  # points for a number when nothing is printed behind it
_NARROW = 10.0
_BEHIND = 80  # letters read behind a number's place: longer than any symbol
_SYMBOL = "/-–"  # “05/QĐ-UBND”; offices of the Party write “05-QĐ/TU”
_FILL = r" .…_·‥․⋯\d"


def _spaced(word: str) -> str:
    """A pattern for a word whose letters may be drawn apart."""
    return " *".join(word)


# A pattern that begins with a letter is looked for twenty times as fast as one that looks back.
_NUMBER = re.compile(rf"s(?<![^\W\d_]s) *o *:(?P<gap>[{_FILL}]{{0,120}})")
_DATE = re.compile(
    rf"n(?<![^\W\d_]n) *{_spaced('gay')}(?P<day>[{_FILL}]{{1,80}}?){_spaced('thang')}"
    rf"(?P<month>[{_FILL}]{{1,80}}?){_spaced('nam')}(?P<year>[ ]*\d{{4}})?"
)
_NUMBER_WORDS = ("số", "so")  # “cơ sở:” and “hồ sơ:” look alike without their marks
_DATE_WORDS = ("ngàythángnăm", "ngaythangnam")


@lru_cache(maxsize=4)
def number_gap(text: PageText) -> Gap | None:
    """The place after the topmost “Số:” in the upper part of the page."""
    found = [
        (before.rect.y, position, before, match)
        for position, match in enumerate(_NUMBER.finditer(text.plain))
        if text.spelt(match.start(), match.start("gap") - 1) in _NUMBER_WORDS
        and (before := text.found(match.start(), match.start("gap"))).rect.y < _upper(text)
    ]
    return _number_at(text, *min(found)[2:]) if found else None


def _number_at(text: PageText, before: Found, match: re.Match[str]) -> Gap:
    """The place behind a word, up to the symbol on its line."""
    left = before.rect.x + before.rect.width
    right, symbol, end = left + _ROOM, False, match.end("gap")
    if end < len(text.plain) and text.plain[end] in _SYMBOL:
        slash = text.found(end, end + 1)
        symbol = _on_line(slash, before)
        if symbol and slash.rect.x - left > _NARROW:
            right = slash.rect.x
    return Gap(
        left,
        right,
        before.baseline,
        text.size_of(match.start()),
        _digits_beside(text, match.start("gap"), end, before),
        text.is_italic(match.start()),
        symbol,
        text.plain[end + 1 : end + 1 + _BEHIND].replace(" ", "") if symbol else "",
    )


@lru_cache(maxsize=4)
def date_gaps(text: PageText) -> tuple[Gap, Gap] | None:
    """The places in the topmost line of “ngày … tháng … năm” in the upper part of the page."""
    found = list(_date_lines(text))
    if not found:
        return None
    _, _, match, words = min(found, key=lambda one: one[:2])
    size, italic = text.size_of(match.start()), text.is_italic(match.start())

    def between(one: Found, other: Found, name: str, behind: str = "") -> Gap:
        left, written = one.rect.x + one.rect.width, _digits(match[name])
        return Gap(left, other.rect.x, one.baseline, size, written, italic, behind=behind)

    first, second, third = words
    year = _digits(match["year"] or "")
    return between(first, second, "day"), between(second, third, "month", year)


def _date_lines(
    text: PageText,
) -> Iterator[tuple[float, int, re.Match[str], tuple[Found, Found, Found]]]:
    for position, match in enumerate(_DATE.finditer(text.plain)):
        ends = (match.start(), match.start("day")), (match.end("day"), match.start("month"))
        last = match.end("month"), match.start("year") if match["year"] else match.end()
        spelt = "".join(text.spelt(*span) for span in (*ends, last))
        first, second, third = (text.found(*span) for span in (*ends, last))
        lined = _on_line(second, first) and _on_line(third, first)
        if spelt in _DATE_WORDS and lined and first.rect.y < _upper(text):
            yield first.rect.y, position, match, (first, second, third)


def _upper(text: PageText) -> float:
    return text.height * _UPPER


def _on_line(one: Found, other: Found) -> bool:
    return abs(one.baseline - other.baseline) < _ONE_LINE


def _digits_beside(text: PageText, start: int, end: int, word: Found) -> str:
    """The digits on the word's own line: the next line may begin with a figure."""
    return "".join(
        text.plain[at]
        for at in range(start, end)
        if text.plain[at].isdigit() and _on_line(text.found(at, at + 1), word)
    )


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())
