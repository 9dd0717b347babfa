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
STRUCTURAL = frozenset({"unreadable", "broken_page_tree", "broken_structure", "no_pages"})
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
    pages, seen = _compare(before, repaired.pdf)
    original = hashlib.sha256(before).hexdigest()
    if not seen:
        shown = "bản gốc không hiển thị được nên không so được hình trang"
    elif pages:
        shown = "hình trang khác bản gốc"
    else:
        shown = f"hình {seen} trang giống hệt bản gốc"
    found = [finding("repaired", reason=reason.rstrip(" ."), original=original, shown=shown)]
    if pages:
        where = "trang " + ", ".join(str(number) for number in pages[:10])
        found.append(finding("repair_changes_pages", where))
    return found


def _compare(before: Data, after: bytes) -> tuple[list[int], int]:
    """Pages whose pictures differ, and how many could be seen in both."""
    try:
        first = pdfium.PdfDocument(stream_of(before))
    except pdfium.PdfiumError:
        return [], 0
    try:
        second = pdfium.PdfDocument(after)
    except pdfium.PdfiumError:  # what the repair made is shown by nobody
        first.close()
        return [1], 1
    try:
        return _differing(first, second)
    finally:
        first.close()
        second.close()


def _differing(first: Any, second: Any) -> tuple[list[int], int]:
    """A page that the broken file does not show cannot be compared; one that is gone differs."""
    deadline = time.monotonic() + _PICTURE_SECONDS
    differing, seen = [], 0
    for index in range(min(max(len(first), len(second)), _PICTURE_PAGES)):
        if time.monotonic() > deadline:
            break
        one = _picture(first, index)
        if one is None:
            continue
        seen += 1
        other = _picture(second, index)
        if other is None or _differs(one, other):
            differing.append(index + 1)
    return differing, seen


def _picture(document: Any, index: int) -> tuple[int, int, bytes] | None:
    """Width, height and grey levels of a page; None when it cannot be shown."""
    try:
        page = document[index]
    except (pdfium.PdfiumError, IndexError):
        return None
    try:
        bitmap = page.render(scale=_scale(page), grayscale=True)
        picture = bitmap.width, bitmap.height, bytes(bitmap.buffer)
        bitmap.close()
    except (pdfium.PdfiumError, ValueError):  # the latter: of no size at all
        return None
    else:
        return picture
    finally:
        page.close()


def _differs(one: tuple[int, int, bytes], other: tuple[int, int, bytes]) -> bool:
    if one[:2] != other[:2]:
        return True
    return one[2] != other[2] and any(
        abs(x - y) > _FAINT for x, y in zip(one[2], other[2], strict=True)
    )


def _scale(page: Any) -> float:
    """Small enough that a page of any size makes a small picture."""
    longest = max(*page.get_size(), 1.0)
    return float(min(_PICTURE_SCALE, 1000 / longest))
