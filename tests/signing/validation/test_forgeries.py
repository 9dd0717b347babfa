"""Further known forgeries: what a signature does not cover, and what an update may not bring."""

from __future__ import annotations

import io
import re

import pytest
from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont as EmbeddedFont
from reportlab.pdfgen import canvas

from signing.contract import Verdict
from signing.fonts import REGULAR
from signing.validation import validate_pdf
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, replace_text, sign, update
from tests.signing.validation.test_hostile_input import cms_of, with_cms

ROOTS = (pki().root.der,)
OTHER_TEXT = (
    b"4 0 obj\n<< /Length 48 >>\nstream\nBT /F1 24 Tf 72 700 Td (Quyet dinh so 9) Tj ET  \n"
    b"endstream\nendobj\n"
)
LAYERED = {
    "catalog": "/OCProperties << /OCGs [7 0 R] /D 9 0 R >>",
    "page": "/Annots [6 0 R]",
    "extra": "6 0 obj\n<< /Type /Annot /Subtype /Square /Rect [60 690 400 730] /F 4 "
    "/AP << /N 8 0 R >> /OC 7 0 R >>\nendobj\n%%next\n"
    "7 0 obj\n<< /Type /OCG /Name (Che) >>\nendobj\n%%next\n"
    "8 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 340 40] /Length 26 >>\nstream\n"
    "1 1 1 rg 0 0 340 40 re f  \nendstream\nendobj\n%%next\n"
    "9 0 obj\n<< /ON [7 0 R] /OFF [] >>\nendobj",
}


def judge(pdf):
    return validate_pdf(pdf, ROOTS, NOW)


def numbers(*values):
    return generic.ArrayObject(map(generic.NumberObject, values))


def picture(writer, drawing=b"1 1 1 rg 0 0 400 40 re f"):
    values = {"/Type": pdf_name("/XObject"), "/Subtype": pdf_name("/Form")}
    form = generic.StreamObject(
        {pdf_name(key): value for key, value in values.items()}, stream_data=drawing
    )
    form[pdf_name("/BBox")] = numbers(0, 0, 400, 40)
    return writer.add_object(form)


def page_of(writer):
    return writer.root["/Pages"]["/Kids"][0]


def set_on(find, key, value):
    """A change that writes one entry of an object."""

    def change(writer):
        target = find(writer)
        target[pdf_name(key)] = value
        writer.update_container(target)

    return change


def pages(writer):
    return writer.root["/Pages"]


def overwrite(writer, reference, stream):
    """Another stream under the number of an old one."""
    writer.objects[(reference.generation, reference.idnum)] = stream
    stream.container_ref = generic.Reference(reference.idnum, reference.generation, pdf=writer)


@pytest.fixture(scope="module")
def signed():
    """Two pages set in an embedded font, with a form drawn on each; signed at B-LT."""
    pdfmetrics.registerFont(EmbeddedFont("NotoThu", str(REGULAR)))
    out = io.BytesIO()
    paper = canvas.Canvas(out, pagesize=(595, 842), pageCompression=0)
    paper.beginForm("PhuLuc")
    paper.drawString(100, 500, "Phu luc so 5")
    paper.endForm()
    for number in (1, 2):
        paper.setFont("NotoThu", 24)
        paper.drawString(72, 700, f"Quyết định số 5, trang {number}")
        paper.doForm("PhuLuc")
        paper.showPage()
    paper.save()
    return sign(out.getvalue(), store=True)


# ------------------------------------------------------------------ changes that must be refused


def reorder(writer):
    tree = pages(writer)
    first, second = (tree["/Kids"].raw_get(place) for place in (0, 1))
    tree[pdf_name("/Kids")] = generic.ArrayObject([second, first])
    writer.update_container(tree)


def show_a_page_twice(writer):
    tree = pages(writer)
    first = tree["/Kids"].raw_get(0)
    tree[pdf_name("/Kids")] = generic.ArrayObject([first, first])
    writer.update_container(tree)


def cover(kind, flags=4):
    def change(writer):
        page = page_of(writer)
        note = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name(kind),
                pdf_name("/Rect"): numbers(60, 690, 460, 730),
                pdf_name("/F"): generic.NumberObject(flags),
                pdf_name("/AP"): generic.DictionaryObject({pdf_name("/N"): picture(writer)}),
            }
        )
        page[pdf_name("/Annots")] = generic.ArrayObject(
            [*page.get("/Annots", []), writer.add_object(note)]
        )
        writer.update_container(page)

    return change


def draw_a_form_over_the_page(writer):
    page = page_of(writer)
    page["/Resources"][pdf_name("/XObject")] = generic.DictionaryObject(
        {pdf_name("/Che"): picture(writer)}
    )
    over = generic.StreamObject(stream_data=b"q 1 0 0 1 60 690 cm /Che Do Q")
    page[pdf_name("/Contents")] = generic.ArrayObject(
        [page.raw_get("/Contents"), writer.add_object(over)]
    )
    writer.update_container(page["/Resources"])
    writer.update_container(page)


