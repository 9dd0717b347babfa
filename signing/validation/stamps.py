"""Later signature fields that draw: new stamps, and which of them no official would put.

Owns telling a stamp that is new since a revision, one that draws without signing, and one that is
larger than any real seal. Leaves what it covers to ``pictures``, its meaning to ``changes``.
"""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils import generic

from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry
from signing.reading.signature_fields import FormField
from signing.validation.reasons import StampReason

_A4_AREA = 595.0 * 842.0
_LARGEST_SHARE = 0.2  # of its page …
_LARGEST_STAMP = 30_000.0  # … and in square points: the largest real seal is 140 x 140 pt


def suspicious_stamp(
    older: dict[str, FormField], newer: dict[str, FormField]
) -> StampReason | None:
    """A later signature field that draws without signing, or that covers much of its page."""
    for name, field in newer.items():
        if not is_new_look(older.get(name), field):
            continue
        drawn = [w for w in field.widgets if _widget_area(w) > 0]
        if not field.signed and any("/AP" in w for w in drawn):
            return "unsigned_field_added"
        if field.signed and any(_covers_much(w) for w in drawn):
            return "large_overlay"
    return None


def is_new_look(before: FormField | None, after: FormField) -> bool:
    """Whether a signature field is new or newly signed; the policy guards those signed before."""
    if after.kind != "/Sig" or (before is not None and before.signed):
        return False
    return not _same_look(before, after)


def _same_look(before: FormField | None, after: FormField) -> bool:
    if before is None or before.signed != after.signed:
        return False
    return [_appearance(w) for w in before.widgets] == [_appearance(w) for w in after.widgets]


def _appearance(widget: Any) -> str:
    if not isinstance(widget, generic.DictionaryObject) or "/AP" not in widget:
        return ""
    return repr(widget.raw_get("/AP")) + repr(entry(widget, "/Rect"))


def _covers_much(widget: Any) -> bool:
    """Whether a stamp is larger than any real one, on paper and against its page."""
    try:
        page = _area(widget["/P"]["/MediaBox"])
    except HOSTILE_INPUT_ERRORS:
        page = 0.0  # an inherited box, or no page named: take A4
    area = _widget_area(widget)
    return area > _LARGEST_STAMP and area > _LARGEST_SHARE * (page or _A4_AREA)


def _widget_area(widget: Any) -> float:
    """What a widget covers in square points, 0 for an invisible one."""
    try:
        return _area(widget["/Rect"])
    except HOSTILE_INPUT_ERRORS:
        return 0.0


def _area(rect: Any) -> float:
    left, bottom, right, top = (float(n) for n in rect)
    return abs((right - left) * (top - bottom))
