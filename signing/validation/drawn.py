"""Which objects draw a file's pages, and whether they are still those of a signed revision.

Owns the question "may the pages look different now?", answered without drawing them. Leaves
drawing and comparing to ``pictures``.

Why a "no" is sound: a page is drawn from the catalog's optional content settings, the form's own
settings, the page tree, each page's dictionary and annotations, and what these lead to. ``alike``
says yes only when every one of these objects, followed through all references, has its last
cross-reference entry (and, inside an object stream, that of the stream) in the signed revision or
before it; dictionaries that may be written again (the catalog, the form, a page) are compared
entry by entry; and every annotation that is new or changed is one the caller excuses, because an
annotation draws inside its own rectangle and nowhere else (ISO 32000-2, 12.5.5). Anything else,
any surprise and anything too large to follow is a "maybe", and the pages are drawn.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef

from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry
from signing.validation.difference import Deadline

Key = tuple[int, int]  # number and generation of an indirect object
Rect = tuple[float, float, float, float]  # left, bottom, right, top in the page's own points

_MAX_OBJECTS = 50_000
_MAX_PAGES = 20_000
_MAX_DEPTH = 50
_FORM_GROWS = frozenset({"/Fields", "/SigFlags"})
_FORM_LEADS = _FORM_GROWS | {"/CO"}  # the order of calculations draws nothing
_BACK = frozenset({"/P", "/Popup", "/IRT", "/Parent"})  # from an annotation to what has its turn
_BACK_FROM_FIELD = frozenset({"/Kids", "/Parent"})
_PAGE_GROWS = frozenset({"/Annots", "/Parent"})


class TooLarge(Exception):
    """More objects or pages than are followed."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the newest revision: where it is and what hangs on it."""

    key: Key
    dictionary: Any
    annotations: tuple[Any, ...]  # raw: references, or direct dictionaries


