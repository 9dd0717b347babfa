"""The last rung of the ladder: a broken file without signatures, written anew by qpdf.

Owns deciding whether a file may be rewritten at all, rewriting it, and the comparison of the
pages' pictures before and after, which is disclosed with the result. A file that carries, or ever
carried, a signature is never rewritten: that would destroy the signature (ISO 32000-2, 12.8.1).
"""

from __future__ import annotations

import hashlib
import io
import time
from typing import Any

import pikepdf
import pypdfium2 as pdfium

from signing.contract import Finding, Repaired
from signing.inspection.findings import finding
from signing.reading.opening import Data, stream_of
from signing.reading.quiet_libraries import silence_libraries

silence_libraries()

# Findings that say the structure is broken, and so that rewriting it may help.
STRUCTURAL = frozenset({"unreadable", "broken_page_tree", "no_pages"})
# A cut file would lose its end without a word; the others must not be touched at all.
_NEVER = frozenset(
    {"truncated", "encrypted", "decode_limit", "resaved_after_signing", "broken_signature"}
)
_MAX_SIZE = 64 * 1024 * 1024
_PICTURE_SCALE = 0.5  # 36 dpi: enough to see that a word is gone
_PICTURE_PAGES = 60
_PICTURE_SECONDS = 5.0
_FAINT = 24  # of 255: anti-aliasing may differ by this much


def is_repairable(pdf: Data, codes: set[str]) -> bool:
    """Whether rewriting could help and may be done."""
    return bool(
        codes & STRUCTURAL
        and not codes & _NEVER
        and len(pdf) <= _MAX_SIZE
        and pdf.find(b"/ByteRange") < 0
        and pdf.find(b"/Encrypt") < 0
    )


def repair_pdf(pdf: Data) -> Repaired | None:
    """Write the file anew; None when qpdf cannot read it either, or finds a signature in it."""
    try:
        with pikepdf.open(stream_of(pdf)) as document:
            if not len(document.pages) or _has_signature(document):
                return None
            out = io.BytesIO()
            document.save(out, deterministic_id=True)
    except (pikepdf.PdfError, ValueError, TypeError, LookupError, RuntimeError, OSError):
        return None
    made = out.getvalue()
    return Repaired(made, hashlib.sha256(made).hexdigest())


def _has_signature(document: pikepdf.Pdf) -> bool:
    """Whether any object looks like a signature, however its name is written in the file."""
    return any(
        isinstance(item, pikepdf.Dictionary) and ("/ByteRange" in item or _is_signed(item))
        for item in document.objects
    )


def _is_signed(item: pikepdf.Dictionary) -> bool:
    return item.get("/FT") == pikepdf.Name.Sig and "/V" in item


def disclose(before: Data, repaired: Repaired, reason: str) -> list[Finding]:
    """What a person must know of a repair: why, where the original is, what the pictures say."""
    pages, seconds = _compare(before, repaired.pdf)
    original = hashlib.sha256(before).hexdigest()
    if pages is None:
        shown = "bản gốc không hiển thị được nên không so được hình trang"
    elif pages:
        shown = "hình trang khác bản gốc"
    else:
        shown = f"hình {seconds} trang giống hệt bản gốc"
    found = [finding("repaired", reason=reason.rstrip(" ."), original=original, shown=shown)]
    if pages:
        where = "trang " + ", ".join(str(number) for number in pages[:10])
        found.append(finding("repair_changes_pages", where))
    return found


def _compare(before: Data, after: bytes) -> tuple[list[int] | None, int]:
    """Pages whose pictures differ (None: the original shows nothing), and how many were seen."""
    try:
        first = pdfium.PdfDocument(stream_of(before))
    except pdfium.PdfiumError:
        return None, 0
    second = pdfium.PdfDocument(after)
    try:
        return _differing(first, second)
    except pdfium.PdfiumError:
        return None, 0
    finally:
        first.close()
        second.close()


def _differing(first: Any, second: Any) -> tuple[list[int], int]:
    deadline = time.monotonic() + _PICTURE_SECONDS
    count = min(max(len(first), len(second)), _PICTURE_PAGES)
    pages: list[int] = []
    for index in range(count):
        if time.monotonic() > deadline:
            return pages, index
        if index >= min(len(first), len(second)) or _picture_differs(first[index], second[index]):
            pages.append(index + 1)
    return pages, count


def _picture_differs(one: Any, other: Any) -> bool:
    pictures = []
    for page in (one, other):
        bitmap = page.render(scale=_scale(page), grayscale=True)
        pictures.append((bitmap.width, bitmap.height, bytes(bitmap.buffer)))
        bitmap.close()
        page.close()
    (w1, h1, a), (w2, h2, b) = pictures
    if (w1, h1) != (w2, h2):
        return True
    return a != b and any(abs(x - y) > _FAINT for x, y in zip(a, b, strict=True))


def _scale(page: Any) -> float:
    """Small enough that a page of any size makes a small picture."""
    longest = max(*page.get_size(), 1.0)
    return float(min(_PICTURE_SCALE, 1000 / longest))
