"""Text that a page carries and people do not see as it is: invisible, or without its letters.

Owns the look at text objects with pdfium (rendering mode 3, ISO 32000-2, 9.3.6) and telling the
usual invisible text, a scan's recognised words below its picture, from the unusual. Missing glyphs
are ``glyphs``'.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import Data
from signing.reading.pdfium_files import PdfiumFile

_MAX_PAGES = 300
_MAX_OBJECTS = 20_000
_SECONDS = 4.0
_INVISIBLE = frozenset({pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP})
_SCAN_SHARE = 0.6  # of the page that a picture must cover for the page to be a scan


def find_invisible_text(pdf: Data) -> list[Finding]:
    """A finding for every page that carries text drawn invisibly."""
    deadline = time.monotonic() + _SECONDS
    found = []
    with PdfiumFile(pdf) as document:
        for index in range(min(len(document), _MAX_PAGES)):
            if time.monotonic() > deadline:
                break
            code = _look_at_page(document, index)
            if code is not None:
                found.append(finding(code, f"trang {index + 1}"))
    return found


def _look_at_page(document: PdfiumFile, index: int) -> str | None:
    with suppress(pdfium.PdfiumError), document.page(index) as page:
        hidden, covered = _survey(page)
        if hidden:
            width, height = page.get_size()
            return "ocr_text" if covered >= _SCAN_SHARE * width * height else "invisible_text"
    return None


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
