"""What may follow a signature, and what may not."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field

from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.validation.filled_forms import EMPTY_FIELD, fill_in_with_picture
from tests.signing.validation.signing_kit import (
    CLERKS_BOXES,
    NOW,
    Pki,
    make_pdf,
    pki,
    replace_text,
    sign,
    update,
)

ROOTS = (pki().root.der,)
FORM = {
    "catalog": "/AcroForm << /Fields [6 0 R] /DA (/Helv 0 Tf 0 g) >>",
    "page": "/Annots [6 0 R]",
    "extra": "6 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Tx /T (SoTien) /V (100) "
    "/Rect [72 600 200 620] /P 3 0 R >>\nendobj",
}


def judge(pdf, **options):
    return validate_pdf(pdf, ROOTS, NOW, **options)


@pytest.fixture(scope="module")
def signed():
    return sign(make_pdf(), store=True)


def first(validation):
    return validation.signatures[0]


def test_replaced_text_is_refused(signed):
    validation = judge(update(signed, replace_text))
    assert validation.verdict is Verdict.INVALID
    assert not first(validation).integrity
    assert first(validation).sub_indication == "FORMAT_FAILURE"
    assert "đã bị thay đổi" in validation.summary


def test_replaced_text_under_a_later_signature_is_refused_all_the_same(signed):
    forged = sign(update(signed, replace_text), field="Sau", entity=pki().agency, store=True)
    validation = judge(forged)
    assert validation.verdict is Verdict.INVALID
    assert [s.integrity for s in validation.signatures] == [False, True]


def test_an_added_page_is_refused(signed):
    def add_page(writer):
        box = generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 595, 842))
        page = {pdf_name("/Type"): pdf_name("/Page"), pdf_name("/MediaBox"): box}
        writer.insert_page(generic.DictionaryObject(page))

    assert judge(update(signed, add_page)).verdict is Verdict.INVALID


def test_an_added_annotation_is_refused(signed):
    def add_note(writer):
        page = writer.root["/Pages"]["/Kids"][0]
        rect = generic.ArrayObject(generic.NumberObject(n) for n in (72, 690, 400, 730))
        note = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/FreeText"),
                pdf_name("/Rect"): rect,
                pdf_name("/Contents"): generic.pdf_string("Quyet dinh so 9"),
            }
        )
        page[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
        writer.update_container(page)

    assert judge(update(signed, add_note)).verdict is Verdict.INVALID


def test_bytes_after_the_end_are_refused(signed):
    assert judge(signed + b"\n% anything\n").verdict is not Verdict.VALID


def test_officials_order_of_signing_is_accepted_and_told():
    """A certifying first signature that allows filling in, then further visible signatures."""
    pdf = sign(
        make_pdf(), field="KyNhay", certify=MDPPerm.FILL_FORMS, box=(400, 400, 430, 425), store=True
    )
    pdf = sign(pdf, field="LanhDao", box=(300, 200, 460, 270), store=True)
    for name, box in CLERKS_BOXES.items():
        pdf = sign(pdf, field=name, entity=pki().agency, box=box, store=True)
    validation = judge(pdf)
    assert validation.verdict is Verdict.VALID, validation.summary
    assert len(validation.signatures) == 6
    told = first(validation).changes_after_signing
    fields = ", ".join(CLERKS_BOXES)
    expected = f"thêm 4 chữ ký của Uỷ ban nhân dân phường Thuận Hoá (các ô {fields})."
    assert f"Sau đó: {expected}" in told
    assert "Sau đó: thêm chữ ký của Nguyễn Văn Ổn (ô LanhDao)." in told
    assert first(validation).signer == "Nguyễn Văn Ổn"


def test_a_certifying_signature_that_forbids_changes_is_violated_by_a_visible_signature():
    pdf = sign(make_pdf(), certify=MDPPerm.NO_CHANGES, store=True)

    def add_field(writer):
        append_signature_field(writer, SigFieldSpec("Moi", box=(10, 10, 60, 60), on_page=0))

    assert judge(update(pdf, add_field)).verdict is Verdict.INVALID


def test_freed_objects_that_nothing_used_are_accepted_and_told():
    orphan = "6 0 obj\n<< /Khong (dung) >>\nendobj"
    signed = sign(make_pdf(extra=orphan), store=True)
    freed = _append_free_entry(signed, 6)
    validation = judge(freed)
    assert validation.verdict is Verdict.VALID, validation.signatures[0].messages
    assert "Sau đó: giải phóng đối tượng không dùng đến." in first(validation).changes_after_signing


def test_freeing_the_page_content_is_never_valid(signed):
    assert judge(_append_free_entry(signed, 4)).verdict is not Verdict.VALID


def _append_free_entry(pdf, number):
    previous = int(pdf.rsplit(b"startxref", 1)[1].split()[0])
    reader = PdfFileReader(io.BytesIO(pdf))
    size = int(reader.trailer_view["/Size"])
    root = reader.trailer_view.raw_get("/Root")
    start = len(pdf) + 1
    table = f"xref\n0 1\n{number:010d} 65535 f \n{number} 1\n0000000000 00001 f \n"
    trailer = f"trailer\n<< /Size {size} /Root {root.idnum} 0 R /Prev {previous} >>\n"
    return pdf + f"\n{table}{trailer}startxref\n{start}\n%%EOF\n".encode()


def _fill_in(writer):
    field = writer.root["/AcroForm"]["/Fields"][0]
    field[pdf_name("/V")] = generic.pdf_string("999000000")
    writer.update_container(field)


def test_a_filled_field_that_nobody_listed_leaves_the_signature_undecided():
    validation = judge(update(sign(make_pdf(**FORM), store=True), _fill_in))
    assert validation.verdict is Verdict.INDETERMINATE
    assert "SoTien" in validation.summary
    assert first(validation).integrity


def test_a_filled_field_that_the_template_lists_is_accepted_and_told():
    pdf = update(sign(make_pdf(**FORM), store=True), _fill_in)
    validation = judge(pdf, allowed_fields=frozenset({"SoTien"}))
    assert validation.verdict is Verdict.VALID
    assert "Sau đó: điền trường biểu mẫu SoTien." in first(validation).changes_after_signing


def test_a_later_stamp_over_the_whole_page_is_not_harmless(signed):
    pdf = sign(signed, field="Che", box=(0, 0, 595, 842), entity=pki().agency, store=True)
    validation = judge(pdf)
    assert validation.verdict is Verdict.INDETERMINATE
    assert "che phần lớn trang giấy" in validation.summary


def test_a_drawn_signature_field_without_a_signature_is_not_harmless(signed):
    def add_drawn_field(writer):
        append_signature_field(
            writer,
            SigFieldSpec("Gia", box=(72, 690, 300, 730), on_page=0, empty_field_appearance=True),
        )

    validation = judge(update(signed, add_drawn_field))
    assert validation.verdict is not Verdict.VALID


def test_a_resaved_file_is_told_apart_from_an_unsigned_one(signed):
    """Written anew: the signature dictionary survives, its byte range means other bytes."""
    out = io.BytesIO()
    copy_into_new_writer(PdfFileReader(io.BytesIO(signed))).write(out)
    validation = judge(out.getvalue())
    assert validation.verdict is Verdict.INVALID
    assert "lưu lại sau khi ký" in validation.summary
    assert "tệp gốc" in validation.summary


def test_a_signature_cut_loose_from_the_form_is_not_overlooked(signed):
    def drop_form(writer):
        del writer.root["/AcroForm"]
        writer.update_root()

    validation = judge(update(signed, drop_form))
    assert validation.verdict is Verdict.INVALID
    assert validation.messages


def test_a_later_request_to_redraw_the_form_is_not_harmless(signed):
    def ask(writer):
        form = writer.root["/AcroForm"]
        form[pdf_name("/NeedAppearances")] = generic.BooleanObject(True)
        writer.update_container(form)

    validation = judge(update(signed, ask))
    assert validation.verdict is Verdict.INDETERMINATE
    assert "NeedAppearances" in validation.summary


@pytest.mark.parametrize(
    ("key", "entry"), [("/BBox", (0, 0, 595, 842)), ("/Rect", (0, 0, 595, 842))]
)
def test_a_signatures_own_picture_may_not_be_changed_later(key, entry):
    def repaint(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        target = field if key == "/Rect" else field["/AP"]["/N"]
        target[pdf_name(key)] = generic.ArrayObject(generic.NumberObject(n) for n in entry)
        writer.update_container(target)

    drawn = sign(make_pdf(), box=(100, 100, 200, 150), store=True)
    assert judge(update(drawn, repaint)).verdict is Verdict.INVALID


def test_a_later_signature_of_a_stranger_keeps_the_file_from_being_valid(signed):
    from_nowhere = sign(signed, field="La", authority=Pki("Gốc lạ"), store=True)
    validation = judge(from_nowhere)
    assert validation.verdict is Verdict.INDETERMINATE
    assert [s.verdict for s in validation.signatures] == [Verdict.VALID, Verdict.INDETERMINATE]


def test_a_form_filled_in_before_signing_may_be_signed_by_several():
    """Whoever signs later touches the form, not the field that stands there filled in."""
    pdf = update(make_pdf(**EMPTY_FIELD), fill_in_with_picture)
    pdf = sign(pdf, field="Mot", store=True)
    pdf = sign(pdf, field="Hai", box=(300, 100, 360, 160), entity=pki().agency, store=True)
    validation = judge(pdf)
    assert validation.verdict is Verdict.VALID, validation.summary
    told = "".join(first(validation).changes_after_signing)
    assert "SoTien" not in told


def test_a_field_filled_in_between_is_told_to_the_first_signer_only():
    pdf = sign(make_pdf(**EMPTY_FIELD), field="Mot", store=True)
    pdf = sign(update(pdf, fill_in_with_picture), field="Hai", store=True)
    assert [s.reason for s in judge(pdf).signatures] == ["form_changed", "intact"]


def test_a_field_that_lay_in_reserve_when_it_was_signed_is_not_the_same_field():
    """Nothing new is written but who stands in the form and on the page."""
    reserve = "8 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Tx /T (SoTien) /V (900) /F 4 "
    reserve += "/Rect [72 600 300 640] /P 3 0 R >>\nendobj"
    form = EMPTY_FIELD | {"extra": EMPTY_FIELD["extra"] + "%%next\n" + reserve}
    signed = sign(update(make_pdf(**form), fill_in_with_picture), store=True)

    def exchange(writer):
        spare = generic.IndirectObject(8, 0, writer)
        page = writer.root["/Pages"]["/Kids"][0]
        for holder, key in ((page, "/Annots"), (writer.root["/AcroForm"], "/Fields")):
            kept = [holder[key].raw_get(place) for place in range(1, len(holder[key]))]
            holder[generic.pdf_name(key)] = generic.ArrayObject([spare, *kept])
        writer.update_container(page)
        writer.update_root()

    assert judge(update(signed, exchange)).verdict is not Verdict.VALID
    twice = sign(update(signed, exchange), field="Hai", store=True)
    assert judge(twice).signatures[0].verdict is not Verdict.VALID
