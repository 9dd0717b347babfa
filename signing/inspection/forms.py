"""Form fields whose value and appearance say different things.

Owns comparing a text field's ``/V`` with the text that its widget really draws (read with pdfium
after flattening a copy in memory), and a check box's ``/V`` with its ``/AS`` (ISO 32000-2,
12.7.5). What people read on the page and what software reads out of the form must agree before
anybody signs it. Values never appear in a finding: they are personal data.
"""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from pyhanko.pdf_utils import generic

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, entry, stream_of
from signing.reading.signature_fields import FormField, form_fields

_MAX_FIELDS = 500
_SECONDS = 4.0
_PASSWORD = 1 << 13  # field flag (ISO 32000-2, table 228): the value is not shown as it is
_HIDDEN = 0b100010  # hidden, no-view


def compare_fields(pdf: Data, root: Any, pages: list[Any]) -> list[Finding]:
    """A finding for every field whose shown text is not its value.

    Args:
        pdf: the file's bytes.
        root: its catalog.
        pages: its page dictionaries in order.
    """
    fields = [field for field in form_fields(root) if field.kind in {"/Tx", "/Btn"}][:_MAX_FIELDS]
    found = [_mismatch(field) for field in fields if field.kind == "/Btn" and _box_lies(field)]
    texts = [field for field in fields if field.kind == "/Tx" and _value(field)]
    if texts:
        found += _compare_texts(pdf, texts, pages)
    return found


def _mismatch(field: FormField) -> Finding:
    return finding("field_value_mismatch", f"trường {field.name}")


def _box_lies(field: FormField) -> bool:
    """A check box or radio group that shows another state than its value."""
    value = entry(field.dictionary, "/V")
    states = {str(entry(widget, "/AS")) for widget in field.widgets if "/AS" in widget}
    if not isinstance(value, generic.NameObject) or not states:
        return False
    shown = states - {"/Off"}
    return shown != ({str(value)} - {"/Off"})


def _value(field: FormField) -> str:
    """A text field's value without spaces, composed; empty when it is not meant to be seen."""
    flags = entry(field.dictionary, "/Ff")
    if isinstance(flags, generic.NumberObject) and int(flags) & _PASSWORD:
        return ""
    value = entry(field.dictionary, "/V")
    return _squeezed(str(value)) if isinstance(value, generic.TextStringObject) else ""


def _squeezed(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if c.isprintable() and not c.isspace())


def _compare_texts(pdf: Data, fields: list[FormField], pages: list[Any]) -> list[Finding]:
    deadline = time.monotonic() + _SECONDS
    homes = _pages_of_widgets(pages)
    document = pdfium.PdfDocument(stream_of(pdf))
    shown = _Shown(document)
    found = []
    try:
        for field in fields:
            if time.monotonic() > deadline:
                break
            if not any(_shows(shown, homes, widget, _value(field)) for widget in field.widgets):
                found.append(_mismatch(field))
    finally:
        shown.close()
        document.close()
    return found


def _shows(shown: _Shown, homes: dict[int, int], widget: Any, value: str) -> bool:
    """Whether a widget shows a value; one that nobody sees does not."""
    flags = entry(widget, "/F")
    index = homes.get(id(widget))
    if index is None or (isinstance(flags, generic.NumberObject) and int(flags) & _HIDDEN):
        return False
    try:
        box = [float(side) for side in entry(widget, "/Rect")]
    except HOSTILE_INPUT_ERRORS:
        return False
    return value in shown.text(index, box)


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


class _Shown:
    """The text people see on pages whose fields are drawn into them."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._texts: dict[int, tuple[Any, Any]] = {}

    def text(self, index: int, box: list[float]) -> str:
        """The squeezed text within a rectangle of the page's own coordinates."""
        if index not in self._texts:
            page = self._document[index]
            # Without pdfium's form filler, which would draw missing appearances by itself.
            pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
            page.close()
            page = self._document[index]
            self._texts[index] = (page, page.get_textpage())
        left, right = sorted((box[0], box[2]))
        bottom, top = sorted((box[1], box[3]))
        return _squeezed(self._texts[index][1].get_text_bounded(left, bottom, right, top))

    def close(self) -> None:
        """Free pdfium's memory in the right order."""
        for page, text in self._texts.values():
            text.close()
            page.close()
