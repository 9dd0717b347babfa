"""Looking at a file before anybody signs it; finds, never raises, never changes anything.

Owns the file's frame (header, cross-references, encryption), its pages and existing signatures,
and puts the whole ``Inspection`` together. Leaves active content to ``active_content``, words to
``findings``, and killing a run that takes too long to the process that calls it. Follows
ISO 32000-2 and, for what must not be signed, TT 15/2025/TT-BKHCN with the shadow-attack
literature.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from asn1crypto import cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation
from pyhanko.sign.validation.pdf_embedded import extract_contents

from signing.contract import ExistingSignature, Finding, Inspection
from signing.inspection.active_content import find_active_content
from signing.inspection.findings import finding
from signing.reading.names import common_name
from signing.reading.opening import (
    HEADER_WINDOW,
    HOSTILE_INPUT_ERRORS,
    MAX_SIZE,
    Opened,
    Unreadable,
    entry,
    is_decode_limit,
    open_pdf,
    short_reason,
)
from signing.reading.signature_fields import (
    FoundSignature,
    Layout,
    docmdp_level,
    find_signatures,
    has_loose_signature,
)

MAX_PAGES = 5_000
_CONTENT_SECONDS = 5.0
_NORMAL_BOX = (72.0, 14_400.0)  # smallest and largest side in points (ISO 32000-2, annex C)


def inspect_pdf(pdf: bytes) -> Inspection:
    """Say what a file is and what speaks against signing it.

    Args:
        pdf: the bytes as uploaded; any bytes at all.

    Returns:
        An inspection; ``blocked`` when any finding forbids signing.
    """
    report = _Report(pdf)
    try:
        _inspect(pdf, report)
    except Exception as error:  # a parser's surprise is a reason, not a crash
        report.findings.append(finding("inspection_error", reason=short_reason(error)))
    return report.finish()


class _Report:
    """What is known so far; a surprise later on loses nothing of it."""

    def __init__(self, pdf: bytes) -> None:
        self.sha256 = hashlib.sha256(pdf).hexdigest()
        self.size = len(pdf)
        self.pages = 0
        self.version = ""
        self.findings: list[Finding] = []
        self.signatures: list[ExistingSignature] = []

    def finish(self) -> Inspection:
        return Inspection(
            sha256=self.sha256,
            size=self.size,
            pages=self.pages,
            pdf_version=self.version,
            findings=tuple(dict.fromkeys(self.findings)),
            signatures=tuple(self.signatures),
        )


def _inspect(pdf: bytes, report: _Report) -> None:
    if not _frame_is_pdf(pdf, report):
        return
    opened = open_pdf(pdf)
    if isinstance(opened, Unreadable):
        _explain_unreadable(pdf, opened, report)
        return
    reader = opened.reader
    _look_at_structure(opened, report)
    if "/Encrypt" in reader.trailer_view:
        report.findings.append(finding("encrypted"))
        _count_declared_pages(reader, report)
        return
    _look_at_signatures(pdf, reader, report)
    pages = _collect_pages(reader, report)
    for number, page in enumerate(pages, 1):
        _look_at_page(number, page, report)
    _decode_contents(pages, report)
    report.findings.extend(find_active_content(reader, [p.raw for p in pages]))


def _frame_is_pdf(pdf: bytes, report: _Report) -> bool:
    if not pdf:
        report.findings.append(finding("empty_file"))
        return False
    if len(pdf) > MAX_SIZE:
        report.findings.append(finding("too_large", size=len(pdf), limit=MAX_SIZE))
        return False
    header = pdf.find(b"%PDF-", 0, HEADER_WINDOW)
    if header < 0:
        report.findings.append(finding("not_a_pdf"))
        return False
    if header > 0:
        report.findings.append(finding("garbage_before_header", count=header))
    report.version = pdf[header + 5 : header + 8].decode("ascii", "replace").strip()
    if b"%%EOF" not in pdf[-HEADER_WINDOW:]:
        report.findings.append(finding("truncated"))
    return True


def _explain_unreadable(pdf: bytes, opened: Unreadable, report: _Report) -> None:
    if b"/Encrypt" in pdf:
        report.findings.append(finding("encrypted"))
    code = "decode_limit" if opened.decode_limit else "unreadable"
    report.findings.append(finding(code, reason=opened.reason))


def _look_at_structure(opened: Opened, report: _Report) -> None:
    reader = opened.reader
    if not opened.strict:
        report.findings.append(finding("lax_reading", reason=opened.strict_reason))
    if reader.xrefs.hybrid_xrefs_present:
        report.findings.append(finding("hybrid_xref"))
    if reader.xrefs.total_revisions > 1:
        count = reader.xrefs.total_revisions - 1
        report.findings.append(finding("incremental_updates", count=count))
    major, minor = reader.input_version
    report.version = f"{major}.{minor}"


def _count_declared_pages(reader: PdfFileReader, report: _Report) -> None:
    try:
        report.pages = int(reader.root["/Pages"]["/Count"])
    except HOSTILE_INPUT_ERRORS:
        report.pages = 0


# ------------------------------------------------------------------ pages


class _Page:
    """A page and what it inherits from its ancestors (ISO 32000-2, 7.7.3.4)."""

    def __init__(self, raw: Any, dictionary: Any, inherited: dict[str, Any]) -> None:
        self.raw = raw
        self.dictionary = dictionary
        self.attributes = inherited


_INHERITED = ("/MediaBox", "/CropBox", "/Rotate", "/Resources")


def _collect_pages(reader: PdfFileReader, report: _Report) -> list[_Page]:
    """The pages in order; loops and broken branches become findings."""
    pages: list[_Page] = []
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[Any, dict[str, Any]]] = [(reader.root.raw_get("/Pages"), {})]
    while stack and len(pages) <= MAX_PAGES:
        raw, inherited = stack.pop()
        if not isinstance(raw, generic.IndirectObject) or (raw.idnum, raw.generation) in seen:
            report.findings.append(finding("broken_page_tree", reason="nút lặp hoặc sai kiểu"))
            continue
        seen.add((raw.idnum, raw.generation))
        node = raw.get_object()
        if not isinstance(node, generic.DictionaryObject):
            report.findings.append(finding("broken_page_tree", reason=f"đối tượng {raw.idnum}"))
            continue
        attributes = inherited | {key: node[key] for key in _INHERITED if key in node}
        if "/Kids" in node:
            stack.extend((kid, attributes) for kid in reversed(list(node["/Kids"])))
        else:
            pages.append(_Page(raw, node, attributes))
    report.pages = len(pages)
    _check_page_count(reader, report)
    return pages[:MAX_PAGES]


def _check_page_count(reader: PdfFileReader, report: _Report) -> None:
    if not report.pages:
        report.findings.append(finding("no_pages"))
    if report.pages > MAX_PAGES:
        report.findings.append(finding("too_many_pages", count=report.pages, limit=MAX_PAGES))
    declared = int(reader.root["/Pages"]["/Count"])
    if report.pages <= MAX_PAGES and declared != report.pages:
        reason = f"khai {declared} trang, có {report.pages}"
        report.findings.append(finding("broken_page_tree", reason=reason))


def _look_at_page(number: int, page: _Page, report: _Report) -> None:
    where = f"trang {number}"
    box = page.attributes.get("/MediaBox")
    try:
        left, bottom, right, top = (float(n) for n in box or ())
    except HOSTILE_INPUT_ERRORS:
        report.findings.append(finding("odd_box", where, box="không có MediaBox đúng"))
    else:
        low, high = _NORMAL_BOX
        sides = (right - left, top - bottom)
        if min(left, bottom) < 0 or not all(low <= side <= high for side in sides):
            shown = f"[{left:g} {bottom:g} {right:g} {top:g}]"
            report.findings.append(finding("odd_box", where, box=shown))
    angle = page.attributes.get("/Rotate", 0)
    if angle:
        report.findings.append(finding("rotated_page", where, angle=angle))


def _decode_contents(pages: list[_Page], report: _Report) -> None:
    """Inflate what the pages draw, within the reader's limits and a few seconds."""
    deadline = time.monotonic() + _CONTENT_SECONDS
    for number, page in enumerate(pages, 1):
        if time.monotonic() > deadline:
            return
        contents = entry(page.dictionary, "/Contents")
        streams = contents if isinstance(contents, generic.ArrayObject) else [contents]
        for stream in streams:
            _decode(stream, f"trang {number}", report)


