"""The page tree, walked down to one page (ISO 32000-2, 7.7.3).

Owns counting, finding a page by its index and the attributes it inherits. A tree with loops, wrong
counts or pages of another type is not for the lane.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from signing.lane.file import LaneFile
from signing.lane.refusal import NotForTheLane
from signing.lane.syntax import Dictionary, Reference, integer, number, reference

_INHERITED = (b"/MediaBox", b"/CropBox", b"/Rotate")
_ATTRIBUTES = (*_INHERITED, b"/UserUnit")
_NUMBER = rb"[\0\t\n\f\r ]*+([+-]?(?:\d++\.?\d*+|\.\d++))"
_BOX = re.compile(rb"\[" + rb"(?![^\0\t\n\f\r \]])".join([_NUMBER] * 4) + rb"[\0\t\n\f\r ]*+\]")
_MAX_DEPTH = 48
_MAX_KIDS = 20_000


class LanePage(msgspec.Struct, frozen=True):
    """A page: where it is written, and what it has of inheritable attributes."""

    reference: Reference
    attributes: dict[bytes, bytes]


def page_count(file: LaneFile) -> int:
    """How many pages the tree says it has."""
    return _count(file, file.dictionary(file.catalog.get(b"/Pages")))


def _count(file: LaneFile, tree: Dictionary) -> int:
    count = integer(file.resolve(tree.get(b"/Count")))
    if count < 1:
        raise NotForTheLane("the document has no pages")
    return count


def find_page(file: LaneFile, index: int) -> LanePage:
    """The page with an index from 0."""
    found = file.pages.get(index)
    if isinstance(found, LanePage):
        return found
    file.pages[index] = found = _find_page(file, index)
    return found


def _find_page(file: LaneFile, index: int) -> LanePage:
    target = reference(file.catalog.get(b"/Pages"))
    if target is None or not 0 <= index < _count(file, file.at(target)):
        raise NotForTheLane("there is no such page")
    inherited: dict[bytes, bytes] = {}
    visited: set[Reference] = set()
    while target is not None:
        if target in visited or len(visited) >= _MAX_DEPTH:
            raise NotForTheLane("the page tree loops")
        visited.add(target)
        node = file.at(target)
        if b"/Kids" not in node:
            return _leaf(target, node, inherited, index)
        if node.get(b"/Type") != b"/Pages" or b"/Annots" in node:
            raise NotForTheLane("the page tree is broken")
        inherited |= _own(node, _INHERITED)
        target, index = _descend(file, node, index)
    raise NotForTheLane("the page tree is broken")


def _leaf(
    target: Reference, node: Dictionary, inherited: dict[bytes, bytes], index: int
) -> LanePage:
    if node.get(b"/Type") != b"/Page" or index:
        raise NotForTheLane("the page tree is broken")
    return LanePage(target, inherited | _own(node, _ATTRIBUTES))


def _own(node: Dictionary, names: tuple[bytes, ...]) -> dict[bytes, bytes]:
    return {name: value for name in names if (value := node.get(name)) is not None}


def _descend(file: LaneFile, node: Dictionary, index: int) -> tuple[Reference | None, int]:
    """The kid that holds a page, and the page's index below it."""
    kids = file.items(node.get(b"/Kids"))
    for kid in kids[:_MAX_KIDS]:
        target = reference(kid)
        if target is None:
            raise NotForTheLane("a page stands inside its parent")
        below = file.at(target)
        pages = integer(file.resolve(below.get(b"/Count"))) if b"/Kids" in below else 1
        if index < pages:
            return target, index
        index -= max(pages, 0)
    return None, index


def page_references(file: LaneFile) -> Iterator[Reference]:
    """Every page in order."""
    pending = [reference(file.catalog.get(b"/Pages"))]
    seen: set[Reference] = set()
    while pending:
        target = pending.pop()
        if target is None or target in seen or len(seen) > _MAX_KIDS:
            raise NotForTheLane("the page tree is broken")
        seen.add(target)
        node = file.at(target)
        if b"/Kids" not in node:
            yield target
        else:
            pending.extend(reference(kid) for kid in reversed(file.items(node.get(b"/Kids"))))


def page_numbers(file: LaneFile, raw: bytes | None) -> tuple[float, ...]:
    """An array of numbers such as a box."""
    box = _BOX.fullmatch(raw) if raw is not None else None
    if box is not None:
        return tuple(map(float, box.groups()))
    return tuple(number(file.resolve(item) or b"") for item in file.items(raw))
