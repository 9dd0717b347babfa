"""The document's form and what it forbids (ISO 32000-2, 12.7 and 12.8.2).

Owns the names already taken, the refusals (XFA, locked fields, certification without changes,
usage rights) and where a new signature field is entered. Leaves writing to ``revision``.
"""

from __future__ import annotations

from dataclasses import dataclass

from signing.lane.file import LaneFile
from signing.lane.refusal import NotForTheLane
from signing.lane.syntax import (
    Dictionary,
    Reference,
    decode_name,
    integer,
    is_dictionary,
    reference,
    text,
)

_MAX_FIELDS = 4_000
_SIGNATURES_EXIST, _APPEND_ONLY = 1, 2


@dataclass(slots=True)
class Form:
    """The interactive form: where it is written and what is in it."""

    entries: Dictionary
    place: Reference | None  # None: inside the catalog, or not there yet
    fields: list[bytes]
    fields_place: Reference | None
    names: set[str]  # of the top-level fields
    flagged: bool = False  # whether the form's flags were seen to
    before_fields: bytes | None = None  # what is written before its fields, once that is known

    def free_name(self, prefix: str) -> str:
        """The prefix with the first number that is not taken."""
        number = 1
        while f"{prefix}{number}" in self.names:
            number += 1
        return f"{prefix}{number}"

    def flag(self) -> bool:
        """Set "signatures exist" and "append only"; whether that changes the form."""
        if self.flagged:
            return False
        self.flagged = True
        raw = self.entries.get(b"/SigFlags")
        flags = 0 if raw is None else integer(raw)
        wanted = flags | _SIGNATURES_EXIST | _APPEND_ONLY
        if raw is not None and flags == wanted:
            return False
        self.entries = self.entries.having({b"/SigFlags": b"%d" % wanted})
        return True

    def with_fields(self, fields: bytes) -> bytes:
        """The form as it is written with an array of fields in it."""
        if self.before_fields is None:
            self.flag()
            self.before_fields = bytes(self.entries.without(b"/Fields"))[:-2]
        return b"%s\n/Fields %s>>" % (self.before_fields, fields)


def read_form(file: LaneFile) -> Form:
    """Read the form, or begin an empty one.

    Raises:
        NotForTheLane: it cannot or must not be added to here.
    """
    catalog = file.catalog
    _check_permissions(file, catalog)
    raw = catalog.get(b"/AcroForm")
    place = reference(raw)
    value = file.resolve(raw)
    entries = Dictionary() if value is None else file.dictionary(raw)
    if value is None:
        place = None
    if b"/XFA" in entries or entries.get(b"/NeedAppearances") not in (None, b"false"):
        raise NotForTheLane("the form is drawn by the viewer")
    raw_fields = entries.get(b"/Fields")
    fields = file.items(raw_fields)
    names = set(_names(file, fields))
    fields_place = reference(raw_fields) if file.resolve(raw_fields) is not None else None
    return Form(entries, place, fields, fields_place, names)


def _names(file: LaneFile, fields: list[bytes]) -> list[str]:
    """The top-level names, after every field was looked at."""
    names: list[str] = []
    seen: set[Reference] = set()
    pending: list[tuple[bytes, bytes | None, bool]] = [(raw, None, True) for raw in fields]
    while pending:
        raw, kind, top = pending.pop()
        target = reference(raw)
        if target is None or target in seen or len(seen) >= _MAX_FIELDS:
            raise NotForTheLane("the form's fields are odd or too many")
        seen.add(target)
        node = file.dictionary(raw)
        label = file.resolve(node.get(b"/T"))
        if top and label is not None:
            names.append(text(label))
        kind = file.resolve(node.get(b"/FT")) or kind
        if kind is not None and decode_name(kind) == b"/Sig":
            _check_signature_field(file, node)
        pending.extend((kid, kind, False) for kid in file.items(node.get(b"/Kids")))
    return names


def _check_signature_field(file: LaneFile, node: Dictionary) -> None:
    if b"/Lock" in node:
        raise NotForTheLane("a signature locks fields")
    value = file.resolve(node.get(b"/V"))
    if value is not None and is_dictionary(value):
        _check_transforms(file, file.dictionary(value))


def _check_permissions(file: LaneFile, catalog: Dictionary) -> None:
    raw = catalog.get(b"/Perms")
    if file.resolve(raw) is None:
        return
    permissions = file.dictionary(raw)
    if set(permissions.names()) - {b"/DocMDP"}:
        raise NotForTheLane("the document carries usage rights")
    signature = permissions.get(b"/DocMDP")
    if signature is not None:
        _check_transforms(file, file.dictionary(signature))


def _check_transforms(file: LaneFile, signature: Dictionary) -> None:
    """Refuse a certification that allows nothing, and locks on fields."""
    for item in file.items(signature.get(b"/Reference")):
        entry = file.dictionary(item)
        if entry.get(b"/TransformMethod") != b"/DocMDP":
            raise NotForTheLane("a signature locks fields")
        parameters = file.resolve(entry.get(b"/TransformParams"))
        level = file.dictionary(parameters).get(b"/P") if parameters is not None else None
        if level is not None and integer(file.resolve(level)) not in (2, 3):
            raise NotForTheLane("an earlier signature forbids all changes")
