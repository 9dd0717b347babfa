"""Text that a page carries and people do not see as it is: invisible, or without its letters.

Owns the look at text objects with pdfium (rendering mode 3, ISO 32000-2, 9.3.6) and telling the
usual invisible text, a scan's recognised words below its picture, from the unusual. Missing glyphs
are ``glyphs``'.
"""

from __future__ import annotations

import time
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import Data, stream_of

_MAX_PAGES = 300
_MAX_OBJECTS = 20_000
_SECONDS = 4.0
_INVISIBLE = frozenset({pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP})
_SCAN_SHARE = 0.6  # of the page that a picture must cover for the page to be a scan


def find_invisible_text(pdf: Data) -> list[Finding]:
    """A finding for every page that carries text drawn invisibly."""
    document = pdfium.PdfDocument(stream_of(pdf))
    deadline = time.monotonic() + _SECONDS
    found = []
    try:
        for index in range(min(len(document), _MAX_PAGES)):
            if time.monotonic() > deadline:
                break
            code = _look_at_page(document, index)
            if code is not None:
                found.append(finding(code, f"trang {index + 1}"))
    finally:
        document.close()
    return found


def _look_at_page(document: Any, index: int) -> str | None:
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return None
    try:
        hidden, covered = _survey(page)
        if not hidden:
            return None
        width, height = page.get_size()
        return "ocr_text" if covered >= _SCAN_SHARE * width * height else "invisible_text"
    finally:
        page.close()


def _survey(page: Any) -> tuple[bool, float]:
    """Whether there is invisible text, and the area of the largest picture."""
    hidden, covered = False, 0.0
    for number, item in enumerate(page.get_objects(max_depth=6)):
        if number > _MAX_OBJECTS:
            break
        if item.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
            mode = pdfium_c.FPDFTextObj_GetTextRenderMode(item.raw)
            hidden = hidden or mode in _INVISIBLE
        elif item.type == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            covered = max(covered, (right - left) * (top - bottom))
    return hidden, covered
