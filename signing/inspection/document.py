"""Looking at a file before anybody signs it; finds, never raises, never changes what was given.

Owns the file's frame (header, cross-references, encryption), climbs the ladder strict → lax →
repaired, and puts the whole ``Inspection`` together. Leaves existing signatures to ``signatures``,
pages to ``pages``, active content to ``active_content``, words to ``findings``, and killing a run
that takes too long to the process that calls it. Follows ISO 32000-2 and, for what must not be
signed, TT 15/2025/TT-BKHCN with the shadow-attack literature.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader

from signing.contract import ExistingSignature, Finding, Inspection, Severity
from signing.inspection.active_content import find_active_content
from signing.inspection.findings import finding
from signing.inspection.forms import compare_fields, find_widgets_without_form
from signing.inspection.glyphs import find_missing_glyphs
from signing.inspection.pages import Page, collect_pages, decode_contents, look_at_page
from signing.inspection.print_state import find_print_differences
from signing.inspection.repair import STRUCTURAL, disclose, is_repairable, repair_pdf
from signing.inspection.shadows import look_for_doubles
from signing.inspection.shown_text import find_invisible_text
from signing.inspection.signatures import look_at_signatures
from signing.reading.explanations import explain
from signing.reading.mapped_files import whole_file
from signing.reading.opening import (
    HEADER_WINDOW,
    HOSTILE_INPUT_ERRORS,
    MAX_SIZE,
    Data,
    Opened,
    Unreadable,
    hides_objects,
    open_pdf,
)
from signing.reading.stretches import sha256_of

log = logging.getLogger(__name__)


def inspect_pdf(pdf: Data, *, repair: bool = True) -> Inspection:
    """Say what a file is and what speaks against signing it.

    Args:
        pdf: the bytes as uploaded; any bytes at all.
        repair: whether a broken file without signatures may be written anew (the ladder's last
            rung); the result then carries the repaired file and tells of it.

    Returns:
        An inspection; ``blocked`` when any finding forbids signing.
    """
    found = _look(pdf)
    if repair and is_repairable(pdf, {f.code for f in found.findings}):
        return _repaired(pdf, found)
    return found


def inspect_file(path: Path, *, repair: bool = True) -> Inspection:
    """``inspect_pdf`` of a file; a large one is read where it lies, never as a whole.

    One beyond the size limit is not read at all, so that its hash stays empty.

    Raises:
        OSError: the file cannot be opened.
    """
    size = path.stat().st_size
    if size > MAX_SIZE:
        return Inspection("", size, 0, "", (_too_large(size),), ())
    with whole_file(path) as data:
        return inspect_pdf(data, repair=repair)


def _look(pdf: Data) -> Inspection:
    report = _Report(pdf)
    try:
        _inspect(pdf, report)
    except MemoryError:
        report.findings.append(finding("inspection_memory"))
    except HOSTILE_INPUT_ERRORS as error:  # where nobody looked for it: the file is to blame
        report.findings.append(finding("broken_structure", reason=explain(error)))
    except Exception as error:  # a parser's surprise is a reason, not a crash
        log.warning("a file was not inspected to the end: %s", type(error).__name__)
        report.findings.append(finding("inspection_error"))
    return report.finish()


def _repaired(pdf: Data, found: Inspection) -> Inspection:
    """The file after a repair that helped, else what was found in it as it came."""
    try:
        repaired = repair_pdf(pdf)
    except Exception as error:  # a repair that breaks is none
        log.warning("a file was not repaired: %s", type(error).__name__)
        return found
    if repaired is None:
        return found
    fresh = _look(repaired.pdf)
    if STRUCTURAL & {f.code for f in fresh.findings}:
        return found
    reason = next(f.detail for f in found.findings if f.code in STRUCTURAL)
    kept = (f for f in found.findings if f.code == "garbage_before_header")
    told = (*disclose(pdf, repaired, reason), *kept, *fresh.findings)
    return dataclasses.replace(
        fresh, sha256=found.sha256, size=found.size, findings=told, repaired=repaired
    )


class _Report:
    """What is known so far; a surprise later on loses nothing of it."""

    def __init__(self, pdf: Data) -> None:
        self.sha256 = sha256_of(pdf).hexdigest()
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


def _inspect(pdf: Data, report: _Report) -> None:
    if not _frame_is_pdf(pdf, report):
        return
    opened = open_pdf(pdf)
    if isinstance(opened, Unreadable):
        _explain_unreadable(pdf, opened, report)
        return
    reader = opened.reader
    _look_at_structure(opened, report)
    if hides_objects(reader):
        report.findings.append(finding("unreadable", reason="/Size nhỏ hơn số đối tượng"))
        return
    if "/Encrypt" in reader.trailer_view:
        report.findings.append(finding("encrypted"))
        _count_declared_pages(reader, report)
        return
    report.signatures, found = look_at_signatures(pdf, reader)
    report.findings.extend(found)
    pages, report.pages = collect_pages(reader, report.findings)
    for number, page in enumerate(pages, 1):
        report.findings.extend(look_at_page(number, page))
    report.findings.extend(decode_contents(pages))
    report.findings.extend(find_active_content(reader, [p.raw for p in pages]))
    report.findings.extend(find_widgets_without_form(reader.root, [p.dictionary for p in pages]))
    report.findings.extend(find_print_differences(reader, [p.dictionary for p in pages]))
    if not any(f.severity is Severity.BLOCK for f in report.findings):
        _look_closer(pdf, opened, pages, report)


def _look_closer(pdf: Data, opened: Opened, pages: list[Page], report: _Report) -> None:
    """What costs more to find, in files that nothing forbids to sign so far."""
    dictionaries = [page.dictionary for page in pages]
    looks: dict[str, Callable[[], Iterable[Finding]]] = {
        "đối tượng trùng": lambda: look_for_doubles(pdf, opened),
        "giá trị biểu mẫu": lambda: compare_fields(pdf, opened.reader.root, dictionaries),
        "chữ vô hình": lambda: find_invisible_text(pdf),
        "nét chữ thiếu": lambda: find_missing_glyphs(pdf),
    }
    for what, look in looks.items():
        try:
            report.findings.extend(look())
        except MemoryError:
            raise
        except Exception as error:  # three libraries' surprises; the others' answers still count
            report.findings.append(finding("check_incomplete", what=what, reason=explain(error)))


def _frame_is_pdf(pdf: Data, report: _Report) -> bool:
    if not pdf:
        report.findings.append(finding("empty_file"))
        return False
    if len(pdf) > MAX_SIZE:
        report.findings.append(_too_large(len(pdf)))
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


def _too_large(size: int) -> Finding:
    return finding("too_large", size=size, limit=MAX_SIZE)


def _explain_unreadable(pdf: Data, opened: Unreadable, report: _Report) -> None:
    if pdf.find(b"/Encrypt") >= 0:
        report.findings.append(finding("encrypted"))
    code = "decode_limit" if opened.decode_limit else "unreadable"
    report.findings.append(finding(code, reason=f"thư viện đọc tệp báo “{opened.reason}”"))


def _look_at_structure(opened: Opened, report: _Report) -> None:
    reader = opened.reader
    if not opened.strict:
        report.findings.append(finding("lax_reading", reason=opened.strict_reason))
    if reader.xrefs.hybrid_xrefs_present:
        report.findings.append(finding("hybrid_xref"))
    count = _appended(reader)
    if count:
        report.findings.append(finding("incremental_updates", count=count))
    major, minor = reader.input_version
    report.version = f"{major}.{minor}"


def _appended(reader: PdfFileReader) -> int:
    """How many updates were appended; the first page's table of a linearised file is none."""
    starts = [
        reader.xrefs.get_xref_container_info(revision).start_location
        for revision in range(reader.xrefs.total_revisions)
    ]
    return sum(start > starts[0] for start in starts[1:])


def _count_declared_pages(reader: PdfFileReader, report: _Report) -> None:
    try:
        report.pages = int(reader.root["/Pages"]["/Count"])
    except HOSTILE_INPUT_ERRORS:
        report.pages = 0
