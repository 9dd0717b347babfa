"""What inspection finds in files made to contain one thing each."""

from __future__ import annotations

import io
import time
import zlib
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import MDPPerm

from signing.commands.report import inspection_as_text
from signing.contract import Severity
from signing.inspection import inspect_pdf
from signing.inspection.findings import FINDINGS
from tests.signing.validation.signing_kit import make_pdf, sign, update

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"


def codes(pdf):
    return {f.code for f in inspect_pdf(pdf).findings}


def rewritten(pdf, **options):
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)), **options)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_plain_page_may_be_signed():
    inspection = inspect_pdf(make_pdf())
    assert not inspection.blocked
    assert (inspection.pages, inspection.pdf_version) == (1, "1.7")
    assert inspection.size == len(make_pdf())
    assert inspection.signatures == ()
    assert [f.code for f in inspection.findings] == ["fonts_not_embedded"]
    assert "Helvetica" in inspection.findings[0].detail


def misplaced(pdf):
    """The cross-reference table is not quite where the file says."""
    head, _, place = pdf.removesuffix(b"%%EOF\n").rpartition(b"startxref\n")
    return head + b"startxref\n%d\n%%%%EOF\n" % (int(place) - 2)


ACTION = "/A << /S /{kind} {more} >>"


def with_link(kind, more=""):
    action = ACTION.format(kind=kind, more=more)
    link = f"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] {action} >>"
    return make_pdf(page=f"/Annots [{link}]")


@pytest.mark.parametrize(
    ("pdf", "code"),
    [
        (make_pdf(catalog="/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"), "javascript"),
        (make_pdf(catalog="/OpenAction << /S /JavaScript /JS (x) >>"), "open_action"),
        (make_pdf(catalog="/OpenAction [3 0 R /Fit]"), "open_destination"),
        (make_pdf(catalog="/OpenAction << /S /GoTo /D [3 0 R /Fit] >>"), "open_destination"),
        (make_pdf(catalog="/AA << /WC << /S /JavaScript /JS (x) >> >>"), "additional_actions"),
        (make_pdf(catalog="/Names << /JavaScript << /Names [] >> >>"), "javascript"),
        (with_link("JavaScript", "/JS (x)"), "javascript"),
        (with_link("Launch", "/F (cmd.exe)"), "launch_action"),
        (with_link("SubmitForm", "/F (http://evil)"), "submit_form"),
        (with_link("ImportData", "/F (x.fdf)"), "import_data"),
        (with_link("GoToR", "/F (x.pdf)"), "remote_goto"),
        (with_link("URI", "/URI (https://example.vn)"), "uri_action"),
        (with_link("Rendition"), "rich_media"),
        (make_pdf(page="/Annots [<< /Subtype /RichMedia /Rect [0 0 9 9] >>]"), "rich_media"),
        (
            make_pdf(page="/Annots [<< /Subtype /FreeText /Rect [0 0 9 9] >>]"),
            "annotation_over_content",
        ),
        (
            make_pdf(page="/Annots [<< /Subtype /Widget /F 2 /Rect [0 0 9 9] >>]"),
            "hidden_annotation",
        ),
        (make_pdf(catalog="/AcroForm << /Fields [] /XFA (x) >>"), "xfa"),
        (make_pdf(catalog="/AcroForm << /Fields [] /NeedAppearances true >>"), "need_appearances"),
        (make_pdf(catalog="/Names << /EmbeddedFiles << /Names [] >> >>"), "embedded_files"),
        (make_pdf(catalog="/OCProperties << /OCGs [] /D << /OFF [5 0 R] >> >>"), "hidden_layers"),
        (
            make_pdf(catalog="/OCProperties << /OCGs [] /D << /BaseState /OFF >> >>"),
            "hidden_layers",
        ),
        (make_pdf(page="/Rotate 90"), "rotated_page"),
        (make_pdf(media="-5 -5 590 837"), "odd_box"),
        (make_pdf(media="0 0 1 1"), "odd_box"),
        (
            make_pdf(
                extra="6 0 obj\n<< /F (x.bin) /Length 1 >>\nstream\nx\nendstream\nendobj",
                catalog="/X 6 0 R",
            ),
            "external_stream",
        ),
        (b"", "empty_file"),
        (b"MZ not a pdf", "not_a_pdf"),
        (b"\xef\xbb\xbf" + make_pdf(), "garbage_before_header"),
        (make_pdf()[:-40], "truncated"),
        (make_pdf()[:200], "unreadable"),
        (make_pdf().replace(b"/Count 1", b"/Count 7"), "broken_page_tree"),
        (make_pdf().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"), "broken_page_tree"),
        (make_pdf().replace(b"/Kids [3 0 R] /Count 1", b"/Kids [     ] /Count 0"), "no_pages"),
        (misplaced(make_pdf()), "lax_reading"),
        (update(make_pdf(), lambda w: w.update_root()), "incremental_updates"),
    ],
)
def test_each_danger_has_its_code(pdf, code):
    inspection = inspect_pdf(pdf, repair=False)
    (found, *_) = [f for f in inspection.findings if f.code == code]
    assert found.severity is FINDINGS[code][0]
    assert inspection.blocked is any(f.severity is Severity.BLOCK for f in inspection.findings)
    assert found.detail
    assert found.where


def test_a_finding_names_its_page():
    (found,) = [f for f in inspect_pdf(with_link("Launch")).findings if f.code == "launch_action"]
    assert found.where == "trang 1"


def test_encryption_blocks():
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(make_pdf())))
    handler = StandardSecurityHandler.build_from_pw("mat-khau", "mat-khau")
    writer.security_handler = handler
    writer._encrypt = writer.add_object(handler.as_pdf_object())
    out = io.BytesIO()
    writer.write(out)
    inspection = inspect_pdf(out.getvalue())
    assert inspection.blocked
    assert "encrypted" in {f.code for f in inspection.findings}


