"""The attestation page (lời chứng) that turns a copy into a certified copy.

Owns the page's layout and its appending to the copy: an incremental update, so that the copy's own
bytes stay an exact prefix and its pages exactly as they were. Leaves wording to the dated template
that the caller read (NĐ 23/2015, art. 20: with two pages or more the attestation stands on the
last page), signing to ``signing.service``, and the register to the gateway.

The two signature boxes follow NĐ 30/2020, annex I: the certifier between title and name, the seal
over the left third of it. A copy is made from a scan or from a file without signatures; to a signed
file the page is appended all the same, and its older signatures will then be judged as followed by
a change.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO

import segno
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodeLimits
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from signing import fonts
from signing.contract import Attestation, Attested, DocumentRefused, Placement
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, Unreadable, open_pdf

_REGULAR, _BOLD = "MotcuaAttestation", "MotcuaAttestationBold"
_PAGE_W, _PAGE_H = A4
_LEFT, _RIGHT = 25 * mm, _PAGE_W - 20 * mm
_TOP = _PAGE_H - 22 * mm
_QR_SIDE = 42 * mm  # with its quiet zone; the dark part is over 30 mm: phones read it off paper
_QR_BOTTOM = 24 * mm
_SIGNATURE = (60.0, 28.0)  # mm
_SEAL = 36.0  # mm, real size
_SIGNING_BLOCK = 62 * mm  # title, signature, name
_LOWEST = _QR_BOTTOM + _QR_SIDE + 8 * mm


def attest_pdf(pdf: bytes, attestation: Attestation) -> Attested:
    """Append the attestation page.

    Args:
        pdf: the copy, readable and not encrypted.
        attestation: heading, lines and names, ready to print.

    Raises:
        DocumentRefused: the copy cannot take a page (``unreadable``, ``encrypted``,
            ``broken_page_tree``, ``no_pages``), or the text cannot be printed
            (``attestation_too_long``, ``missing_glyph``).
    """
    out = io.BytesIO(pdf)
    pages, certifier, agency = attest_in_place(pdf, out, attestation)
    return Attested(out.getvalue(), pages, certifier, agency)


def attest_in_place(
    pdf: Data, copy: BinaryIO, attestation: Attestation
) -> tuple[int, Placement, Placement]:
    """Append the attestation page to a stream over a copy of ``pdf``; otherwise as ``attest_pdf``.

    Returns:
        The number of pages, and where the certifier's and the agency's signatures go.
    """
    page_pdf, signing_top_mm = _draw(attestation)
    pages = _append(pdf, copy, page_pdf)
    width, height = _SIGNATURE
    left = _RIGHT / mm - width
    seal = (left + width / 3 - _SEAL, signing_top_mm + (height - _SEAL) / 2, _SEAL, _SEAL)
    certifier = Placement(page=pages, rect_mm=(left, signing_top_mm, width, height))
    return pages, certifier, Placement(page=pages, rect_mm=seal)


# ------------------------------------------------------------------ drawing


@dataclass(frozen=True, slots=True)
class _Text:
    """The attestation's text in NFC, as it is printed."""

    agency: str
    heading: str
    lines: tuple[str, ...]
    title: str
    name: str
    footer: str
    address: str

    @classmethod
    def of(cls, attestation: Attestation) -> _Text:
        def printed(text: str) -> str:
            return " ".join(unicodedata.normalize("NFC", text).split())

        return cls(
            agency=printed(attestation.agency_name).upper(),
            heading=printed(attestation.heading),
            lines=tuple(printed(line) for line in attestation.lines),
            title=printed(attestation.signer_title).upper(),
            name=printed(attestation.signer_name),
            footer=printed(attestation.footer),
            address=attestation.qr_payload,
        )


