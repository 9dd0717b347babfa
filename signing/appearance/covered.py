"""What a stamp would cover, told to whoever asked for it.

Owns the refusal and the words it quotes: whole words, in reading order, few, and only letters that
a line of text can show. Leaves finding the letters to ``anchors`` and who may cover text to
``acts``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from signing.appearance.anchors import PageText
from signing.appearance.pagebox import MM, Rect
from signing.contract import DocumentRefused

_MOST_LETTERS = 60
_LONGEST_WORD = 40  # letters on each side of one that is covered
_UNREADABLE_VI, _UNREADABLE_EN = "không đọc được", "unreadable"


def refuse_covering(text: PageText, page: int, rect: Rect) -> None:
    """Refuse a place over a page's own letters; ``page`` counts from 1.

    Raises:
        DocumentRefused: ``text_under_stamp``, with the words and where they stand.
    """
    covered = list(text.covered_by(rect))
    if not covered:
        return
    words = quoted(text.letters, covered)
    first = min((text.ink_of(at) for at in covered), key=lambda ink: (round(ink.y), ink.x))
    x, y, left, top = (side / MM for side in (rect.x, rect.y, first.x, first.y))
    said = f"“{words}”" if words else _UNREADABLE_VI
    told = f'"{words}"' if words else _UNREADABLE_EN
    raise DocumentRefused(
        "text_under_stamp",
        f"Trang {page}: chữ ký ở chỗ cách trái {x:.0f} mm, cách trên {y:.0f} mm sẽ đè lên chữ đã có"
        f" {said} (cách trái {left:.0f} mm, cách trên {top:.0f} mm); hãy chọn chỗ khác, hoặc cho"
        " phép đè lên chữ (over_text).",
        f"page {page}: the stamp at {x:.0f}, {y:.0f} mm would cover the text {told} at {left:.0f},"
        f" {top:.0f} mm",
    )


def quoted(letters: str, positions: Iterable[int]) -> str:
    """The words around some letters of a text, as one short line that is safe to show.

    Spaces and line ends become one space, what has no shape (control and direction marks, half
    characters, private use) is left out, letters are composed; beyond 60 letters “…” stands.
    """
    pieces = (letters[start:end] for start, end in _words(letters, positions))
    shown = " ".join(_shown(piece) for piece in pieces)
    line = " ".join(unicodedata.normalize("NFC", shown).split())
    return line if len(line) <= _MOST_LETTERS else f"{line[:_MOST_LETTERS].rstrip()}…"


def _words(letters: str, positions: Iterable[int]) -> list[tuple[int, int]]:
    """Start and end of each word in which a position lies, once each."""
    words: list[tuple[int, int]] = []
    for at in sorted(positions):
        if words and at < words[-1][1]:
            continue
        start, end = at, at + 1
        lowest = max(words[-1][1] if words else 0, at - _LONGEST_WORD)
        while start > lowest and not letters[start - 1].isspace():
            start -= 1
        while end < min(len(letters), at + _LONGEST_WORD) and not letters[end].isspace():
            end += 1
        words.append((start, end))
    return words


def _shown(piece: str) -> str:
    return "".join(char for char in piece if char.isprintable() and char not in '“”"\ufffd')
