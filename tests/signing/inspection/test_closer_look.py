"""What is drawn and what is stored must agree: forms, letters, invisible words, doubled objects."""

from __future__ import annotations

import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from signing.contract import Severity
from signing.inspection import inspect_pdf
from signing.inspection.findings import FINDINGS
from tests.signing.decision import decision
from tests.signing.inspection import made_files as made
from tests.signing.inspection import made_fonts
from tests.signing.validation.signing_kit import make_pdf, replace_text, sign, update


def found(pdf, code):
    return [f for f in inspect_pdf(pdf).findings if f.code == code]


def test_a_field_that_shows_its_value_is_fine():
    assert not found(made.form(), "field_value_mismatch")
    assert not found(made.form(value="", shown=""), "field_value_mismatch")


@pytest.mark.parametrize(
    "pdf",
    [
        made.form(shown="Trần Văn Khác"),
        made.form(appearance=False),
        made.form(flags=2),
        made.check_box("/Co", "/Off"),
        made.check_box("/Off", "/Co"),
    ],
    ids=["other words", "no appearance", "hidden", "shows unchecked", "shows checked"],
)
def test_a_field_that_shows_something_else_is_told(pdf):
    (finding,) = found(pdf, "field_value_mismatch")
    assert finding.severity is Severity.WARN
    assert finding.where.startswith("trường ")
    assert "Nguyễn" not in finding.detail


def test_a_check_box_in_its_state_and_a_password_are_fine():
    assert not found(made.check_box("/Co", "/Co"), "field_value_mismatch")
    assert not found(made.check_box("/Off", "/Off"), "field_value_mismatch")
    assert not found(made.form(shown="****", field_flags=1 << 13), "field_value_mismatch")


def test_invisible_words_are_told_and_a_scans_words_only_mentioned():
    (finding,) = found(made.invisible(), "invisible_text")
    assert (finding.severity, finding.where) == (Severity.WARN, "trang 1")
    scanned = made.invisible(scan=Image.new("L", (60, 85), 250))
    assert not found(scanned, "invisible_text")
    assert found(scanned, "ocr_text")[0].severity is Severity.INFO


def test_letters_that_the_font_lacks_are_told(tmp_path):
    (finding,) = found(made.holes(tmp_path), "missing_glyphs")
    assert finding.where == "trang 1"
    (finding,) = found(made.holes_in_composite(), "missing_glyphs")
    assert "Rong" in finding.detail
    for whole in (decision(), decision(nfd=True)):
        assert not found(whole, "missing_glyphs")


DIFFERENT = Dictionary(Type=Name.Encoding, Differences=Array([65, Name.A, Name.Abreve]))
STANDARD = Dictionary(BaseEncoding=Name.StandardEncoding, Differences=Array([1, Name.Ohorn]))
FONTS = {
    "truetype": (made_fonts.truetype(Name.WinAnsiEncoding), b"A B\xa0", b"AC"),
    "truetype, differences": (made_fonts.truetype(DIFFERENT), b"A", b"B"),
    "truetype, mac": (made_fonts.truetype(Name.MacRomanEncoding), b"AB", b"\x80"),
    "cff": (made_fonts.cff(), b"A B", b"AC"),
    "opentype": (made_fonts.cff(Name.OpenType), b"A B", b"AC"),
    "cid truetype": (made_fonts.composite("FontFile2"), b"\0\2\0\3", b"\0\2\0\4"),
    "cid map": (made_fonts.composite("FontFile2", [0, 3, 0]), b"\0\1", b"\0\2"),
    "cid beyond map": (made_fonts.composite("FontFile2", [0, 3]), b"\0\1", b"\0\5"),
    "cid cff": (made_fonts.composite("FontFile3"), b"\0\2", b"\0\7"),
    "type 1": (made_fonts.type1(), b"Abc", None),
    "type 1, encoded": (made_fonts.type1(DIFFERENT), b"A", b"AB"),
    "type 1, standard": (made_fonts.type1(STANDARD), b"Ab", b"\1"),
    "type 1, hex": (made_fonts.type1(DIFFERENT, hexadecimal=True), b"A", b"AB"),
    "type 3": (made_fonts.type3, b"AA ", b"AB"),
    "type 3, no name": (made_fonts.type3, b"A", b"Z"),
}


