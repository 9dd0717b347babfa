"""What a file shows on paper and not on screen, or the other way round.

Owns two looks: annotations and fields whose flags let them appear on one of the two only (ISO
32000-2, table 167), and layers whose state for printing is not the one on screen (8.11.4.4). An
official signs what the screen shows; what comes out of the printer must be the same. Layers that
are simply off, and annotations that are simply hidden, are ``active_content``'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry

_HIDDEN, _PRINT, _NO_VIEW = 1 << 1, 1 << 2, 1 << 5
_NEVER_PRINTED: Final = frozenset({"/Link", "/Popup", "/Text", "/FileAttachment"})  # by custom
_MAX_ANNOTATIONS = 20_000
_MAX_LAYERS = 1_000
_MAX_PER_CODE = 20

_Key = tuple[int, int]


def find_print_differences(reader: PdfFileReader, pages: list[Any]) -> list[Finding]:
    """A finding, with page and object, for everything of which paper and screen differ.

    Args:
        reader: of the file.
        pages: its page dictionaries in order.
    """
    found = [*_annotations(pages), *_layers(reader.root, pages)]
    counts: dict[str, int] = {}
    kept = []
    for one in dict.fromkeys(found):
        counts[one.code] = counts.get(one.code, 0) + 1
        if counts[one.code] <= _MAX_PER_CODE:
            kept.append(one)
    return kept


# ------------------------------------------------------------------ annotations


def _annotations(pages: list[Any]) -> Iterator[Finding]:
    for number, raw, note in _each_annotation(pages):
        flags = entry(note, "/F")
        bits = int(flags) if isinstance(flags, generic.NumberObject) else 0
        kind = str(entry(note, "/Subtype"))
        if bits & _HIDDEN or "/AP" not in note or not _has_area(entry(note, "/Rect")):
            continue  # nowhere, or nothing to see
        if bits & _NO_VIEW and bits & _PRINT:
            yield finding("print_only", _place(number, raw), kind=kind)
        elif not bits & (_NO_VIEW | _PRINT) and kind not in _NEVER_PRINTED:
            yield finding("screen_only", _place(number, raw), kind=kind)


def _each_annotation(pages: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    seen = 0
    for number, page in enumerate(pages, 1):
        for raw in _items(entry(page, "/Annots")):
            seen += 1
            note = _resolved(raw)
            if seen <= _MAX_ANNOTATIONS and isinstance(note, generic.DictionaryObject):
                yield number, raw, note


# ------------------------------------------------------------------ layers


def _layers(root: Any, pages: list[Any]) -> Iterator[Finding]:
    properties = entry(root, "/OCProperties")
    layers = _items(entry(properties, "/OCGs"))[:_MAX_LAYERS]
    differing = {_key(raw): raw for raw in layers if _differs(_resolved(raw), _on(raw, properties))}
    if not differing:
        return
    used = _pages_with(pages, set(differing))
    for key, raw in differing.items():
        for number in sorted(used.get(key, ())) or [0]:
            yield finding("layer_prints_differently", _place(number, raw))


def _differs(layer: Any, on: bool) -> bool:
    """Whether a layer's usage sets another state for printing than it has on screen."""
    usage = entry(layer, "/Usage")
    printed = entry(entry(usage, "/Print"), "/PrintState")
    if printed not in ("/ON", "/OFF"):
        return False
    viewed = entry(entry(usage, "/View"), "/ViewState")
    shown = bool(viewed == "/ON") if viewed in ("/ON", "/OFF") else on
    return bool((printed == "/ON") != shown)


def _on(raw: Any, properties: Any) -> bool:
    """A layer's state when the file is opened (8.11.4.3)."""
    default = entry(properties, "/D")
    state = bool(entry(default, "/BaseState") != "/OFF")
    for name, value in (("/ON", True), ("/OFF", False)):
        if _key(raw) in {_key(one) for one in _items(entry(default, name))}:
            state = value
    return state


def _pages_with(pages: list[Any], layers: set[_Key | None]) -> dict[_Key | None, set[int]]:
    """Layer → the pages whose resources or annotations name it, alone or in a group of layers."""
    used: dict[_Key | None, set[int]] = {}
    for number, page in enumerate(pages, 1):
        properties = entry(entry(page, "/Resources"), "/Properties")
        named = _values(properties)
        named += [_raw(_resolved(raw), "/OC") for raw in _items(entry(page, "/Annots"))]
        named += [_raw(form, "/OC") for form in map(_resolved, _forms(page))]
        for raw in named:
            for member in (raw, *_members(raw)):
                if _key(member) in layers:
                    used.setdefault(_key(member), set()).add(number)
    return used


def _forms(page: Any) -> list[Any]:
    return _values(entry(entry(page, "/Resources"), "/XObject"))


def _members(raw: Any) -> list[Any]:
    """The layers of a membership dictionary (8.11.2.2), one or several."""
    group = _resolved(raw)
    if entry(group, "/Type") != "/OCMD":
        return []
    listed = entry(group, "/OCGs")
    return _items(listed) if isinstance(listed, generic.ArrayObject) else [_raw(group, "/OCGs")]


# ------------------------------------------------------------------ reading


def _place(number: int, raw: Any) -> str:
    key = _key(raw)
    where = f"trang {number}" if number else "tệp"
    return f"{where}, đối tượng {key[0]}" if key else where


def _key(raw: Any) -> _Key | None:
    return (raw.idnum, raw.generation) if isinstance(raw, generic.IndirectObject) else None


def _raw(dictionary: Any, key: str) -> Any:
    if not isinstance(dictionary, generic.DictionaryObject) or key not in dictionary:
        return None
    return dictionary.raw_get(key)


def _items(array: Any) -> list[Any]:
    return list(array) if isinstance(array, generic.ArrayObject) else []


def _values(dictionary: Any) -> list[Any]:
    if not isinstance(dictionary, generic.DictionaryObject):
        return []
    return [dictionary.raw_get(key) for key in dictionary]


def _resolved(raw: Any) -> Any:
    try:
        return raw.get_object() if isinstance(raw, generic.IndirectObject) else raw
    except HOSTILE_INPUT_ERRORS:
        return None


def _has_area(rect: Any) -> bool:
    try:
        left, bottom, right, top = (float(side) for side in rect)
    except HOSTILE_INPUT_ERRORS:
        return False
    return bool((right - left) * (top - bottom))
