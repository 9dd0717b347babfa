"""Fields that a template lists may be filled in; what they show must then be what they hold."""

from __future__ import annotations

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    append_signature_field,
)

from signing.contract import Verdict
from signing.inspection import inspect_pdf
from signing.reading import shown_fields
from signing.validation import validate_pdf
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign, update

ROOTS = (pki().root.der,)
EVERY = frozenset({"*"})
_DRAWN = "/Type /XObject /Subtype /Form /BBox [0 0 228 40] /Resources << /Font << /Helv 5 0 R >> >>"
FORM = {
    "catalog": "/AcroForm << /Fields [6 0 R 8 0 R] /DA (/Helv 18 Tf 0 g) "
    "/DR << /Font << /Helv 5 0 R >> >> >>",
    "page": "/Annots [6 0 R 8 0 R]",
    "extra": "6 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Tx /T (SoTien) /V (100) /F 4 "
    "/Rect [72 600 300 640] /P 3 0 R /AP << /N 7 0 R >> >>\nendobj%%next\n"
    f"7 0 obj\n<< {_DRAWN} /Length 33 >>\nstream\nBT /Helv 18 Tf 2 8 Td (100) Tj ET\nendstream\n"
    "endobj%%next\n"
    "8 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Btn /T (DongY) /V /Off /AS /Off /F 4 "
    "/Rect [72 500 90 518] /P 3 0 R /AP << /N << /Co 9 0 R /Off 9 0 R >> >> >>\nendobj%%next\n"
    "9 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 18 18] /Length 14 >>\nstream\n"
    "0 0 18 18 re S\nendstream\nendobj",
}


def judge(pdf):
    return validate_pdf(pdf, ROOTS, NOW, allowed_fields=EVERY)


@pytest.fixture(scope="module")
def signed():
    return sign(make_pdf(**FORM), store=True)


def drawn(writer, text):
    fonts = writer.root["/AcroForm"]["/DR"]["/Font"]
    font = generic.DictionaryObject({pdf_name("/Helv"): fonts.raw_get("/Helv")})
    values = {
        "/Type": pdf_name("/XObject"),
        "/Subtype": pdf_name("/Form"),
        "/BBox": generic.ArrayObject(map(generic.NumberObject, (0, 0, 228, 40))),
        "/Resources": generic.DictionaryObject({pdf_name("/Font"): font}),
    }
    content = b"BT /Helv 18 Tf 2 8 Td (%s) Tj ET" % text.encode()
    picture = generic.StreamObject(
        {pdf_name(key): value for key, value in values.items()}, stream_data=content
    )
    return generic.DictionaryObject({pdf_name("/N"): writer.add_object(picture)})