def swap_glyphs(writer):
    """The same codes, other shapes: the embedded program under its old number."""
    fonts = page_of(writer)["/Resources"]["/Font"]
    font = next(fonts[key] for key in fonts if "/FontDescriptor" in fonts[key])
    raw = font["/FontDescriptor"].raw_get("/FontFile2")
    program = TTFont(io.BytesIO(raw.get_object().data))
    names = program.getGlyphOrder()
    for name in names[1:]:
        program["glyf"][name] = program["glyf"][names[5]]
    out = io.BytesIO()
    program.save(out)
    overwrite(writer, raw, generic.StreamObject(stream_data=out.getvalue()))


def swap_a_form(writer):
    forms = page_of(writer)["/Resources"]["/XObject"]
    name = next(iter(forms))
    old = forms[name]
    kept = {key: old.raw_get(key) for key in old if key not in {"/Length", "/Filter"}}
    new = generic.StreamObject(kept, stream_data=b"0 0 0 rg 100 500 200 20 re f")
    overwrite(writer, forms.raw_get(name), new)


def data_and_text(writer):
    """Validation data, and under its cover other words."""
    certificates = writer.root["/DSS"]["/Certs"]
    certificate = generic.StreamObject(stream_data=pki().root.der)
    certificates.append(writer.add_object(certificate))
    writer.update_container(certificates)
    replace_text(writer)


CHANGES = {
    "a turned page": set_on(page_of, "/Rotate", generic.NumberObject(180)),
    "turned pages, from above": set_on(pages, "/Rotate", generic.NumberObject(180)),
    "a cut page": set_on(page_of, "/CropBox", numbers(0, 0, 595, 400)),
    "a larger unit": set_on(page_of, "/UserUnit", generic.NumberObject(2)),
    "pages in another order": reorder,
    "a page twice": show_a_page_twice,
    "a square": cover("/Square"),
    "free text": cover("/FreeText"),
    "a stamp without signature": cover("/Stamp"),
    "a cover seen in print only": cover("/Square", flags=4 | 32),
    "a form drawn over the page": draw_a_form_over_the_page,
    "glyphs of the embedded font": swap_glyphs,
    "a form under its old number": swap_a_form,
    "validation data and other words": data_and_text,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_that_no_signature_needs_is_refused(signed, change):
    validation = judge(update(signed, change))
    assert validation.verdict is Verdict.INVALID, validation.summary
    assert not validation.signatures[0].integrity


@pytest.mark.parametrize("name", ["a square", "a turned page", "glyphs of the embedded font"])
def test_a_signature_put_over_a_forgery_does_not_heal_it(signed, name):
    forged = update(signed, CHANGES[name])
    validation = judge(sign(forged, field="Hai", entity=pki().agency, store=True))
    assert validation.verdict is Verdict.INVALID
    assert [s.integrity for s in validation.signatures] == [False, True]


def switch_layers_off(writer):
    default = writer.root["/OCProperties"]["/D"]
    default[pdf_name("/BaseState")] = pdf_name("/OFF")
    default[pdf_name("/ON")] = generic.ArrayObject()
    writer.update_container(default)


def hide_in_print(writer):
    layer = writer.root["/OCProperties"]["/OCGs"][0]
    state = generic.DictionaryObject({pdf_name("/PrintState"): pdf_name("/OFF")})
    layer[pdf_name("/Usage")] = generic.DictionaryObject({pdf_name("/Print"): state})
    writer.update_container(layer)


@pytest.mark.parametrize("change", [switch_layers_off, hide_in_print])
def test_a_layer_that_shows_another_thing_on_screen_or_paper_is_refused(change):
    validation = judge(update(sign(make_pdf(**LAYERED), store=True), change))
    assert validation.verdict is Verdict.INVALID


def test_fields_that_viewers_shall_draw_anew_leave_it_undecided(signed):
    def ask(writer):
        form = writer.root["/AcroForm"]
        form[pdf_name("/NeedAppearances")] = generic.BooleanObject(True)
        writer.update_container(form)

    assert judge(update(signed, ask)).reason == "redraw_asked"


# ------------------------------------------------------------------ content kept in reserve


def hand_in_a_picture(writer):
    picture(writer)


def store_a_picture_as_certificate(writer):
    certificates = writer.root["/DSS"]["/Certs"]
    certificates.append(picture(writer))
    writer.update_container(certificates)


def data_and_a_page(writer):
    """Validation data, and a page that no tree holds yet."""
    certificates = writer.root["/DSS"]["/Certs"]
    certificate = generic.StreamObject(stream_data=pki().root.der)
    certificates.append(writer.add_object(certificate))
    writer.update_container(certificates)
    spare = generic.DictionaryObject({pdf_name("/Type"): pdf_name("/Page")})
    writer.add_object(spare)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (hand_in_a_picture, "reserve_added"),
        (data_and_a_page, "reserve_added"),
        (store_a_picture_as_certificate, "foreign_data"),
    ],
)
@pytest.mark.parametrize("signed_again", [False, True])
def test_content_kept_in_reserve_leaves_it_undecided(signed, change, reason, signed_again):
    forged = update(signed, change)
    if signed_again:
        forged = sign(forged, field="Hai", entity=pki().agency)
    validation = judge(forged)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.signatures[0].reason == reason
    assert validation.signatures[0].integrity


