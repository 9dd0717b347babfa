"""Reading a page's letters with pdfium, once, into a survey that answers without the file.

Owns the calls into pdfium and the survey's packing. Leaves what the letters mean to ``anchors`` and
``gaps``, and keeping surveys to whoever has the file's hash.
"""

from __future__ import annotations

import ctypes
import dataclasses
import math
from array import array
from collections.abc import Iterator
from itertools import pairwise
from types import TracebackType

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from signing.appearance.anchors import plain_letters
from signing.appearance.lane_pages import lane_pages
from signing.appearance.letterhead import find_letterhead
from signing.appearance.pagebox import page_box
from signing.contract import DocumentSurvey, Inspection, PageSurvey
from signing.contract.survey import FLOATS_A_LETTER
from signing.lane import open_plain
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data
from signing.reading.pdfium_files import PdfiumFile

MAX_CHARS = 60_000
_MAX_OBJECTS = 5_000
_MAX_ANNOTATIONS = 500
_ITALIC = 1 << 6  # font descriptor flag (ISO 32000-2, table 121)
_NOT_DRAWN = frozenset({pdfium_c.FPDF_ANNOT_LINK, pdfium_c.FPDF_ANNOT_POPUP})
_SCAN_SHARE = 0.5  # of the page that pictures cover where the page is a scan
_NEW_LINE = 0.05  # points between two cells' edges that stand on different lines
_OVERSHOOT = 0.5  # of a line's height: how far ink may leave the cells of its line
_KNOWN_OF_A_RUN = 5  # floats, before it is known where it ends
_UNREADABLE = (pdfium.PdfiumError, *HOSTILE_INPUT_ERRORS)
_REPLACEMENT = "\ufffd"
Box = tuple[float, float, float, float]


class SurveyedPages:
    """The pages of one document, each read when it is asked for and not known yet.

    Args:
        pdf: the whole file.
        known: a survey of exactly this file; whoever gives it has compared the hashes.
    """

    def __init__(self, pdf: Data, known: DocumentSurvey | None = None) -> None:
        self._pdf = pdf
        self._pages = {page.index: page for page in known.pages} if known is not None else {}
        self._document: PdfiumFile | None = None
        self.read_more = False  # whether any page was read that was not known

    def __enter__(self) -> SurveyedPages:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def page(self, index: int) -> PageSurvey:
        """What a page says; a page that pdfium cannot read says nothing."""
        survey = self._pages.get(index)
        if survey is None:
            try:
                survey = survey_page(self._opened(), index)
            except _UNREADABLE:
                survey = PageSurvey(index, "", b"", b"")
            self._pages[index] = survey
            self.read_more = True
        return survey

    def ends(self) -> None:
        """Read the first and the last page: most signatures find their place there."""
        for index in {0, max(0, len(self._opened()) - 1)}:
            self.page(index)

    def survey(self, sha256: str) -> DocumentSurvey:
        """Everything read so far, for the file that has this hash."""
        return DocumentSurvey(sha256, tuple(self._pages[at] for at in sorted(self._pages)))

    def _opened(self) -> PdfiumFile:
        if self._document is None:
            self._document = PdfiumFile(self._pdf)
        return self._document

    def close(self) -> None:
        """Free pdfium's memory."""
        if self._document is not None:
            self._document.close()
            self._document = None


def survey_ends(pdf: Data, sha256: str) -> DocumentSurvey | None:
    """The survey of a document's first and last page; None when pdfium cannot open it."""
    try:
        with SurveyedPages(pdf) as pages:
            pages.ends()
            first, *others = pages.survey(sha256).pages
    except _UNREADABLE:
        return None
    return DocumentSurvey(sha256, (_with_letterhead(first, pdf), *others))


def _with_letterhead(first: PageSurvey, pdf: Data) -> PageSurvey:
    """The first page's survey with its dotted places, where the signer will see it alike."""
    seen = lane_pages(open_plain(pdf))
    if seen is None:
        return first
    return dataclasses.replace(first, letterhead=find_letterhead(first, page_box(seen, 0)))


def with_survey(found: Inspection, pdf: Data) -> Inspection:
    """An inspection with the survey of the file that may be signed, if any may."""
    if found.blocked:
        return found
    fit, sha256 = pdf, found.sha256
    if found.repaired is not None:
        fit, sha256 = found.repaired.pdf, found.repaired.sha256
    return dataclasses.replace(found, survey=survey_ends(fit, sha256))


def survey_page(document: PdfiumFile, index: int) -> PageSurvey:
    """Read one page.

    Raises:
        pypdfium2.PdfiumError: there is no such page, or it cannot be read.
    """
    with document.page(index) as page:
        text = page.get_textpage()
        try:
            letters, boxes, runs = _read_text(text)
        finally:
            text.close()
        pictures = list(_pictures(page))
        covered = sum((box[2] - box[0]) * (box[3] - box[1]) for box in pictures)
        width, height = page.get_size()
        scanned = not letters.strip() and covered >= _SCAN_SHARE * width * height
        drawn = (*pictures, *_annotations(page))
        return PageSurvey(
            index,
            letters,
            boxes.tobytes(),
            runs.tobytes(),
            drawn,
            scanned,
            plain_letters(letters),
        )


