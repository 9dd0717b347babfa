"""A signature that the bytes still hold and that the newest revision no longer shows."""

from __future__ import annotations

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from signing.contract import Severity, Verdict
from signing.inspection import inspect_pdf
from signing.reading import removed_signatures
from signing.validation import validate_pdf
from tests.signing.validation.saved_when_signed import extend_rights
from tests.signing.validation.signing_kit import NOW, Pki, make_pdf, pki, sign, update

ROOTS = (pki().root.der,)
SIGNER, AGENCY = "Nguyễn Văn Ổn", "Uỷ ban nhân dân phường Thuận Hoá"
OTHER_TEXT = (
    b"4 0 obj\n<< /Length 48 >>\nstream\nBT /F1 24 Tf 72 700 Td (Quyet dinh so 9) Tj ET  \n"
    b"endstream\nendobj\n"
)


def judge(pdf):
    return validate_pdf(pdf, ROOTS, NOW)


def last_start(pdf):
    return int(pdf.rsplit(b"startxref", 1)[1].split()[0])


def skipping(signed, body=OTHER_TEXT):
    """An update whose /Prev leads past the signed revision, to the file as it was before."""
    at = len(signed) + len(body)
    rows = b"4 1\n%010d 00000 n \n" % len(signed) if body else b"0 1\n0000000000 65535 f \n"
    previous = last_start(make_pdf())
    trailer = b"trailer\n<< /Size 40 /Root 1 0 R /Prev %d >>\n" % previous
    return signed + body + b"xref\n" + rows + trailer + b"startxref\n%d\n%%%%EOF\n" % at