def test_a_decompression_bomb_is_refused_quickly():
    bomb = zlib.compress(b"\0" * (300 * 1024 * 1024), 9)

    def plant(writer):
        stream = generic.StreamObject(
            dict_data={pdf_name("/Filter"): pdf_name("/FlateDecode")}, encoded_data=bomb
        )
        page = writer.root["/Pages"]["/Kids"][0]
        page[pdf_name("/Contents")] = writer.add_object(stream)
        writer.update_container(page)

    started = time.monotonic()
    inspection = inspect_pdf(update(make_pdf(), plant))
    assert inspection.blocked
    assert "decode_limit" in {f.code for f in inspection.findings}
    assert time.monotonic() - started < 10


def test_objects_that_point_at_each_other_end_the_walk():
    loop = "6 0 obj\n[7 0 R 6 0 R]\nendobj\n%%next 7 0 obj\n[6 0 R << /Self 7 0 R >>]\nendobj"
    assert not inspect_pdf(make_pdf(catalog="/Loop 6 0 R", extra=loop)).blocked


def test_deep_nesting_is_a_reason_not_a_crash():
    deep = "[" * 5000 + "]" * 5000
    assert inspect_pdf(make_pdf(catalog=f"/Deep {deep}")).blocked


def test_a_walk_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr("signing.inspection.active_content.MAX_OBJECTS", 5)
    assert "walk_limit" in codes(make_pdf())


def test_too_many_pages_or_bytes_are_refused(monkeypatch):
    monkeypatch.setattr("signing.inspection.pages.MAX_PAGES", 0)
    assert "too_many_pages" in codes(make_pdf())
    monkeypatch.setattr("signing.inspection.document.MAX_SIZE", 10)
    assert codes(make_pdf()) == {"too_large"}