def _draw(attestation: Attestation) -> tuple[bytes, float]:
    """The page alone, and how far from the top edge (mm) the certifier's box begins."""
    text = _Text.of(attestation)
    _register_fonts()
    _refuse_missing_glyphs(text)
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setFillGray(0)
    y = _draw_paragraph(canvas, text.agency, _TOP, _BOLD, 12)
    y = _draw_paragraph(canvas, text.heading, y - 10 * mm, _BOLD, 15, centred=True)
    y = _draw_lines(canvas, text.lines, y - 6 * mm)
    signing_top = _draw_signing_block(canvas, text, y - 8 * mm)
    _draw_qr(canvas, text)
    canvas.showPage()
    canvas.save()
    return out.getvalue(), (_PAGE_H - signing_top) / mm


def _draw_lines(canvas: Any, lines: tuple[str, ...], top: float) -> float:
    """The attestation's lines in the largest size that leaves room for the signatures."""
    room = top - _SIGNING_BLOCK - _LOWEST
    for size in (13.0, 12.0, 11.0, 10.0, 9.0):
        if sum(_height(line, _REGULAR, size) for line in lines) <= room:
            for line in lines:
                top = _draw_paragraph(canvas, line, top, _REGULAR, size)
            return top
    raise DocumentRefused(
        "attestation_too_long",
        "Lời chứng quá dài, không vừa một trang.",
        "the attestation does not fit one page",
    )


def _draw_signing_block(canvas: Any, text: _Text, top: float) -> float:
    """Title, room for the signature, name; returns the top of that room."""
    width, height = (side * mm for side in _SIGNATURE)
    middle = _RIGHT - width / 2
    for line in _wrapped(text.title, _BOLD, 11, width + 10 * mm):
        canvas.setFont(_BOLD, 11)
        canvas.drawCentredString(middle, top - 11, line)
        top -= 15
    room_top = top - 4 * mm
    canvas.setFont(_BOLD, 11)
    canvas.drawCentredString(middle, room_top - height - 7 * mm, text.name)
    return float(room_top)


def _draw_qr(canvas: Any, text: _Text) -> None:
    """The verification address as a vector QR code, with the address beside it."""
    rows = [list(row) for row in segno.make(text.address, error="m", micro=False).matrix]
    quiet = 4
    module = _QR_SIDE / (len(rows) + 2 * quiet)
    path = canvas.beginPath()
    for number, row in enumerate(rows):
        y = _QR_BOTTOM + _QR_SIDE - (quiet + number + 1) * module
        for start, length in _runs(row):
            path.rect(_LEFT + (quiet + start) * module, y, length * module, module)
    canvas.drawPath(path, stroke=0, fill=1)
    beside = _LEFT + _QR_SIDE + 4 * mm
    y = _QR_BOTTOM + _QR_SIDE - 8 * mm
    for line, font in (
        ("Quét mã để kiểm tra bản sao chứng thực này, hoặc mở địa chỉ:", _REGULAR),
        (text.address, _REGULAR),
        (text.footer, _REGULAR),
    ):
        for part in _wrapped(line, font, 9, _RIGHT - beside):
            canvas.setFont(font, 9)
            canvas.drawString(beside, y, part)
            y -= 12.5


def _runs(row: list[int]) -> list[tuple[int, int]]:
    """Dark modules of a row joined into (start, length), so that no hairlines show between."""
    runs: list[tuple[int, int]] = []
    for position, dark in enumerate(row):
        if not dark:
            continue
        if runs and sum(runs[-1]) == position:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((position, 1))
    return runs


def _draw_paragraph(
    canvas: Any, text: str, top: float, font: str, size: float, *, centred: bool = False
) -> float:
    for line in _wrapped(text, font, size, _RIGHT - _LEFT):
        canvas.setFont(font, size)
        if centred:
            canvas.drawCentredString((_LEFT + _RIGHT) / 2, top - size, line)
        else:
            canvas.drawString(_LEFT, top - size, line)
        top -= size * 1.45
    return top - size * 0.35


