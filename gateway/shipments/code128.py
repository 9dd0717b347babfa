"""Code 128, set B: symbol values and bar widths of a text (ISO/IEC 15417). Pure.

Owns the encoding; leaves drawing to ``drawing``. One code set is enough: item numbers and order
numbers are short, and every scanner reads set B.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

START_B: Final = 104
STOP: Final = 106
QUIET_ZONE: Final = 10
"""Modules that stay empty on both sides."""

# Widths of bar, space, bar, space … of each symbol value, in modules.
_WIDTHS: Final = tuple(
    """
    212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232
    122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122
    321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311
    211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113
    213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422
    121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111
    241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121
    412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412
    211214 211232 2331112
    """.split()  # noqa: SIM905 - a list of 107 strings would hide the table
)


def symbols(text: str) -> tuple[int, ...]:
    """Symbol values from start to stop, with the check symbol.

    Raises:
        ValueError: empty, or a character outside printable ASCII.
    """
    if not text or any(not " " <= char <= "~" for char in text):
        raise ValueError("Code 128 B carries printable ASCII only")
    values = [START_B, *(ord(char) - 32 for char in text)]
    weighted = START_B + sum(place * value for place, value in enumerate(values))
    return (*values, weighted % 103, STOP)


def bars(values: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Every dark bar as (first module, width), without quiet zones."""
    found, position = [], 0
    for value in values:
        for index, width in enumerate(map(int, _WIDTHS[value])):
            if index % 2 == 0:
                found.append((position, width))
            position += width
    return tuple(found)


def module_count(values: Sequence[int]) -> int:
    """How many modules wide the bars are, without quiet zones."""
    return sum(sum(map(int, _WIDTHS[value])) for value in values)
