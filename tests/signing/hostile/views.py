"""What independent readers see in a file: PDFium's and Poppler's pictures, qpdf's objects."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tempfile
from pathlib import Path

import pikepdf
import pypdfium2

# Written by every signature, archive time-stamp or signing program, and seen by nobody.
UNSEEN = {"/DSS", "/Version", "/Extensions", "/Metadata", "/Parent", "/P"}
# The form's defaults draw nothing while every field has its picture; pictures are compared apart.
DEFAULTS = {"/AcroForm/DA", "/AcroForm/DR", "/AcroForm/Q"}


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def pdfium(pdf):
    """Each page's picture with its annotations, or why there is none."""
    try:
        with pypdfium2.PdfDocument(pdf) as document:
            document.init_forms()
            return [_picture(document, number) for number in range(len(document))]
    except pypdfium2.PdfiumError as error:
        return str(error)


def _picture(document, number):
    page = document[number]
    try:
        bitmap = page.render(scale=0.7, may_draw_forms=True)
        picture = (_digest(bitmap.to_pil().tobytes()), page.get_size())
        bitmap.close()
        return picture
    finally:
        page.close()


def poppler(pdf):
    """Each page's picture; nothing where Poppler is not on the machine."""
    if shutil.which("pdftoppm") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pdf"
        path.write_bytes(pdf)
        subprocess.run(
            ["pdftoppm", "-r", "40", str(path), str(path.with_name("page"))],
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return [_digest(page.read_bytes()) for page in sorted(path.parent.glob("page*"))]


def qpdf(pdf):
    """Everything that the catalog leads to, as qpdf reads it."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            return _walk(document.Root)
    except (pikepdf.PdfError, AttributeError, RuntimeError, ValueError) as error:
        return type(error).__name__


def _walk(root):
    found, seen, pending = [], set(), [("", root)]
    while pending:
        path, item = pending.pop()
        if path in DEFAULTS:
            continue
        if isinstance(item, pikepdf.Object) and item.is_indirect:
            if item.objgen in seen:
                continue
            seen.add(item.objgen)
        if isinstance(item, pikepdf.Stream):
            found.append((path, _digest(item.read_raw_bytes())))
            item = item.stream_dict
        if isinstance(item, pikepdf.Dictionary):
            pending += [(path + key, item[key]) for key in sorted(item.keys()) if key not in UNSEEN]
        elif isinstance(item, pikepdf.Array):
            pending += [(f"{path}/{place}", one) for place, one in enumerate(item)]
        else:
            found.append((path, repr(item)))
    return sorted(found)


def everybody(pdf):
    """All of it."""
    return {"pdfium": pdfium(pdf), "poppler": poppler(pdf), "qpdf": qpdf(pdf)}
