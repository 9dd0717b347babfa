"""A TrueType font cut down to the glyphs that are shown, which keep their numbers.

Owns the outlines and the few tables that a viewer needs of a font embedded in a PDF (ISO 32000-2,
9.9.1, for CIDFontType2; OpenType 1.9). Cutting is copying: no outline is touched, what a glyph is
composed of comes along. Leaves letters, names and widths to ``typeface``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise

from fontTools.ttLib import TTFont

_VERSION = b"\x00\x01\x00\x00"
_MAGIC = 0xB1B0AFBA  # what a font's sum is taken from (OpenType, "head")
_SUM_IN_HEAD, _FORMAT_IN_HEAD = 8, 50  # offsets in the table
_COUNT_IN_MAXP, _COUNT_IN_HHEA = 4, 34
_NOTDEF = 0


class Outlines:
    """A font's glyphs by their numbers."""

    def __init__(self, font: TTFont) -> None:
        self._tables = {tag: font.getTableData(tag) for tag in ("head", "hhea", "maxp")}
        glyphs, starts = font.getTableData("glyf"), font["loca"].locations
        self._glyphs = [glyphs[start:end] for start, end in pairwise(starts)]
        order = font.getGlyphOrder()
        metrics = font["hmtx"].metrics
        self._metrics = [struct.pack(">Hh", *metrics[name]) for name in order]
        self._parts = {}
        for number, name in enumerate(order):
            glyph = font["glyf"][name]
            if glyph.isComposite():
                self._parts[number] = [font.getGlyphID(n) for n in glyph.getComponentNames(None)]

    def cut(self, shown: Iterable[int]) -> bytes:
        """A font program with these glyphs, and what stands for a missing one."""
        kept = self._with_parts(shown)
        count = max(kept) + 1
        glyphs, starts = bytearray(), [0]
        for number in range(count):
            if number in kept:
                glyphs += self._glyphs[number]
                glyphs += bytes(-len(glyphs) % 4)
            starts.append(len(glyphs))
        metrics = [self._metrics[n] if n in kept else bytes(4) for n in range(count)]
        tables = {
            "glyf": bytes(glyphs),
            "head": _with_words(
                self._tables["head"], {_SUM_IN_HEAD: (0, 0), _FORMAT_IN_HEAD: (1,)}
            ),
            "hhea": _with_words(self._tables["hhea"], {_COUNT_IN_HHEA: (count,)}),
            "hmtx": b"".join(metrics),
            "loca": struct.pack(f">{len(starts)}I", *starts),
            "maxp": _with_words(self._tables["maxp"], {_COUNT_IN_MAXP: (count,)}),
        }
        return _put_together(tables)

    def _with_parts(self, shown: Iterable[int]) -> set[int]:
        kept: set[int] = set()
        pending = [_NOTDEF, *shown]
        while pending:
            number = pending.pop()
            if number not in kept:
                kept.add(number)
                pending += self._parts.get(number, ())
        return kept


def _with_words(table: bytes, changes: dict[int, tuple[int, ...]]) -> bytes:
    """A table with 16-bit numbers set at offsets."""
    changed = bytearray(table)
    for offset, words in changes.items():
        struct.pack_into(f">{len(words)}H", changed, offset, *words)
    return bytes(changed)


def _put_together(tables: dict[str, bytes]) -> bytes:
    """The font file of tables in the order of their tags."""
    count = len(tables)
    power = count.bit_length() - 1
    head = _VERSION + struct.pack(">4H", count, 16 << power, power, 16 * count - (16 << power))
    at = len(head) + 16 * count
    rows, parts, places = [head], [], {}
    for tag in sorted(tables):
        data = tables[tag]
        places[tag] = at
        rows.append(struct.pack(">4s3I", tag.encode(), _sum(data), at, len(data)))
        parts.append(data + bytes(-len(data) % 4))
        at += len(parts[-1])
    program = bytearray().join([*rows, *parts])
    rest = (_MAGIC - _sum(program)) % 2**32
    struct.pack_into(">I", program, places["head"] + _SUM_IN_HEAD, rest)
    return bytes(program)


def _sum(data: bytes | bytearray) -> int:
    """A table's sum of 32-bit numbers, padded with zeros."""
    padded = bytes(data) + bytes(-len(data) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) % 2**32