def _height(text: str, font: str, size: float) -> float:
    return len(_wrapped(text, font, size, _RIGHT - _LEFT)) * size * 1.45 + size * 0.35


def _wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """Break at spaces, and inside a word only when it alone is too wide (an address)."""
    lines: list[str] = []
    current = ""
    for word in text.split():
        rest = word
        joined = f"{current} {rest}".strip()
        if pdfmetrics.stringWidth(joined, font, size) <= width:
            current = joined
            continue
        if current:
            lines.append(current)
        while pdfmetrics.stringWidth(rest, font, size) > width:
            fit = _fitting(rest, font, size, width)
            lines.append(rest[:fit])
            rest = rest[fit:]
        current = rest
    return [*lines, current] if current else lines


def _fitting(word: str, font: str, size: float, width: float) -> int:
    fit = 1
    while fit < len(word) and pdfmetrics.stringWidth(word[: fit + 1], font, size) <= width:
        fit += 1
    return fit


@cache
def _register_fonts() -> None:
    pdfmetrics.registerFont(TTFont(_REGULAR, str(fonts.REGULAR)))
    pdfmetrics.registerFont(TTFont(_BOLD, str(fonts.BOLD)))


def _refuse_missing_glyphs(text: _Text) -> None:
    known = pdfmetrics.getFont(_REGULAR).face.charToGlyph
    printed = "".join((text.agency, text.heading, *text.lines, text.title, text.name, text.footer))
    missing = sorted({c for c in printed if ord(c) not in known and not c.isspace()})
    if missing:
        shown = " ".join(missing[:10])
        raise DocumentRefused(
            "missing_glyph",
            f"Phông chữ không có ký tự: {shown}.",
            "the font lacks some characters",
        )


# ------------------------------------------------------------------ appending


def _append(pdf: Data, copy: BinaryIO, page_pdf: bytes) -> int:
    """Append the page to a copy by an incremental update; returns its number of pages."""
    opened = open_pdf(pdf)
    if isinstance(opened, Unreadable):
        raise DocumentRefused("unreadable", "Không đọc được tệp PDF nguồn.", "unreadable")
    if "/Encrypt" in opened.reader.trailer_view:
        raise DocumentRefused("encrypted", "Tệp nguồn bị mã hoá hoặc đặt mật khẩu.", "encrypted")
    try:
        return _append_page(copy, page_pdf, strict=opened.reader.strict)
    except HOSTILE_INPUT_ERRORS as error:
        raise DocumentRefused(
            "broken_page_tree",
            "Cây trang của tệp nguồn bị hỏng, không thêm được trang lời chứng.",
            "no page can be added",
        ) from error


def _append_page(copy: BinaryIO, page_pdf: bytes, *, strict: bool) -> int:
    writer = IncrementalPdfFileWriter(
        copy, strict=strict, decode_limits=DecodeLimits.for_untrusted_input()
    )
    source = PdfFileReader(io.BytesIO(page_pdf)).root["/Pages"]["/Kids"][0]
    box = [generic.FloatObject(side) for side in (0, 0, round(_PAGE_W, 2), round(_PAGE_H, 2))]
    page = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Page"),
            # every inheritable attribute is set, so that nothing leaks in from the copy's tree
            generic.pdf_name("/MediaBox"): generic.ArrayObject(box),
            generic.pdf_name("/CropBox"): generic.ArrayObject(box),
            generic.pdf_name("/Rotate"): generic.NumberObject(0),
            generic.pdf_name("/Resources"): writer.import_object(source["/Resources"]),
            generic.pdf_name("/Contents"): writer.add_object(
                writer.import_object(source["/Contents"])
            ),
        }
    )
    if int(writer.root["/Pages"]["/Count"]) < 1:
        raise DocumentRefused("no_pages", "Tệp nguồn không có trang nào.", "no pages")
    writer.insert_page(page)
    pages = int(writer.root["/Pages"]["/Count"])
    writer.write_in_place()
    return pages