def _decode(stream: Any, where: str, report: _Report) -> None:
    try:
        resolved = stream.get_object() if stream is not None else None
        if isinstance(resolved, generic.StreamObject):
            _ = resolved.data
    except HOSTILE_INPUT_ERRORS as error:
        code = "decode_limit" if is_decode_limit(error) else "broken_content"
        report.findings.append(finding(code, where, reason=short_reason(error)))


# ------------------------------------------------------------------ signatures


def _look_at_signatures(pdf: bytes, reader: PdfFileReader, report: _Report) -> None:
    found = find_signatures(pdf, reader.root)
    for signature in found:
        where = f"trường {signature.field.name}"
        report.signatures.append(
            ExistingSignature(
                field_name=signature.field.name,
                signer=_signer_name(signature),
                covers_whole_file=signature.layout is Layout.WHOLE_FILE,
            )
        )
        report.findings.append(_signature_finding(signature, where))
        level = docmdp_level(signature.value)
        if level is not None:
            code = "docmdp_no_changes" if level == 1 else "docmdp"
            report.findings.append(finding(code, where, level=level))
    if has_loose_signature(pdf, found):
        report.findings.append(finding("resaved_after_signing"))


def _signature_finding(signature: FoundSignature, where: str) -> Finding:
    if signature.layout is Layout.RESAVED:
        return finding("resaved_after_signing", where)
    if signature.layout is Layout.ODD:
        return finding("broken_signature", where, reason="ByteRange không đúng chuẩn")
    if _signer_name(signature) is None:
        return finding("broken_signature", where, reason="không đọc được dữ liệu CMS")
    return finding("existing_signature", where)


def _signer_name(signature: FoundSignature) -> str | None:
    """The common name in the signer's certificate; None when the CMS cannot be read."""
    try:
        content = cms.ContentInfo.load(extract_contents(signature.value))["content"]
        return common_name(extract_certs_for_validation(content).signer_cert.subject)
    except Exception:  # asn1crypto and pyHanko share no base of errors
        return None