def test_existing_signatures_are_listed_and_do_not_block():
    inspection = inspect_pdf(sign(sign(make_pdf()), field="Hai"))
    assert not inspection.blocked
    assert [(s.field_name, s.signer, s.covers_whole_file) for s in inspection.signatures] == [
        ("ChuKy1", "Nguyễn Văn Ổn", False),
        ("Hai", "Nguyễn Văn Ổn", True),
    ]


@pytest.mark.parametrize(
    ("permission", "code", "blocked"),
    [(MDPPerm.NO_CHANGES, "docmdp_no_changes", True), (MDPPerm.FILL_FORMS, "docmdp", False)],
)
def test_a_certification_says_what_may_follow(permission, code, blocked):
    inspection = inspect_pdf(sign(make_pdf(), certify=permission))
    assert code in {f.code for f in inspection.findings}
    assert inspection.blocked is blocked


def test_a_signature_over_other_bytes_blocks():
    inspection = inspect_pdf(rewritten(sign(make_pdf())))
    assert inspection.blocked
    assert "resaved_after_signing" in {f.code for f in inspection.findings}


def test_an_odd_byte_range_blocks():
    signed = sign(make_pdf())
    assert "broken_signature" in codes(signed.replace(b"/ByteRange [0 ", b"/ByteRange [1 "))


def test_a_signature_value_that_is_no_cms_blocks():
    head, middle, tail = sign(make_pdf()).partition(b"/Contents <")
    end = tail.index(b">")
    assert "broken_signature" in codes(head + middle + b"0" * end + tail[end:])


def test_the_words_for_a_terminal_say_whether_it_can_be_signed():
    inspection = inspect_pdf(sign(make_pdf(catalog="/OpenAction [3 0 R /Fit]")))
    assert "có thể ký" in inspection_as_text(inspection)
    assert "không được ký" in inspection_as_text(inspect_pdf(b""))


def corpus_files():
    found = sorted(CORPUS.glob("*/*.pdf"))
    missing = pytest.param(None, marks=pytest.mark.skip(reason="no shared corpus"), id="absent")
    return [pytest.param(p, id=f"{p.parent.name}/{p.name}") for p in found] or [missing]


@pytest.mark.parametrize("path", corpus_files())
def test_every_corpus_file_is_inspected_in_bounded_time(path):
    started = time.monotonic()
    inspection = inspect_pdf(path.read_bytes())
    assert time.monotonic() - started < 10
    assert inspection.blocked or inspection.pages > 0
    assert all(f.code in FINDINGS for f in inspection.findings)


EXPECTED_BLOCKS = {
    "sign/pdfbox__testPDFPackage.pdf": "javascript",
    "sign/pyhanko__minimal-rc4.pdf": "encrypted",
    "sign/pyhanko__malformed-encrypt-dict1.pdf": "encrypted",
    "sign/pyhanko__minimal-pubkey-rc4-envelope.pdf": "encrypted",
    "sign/qpdf__bad11.pdf": "unreadable",
    "sign/qpdf__bad33.pdf": "unreadable",
    "sign/qpdf__direct-pages.pdf": "broken_page_tree",
    "sign/qpdf__filter-on-write-out.pdf": "no_pages",
    "sign/qpdf__issue-147.pdf": "not_a_pdf",
    "valid/pyhanko__certified-with-indirect-refs-in-dir.pdf": "docmdp_no_changes",
    "invalid/pyhanko__one-byterange.pdf": "broken_signature",
}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no shared corpus")
@pytest.mark.parametrize(("name", "code"), EXPECTED_BLOCKS.items())
def test_known_corpus_files_are_blocked_for_the_right_reason(name, code):
    blocking = {
        f.code
        for f in inspect_pdf((CORPUS / name).read_bytes(), repair=False).findings
        if f.severity is Severity.BLOCK
    }
    assert code in blocking


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no shared corpus")
def test_word_style_hybrid_files_may_be_signed():
    inspection = inspect_pdf((CORPUS / "sign/pdfbox__test-landscape2.pdf").read_bytes())
    assert not inspection.blocked
    assert "hybrid_xref" in {f.code for f in inspection.findings}
