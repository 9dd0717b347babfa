"""The pages of a file: their tree, their boxes and what they draw, read within limits.

Owns the loop-safe walk over the page tree with its inherited attributes (ISO 32000-2, 7.7.3), odd
boxes and rotation, and inflating the contents. Leaves what could act or hide to ``active_content``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.explanations import explain
from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry, is_decode_limit

MAX_PAGES = 5_000
_MAX_DEPTH = 50  # of the page tree; writers make it two or three levels deep
_CONTENT_SECONDS = 5.0
_NORMAL_BOX = (72.0, 14_400.0)  # smallest and largest side in points (ISO 32000-2, annex C)
_INHERITED = ("/MediaBox", "/CropBox", "/Rotate", "/Resources")


@dataclass(frozen=True, slots=True)
class Page:
    """A page and what it inherits from its ancestors."""

    raw: Any
    dictionary: Any
    attributes: dict[str, Any]


def collect_pages(reader: PdfFileReader, findings: list[Finding]) -> tuple[list[Page], int]:
    """The pages in order and their number; loops and broken branches become findings."""
    pages: list[Page] = []
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[Any, dict[str, Any], int]] = [(reader.root.raw_get("/Pages"), {}, 0)]
    while stack and len(pages) <= MAX_PAGES:
        raw, inherited, depth = stack.pop()
        if not isinstance(raw, generic.IndirectObject) or (raw.idnum, raw.generation) in seen:
            findings.append(finding("broken_page_tree", reason="nút lặp hoặc sai kiểu"))
            continue
        seen.add((raw.idnum, raw.generation))
        node = raw.get_object()
        if not isinstance(node, generic.DictionaryObject) or depth > _MAX_DEPTH:
            findings.append(finding("broken_page_tree", reason=f"đối tượng {raw.idnum}"))
            continue
        attributes = inherited | {key: node[key] for key in _INHERITED if key in node}
        if "/Kids" in node:
            stack.extend((kid, attributes, depth + 1) for kid in reversed(list(node["/Kids"])))
        else:
            pages.append(Page(raw, node, attributes))
    findings.extend(_check_count(reader, len(pages)))
    return pages[:MAX_PAGES], len(pages)


def _check_count(reader: PdfFileReader, count: int) -> Iterator[Finding]:
    if not count:
        yield finding("no_pages")
    if count > MAX_PAGES:
        yield finding("too_many_pages", count=count, limit=MAX_PAGES)
        return
    declared = int(reader.root["/Pages"]["/Count"])
    if declared != count:
        yield finding("broken_page_tree", reason=f"khai {declared} trang, có {count}")


def look_at_page(number: int, page: Page) -> Iterator[Finding]:
    """Boxes that tools often get wrong, and rotation."""
    where = f"trang {number}"
    media = _sides(page.attributes.get("/MediaBox"))
    if media is None:
        yield finding("odd_box", where, box="không có MediaBox đúng")
    elif _is_odd(media):
        yield finding("odd_box", where, box=_shown(media))
    if "/CropBox" in page.attributes:
        crop = _sides(page.attributes["/CropBox"])
        if crop is None or (crop != media and _is_odd(crop)):
            shown = "CropBox " + (_shown(crop) if crop else "sai kiểu")
            yield finding("odd_box", where, box=shown)
    angle = page.attributes.get("/Rotate", 0)
    if angle:
        yield finding("rotated_page", where, angle=angle)


def _sides(box: Any) -> tuple[float, float, float, float] | None:
    try:
        left, bottom, right, top = (float(side) for side in box or ())
    except HOSTILE_INPUT_ERRORS:
        return None
    return left, bottom, right, top


def _is_odd(box: tuple[float, float, float, float]) -> bool:
    """Whether the page does not begin at the origin, or is upside down, tiny or vast."""
    left, bottom, right, top = box
    low, high = _NORMAL_BOX
    return bool(left or bottom) or not all(low <= s <= high for s in (right - left, top - bottom))


def _shown(box: tuple[float, float, float, float]) -> str:
    return "[" + " ".join(f"{side:g}" for side in box) + "]"


def decode_contents(pages: list[Page]) -> Iterator[Finding]:
    """Inflate what the pages draw, within the reader's limits and a few seconds."""
    deadline = time.monotonic() + _CONTENT_SECONDS
    for number, page in enumerate(pages, 1):
        if time.monotonic() > deadline:
            return
        contents = entry(page.dictionary, "/Contents")
        streams = contents if isinstance(contents, generic.ArrayObject) else [contents]
        for stream in streams:
            yield from _decode(stream, f"trang {number}")


def _decode(stream: Any, where: str) -> Iterator[Finding]:
    try:
        resolved = stream.get_object() if stream is not None else None
        if isinstance(resolved, generic.StreamObject):
            _ = resolved.data
    except MemoryError:
        raise
    except HOSTILE_INPUT_ERRORS as error:
        code = "decode_limit" if is_decode_limit(error) else "broken_content"
        yield finding(code, where, reason=explain(error))