def _read_text(text: pdfium.PdfTextPage) -> tuple[str, array[float], array[float]]:
    """Letters, boxes, runs; the calls share their out-parameters, which is half their cost."""
    raw = text.raw
    letters: list[str] = []
    boxes, runs = array("f"), array("f")
    cell, ink = pdfium_c.FS_RECTF(), [ctypes.c_double() for _ in range(4)]
    to_cell, to_ink = ctypes.byref(cell), [ctypes.byref(side) for side in ink]
    left, right, bottom, top = ink
    before: Box = (0.0, 0.0, 0.0, 0.0)
    for at in range(min(text.count_chars(), MAX_CHARS)):
        letter = _letter(pdfium_c.FPDFText_GetUnicode(raw, at))
        pdfium_c.FPDFText_GetLooseCharBox(raw, at, to_cell)
        pdfium_c.FPDFText_GetCharBox(raw, at, *to_ink)
        boxes.extend((cell.left, cell.bottom, cell.right, cell.top))
        boxes.extend((left.value, bottom.value, right.value, top.value))
        edges = cell.left, cell.right, cell.bottom, cell.top
        if not letters or letters[-1].isspace() or not _on_one_line(before, edges):
            runs.extend(_run(raw, at))
        before = edges
        letters.append(letter)
    return "".join(letters), boxes, _with_reach(runs, boxes)


def _with_reach(runs: array[float], boxes: array[float]) -> array[float]:
    """The runs, each with what its ink may reach: its cells and a share of their height more."""
    starts = [*map(int, runs[::_KNOWN_OF_A_RUN]), len(boxes) // FLOATS_A_LETTER]
    whole = array("f")
    for number, (first, end) in enumerate(pairwise(starts)):
        one = boxes[first * FLOATS_A_LETTER : first * FLOATS_A_LETTER + 4]
        other = boxes[(end - 1) * FLOATS_A_LETTER : (end - 1) * FLOATS_A_LETTER + 4]
        more = _OVERSHOOT * max(one[3] - one[1], one[2] - one[0])
        whole.extend(runs[number * _KNOWN_OF_A_RUN : (number + 1) * _KNOWN_OF_A_RUN])
        whole.extend((min(one[0], other[0]) - more, min(one[1], other[1]) - more))
        whole.extend((max(one[2], other[2]) + more, max(one[3], other[3]) + more))
    return whole


def _on_one_line(one: Box, other: Box) -> bool:
    """Whether two cells (left, right, bottom, top) share a line, across the page or along it."""
    same = [abs(a - b) < _NEW_LINE for a, b in zip(one, other, strict=True)]
    return (same[2] and same[3]) or (same[0] and same[1])


def _letter(code: int) -> str:
    """One code point; surrogates and what is no code point stand for no letter."""
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else _REPLACEMENT


def _run(raw: pdfium_c.FPDF_TEXTPAGE, at: int) -> tuple[float, float, float, float, float]:
    """What the letters from here on have in common; the size is as the text's matrix has it."""
    x, y, matrix = ctypes.c_double(), ctypes.c_double(), pdfium_c.FS_MATRIX()
    pdfium_c.FPDFText_GetCharOrigin(raw, at, ctypes.byref(x), ctypes.byref(y))
    pdfium_c.FPDFText_GetMatrix(raw, at, matrix)
    size = pdfium_c.FPDFText_GetFontSize(raw, at) * math.hypot(matrix.c, matrix.d)
    flags, name = ctypes.c_int(), ctypes.create_string_buffer(128)
    pdfium_c.FPDFText_GetFontInfo(raw, at, name, len(name), ctypes.byref(flags))
    slanted = any(word in name.value.lower() for word in (b"italic", b"oblique"))
    return float(at), x.value, y.value, size, float(bool(flags.value & _ITALIC) or slanted)


def _pictures(page: pdfium.PdfPage) -> Iterator[Box]:
    """The boxes of the page's pictures and of the forms (drawings within drawings) it shows."""
    wanted = (pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM)
    for number, item in enumerate(page.get_objects(filter=wanted, max_depth=1)):
        if number >= _MAX_OBJECTS:
            return
        try:
            left, bottom, right, top = item.get_bounds()
        except pdfium.PdfiumError:
            continue
        if right > left and top > bottom:
            yield left, bottom, right, top


def _annotations(page: pdfium.PdfPage) -> Iterator[Box]:
    """The boxes of what lies on the page beside its own content."""
    count = pdfium_c.FPDFPage_GetAnnotCount(page)
    for number in range(min(count, _MAX_ANNOTATIONS)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            rect = pdfium_c.FS_RECTF()
            shown = pdfium_c.FPDFAnnot_GetSubtype(annotation) not in _NOT_DRAWN
            found = shown and pdfium_c.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
            if found and rect.right - rect.left > 1 and rect.top - rect.bottom > 1:
                yield rect.left, rect.bottom, rect.right, rect.top
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)
