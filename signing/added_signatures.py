"""Is what was appended to a file nothing but signatures?

Owns the comparison of every appended revision with the file that went out, object by object: what
stood there stays as it was but for the places where signatures have to be hung up (catalog, form,
annotation lists, an empty signature field). Works on files that were never signed before, which the
comparison of revisions in ``signing.validation`` does not. Nothing new can be seen but the new
signatures' own stamps: a page's content, its other annotations and its resources are old objects.
Follows ISO 32000-2, 12.7.5.5 (signature fields), 12.8.4 (Perms, DSS).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from signing.reading.opening import entry

_LARGEST_STAMP = 30_000.0  # square points: the largest real seal is 140 x 140 pt
_CATALOG = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Perms", "/Version", "/Metadata"})
_FORM = frozenset({"/Fields", "/SigFlags", "/DR", "/DA"})
_FILLED = frozenset({"/V", "/AP", "/MK", "/F", "/M"})
_NUMBERS = (generic.NumberObject, generic.FloatObject)
_MAX_PAGES = 20_000
_Key = tuple[int, int]


class MoreThanSignatures(ValueError):
    """Something else was added or changed; says what, for the log."""


def check_only_signatures(reader: PdfFileReader, base: int) -> None:
    """Compare every revision after ``base`` with it.

    Args:
        reader: of the whole file.
        base: the last revision of the file that went out, counted from 0.

    Raises:
        MoreThanSignatures: and whatever a hostile file makes a parser raise.
    """
    last = int(reader.xrefs.total_revisions) - 1
    if last <= base:
        raise MoreThanSignatures("no revision was added")
    old = _Old(reader.get_historical_resolver(base))
    for number in range(base + 1, last + 1):
        _Appended(old, reader.get_historical_resolver(number), base).check()


class _Old:
    """The file that went out: which of its objects may change, and how."""

    def __init__(self, view: HistoricalResolver) -> None:
        self.view = view
        self.root = view.root
        self.catalog = _key(view.trailer_view.raw_get("/Root"))
        self.form = _key_in(self.root, "/AcroForm")
        self.fields = _key_in(entry(self.root, "/AcroForm"), "/Fields")
        self.free = {  # never shown: document information, metadata, validation data
            key
            for key in (_key_in(view.trailer_view, "/Info"), _key_in(self.root, "/Metadata"))
            if key is not None
        } | set(_validation_data(self.root))
        self.annotation_lists = {
            key for page in _pages(self.root) if (key := _key_in(page, "/Annots")) is not None
        }
        self._used: set[_Key] | None = None

    def find(self, key: _Key) -> Any:
        """An object as it stood; None when there was none."""
        reference = generic.Reference(*key, pdf=self.view)
        if self.view.is_ref_unassignable(reference):
            return None
        try:
            found = self.view.get_object(reference)
        except KeyError:
            return None
        return None if isinstance(found, generic.NullObject) else found

    def uses(self, key: _Key) -> bool:
        """Whether anything leads to the object."""
        return key in self._all_used()

    def uses_number(self, number: int) -> bool:
        """Whether anything leads to an object of that number, of whatever generation."""
        if self.view.is_ref_unassignable(generic.Reference(number, 0, pdf=self.view)):
            return False
        return any(number == used for used, _ in self._all_used())

    def _all_used(self) -> set[_Key]:
        if self._used is None:
            found = self.view.collect_dependencies(self.view.trailer_view)
            self._used = {(one.idnum, one.generation) for one in found}
        return self._used


class _Appended:
    """One appended revision."""

    def __init__(self, old: _Old, view: HistoricalResolver, base: int) -> None:
        self._old = old
        self._view = view
        self._base = base

    def check(self) -> None:
        """Everything old that this revision touches."""
        trailer = self._view.trailer_view
        if _key(trailer.raw_get("/Root")) != self._old.catalog or "/Encrypt" in trailer:
            raise MoreThanSignatures("another catalog or encryption")
        for freed in self._view.refs_freed_in_revision():
            key = (freed.idnum, freed.generation)
            if self._old.find(key) is not None and self._old.uses(key):
                raise MoreThanSignatures(f"object {key[0]} was freed")
        for touched in self._view.explicit_refs_in_revision():
            self._check_touched((touched.idnum, touched.generation))
        self._check_form()

    def _check_touched(self, key: _Key) -> None:
        before = self._old.find(key)
        if before is None:
            if self._old.uses_number(key[0]):
                raise MoreThanSignatures(f"object {key[0]} has another generation")
            return
        after = self._view.get_object(generic.Reference(*key, pdf=self._view))
        if key in self._old.free or key == self._old.fields or _same(before, after):
            return  # the list of fields is read as a whole by _check_form
        if key == self._old.catalog:
            self._check_catalog(before, after)
        elif key in self._old.annotation_lists:
            self._check_annotations(before, after)
        else:
            self._check_changed(key, before, after)

    def _check_changed(self, key: _Key, before: Any, after: Any) -> None:
        if key == self._old.form:
            _check_alike(before, after, _FORM, "the form")
        elif entry(before, "/Type") == "/Page":
            _check_alike(before, after, frozenset({"/Annots"}), "a page")
            self._check_annotations(entry(before, "/Annots"), entry(after, "/Annots"))
        elif _is_signature(before) and "/V" not in before:
            _check_alike(before, after, _FILLED, "a signature field")
        elif self._old.uses(key):
            raise MoreThanSignatures(f"object {key[0]} was changed")

    def _check_catalog(self, before: Any, after: Any) -> None:
        _check_alike(before, after, _CATALOG, "the catalog")
        permissions = entry(after, "/Perms")
        if _same(entry(before, "/Perms"), permissions):
            return
        if set(permissions or {"": None}) != {"/DocMDP"} or "/Perms" in before:
            raise MoreThanSignatures("the permissions were changed")

    def _check_annotations(self, before: Any, after: Any) -> None:
        kept, found = _listed(before), _listed(after)
        for place, annotation in found.items():
            if place not in kept:
                self._check_stamp(annotation)
        if set(kept) - set(found):
            raise MoreThanSignatures("an annotation was taken away")

    def _check_form(self) -> None:
        """Every field that was there stays; every new one is signed."""
        before, after = entry(self._old.root, "/AcroForm"), entry(self._view.root, "/AcroForm")
        if after is None:
            raise MoreThanSignatures("there is no form")
        if before is None:
            before = generic.DictionaryObject()
        _check_alike(before, after, _FORM, "the form")
        kept, found = _listed(entry(before, "/Fields")), _listed(entry(after, "/Fields"))
        if set(kept) - set(found):
            raise MoreThanSignatures("a field was taken away")
        for place, field in found.items():
            if place not in kept:
                self._check_stamp(field)

    def _check_stamp(self, field: Any) -> None:
        """A signed signature field, or its widget, no larger than real stamps are."""
        holder = field if _is_signature(field) else entry(field, "/Parent")
        if not _is_signature(holder) or entry(holder, "/V") is None:
            raise MoreThanSignatures("something other than a signature was added")
        if _area(entry(field, "/Rect")) > _LARGEST_STAMP:
            raise MoreThanSignatures("a stamp covers too much")


def _check_alike(before: Any, after: Any, ignored: frozenset[str], what: str) -> None:
    if not isinstance(before, generic.DictionaryObject) or not isinstance(
        after, generic.DictionaryObject
    ):
        raise MoreThanSignatures(f"{what} became something else")
    old, new = (set(one) - ignored for one in (before, after))
    if old != new or not all(_same(before.raw_get(k), after.raw_get(k)) for k in old):
        raise MoreThanSignatures(f"{what} was changed")


def _same(before: Any, after: Any) -> bool:
    """Whether two values mean the same; references by number, streams by their bytes."""
    if isinstance(before, generic.IndirectObject) or isinstance(after, generic.IndirectObject):
        return _key(before) is not None and _key(before) == _key(after)
    if isinstance(before, generic.StreamObject) != isinstance(after, generic.StreamObject):
        return False
    if isinstance(before, generic.StreamObject) and before.encoded_data != after.encoded_data:
        return False
    if isinstance(before, generic.DictionaryObject) and isinstance(after, generic.DictionaryObject):
        return set(before) == set(after) and all(
            _same(before.raw_get(key), after.raw_get(key)) for key in before
        )
    if isinstance(before, generic.ArrayObject) and isinstance(after, generic.ArrayObject):
        return len(before) == len(after) and all(
            _same(before.raw_get(i), after.raw_get(i)) for i in range(len(before))
        )
    # 0 and 0.0 are written by different programs
    numbers = isinstance(before, _NUMBERS) and isinstance(after, _NUMBERS)
    return (numbers or type(before) is type(after)) and bool(before == after)


def _key(value: Any) -> _Key | None:
    return (value.idnum, value.generation) if isinstance(value, generic.IndirectObject) else None


def _key_in(container: Any, name: str) -> _Key | None:
    if not isinstance(container, generic.DictionaryObject) or name not in container:
        return None
    return _key(container.raw_get(name))


def _listed(array: Any) -> dict[Any, Any]:
    """An array's objects by their references; those written in place by their position."""
    if not isinstance(array, generic.ArrayObject):
        return {}
    found = {}
    for position in range(len(array)):
        raw = array.raw_get(position)
        found[_key(raw) or repr(raw)] = array[position]
    return found


def _is_signature(field: Any) -> bool:
    return bool(entry(field, "/FT") == "/Sig")


def _area(rect: Any) -> float:
    if rect is None:
        return 0.0
    left, bottom, right, top = (float(number) for number in rect)
    return abs((right - left) * (top - bottom))


def _validation_data(root: Any) -> Iterator[_Key]:
    store = entry(root, "/DSS")
    found = [_key_in(root, "/DSS")]
    found += [_key_in(store, name) for name in ("/Certs", "/OCSPs", "/CRLs", "/VRI")]
    yield from (key for key in found if key is not None)


def _pages(root: Any) -> Iterator[Any]:
    pending, seen = [entry(root, "/Pages")], 0
    while pending and seen < _MAX_PAGES:
        node = pending.pop()
        seen += 1
        kids = entry(node, "/Kids")
        if isinstance(kids, generic.ArrayObject):
            pending.extend(kids[position] for position in range(len(kids)))
        elif isinstance(node, generic.DictionaryObject):
            yield node
