"""What in a PDF could act, hide or look different elsewhere: a walk over its objects.

Owns the bounded, loop-safe walk and the table of dangerous keys (ISO 32000-2, 12.6
actions, 12.5 annotations, 7.11 file specifications). Leaves the file's frame, pages and
signatures to ``document``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry

MAX_OBJECTS = 200_000
WALK_SECONDS = 10.0
_MAX_PER_CODE = 20
_LARGE_STREAM = 1024 * 1024

_ACTIONS: Final = {
    "/JavaScript": "javascript",
    "/Launch": "launch_action",
    "/SubmitForm": "submit_form",
    "/ImportData": "import_data",
    "/GoToR": "remote_goto",
    "/GoToE": "remote_goto",
    "/URI": "uri_action",
    "/Rendition": "rich_media",
    "/RichMediaExecute": "rich_media",
    "/GoTo3DView": "rich_media",
    "/Movie": "rich_media",
    "/Sound": "rich_media",
}
_MEDIA_ANNOTATIONS: Final = frozenset({"/RichMedia", "/3D", "/Movie", "/Sound", "/Screen"})
_HARMLESS_ANNOTATIONS: Final = frozenset({"/Link", "/Popup", "/Widget", "/FileAttachment", "/Text"})
_HIDDEN_FLAGS = 0b100011  # invisible, hidden, no-view (ISO 32000-2, table 167)
_NO_WALK: Final = frozenset({"/Parent", "/P", "/StructParents", "/IRT", "/Popup"})


@dataclass(slots=True)
class Walk:
    """One walk: what it found, and how much it may still do."""

    findings: list[Finding] = field(default_factory=list)
    fonts: set[str] = field(default_factory=set)
    seen: set[tuple[int, int]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    deadline: float = 0.0
    visited: int = 0

    def add(self, code: str, where: str, **details: object) -> None:
        """Record a finding once per place, and not thousands of one kind."""
        new = finding(code, where, **details)
        if new in self.findings or self.counts.get(code, 0) >= _MAX_PER_CODE:
            return
        self.counts[code] = self.counts.get(code, 0) + 1
        self.findings.append(new)

    def exhausted(self) -> bool:
        """Whether the walk has used up its objects or its time."""
        self.visited += 1
        return self.visited > MAX_OBJECTS or (
            self.visited % 256 == 0 and time.monotonic() > self.deadline
        )


def find_active_content(reader: PdfFileReader, pages: list[Any]) -> list[Finding]:
    """Walk pages first (so that findings name a page), then everything from the catalog."""
    walk = Walk(deadline=time.monotonic() + WALK_SECONDS)
    starts = [(raw, f"trang {number}") for number, raw in enumerate(pages, 1)]
    complete = all(_walk_from(walk, raw, where) for raw, where in starts)
    complete = complete and _walk_from(walk, reader.trailer_view.raw_get("/Root"), "tệp")
    if not complete:
        walk.add("walk_limit", "tệp")
    _look_at_catalog(walk, reader.root)
    if walk.fonts:
        names = sorted(walk.fonts)
        shown = ", ".join(names[:5]) + (f" và {len(names) - 5} phông khác" if names[5:] else "")
        walk.add("fonts_not_embedded", "tệp", names=shown)
    return walk.findings


def _walk_from(walk: Walk, start: Any, where: str) -> bool:
    """Visit all that is reachable from ``start``; False when a limit stopped it."""
    stack: list[Any] = [start]
    while stack:
        if walk.exhausted():
            return False
        item = stack.pop()
        place = where
        if isinstance(item, generic.IndirectObject):
            key = (item.idnum, item.generation)
            if key in walk.seen:
                continue
            walk.seen.add(key)
            place = f"đối tượng {item.idnum}" if where == "tệp" else where
            item = _resolve(walk, item, place)
            _forget_large(item, key)
        stack.extend(_visit(walk, item, place))
    return True


def _resolve(walk: Walk, item: generic.IndirectObject, place: str) -> Any:
    try:
        return item.get_object()
    except HOSTILE_INPUT_ERRORS:
        walk.add("broken_object", place)
        return None


def _forget_large(item: Any, key: tuple[int, int]) -> None:
    """Do not keep every large stream of a large file in memory: it is looked at once."""
    if isinstance(item, generic.StreamObject) and len(item.encoded_data) > _LARGE_STREAM:
        reader = item.get_container_ref().get_pdf_handler()
        reader.resolved_objects.pop((key[1], key[0]), None)


def _visit(walk: Walk, item: Any, place: str) -> Iterator[Any]:
    if isinstance(item, generic.ArrayObject):
        yield from list(item)
    elif isinstance(item, generic.DictionaryObject):
        for look in _LOOKS:
            look(walk, item, place)
        for key in list(item):
            if key not in _NO_WALK:
                yield item.raw_get(key)


def _look_at_action(walk: Walk, item: Any, place: str) -> None:
    code = _ACTIONS.get(str(entry(item, "/S")))
    if code is not None:
        walk.add(code, place, kind=str(entry(item, "/S")))
    elif "/JS" in item:
        walk.add("javascript", place)
    if "/AA" in item and entry(item, "/AA"):
        walk.add("additional_actions", place)


def _look_at_stream(walk: Walk, item: Any, place: str) -> None:
    if isinstance(item, generic.StreamObject) and "/F" in item:
        walk.add("external_stream", place)
    if "/EF" in item and str(entry(item, "/Type") or "/Filespec") in {"/Filespec", "/F"}:
        walk.add("embedded_files", place)


def _look_at_annotation(walk: Walk, item: Any, place: str) -> None:
    kind = str(entry(item, "/Subtype"))
    if "/Rect" not in item or str(entry(item, "/Type") or "/Annot") != "/Annot":
        return
    if kind in _MEDIA_ANNOTATIONS:
        walk.add("rich_media", place, kind=kind)
    elif kind not in _HARMLESS_ANNOTATIONS:
        walk.add("annotation_over_content", place, kind=kind)
    flags = entry(item, "/F")
    hidden = isinstance(flags, generic.NumberObject) and int(flags) & _HIDDEN_FLAGS
    if hidden and kind != "/Popup" and _has_area(entry(item, "/Rect")):
        walk.add("hidden_annotation", place, kind=kind)


def _look_at_font(walk: Walk, item: Any, place: str) -> None:
    if str(entry(item, "/Type")) != "/Font":
        return
    if str(entry(item, "/Subtype")) in {"/Type0", "/Type3"}:
        return  # a Type0 font's descendant is visited by itself; Type3 is drawn in the file
    descriptor = entry(item, "/FontDescriptor")
    if not isinstance(descriptor, generic.DictionaryObject) or not any(
        key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")
    ):
        walk.fonts.add(str(entry(item, "/BaseFont") or "không tên").lstrip("/"))


_LOOKS: tuple[Callable[[Walk, Any, str], None], ...] = (
    _look_at_action,
    _look_at_stream,
    _look_at_annotation,
    _look_at_font,
)


def _look_at_catalog(walk: Walk, root: Any) -> None:
    form = entry(root, "/AcroForm")
    if isinstance(form, generic.DictionaryObject):
        if "/XFA" in form:
            walk.add("xfa", "biểu mẫu")
        if entry(form, "/NeedAppearances"):
            walk.add("need_appearances", "biểu mẫu")
    names = entry(root, "/Names")
    if isinstance(names, generic.DictionaryObject):
        if "/JavaScript" in names:
            walk.add("javascript", "danh mục tên")
        if "/EmbeddedFiles" in names:
            walk.add("embedded_files", "danh mục tên")
    _look_at_opening(walk, entry(root, "/OpenAction"))
    _look_at_layers(walk, entry(root, "/OCProperties"))


def _look_at_opening(walk: Walk, action: Any) -> None:
    """A destination, or GoTo, only says which page opens first; anything else acts."""
    if action is None:
        return
    kind = entry(action, "/S") if isinstance(action, generic.DictionaryObject) else None
    if kind is None or kind == "/GoTo":
        walk.add("open_destination", "tệp")
    else:
        walk.add("open_action", "tệp", kind=str(kind))


def _look_at_layers(walk: Walk, properties: Any) -> None:
    default = entry(properties, "/D") if isinstance(properties, generic.DictionaryObject) else None
    if isinstance(default, generic.DictionaryObject) and (
        entry(default, "/OFF") or entry(default, "/BaseState") == "/OFF"
    ):
        walk.add("hidden_layers", "tệp")


def _has_area(rect: Any) -> bool:
    try:
        left, bottom, right, top = (float(n) for n in rect)
    except HOSTILE_INPUT_ERRORS:
        return False
    return bool((right - left) * (top - bottom))
