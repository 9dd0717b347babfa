"""Known ways to make a signed file say something else; none of them may be called valid."""

from __future__ import annotations

import io
import re

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.stamp import TextStampStyle

from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.validation.signing_kit import NOW, grown, make_pdf, pki, sign, update

ROOTS = (pki().root.der,)
HIDDEN = """{label} 0 obj
<< /Length 48 >>
stream
BT  /F1 24 Tf  72 700 Td (Quyet dinh so 9) Tj ET
endstream
endobj"""
COVERED = {
    "catalog": "/OCProperties << /OCGs [7 0 R] /D << /ON [7 0 R] /OFF [] /Order [7 0 R] >> >>",
    "page": "/Annots [6 0 R]",
    "extra": "6 0 obj\n<< /Type /Annot /Subtype /Square /Rect [60 690 400 730] /IC [1 1 1] "
    "/C [1 1 1] /F 4 /AP << /N 8 0 R >> /OC 7 0 R >>\nendobj\n%%next\n"
    "7 0 obj\n<< /Type /OCG /Name (Che) >>\nendobj\n%%next\n"
    "8 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 340 40] /Length 26 >>\nstream\n"
    "1 1 1 rg 0 0 340 40 re f  \nendstream\nendobj",
}
FORM = {
    "catalog": "/AcroForm << /Fields [6 0 R] /DA (/Helv 18 Tf 0 g) "
    "/DR << /Font << /Helv 5 0 R >> >> >>",
    "page": "/Annots [6 0 R]",
    "extra": "6 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Tx /T (SoTien) /V (100) /F 4 "
    "/Rect [72 600 300 640] /P 3 0 R >>\nendobj",
}


def judge(pdf, **options):
    return validate_pdf(pdf, ROOTS, NOW, **options)


def first(validation):
    return validation.signatures[0]


def page_of(writer):
    return writer.root["/Pages"]["/Kids"][0]


def refused(pdf):
    validation = judge(pdf)
    assert validation.verdict is Verdict.INVALID, validation.summary
    assert not first(validation).integrity
    return validation


def fill_in(writer):
    """Give the field another value, as a form filler does."""
    field = writer.root["/AcroForm"]["/Fields"][0]
    field[pdf_name("/V")] = generic.pdf_string("999000000")
    writer.update_container(field)


# ------------------------------------------------------------------ shadow attacks


def test_hide_a_cover_taken_away_after_signing_is_refused():
    def uncover(writer):
        page = page_of(writer)
        del page["/Annots"]
        writer.update_container(page)

    refused(update(sign(make_pdf(**COVERED), store=True), uncover))


def test_hide_a_cover_made_invisible_after_signing_is_refused():
    def make_invisible(writer):
        note = page_of(writer)["/Annots"][0]
        note[pdf_name("/F")] = generic.NumberObject(2)
        writer.update_container(note)

    refused(update(sign(make_pdf(**COVERED), store=True), make_invisible))


def test_hide_a_layer_switched_off_after_signing_is_refused():
    def switch_off(writer):
        settings = writer.root["/OCProperties"]["/D"]
        layer = generic.ArrayObject([writer.root["/OCProperties"]["/OCGs"].raw_get(0)])
        settings[pdf_name("/OFF")], settings[pdf_name("/ON")] = layer, generic.ArrayObject()
        writer.update_root()

    refused(update(sign(make_pdf(**COVERED), store=True), switch_off))


@pytest.mark.parametrize("label", [4, 6])
def test_hide_and_replace_prepared_content_put_in_place_is_refused(label):
    """The second text was signed along, unused; a later table makes it the page's content."""
    signed = sign(make_pdf(extra=HIDDEN.format(label=label)), store=True)
    hidden_at = signed.rindex(b"%d 0 obj\n<< /Length 48" % label)
    refused(_retable(signed, b"4 1\n%010d 00000 n \n" % hidden_at))


