"""What is written on a page and where: read once a file, so that placing need not open it again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import msgspec

FLOATS_A_LETTER = 8
FLOATS_A_RUN = 9
_FLOAT = 4  # bytes
_LONGEST = 128  # letters that a place says of what stands in it and behind it


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A place between two words, to be written on; visible points from the page's upper left."""

    left: float
    right: float
    baseline: float
    font_size: float  # of the words beside it
    written: str  # digits already there
    italic: bool = False  # the words beside it
    symbol_follows: bool = True  # after a number: "/QĐ-UBND" is printed already
    behind: str = ""  # skeleton of what is printed behind it: the symbol's line, the year

    @property
    def consistent(self) -> bool:
        """Whether places are places, and digits digits."""
        return (
            math.isfinite(self.left + self.right + self.baseline + self.font_size)
            and (not self.written or self.written.isdecimal())
            and len(self.written) + len(self.behind) <= _LONGEST
        )


class Letterhead(msgspec.Struct, frozen=True):
    """The dotted places of a first page: for number, day and month; None where there is none.

    ``seen_in``: left, bottom, right, top, rotation and unit of the visible page they were found on.
    """

    seen_in: tuple[float, float, float, float, float, float]
    number: Gap | None
    day: Gap | None
    month: Gap | None

    @property
    def consistent(self) -> bool:
        """Whether it can be used: it may come from a process that reads strangers' files."""
        year = self.month.behind if self.month is not None else ""
        places = (self.number, self.day, self.month)
        return (not year or year.isdecimal()) and all(p is None or p.consistent for p in places)


@dataclass(frozen=True, slots=True)
class PageSurvey:
    """One page's text, letter by letter as the file gives it, in the page's own coordinates.

    ``boxes`` holds ``FLOATS_A_LETTER`` 32-bit floats a letter in the machine's byte order: left,
    bottom, right, top of its cell (as high as its font), then of its ink. ``runs`` holds
    ``FLOATS_A_RUN`` for every stretch of letters in one size on one line: index of its first
    letter, x and y of its origin, size in points, 1 for italics, then left, bottom, right and top
    of what its ink may reach. ``drawn`` are the boxes (left, bottom, right, top) of pictures and
    annotations. ``scanned``: a picture covers most of the page, and no text tells what it shows.
    """

    index: int  # from 0
    letters: str = field(repr=False)
    boxes: bytes = field(repr=False)
    runs: bytes = field(repr=False)
    drawn: tuple[tuple[float, float, float, float], ...] = ()
    scanned: bool = False
    plain: str = field(default="", repr=False)  # the letters as they are searched; may be missing
    letterhead: Letterhead | None = None  # where it was looked for

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return (
            4 * len(self.letters)
            + len(self.plain)
            + len(self.boxes)
            + len(self.runs)
            + 64 * len(self.drawn)
        )

    @property
    def consistent(self) -> bool:
        """Whether there is a box for every letter, and a run for the first one."""
        letters, run = len(self.letters), FLOATS_A_RUN * _FLOAT
        whole = len(self.runs) % run == 0 and len(self.runs) // run <= letters
        return (
            whole
            and len(self.boxes) == letters * FLOATS_A_LETTER * _FLOAT
            and bool(self.runs) == bool(letters)
            and len(self.plain) in (0, letters)
        )


@dataclass(frozen=True, slots=True)
class DocumentSurvey:
    """The surveyed pages of exactly one file: of no other has it anything to say."""

    sha256: str
    pages: tuple[PageSurvey, ...]

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return sum(page.size for page in self.pages)
