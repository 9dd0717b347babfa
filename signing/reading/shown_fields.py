"""Form fields whose value and appearance say different things.

Owns comparing a field's ``/V`` with the text that its widget really draws (read with pdfium after
flattening a copy in memory), and a check box's ``/V`` with its ``/AS`` (ISO 32000-2, 12.7.5). What
people read on the page and what software reads out of the form must agree, before anybody signs
it and where it was filled in after signing. Leaves what a difference means to the callers; values
go nowhere, they are personal data.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from pyhanko.pdf_utils import generic

from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, entry, stream_of
from signing.reading.signature_fields import FormField

_MAX_FIELDS = 500
_SECONDS = 4.0
_PASSWORD = 1 << 13  # field flag (ISO 32000-2, table 228): the value is not shown as it is
_HIDDEN = 0b100010  # hidden, no-view
_GROUPED: Final = re.compile(r"(?<!\d)\d{1,3}(?:[.,]\d{3})+(?!\d)")  # 1.000.000 for 1000000


class Compared(NamedTuple):
    """Fields that show something else than they hold, and those that were not looked at."""

    differing: list[FormField]
    unseen: list[FormField]  # there were too many, or drawing took too long


def compare_shown(pdf: Data, fields: Iterable[FormField], pages: list[Any]) -> Compared:
    """Look whether fields show what they hold: a few hundred, and for a few seconds.

    Args:
        pdf: the file's bytes.
        fields: of its newest revision.
        pages: its page dictionaries in order, from the same reader as the fields.

    Raises:
        pypdfium2.PdfiumError: the file cannot be drawn.
    """
    showing = [field for field in fields if field.kind in {"/Tx", "/Ch", "/Btn"}]
    known, left = showing[:_MAX_FIELDS], showing[_MAX_FIELDS:]
    boxes = [field for field in known if field.kind == "/Btn" and _box_lies(field)]
    texts = [field for field in known if field.kind != "/Btn" and _values(field)]
    if not texts:
        return Compared(boxes, left)
    lying, unseen = _compare_texts(pdf, texts, pages)
    return Compared(boxes + lying, unseen + left)


def _box_lies(field: FormField) -> bool:
    """A check box or radio group that shows another state than its value."""
    value = entry(field.dictionary, "/V")
    states = {str(entry(widget, "/AS")) for widget in field.widgets if "/AS" in widget}
    if not isinstance(value, generic.NameObject) or not states:
        return False
    shown = states - {"/Off"}
    return shown != ({str(value)} - {"/Off"})


def _values(field: FormField) -> tuple[str, ...]:
    """What a field may show, squeezed; nothing for one whose value is not meant to be seen.

    A choice shows the words that its options give for the value (ISO 32000-2, 12.7.5.4); without a
    value a field shows nothing.
    """
    flags = entry(field.dictionary, "/Ff")
    if isinstance(flags, generic.NumberObject) and int(flags) & _PASSWORD and field.kind == "/Tx":
        return ()
    value = entry(field.dictionary, "/V")
    if value is None or value == "":
        return ("",) if any("/AP" in widget for widget in field.widgets) else ()
    if not isinstance(value, generic.TextStringObject):
        return ()
    options = entry(field.dictionary, "/Opt") if field.kind == "/Ch" else None
    shown = [str(value), *_words_for(value, options)]
    return tuple(_squeezed(text) for text in shown)


def _words_for(value: str, options: Any) -> Iterator[str]:
    for option in options if isinstance(options, generic.ArrayObject) else ():
        if isinstance(option, generic.ArrayObject) and len(option) == 2 and option[0] == value:
            yield str(option[1])


def _squeezed(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if c.isprintable() and not c.isspace())


def _compare_texts(pdf: Data, fields: list[FormField], pages: list[Any]) -> Compared:
    deadline = time.monotonic() + _SECONDS
    homes = _pages_of_widgets(pages)
    found: list[FormField] = []
    with _Texts(pdf, flat=True) as shown, _Texts(pdf, flat=False) as printed:
        for number, field in enumerate(fields):
            if time.monotonic() > deadline:
                return Compared(found, fields[number:])
            looks = [_look(shown, printed, homes, widget) for widget in field.widgets]
            if not any(_says(look, value) for look in looks if look for value in _values(field)):
                found.append(field)
    return Compared(found, [])


def is_hidden(widget: Any) -> bool:
    """Whether a widget is marked as one that nobody sees (ISO 32000-2, 12.5.3)."""
    flags = entry(widget, "/F")
    return isinstance(flags, generic.NumberObject) and bool(int(flags) & _HIDDEN)


class _Look(NamedTuple):
    """What stands in a widget's box: with what it draws, and of the page alone."""

    text: str
    printed: str


def _look(shown: _Texts, printed: _Texts, homes: dict[int, int], widget: Any) -> _Look | None:
    """What a widget shows; None for one that nobody sees."""
    index = homes.get(id(widget))
    if index is None or is_hidden(widget):
        return None
    try:
        box = [float(side) for side in entry(widget, "/Rect")]
    except HOSTILE_INPUT_ERRORS:
        return None
    return _Look(shown.text(index, box), printed.text(index, box))


def _says(look: _Look, value: str) -> bool:
    """Whether a value is what is shown, and not a part of it: 100 is not what 1000 says.

    A number may have its groups set apart and a unit beside it.
    """
    if value.isdecimal():
        plain = _GROUPED.sub(lambda number: re.sub(r"[.,]", "", number[0]), look.text)
        return re.search(rf"(?<!\d)(?<!\d[.,]){value}(?!\d)(?![.,]\d)", plain) is not None
    return value in look.text and len(look.text) <= len(value) + len(look.printed)


def _pages_of_widgets(pages: list[Any]) -> dict[int, int]:
    """Identity of a widget's dictionary → index of its page."""
    homes: dict[int, int] = {}
    for index, page in enumerate(pages):
        annotations = entry(page, "/Annots")
        if isinstance(annotations, generic.ArrayObject):
            for raw in list(annotations):
                item = raw.get_object() if isinstance(raw, generic.IndirectObject) else raw
                homes[id(item)] = index
    return homes


class _Texts:
    """The text people see on pages, with what their fields draw or without it."""

    def __init__(self, pdf: Data, *, flat: bool) -> None:
        self._document = pdfium.PdfDocument(stream_of(pdf))
        self._flat = flat
        self._texts: dict[int, tuple[Any, Any]] = {}

    def text(self, index: int, box: list[float]) -> str:
        """The squeezed text within a rectangle of the page's own coordinates."""
        if index not in self._texts:
            page = self._document[index]
            if self._flat:
                # Without pdfium's form filler, which would draw missing appearances by itself.
                pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
                page.close()
                page = self._document[index]
            self._texts[index] = (page, page.get_textpage())
        left, right = sorted((box[0], box[2]))
        bottom, top = sorted((box[1], box[3]))
        return _squeezed(self._texts[index][1].get_text_bounded(left, bottom, right, top))

    def __enter__(self) -> _Texts:
        return self

    def __exit__(self, *_: object) -> None:
        """Free pdfium's memory in the right order."""
        for page, text in self._texts.values():
            text.close()
            page.close()
        self._document.close()