def test_replace_a_redefined_font_is_refused():
    def other_glyphs(writer):
        font = page_of(writer)["/Resources"]["/Font"]["/F1"]
        font[pdf_name("/Encoding")] = generic.DictionaryObject(
            {
                pdf_name("/Differences"): generic.ArrayObject(
                    [generic.NumberObject(53), pdf_name("/nine")]
                )
            }
        )
        writer.update_container(font)

    refused(update(sign(make_pdf(), store=True), other_glyphs))


def test_replace_a_field_whose_picture_changes_with_its_value_is_named():
    def overwrite(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        picture = generic.StreamObject(
            dict_data={
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 228, 40))),
                pdf_name("/Resources"): writer.root["/AcroForm"]["/DR"],
            },
            stream_data=b"0 0 0 rg BT /Helv 30 Tf 2 8 Td (999) Tj ET",
        )
        field[pdf_name("/V")] = generic.pdf_string("999")
        field[pdf_name("/AP")] = generic.DictionaryObject(
            {pdf_name("/N"): writer.add_object(picture)}
        )
        writer.update_container(field)

    signed = sign(make_pdf(**FORM), store=True)
    validation = judge(update(signed, overwrite))
    assert validation.verdict is Verdict.INDETERMINATE
    assert first(validation).reason == "form_changed"
    assert "SoTien" in validation.summary
    listed = judge(update(signed, overwrite), allowed_fields=frozenset({"SoTien"}))
    assert listed.verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("/DA", lambda w: generic.pdf_string("/Helv 18 Tf 1 1 1 rg")),
        ("/Q", lambda w: generic.NumberObject(2)),
    ],
)
def test_replace_a_form_wide_default_that_repaints_a_field_is_seen_on_the_page(key, value):
    """pyHanko lets the form's defaults change; what people see then is another number, or none."""

    def repaint(writer):
        form = writer.root["/AcroForm"]
        form[pdf_name(key)] = value(writer)
        writer.update_root()

    signed = sign(make_pdf(**FORM), store=True)
    validation = refused(update(signed, repaint))
    assert first(validation).reason == "picture_changed"
    assert "trang 1" in validation.summary


def _cover(content):
    """A stamp of 120 x 40 points that draws this and nothing else."""
    drawn = RawContent(content, box=BoxConstraints(120, 40))
    return TextStampStyle(stamp_text="", border_width=0, background=drawn, background_opacity=1.0)


@pytest.mark.parametrize("turn", [0, 90])
def test_a_sneaky_signature_that_paints_over_the_text_is_not_harmless(turn):
    """A small white stamp of somebody trusted, where the number of the decision stood."""
    signed = sign(make_pdf(page=f"/Rotate {turn}"), store=True)
    white = _cover(b"1 1 1 rg 0 0 120 40 re f")
    box = (150, 690, 270, 730)
    covered = sign(signed, field="Che", entity=pki().agency, box=box, style=white, store=True)
    validation = judge(covered)
    assert validation.verdict is Verdict.INDETERMINATE
    assert first(validation).reason == "text_covered"
    assert "trang 1" in validation.summary
    assert first(validation).integrity
    covered = [told for told in first(validation).changes_after_signing if "che mất" in told]
    assert "dinh so 5" in covered[0]


@pytest.mark.parametrize(
    ("content", "box"),
    [
        (b"0.8 0 0 RG 4 w 60 20 m 100 20 l S 2 2 116 36 re S", (150, 690, 270, 730)),
        (b"1 1 1 rg 0 0 120 40 re f", (240, 590, 360, 630)),
    ],
    ids=["a seal over text", "a white stamp over nothing"],
)
def test_a_stamp_that_takes_nothing_away_is_harmless(content, box):
    pdf = sign(make_pdf(), store=True)
    pdf = sign(pdf, field="Dau", entity=pki().agency, box=box, style=_cover(content), store=True)
    assert judge(pdf).verdict is Verdict.VALID


def test_a_number_over_a_dotted_line_is_harmless():
    pdf = sign(make_pdf("So: ............................./QD-UBND"), store=True)
    white = _cover(b"1 1 1 rg 0 0 120 40 re f")
    pdf = sign(pdf, field="So", entity=pki().agency, box=(120, 692, 240, 732), style=white,
               store=True)  # fmt: skip
    assert judge(pdf).verdict is Verdict.VALID