@pytest.mark.parametrize(("font", "there", "lacking"), FONTS.values(), ids=FONTS.keys())
def test_letters_are_followed_into_every_kind_of_font(font, there, lacking):
    """What the font has is no finding; what it has not is one, on its page."""
    assert not found(made_fonts.page(there, font), "missing_glyphs")
    if lacking is not None:
        (finding,) = found(made_fonts.page(lacking, font), "missing_glyphs")
        assert (finding.severity, finding.where) == (Severity.WARN, "trang 1")


@pytest.mark.parametrize("damage", [b"", b"%!PS eexec", b"\x01\x00\x04\x01garbage", b"OTTO"])
def test_a_font_that_cannot_be_read_is_not_guessed_about(damage):
    def broken(document):
        font = made_fonts.cff()(document)
        font.FontDescriptor.FontFile3.write(damage)
        return font

    def broken_type1(document):
        font = made_fonts.type1(DIFFERENT)(document)
        font.FontDescriptor.FontFile.write(damage)
        return font

    for make in (broken, broken_type1):
        assert not found(made_fonts.page(b"AC", make), "missing_glyphs")


def test_an_object_defined_twice_in_one_revision_is_told():
    plain = make_pdf()
    start = plain.index(b"4 0 obj")
    end = plain.index(b"endobj", start) + 7
    other = plain[start:end].replace(b"Quyet dinh so 5", b"Quyet dinh so 9")
    doubled = plain.replace(b"xref\n0 ", other + b"xref\n0 ", 1)
    doubled = doubled.replace(
        b"startxref\n%d" % plain.rindex(b"xref\n0 "), b"startxref\n%d" % doubled.index(b"xref\n0 ")
    )
    (finding,) = found(doubled, "doubled_object")
    assert "4" in finding.detail
    assert finding.severity is Severity.WARN
    assert not found(plain, "doubled_object")


def test_a_later_revision_may_define_an_object_anew():
    assert not found(update(make_pdf(), replace_text), "doubled_object")
    assert not found(sign(sign(make_pdf()), field="Hai"), "doubled_object")


@pytest.mark.parametrize(
    ("media", "page", "odd"),
    [
        ("0 0 595 842", "", False),
        ("-5 -5 590 837", "", True),
        ("100 200 695 1042", "", True),
        ("595 842 0 0", "", True),
        ("0 0 595 842", "/CropBox [0 0 595 842]", False),
        ("0 0 595 842", "/CropBox [20 20 500 800]", True),
        ("0 0 595 842", "/CropBox [(a) 0 1]", True),
    ],
)
def test_boxes_that_tools_get_wrong_are_told(media, page, odd):
    assert bool(found(make_pdf(media=media, page=page), "odd_box")) is odd


def test_a_check_that_cannot_be_made_is_told_and_the_others_are(monkeypatch):
    def fail(_pdf):
        raise RuntimeError("inside the library")

    monkeypatch.setattr("signing.inspection.document.find_missing_glyphs", fail)
    inspection = inspect_pdf(made.invisible())
    codes = {f.code for f in inspection.findings}
    assert {"check_incomplete", "invisible_text"} <= codes
    assert not inspection.blocked
    assert FINDINGS["check_incomplete"][0] is Severity.WARN


# ------------------------------------------------------------------ fields of no form

ORPHAN = {
    "page": "/Annots [6 0 R]",
    "extra": "6 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Tx /T (SoTien) /V (100) /F 4 "
    "/Rect [72 600 300 640] /P 3 0 R >>\nendobj",
}


def test_fields_of_no_form_are_named_because_a_signature_would_bring_them_to_light():
    """PDFium draws them once the signature has added the form, and not before."""
    (finding,) = found(make_pdf(**ORPHAN), "widgets_without_form")
    assert (finding.severity, finding.where) == (Severity.WARN, "trang 1")
    assert not inspect_pdf(make_pdf(**ORPHAN)).blocked


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"page": "/Annots [<< /Subtype /Link /Rect [0 0 9 9] >>]"},
        {**ORPHAN, "catalog": "/AcroForm << /Fields [6 0 R] >>"},
    ],
    ids=["no annotation", "a link", "a form"],
)
def test_other_annotations_and_fields_of_a_form_are_not(options):
    assert not found(make_pdf(**options), "widgets_without_form")