def filled(value, shown, *, flags=4):
    """Fill in the amount: what the form holds, and what people see."""

    def fill(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        if value is None:
            del field["/V"]
        else:
            field[pdf_name("/V")] = generic.pdf_string(value)
        if shown is not None:
            field[pdf_name("/AP")] = drawn(writer, shown)
        field[pdf_name("/F")] = generic.NumberObject(flags)
        writer.update_container(field)

    return fill


def ticked(**entries):
    def tick(writer):
        box = writer.root["/AcroForm"]["/Fields"][1]
        for key, name in entries.items():
            box[pdf_name(f"/{key}")] = pdf_name(name)
        writer.update_container(box)

    return tick


@pytest.mark.parametrize(
    ("value", "shown"),
    [("250", "250"), ("1000000", "1.000.000 d"), ("Mot tram", "Mot tram"), (None, "")],
)
def test_a_listed_field_that_shows_what_it_holds_is_filled_in(signed, value, shown):
    validation = judge(update(signed, filled(value, shown)))
    assert validation.verdict is Verdict.VALID, validation.summary


@pytest.mark.parametrize(
    ("value", "shown"),
    [("100", "999"), ("999", None), ("100", "1000"), ("100", "1.000"), ("100", "100,5"),
     ("Mot tram", "Mot tram nghin"), ("250", ""), (None, "999")],
)  # fmt: skip
def test_a_listed_field_that_shows_something_else_is_not_harmless(signed, value, shown):
    validation = judge(update(signed, filled(value, shown)))
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.reason == "field_mismatch"
    assert "SoTien" in validation.summary
    assert validation.signatures[0].integrity


def test_a_listed_field_that_is_hidden_is_not_filled_in(signed):
    assert judge(update(signed, filled("250", "250", flags=2))).reason == "field_mismatch"


def test_a_box_that_is_ticked_in_one_place_only_is_not_harmless(signed):
    assert judge(update(signed, ticked(V="/Co", AS="/Co"))).verdict is Verdict.VALID
    for half in ({"V": "/Co"}, {"AS": "/Co"}):
        validation = judge(update(signed, ticked(**half)))
        assert (validation.reason, "DongY" in validation.summary) == ("field_mismatch", True)


def test_an_inspection_sees_a_field_that_shows_a_part_of_a_larger_number():
    pdf = update(make_pdf(**FORM), filled("100", "1000"))
    assert "field_value_mismatch" in {finding.code for finding in inspect_pdf(pdf).findings}
    whole = {finding.code for finding in inspect_pdf(make_pdf(**FORM)).findings}
    assert "field_value_mismatch" not in whole


@pytest.mark.parametrize(("key", "value"), [("/Ff", 1), ("/F", 2)])
@pytest.mark.parametrize("again", [False, True])
def test_flags_of_a_field_that_nobody_listed_are_a_change(signed, key, value, again):
    def mark(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        field[pdf_name(key)] = generic.NumberObject(value)
        writer.update_container(field)

    changed = update(signed, mark)
    if again:
        changed = sign(changed, field="Hai", entity=pki().agency, store=True)
    validation = validate_pdf(changed, ROOTS, NOW)
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "form_changed")
    assert "SoTien" in validation.summary


# ------------------------------------------------------------------ locks


def locking(names, action=FieldMDPAction.INCLUDE):
    spec = SigFieldSpec("ChuKy1", field_mdp_spec=FieldMDPSpec(action, names))
    return update(make_pdf(**FORM), lambda writer: append_signature_field(writer, spec))


@pytest.fixture(scope="module")
def locked():
    """Signed into a field that locks the amount (ISO 32000-2, 12.8.2.4)."""
    return sign(locking(["SoTien"]), store=True)


def test_a_further_signature_after_a_lock_is_no_change_of_the_locked_field(locked):
    """The library took every field with a picture for changed."""
    validation = judge(sign(locked, field="Hai", entity=pki().agency, store=True))
    assert validation.verdict is Verdict.VALID, validation.summary


def test_a_field_outside_a_lock_may_be_filled_in(locked):
    assert judge(update(locked, ticked(V="/Co", AS="/Co"))).verdict is Verdict.VALID


@pytest.mark.parametrize("signed_again", [False, True])
def test_a_locked_field_may_not_be_filled_in_although_it_is_listed(locked, signed_again):
    changed = update(locked, filled("250", "250"))
    if signed_again:
        changed = sign(changed, field="Hai", entity=pki().agency, store=True)
    validation = judge(changed)
    assert (validation.verdict, validation.reason) == (Verdict.INVALID, "modified")


def test_a_certification_that_forbids_changes_forbids_listed_fields_too():
    closed = sign(make_pdf(**FORM), certify=MDPPerm.NO_CHANGES, store=True)
    assert judge(update(closed, filled("250", "250"))).reason == "docmdp_violated"


@pytest.mark.parametrize("limit", [{"_SECONDS": -1.0}, {"_MAX_FIELDS": 0}], ids=["time", "number"])
def test_what_there_was_no_time_to_look_at_is_not_called_right(signed, monkeypatch, limit):
    """A lie behind what a slow page, or hundreds of fields, leave no room for is no valid file."""
    lie = update(signed, filled("1000000", "100"))
    for name, value in limit.items():
        monkeypatch.setattr(shown_fields, name, value)
    verdict = judge(lie)
    assert (verdict.verdict, verdict.reason) == (Verdict.INDETERMINATE, "field_mismatch")