# ------------------------------------------------------------------ pages, saving, ranges


def test_a_removed_page_is_refused():
    def drop_last(writer):
        tree = writer.root["/Pages"]
        tree[pdf_name("/Kids")] = generic.ArrayObject([tree["/Kids"].raw_get(0)])
        tree[pdf_name("/Count")] = generic.NumberObject(1)
        writer.update_container(tree)

    refused(update(sign(_two_pages(), store=True), drop_last))


@pytest.mark.parametrize("trailer", [b"", b"trailer\n<< >>\n", b"startxref\n9\n%%EOF\n"])
def test_incremental_saving_without_a_proper_table_is_not_valid(trailer):
    body = b"4 0 obj\n<< /Length 48 >>\nstream\nBT /F1 24 Tf 72 700 Td (Quyet dinh so 9) Tj ET  \n"
    signed = sign(make_pdf(), store=True)
    validation = judge(signed + body + b"endstream\nendobj\n" + trailer)
    assert validation.verdict is not Verdict.VALID


def test_incremental_saving_with_a_copied_signature_is_refused():
    """The update carries the signature dictionary along, so that it seems to be newly signed."""
    signed = sign(make_pdf(), store=True)
    place = signed.index(b"/ByteRange")
    start = signed.rindex(b" 0 obj", 0, place)
    number = int(signed[signed.rindex(b"\n", 0, start) + 1 : start])
    copy = signed[signed.rindex(b"\n", 0, start) + 1 : signed.index(b"endobj", place) + 7]
    text = b"4 0 obj\n<< /Length 48 >>\nstream\nBT /F1 24 Tf 72 700 Td (Quyet dinh so 9) Tj ET  \n"
    text += b"endstream\nendobj\n"
    at = len(signed)
    rows = b"4 1\n%010d 00000 n \n%d 1\n%010d 00000 n \n" % (at, number, at + len(text))
    refused(_retable(signed + text + copy, rows, before=signed))


def test_a_wrapped_signature_with_room_for_other_objects_is_refused():
    """The signed bytes are all there, but apart: between them a forger's objects and table."""
    signed = sign(make_pdf())
    numbers = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", signed)
    _, first_length, start, second_length = map(int, numbers.groups())
    table_at = int(signed.rsplit(b"startxref", 1)[1].split()[0])  # where a reader will look
    shift = len(signed)
    closing = b"/ByteRange [0 %d %d %d] /Type /Sig /Filter /Adobe.PPKLite " % (
        first_length,
        start + shift,
        second_length,
    )
    closing += b"/SubFilter /ETSI.CAdES.detached >>\nendobj\n"
    evil = b"4 0 obj\n<< /Length 9 >>\nstream\nBT ET    \nendstream\nendobj\n"
    places = {int(m[1]): m.start() for m in re.finditer(rb"(?m)^(\d+) 0 obj", signed)}
    places = {n: at if at < first_length else at + shift for n, at in places.items()}
    places[4] = start + len(closing)
    rows = b"".join(b"%d 1\n%010d 00000 n \n" % (n, places[n]) for n in sorted(places))
    table = b"xref\n0 1\n0000000000 65535 f \n%strailer\n<< /Size 11 /Root 1 0 R >>\n" % rows
    gap = ((closing + evil).ljust(table_at - start) + table).ljust(shift)
    validation = judge(signed[:start] + gap + signed[start:])
    assert validation.verdict is Verdict.INVALID
    assert first(validation).reason == "odd_byte_range"


@pytest.mark.parametrize(
    "spans",
    [
        lambda a, b, c: (0, a, a - 10, c),  # the second span reaches into the first
        lambda a, b, c: (0, a + 20, b, c),  # the first span reaches into the signature
        lambda a, b, c: (0, a, b + 5, c - 5),  # a gap in the signed bytes
        lambda a, b, c: (0, 0, 0, a + b + c),
        lambda a, b, c: (10, a - 10, b, c),
    ],
)
def test_byte_ranges_that_overlap_or_leave_gaps_are_refused(spans):
    signed = sign(make_pdf())
    numbers = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", signed)
    _, a, b, c = map(int, numbers.groups())
    forged = b"/ByteRange [%d %d %d %d]" % spans(a, b, c)
    refused(signed.replace(numbers.group(), forged.ljust(len(numbers.group()))))


