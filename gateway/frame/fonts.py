"""Where the font files for pictures and PDFs are: ``config/fonts`` beside the code or installed."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

_PLACES = (
    Path(__file__).resolve().parents[2] / "config" / "fonts",
    Path(sys.prefix) / "share" / "motcua" / "config" / "fonts",
)


@cache
def font_path(name: str) -> str:
    """Find a font file of ours.

    Raises:
        FileNotFoundError: it is in none of the places; the message names them all.
    """
    for place in _PLACES:
        if (place / name).is_file():
            return str(place / name)
    raise FileNotFoundError(f"{name} is in none of {', '.join(map(str, _PLACES))}")