def test_an_object_without_use_that_draws_nothing_is_harmless(signed):
    """Some signing programs leave such things behind."""

    def leave_behind(writer):
        writer.add_object(generic.ArrayObject([generic.NumberObject(1)]))

    assert judge(update(signed, leave_behind)).verdict is Verdict.VALID


def test_a_new_title_is_told(signed):
    """What describes a file is no part of its pages; who reads the verdict may know of it."""

    def rename(writer):
        title = {pdf_name("/Title"): generic.pdf_string("Tên khác")}
        writer.set_info(generic.DictionaryObject(title))

    (signature,) = judge(update(signed, rename)).signatures
    assert signature.verdict is Verdict.VALID
    assert any("mô tả" in told for told in signature.changes_after_signing)


# ------------------------------------------------------------------ bytes that nothing covers


def test_bytes_behind_the_signature_value_are_not_overlooked():
    """The room for the signature is not signed: it may hold the value and zeros."""
    pdf = sign(make_pdf(), store=True)
    smuggled = with_cms(pdf, cms_of(pdf).dump() + b"\xde\xad\xbe\xef" * 20)
    validation = judge(smuggled)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.signatures[0].reason == "padding_used"
    assert validation.signatures[0].integrity


@pytest.mark.parametrize("body", [OTHER_TEXT, b""])
def test_an_end_that_leads_back_to_an_older_table_is_refused(body):
    """Objects appended after the last update, and a pointer past them."""
    pdf = sign(make_pdf(), store=True)
    table = int(pdf.rsplit(b"startxref", 1)[1].split()[0])
    validation = judge(pdf + body + b"startxref\n%d\n%%%%EOF\n" % table)
    assert validation.verdict is Verdict.INVALID
    assert validation.signatures[0].reason == "loose_end"


def test_a_table_that_leaves_out_the_signed_revision_is_refused():
    pdf = sign(make_pdf(), store=True)
    unsigned_table = int(make_pdf().rsplit(b"startxref", 1)[1].split()[0])
    rows = b"4 1\n%010d 00000 n \n" % len(pdf)
    trailer = b"trailer\n<< /Size 30 /Root 1 0 R /Prev %d >>\n" % unsigned_table
    at = len(pdf) + len(OTHER_TEXT)
    table = b"xref\n0 1\n0000000000 65535 f \n" + rows + trailer
    validation = judge(pdf + OTHER_TEXT + table + b"startxref\n%d\n%%%%EOF\n" % at)
    assert validation.verdict is Verdict.INVALID
    assert validation.reason == "signature_removed"


@pytest.mark.parametrize("previous", [b"%d" % 10**9, b"-5", b"0", b"itself"])
def test_tables_that_lead_nowhere_are_answered(previous):
    pdf = sign(make_pdf(), store=True)
    at = len(pdf) + len(OTHER_TEXT)
    previous = b"%d" % at if previous == b"itself" else previous
    table = b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size 30 /Root 1 0 R /Prev %s >>\n" % (
        len(pdf),
        previous,
    )
    validation = judge(pdf + OTHER_TEXT + table + b"startxref\n%d\n%%%%EOF\n" % at)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.reason == "unreadable"
    assert any("vết chữ ký" in message for message in validation.messages)


@pytest.mark.parametrize(
    "spans", [b"[]", b"[0]", b"[0 0 0 0]", b"[null]", b"null", b"[0 9999999999]", b"[0 -1 9 9]",
              b"[0 0 0 1e9]", b"[(0) 1 2 3]", b"[99 0 R]"],
)  # fmt: skip
def test_universal_forgery_odd_byte_ranges_are_refused(spans):
    pdf = sign(make_pdf())
    place = re.search(rb"/ByteRange \[[\d ]+\]", pdf)
    forged = b"/ByteRange " + spans
    validation = judge(pdf.replace(place[0], forged.ljust(len(place[0]))))
    assert validation.verdict is Verdict.INVALID
    assert validation.reason in {"odd_byte_range", "resaved"}


@pytest.mark.parametrize("value", [b"null", b"<>", b"()", b"0", b"99 0 R"])
def test_universal_forgery_a_signature_without_a_value_is_refused(value):
    pdf = sign(make_pdf())
    place = re.search(rb"/Contents <[0-9a-fA-F]+>", pdf)
    forged = (b"/Contents " + value).ljust(place.end() - place.start())
    validation = judge(pdf[: place.start()] + forged + pdf[place.end() :])
    assert validation.verdict is Verdict.INVALID


@pytest.mark.parametrize("value", [b"\x00" * 100, b"\x05\x00", b"\x30\x00"])
def test_universal_forgery_an_empty_message_is_refused(value):
    pdf = sign(make_pdf())
    assert judge(with_cms(pdf, value)).signatures[0].reason == "broken_cms"
