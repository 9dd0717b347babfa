"""What later updates carry without using it: pages, pictures and notes kept in reserve.

Owns two questions about a whole file, each answered once: does an update bring objects that could
be drawn but that nothing leads to, and does the document security store hold streams that are
neither certificates nor answers about them (ISO 32000-2, 12.8.4.3)? Leaves what that means for a
signature to ``changes``. Things without use that cannot be drawn are no matter: some signing
programs leave them behind.
"""

from __future__ import annotations

from typing import Any, Final

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry
from signing.validation.difference import Deadline
from signing.validation.reasons import CarriedReason

_Key = tuple[int, int]  # number and generation of an indirect object

_DRAWN_TYPES: Final = frozenset({"/Page", "/Pages", "/Catalog", "/XObject", "/Annot", "/Font"})
_UNDRAWN_STREAMS: Final = frozenset({"/XRef", "/ObjStm", "/Metadata"})
_Kind = tuple[Any, tuple[str, ...]]  # an ASN.1 type, and where in it something small stands
_STORED: Final[dict[str, _Kind]] = {
    "/Certs": (x509.Certificate, ("tbs_certificate", "serial_number")),
    "/OCSPs": (asn1_ocsp.OCSPResponse, ("response_status",)),
    "/CRLs": (asn1_crl.CertificateList, ("tbs_cert_list", "this_update")),
}
_MAX_STREAMS = 2_000
_MAX_OBJECTS = 500_000


class CarriedAlong:
    """Looks at the updates of one file; made once for all its signatures."""

    def __init__(self, reader: PdfFileReader, deadline: Deadline) -> None:
        self._reader = reader
        self._deadline = deadline
        self._found: tuple[int, int] | None = None

    def reason(self, revision: int) -> CarriedReason | None:
        """The message code of what was carried along after ``revision``; None for nothing.

        Raises:
            OutOfTime: the file's time limit passed.
        """
        if self._found is None:
            self._found = self._foreign_data(), self._reserve()
        foreign, reserve = self._found
        if foreign > revision:
            return "foreign_data"
        return "reserve_added" if reserve > revision else None

    def _foreign_data(self) -> int:
        """The newest revision that stored something else as validation data."""
        store = entry(self._reader.root, "/DSS")
        newest = 0
        for key, kind in _STORED.items():
            array = entry(store, key)
            for place in range(len(array) if isinstance(array, generic.ArrayObject) else 0):
                self._deadline.check()
                raw = array.raw_get(place)
                if place < _MAX_STREAMS and not _is_a(raw, kind):
                    newest = max(newest, self._since(raw))
        return newest

    def _since(self, raw: Any) -> int:
        if not isinstance(raw, generic.IndirectObject):
            return 0
        return int(self._reader.xrefs.get_last_change(raw.reference))

    def _reserve(self) -> int:
        """The newest revision, after the first, that brought what could be drawn but is unused."""
        xrefs = self._reader.xrefs
        brought: dict[_Key, int] = {}
        for revision in range(1, xrefs.total_revisions):
            for reference in xrefs.explicit_refs_in_revision(revision):
                brought[reference.idnum, reference.generation] = revision
        if not brought:
            return 0
        for key in self._reachable(self._reader.trailer_view):
            brought.pop(key, None)
        return max((r for key, r in brought.items() if self._is_in_reserve(key, r)), default=0)

    def _is_in_reserve(self, key: _Key, revision: int) -> bool:
        """Not what an update brought, used, and a later one put out of use."""
        try:
            old = self._reader.get_historical_resolver(revision)
            drawn = _could_be_drawn(old.get_object(generic.Reference(*key, pdf=old)))
        except HOSTILE_INPUT_ERRORS:
            return False  # freed, or broken: nobody can draw it
        if not drawn:
            return False
        return key not in self._reachable(old.trailer_view)

    def _reachable(self, start: Any) -> set[_Key]:
        pending, seen = [start], set[_Key]()
        while pending:
            item = pending.pop()
            if isinstance(item, generic.IndirectObject):
                key = (item.idnum, item.generation)
                if key in seen or len(seen) > _MAX_OBJECTS:
                    continue
                seen.add(key)
                self._deadline.check()
                item = _resolved(item)
            if isinstance(item, generic.DictionaryObject):
                pending.extend(item.raw_get(key) for key in item)
            elif isinstance(item, generic.ArrayObject):
                pending.extend(item.raw_get(place) for place in range(len(item)))
        return seen


def _resolved(raw: generic.IndirectObject) -> Any:
    try:
        return raw.get_object()
    except HOSTILE_INPUT_ERRORS:
        return None


def _could_be_drawn(item: Any) -> bool:
    if not isinstance(item, generic.DictionaryObject):
        return False
    kind = str(entry(item, "/Type"))
    if kind in _DRAWN_TYPES or "/Subtype" in item:
        return kind not in _UNDRAWN_STREAMS
    if not isinstance(item, generic.StreamObject) or kind in _UNDRAWN_STREAMS:
        return False
    return not any(_is_a(item, stored) for stored in _STORED.values())


def _is_a(raw: Any, kind: _Kind) -> bool:
    """Whether a stream holds one certificate, answer or list and nothing else."""
    asn1_type, path = kind
    try:
        stream = raw.get_object() if isinstance(raw, generic.IndirectObject) else raw
        found = asn1_type.load(stream.data, strict=True)
        for step in path:
            found = found[step]
        read = found.native
    except HOSTILE_INPUT_ERRORS:
        return False
    return read is not None