def emptied(signed):
    def empty(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        del field["/V"]
        writer.update_container(field)

    return update(signed, empty)


def nulled(signed):
    def null(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        field[pdf_name("/V")] = generic.NullObject()
        writer.update_container(field)

    return update(signed, null)


def left_out(signed):
    """Neither the form nor the page names the field any more."""

    def leave_out(writer):
        form, page = writer.root["/AcroForm"], writer.root["/Pages"]["/Kids"][0]
        form[pdf_name("/Fields")] = generic.ArrayObject()
        page[pdf_name("/Annots")] = generic.ArrayObject()
        writer.update_container(form)
        writer.update_container(page)

    return update(signed, leave_out)


REMOVALS = [skipping, lambda pdf: skipping(pdf, b""), emptied, nulled, left_out]
NAMES = ["other words", "skipped", "emptied", "nulled", "left out"]


@pytest.fixture(scope="module")
def signed():
    return sign(make_pdf(), store=True)


@pytest.mark.parametrize("remove", REMOVALS, ids=NAMES)
def test_a_signature_taken_away_before_somebody_else_signed_is_told(signed, remove):
    validation = judge(sign(remove(signed), field="Hai", entity=pki().agency, store=True))
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.reason == "signature_removed"
    assert SIGNER in validation.summary
    (left,) = validation.signatures
    assert (left.signer, left.verdict) == (AGENCY, Verdict.VALID)


def test_a_signature_replaced_in_its_own_field_is_told(signed):
    validation = judge(sign(emptied(signed), entity=pki().agency, store=True))
    assert [one.field_name for one in validation.signatures] == ["ChuKy1"]
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "signature_removed")


@pytest.mark.parametrize("remove", REMOVALS, ids=NAMES)
def test_a_file_whose_only_signature_was_taken_away_is_not_unsigned(signed, remove):
    validation = judge(remove(signed))
    assert (validation.verdict, validation.reason) == (Verdict.INVALID, "signature_removed")
    assert SIGNER in validation.summary


def test_one_of_two_signatures_taken_away_is_told(signed):
    """The second signer's stays, and is broken by it."""
    twice = sign(signed, field="Hai", entity=pki().agency, store=True)
    validation = judge(emptied(twice))
    assert validation.verdict is Verdict.INVALID
    assert any(SIGNER in message for message in validation.messages)


def test_who_took_the_own_signature_back_and_signed_again_is_told_and_valid(signed):
    validation = judge(sign(emptied(signed), field="Hai", store=True))
    assert validation.verdict is Verdict.VALID
    assert any(SIGNER in told and "ký lại" in told for told in validation.messages)


def test_another_person_of_the_same_name_did_not_sign_again(signed):
    namesake = pki().issue(SIGNER, unit="Phòng khác")
    validation = judge(sign(emptied(signed), field="Hai", entity=namesake, store=True))
    assert validation.reason == "signature_removed"


def test_an_archive_timestamp_taken_away_is_told():
    archived = sign(make_pdf(), archive=True)
    validation = judge(sign(skipping(archived), field="Hai", entity=pki().agency, store=True))
    assert validation.reason == "signature_removed"
    assert any("dấu thời gian" in told for told in validation.messages)


def test_a_foreign_signature_taken_away_is_told_whoever_it_was():
    """Nobody has to trust the one whose signature was taken."""
    foreign = Pki("Gốc khác")
    signed = sign(make_pdf(), authority=foreign)
    validation = judge(sign(emptied(signed), field="Hai", entity=pki().agency, store=True))
    assert validation.reason == "signature_removed"


# ------------------------------------------------------------------ what is no removed signature


def with_attachment(attached):
    """A file that carries another one in an uncompressed stream."""
    body = attached.decode("latin-1")
    extra = f"6 0 obj\n<< /Type /EmbeddedFile /Length {len(attached)} >>\nstream\n{body}\nendstream"
    names = "/Names << /EmbeddedFiles << /Names [(a.pdf) 7 0 R] >> >>"
    spec = "7 0 obj\n<< /Type /Filespec /F (a.pdf) /EF << /F 6 0 R >> >>\nendobj"
    return make_pdf(catalog=names, extra=f"{extra}\nendobj%%next\n{spec}")


def test_a_signed_file_attached_to_a_file_is_no_signature_of_it(signed):
    outer = with_attachment(signed)
    assert judge(outer).reason == "no_signature"
    assert judge(sign(outer, entity=pki().agency, store=True)).verdict is Verdict.VALID
    findings = {finding.code for finding in inspect_pdf(outer).findings}
    assert not findings & {"resaved_after_signing", "removed_signature"}


def test_a_signed_file_attached_is_none_whatever_later_updates_did(signed):
    """A revision that nothing leads to stands behind the attachment."""
    outer = update(with_attachment(signed), lambda writer: writer.update_root())
    assert judge(outer).reason == "no_signature"


def test_a_second_copy_of_a_shown_signature_is_harmless(signed):
    place = signed.index(b"/ByteRange")
    copy = signed[signed.rindex(b"obj", 0, place) : signed.index(b"endobj", place)]
    copy = b"60 0 " + copy + b"endobj\n"
    at = len(signed) + len(copy)
    table = b"xref\n60 1\n%010d 00000 n \ntrailer\n<< /Size 61 /Root 1 0 R /Prev %d >>\n" % (
        len(signed),
        last_start(signed),
    )
    validation = judge(signed + copy + table + b"startxref\n%d\n%%%%EOF\n" % at)
    assert validation.verdict is Verdict.VALID
    assert validation.messages == ()


def test_usage_rights_are_nobodys_signature():
    """A form that was enabled for filling in carries the enabler's value, in no field."""
    enabled = extend_rights()
    assert b"/UR3" in enabled
    assert judge(enabled).reason == "no_signature"
    assert judge(sign(enabled, store=True)).verdict is Verdict.VALID
    assert not inspect_pdf(enabled).blocked


def test_a_removed_signature_copied_as_usage_rights_is_still_removed(signed):
    """The copy stands outside the bytes that it claims to have signed."""

    def hide(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        value = generic.DictionaryObject(field["/V"])
        method = generic.DictionaryObject({pdf_name("/TransformMethod"): pdf_name("/UR3")})
        value[pdf_name("/Reference")] = generic.ArrayObject([method])
        rights = generic.DictionaryObject({pdf_name("/UR3"): writer.add_object(value)})
        writer.root[pdf_name("/Perms")] = rights
        del field["/V"]
        writer.update_container(field)
        writer.update_root()

    hidden = update(signed, hide)
    validation = judge(sign(hidden, field="Hai", entity=pki().agency, store=True))
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "signature_removed")


def test_the_remains_of_a_broken_signature_prove_nothing(signed):
    """A byte before its range was changed: it is no longer whole, and nobody's."""
    digit = signed.index(b"Quyet dinh so 5") + 14
    broken = signed[:digit] + b"7" + signed[digit + 1 :]
    validation = judge(sign(emptied(broken), field="Hai", entity=pki().agency, store=True))
    assert validation.verdict is Verdict.VALID


def test_a_flood_of_traces_is_not_looked_at_to_the_end_and_not_valid(signed, monkeypatch):
    """The shown signature is none of them."""
    once_more = sign(emptied(signed), field="Hai", entity=pki().agency, store=True)
    monkeypatch.setattr(removed_signatures, "_MAX_TRACES", 0)
    assert judge(signed).verdict is Verdict.VALID
    validation = judge(once_more)
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "removals_unknown")
    assert "removals_unknown" in {finding.code for finding in inspect_pdf(once_more).findings}


def test_traces_for_which_there_is_no_time_are_unknown(signed):
    once_more = sign(emptied(signed), field="Hai", entity=pki().agency, store=True)
    validation = validate_pdf(once_more, ROOTS, NOW, time_limit_s=0)
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "removals_unknown")


def test_many_byte_ranges_without_a_message_cost_nothing():
    """Ranges over digits that are no message at all are told apart before anything is hashed."""
    rows = "".join(f"%/ByteRange [0 {n} {n + 600} {n}]\n" for n in range(100, 4000))
    assert judge(sign(make_pdf(extra=rows), store=True)).verdict is Verdict.VALID


# ------------------------------------------------------------------ before signing


@pytest.mark.parametrize("remove", REMOVALS, ids=NAMES)
@pytest.mark.parametrize("again", [False, True])
def test_nobody_signs_over_a_signature_that_was_taken_away(signed, remove, again):
    pdf = remove(signed)
    if again:
        pdf = sign(pdf, field="Hai", entity=pki().agency)
    found = [one for one in inspect_pdf(pdf).findings if one.code == "removed_signature"]
    assert [one.severity for one in found] == [Severity.BLOCK]
    assert SIGNER in found[0].detail


def test_who_signed_again_after_taking_it_back_may_be_signed_after(signed):
    inspection = inspect_pdf(sign(emptied(signed), field="Hai"))
    assert not inspection.blocked
    assert "replaced_signature" in {finding.code for finding in inspection.findings}
