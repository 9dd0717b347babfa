"""What is written on a page and where: read once a file, so that placing need not open it again."""

from __future__ import annotations

from dataclasses import dataclass, field

FLOATS_A_LETTER = 8
FLOATS_A_RUN = 9
_FLOAT = 4  # bytes


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