@pytest.mark.parametrize("key", [b"/ByteRange", b"/Contents"])
def test_universal_forgery_a_signature_without_its_parts_is_refused(key):
    signed = sign(make_pdf())
    place = signed.rindex(key)
    refused(signed[:place] + key[:-1] + b"X" + signed[place + len(key) :])


# ------------------------------------------------------------------ time-stamps


def _archive_contents(pdf):
    """Where the last /Contents stands: the archive time-stamp's hexadecimal digits."""
    start = pdf.rindex(b"/Contents <") + len(b"/Contents <")
    return start, pdf.index(b">", start)


def test_an_archive_timestamp_copied_from_another_file_is_refused():
    mine, theirs = sign(make_pdf(), archive=True), sign(make_pdf("Khac"), archive=True)
    (start, end), (other, stop) = _archive_contents(mine), _archive_contents(theirs)
    digits = theirs[other:stop].rstrip(b"0")
    copied = mine[:start] + digits.ljust(end - start, b"0") + mine[end:]
    validation = judge(copied)
    assert validation.verdict is Verdict.INVALID
    assert validation.signatures[-1].reason == "hash_mismatch"
    assert validation.signatures[-1].proven_time is None


def test_an_archive_timestamp_by_somebody_elses_server_proves_no_time():
    from tests.signing.validation.signing_kit import Pki  # noqa: PLC0415 - keys are slow to make

    other = Pki("Gốc khác")
    pdf = sign(make_pdf(), store=True)
    spoofed = sign(pdf, field="Hai", authority=other, archive=True)
    validation = validate_pdf(spoofed, ROOTS, NOW)
    assert validation.verdict is not Verdict.VALID
    assert validation.signatures[-1].trust == "untrusted"
    assert validation.signatures[-1].time_status == "unproven"


def test_a_signature_whose_value_is_another_message_is_refused():
    """The CMS of one file put into another: whole in itself, about other bytes."""
    mine, theirs = sign(make_pdf()), sign(make_pdf("Khac"))
    (start, end), (other, stop) = _archive_contents(mine), _archive_contents(theirs)
    digits = theirs[other:stop].rstrip(b"0").ljust(end - start, b"0")
    assert first(judge(mine[:start] + digits + mine[end:])).reason == "hash_mismatch"


# ------------------------------------------------------------------ kit


def _two_pages():
    second = "6 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>\nendobj"
    return grown(make_pdf(extra=second), kids="3 0 R 6 0 R", count=2)


def _retable(pdf, rows, before=None):
    """Append a classic table with these rows, as an incremental update."""
    source = before or pdf
    reader = PdfFileReader(io.BytesIO(source))
    size, root = int(reader.trailer_view["/Size"]), reader.trailer_view.raw_get("/Root").idnum
    previous = int(source.rsplit(b"startxref", 1)[1].split()[0])
    return pdf + (
        b"xref\n0 1\n0000000000 65535 f \n%strailer\n<< /Size %d /Root %d 0 R /Prev %d >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (rows, size, root, previous, len(pdf))
    )


def test_two_fields_of_one_name_are_two_signatures():
    """A broken signature cannot borrow the good one that bears its name."""
    pdf = sign(sign(make_pdf(), store=True), field="ChuKy2", store=True)
    digits = pdf.index(b"/Contents <") + len(b"/Contents <") + 400
    broken = pdf[:digits] + b"0" * 200 + pdf[digits + 200 :]
    renamed = broken.replace(b"/T (ChuKy2)", b"/T (ChuKy1)")
    validation = judge(renamed)
    assert [s.field_name for s in validation.signatures] == ["ChuKy1", "ChuKy1"]
    assert not any(s.verdict is Verdict.VALID for s in validation.signatures)
