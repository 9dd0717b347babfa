"""Form fields that may not show what they hold, as findings.

Owns the findings only: fields that show something else than their value (comparing them is
``signing.reading.shown_fields``, which validation asks as well), and fields of no form. Values
never appear in a finding: they are personal data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, entry
from signing.reading.shown_fields import compare_shown
from signing.reading.signature_fields import form_fields

_MAX_PAGES = 20  # that are named


def compare_fields(pdf: Data, root: Any, pages: list[Any]) -> list[Finding]:
    """A finding for every field that was seen to show something else than its value.

    Args:
        pdf: the file's bytes.
        root: its catalog.
        pages: its page dictionaries in order.
    """
    return [
        finding("field_value_mismatch", f"trường {field.name}")
        for field in compare_shown(pdf, form_fields(root), pages).differing
    ]


def find_widgets_without_form(root: Any, pages: list[Any]) -> list[Finding]:
    """A finding for each of the first pages with fields in a file that declares no form.

    A signature adds the form (ISO 32000-2, 12.7.3). PDFium, and so the browsers built on it, draw
    such fields from then on only: whoever looked at the file before signed what was not shown.

    Args:
        root: the file's catalog.
        pages: its page dictionaries in order.
    """
    if isinstance(entry(root, "/AcroForm"), generic.DictionaryObject):
        return []
    numbers = [number for number, page in enumerate(pages, 1) if any(_widgets(page))]
    return [finding("widgets_without_form", f"trang {number}") for number in numbers[:_MAX_PAGES]]


def _widgets(page: Any) -> Iterator[bool]:
    annotations = entry(page, "/Annots")
    for raw in annotations if isinstance(annotations, generic.ArrayObject) else ():
        try:
            item = raw.get_object() if isinstance(raw, generic.IndirectObject) else raw
        except HOSTILE_INPUT_ERRORS:
            continue  # told as a broken object
        yield entry(item, "/Subtype") == "/Widget"