class DrawnContent:
    """What the newest revision draws; made once for a file."""

    def __init__(self, reader: PdfFileReader, deadline: Deadline) -> None:
        self._reader = reader
        self._deadline = deadline
        self._pages: list[_Page] | None = None
        self._tree_since = 0
        self._frame_since: int | None = None
        self._since: dict[Key, int] = {}
        self._annotations_since: dict[Key, int] = {}

    def alike(self, revision: int, excused: frozenset[Key]) -> bool:
        """Whether nothing but excused annotations can look different from ``revision``.

        Args:
            revision: a signed one.
            excused: the annotations that may be new or different.

        Raises:
            OutOfTime: the file's time limit passed.
        """
        try:
            return self._alike(revision, excused)
        except HOSTILE_INPUT_ERRORS:
            return False
        except TooLarge:
            return False

    def is_newer(self, key: Key, revision: int) -> bool:
        """Whether an annotation, its field, or anything it draws was written after ``revision``."""
        try:
            raw = generic.IndirectObject(*key, self._reader)
            return self._annotation_since(raw) > revision
        except (TooLarge, *HOSTILE_INPUT_ERRORS):
            return True

    def boxes(self, keys: frozenset[Key]) -> dict[int, list[Rect]]:
        """Page number from 0 → the rectangles of these annotations on it."""
        found: dict[int, list[Rect]] = {}
        for number, page in enumerate(self._all_pages()):
            for raw in page.annotations:
                if _key(raw) in keys:
                    corners = [float(n) for n in raw.get_object()["/Rect"]]
                    left, right = sorted((corners[0], corners[2]))
                    bottom, top = sorted((corners[1], corners[3]))
                    found.setdefault(number, []).append((left, bottom, right, top))
        return found

    def page_dictionaries(self) -> list[Any]:
        """The pages of the newest revision, in order; ``TooLarge`` for too many."""
        return [page.dictionary for page in self._all_pages()]

    # -------------------------------------------------------------- comparing

    def _alike(self, revision: int, excused: frozenset[Key]) -> bool:
        old = self._reader.get_historical_resolver(revision)
        if _settings(old.root) != _settings(self._reader.root):
            return False
        if self._frame() > revision:
            return False
        return all(self._page_alike(page, old, revision, excused) for page in self._all_pages())

    def _page_alike(self, page: _Page, old: Any, revision: int, excused: frozenset[Key]) -> bool:
        if self._changed(page.key) > revision:
            before = old.get_object(_reference(page.key, old))
            if _text(before, _PAGE_GROWS) != _text(page.dictionary, _PAGE_GROWS):
                return False
        else:
            before = page.dictionary
        older = _annotations(before, old)
        kept = [raw for raw in page.annotations if _key(raw) not in excused]
        if [_written(r) for r in older if _key(r) not in excused] != [_written(r) for r in kept]:
            return False
        return all(self._annotation_since(raw) <= revision for raw in kept)

    # -------------------------------------------------------------- following

    def _annotation_since(self, raw: Any) -> int:
        """The newest change of an annotation and of the fields above it, from which it inherits."""
        key = _key(raw)
        if key is None:
            return self._look_at_annotation(raw)
        if key not in self._annotations_since:
            self._annotations_since[key] = self._look_at_annotation(raw)
        return self._annotations_since[key]

    def _look_at_annotation(self, raw: Any) -> int:
        newest, skipped = 0, _BACK
        for _ in range(_MAX_DEPTH):
            if raw is None:
                return newest
            if _key(raw) is not None:
                newest = max(newest, self._changed(_key(raw)))
            dictionary = raw.get_object()
            below = [dictionary.raw_get(key) for key in dictionary if key not in skipped]
            newest = max(newest, self._newest_below(below))
            raw, skipped = _raw(dictionary, "/Parent"), _BACK_FROM_FIELD
        raise TooLarge

    def _frame(self) -> int:
        """The newest change among what draws pages, annotations left aside."""
        if self._frame_since is None:
            root = self._reader.root
            form = entry(root, "/AcroForm")
            starts = [_raw(root, "/OCProperties")]
            if isinstance(form, generic.DictionaryObject):
                starts += [form.raw_get(key) for key in form if key not in _FORM_LEADS]
            for page in self._all_pages():
                values = page.dictionary
                starts += [values.raw_get(key) for key in values if key not in _PAGE_GROWS]
            self._frame_since = max(self._newest_below(starts), self._tree_since)
        return self._frame_since

    def _all_pages(self) -> list[_Page]:
        if self._pages is None:
            pages: list[_Page] = []
            self._collect(_raw(self._reader.root, "/Pages"), pages, 0)
            self._pages = pages
        return self._pages

    def _collect(self, raw: Any, pages: list[_Page], depth: int) -> None:
        node = raw.get_object()
        key = _key(raw)
        if len(pages) >= _MAX_PAGES or depth > _MAX_DEPTH or key is None:
            raise TooLarge
        if "/Kids" not in node:
            pages.append(_Page(key, node, tuple(_annotations(node, self._reader))))
            return
        inherited = [node.raw_get(k) for k in node if k not in {"/Kids", "/Parent"}]
        newest = self._newest_below(inherited)
        self._tree_since = max(self._tree_since, self._changed(key), newest)
        kids = node.raw_get("/Kids")
        if isinstance(kids, generic.IndirectObject):
            self._tree_since = max(self._tree_since, self._changed(_key(kids)))
        for kid in kids.get_object():
            self._collect(kid, pages, depth + 1)

    def _newest_below(self, entries: list[Any]) -> int:
        """The newest change of anything that entries lead to; every object is looked at once."""
        newest, pending, seen = 0, list(entries), set[Key]()
        while pending:
            self._deadline.check()
            raw = pending.pop()
            key = _key(raw)
            if key is not None:
                if key in seen:
                    continue
                seen.add(key)
                newest = max(newest, self._changed(key))
                raw = raw.get_object()
            if len(seen) > _MAX_OBJECTS:
                raise TooLarge
            pending.extend(_values(raw))
        return newest

    def _changed(self, key: Key | None) -> int:
        """The revision that last wrote an object, or the object stream it lies in."""
        if key is None:
            raise TooLarge
        if key not in self._since:
            xrefs = self._reader.xrefs
            reference = _reference(key, self._reader)
            try:
                newest = int(xrefs.get_last_change(reference))
            except KeyError:
                newest = 0  # never defined: null then and now
            else:
                place = xrefs[reference]
                if isinstance(place, ObjStreamRef):
                    newest = max(newest, self._changed((place.obj_stream_id, 0)))
            self._since[key] = newest
        return self._since[key]


def _values(value: Any) -> list[Any]:
    if isinstance(value, generic.DictionaryObject):
        return [value.raw_get(key) for key in value]
    if isinstance(value, generic.ArrayObject):
        return [value.raw_get(place) for place in range(len(value))]
    return []


def _settings(root: Any) -> tuple[Any, ...]:
    """The catalog's and the form's entries that decide how pages are drawn, as written."""
    form = entry(root, "/AcroForm")
    tree = (_written(_raw(root, "/Pages")), _written(_raw(root, "/OCProperties")))
    return (*tree, _text(form, _FORM_GROWS) if form is not None else {})


def _annotations(page: Any, handler: Any) -> list[Any]:
    raw = _raw(page, "/Annots")
    if isinstance(raw, generic.IndirectObject):
        raw = handler.get_object(_reference((raw.idnum, raw.generation), handler))
    if not isinstance(raw, generic.ArrayObject):
        return []
    return [raw.raw_get(place) for place in range(len(raw))]


def _raw(dictionary: Any, key: str) -> Any:
    return dictionary.raw_get(key) if key in dictionary else None


def _key(raw: Any) -> Key | None:
    if isinstance(raw, generic.IndirectObject):
        return (raw.idnum, raw.generation)
    return None


def _reference(key: Key, handler: Any) -> generic.Reference:
    return generic.Reference(*key, pdf=handler)


def _text(dictionary: Any, without: frozenset[str]) -> dict[str, bytes]:
    return {k: _written(dictionary.raw_get(k)) for k in dictionary if k not in without}


def _written(raw: Any) -> bytes:
    """An object as PDF text: equal texts are equal objects."""
    if raw is None:
        return b""
    out = io.BytesIO()
    raw.write_to_stream(out)
    return out.getvalue()
