"""What citizens and lawyers read about ordinary and unlucky files: true, fair, understandable."""

from __future__ import annotations

import io
from datetime import timedelta

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.sign.signers.pdf_cms import SimpleSigner

from signing.clock import VIETNAM
from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.validation import signing_kit
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign, update
from tests.signing.validation.test_hostile_input import cms_of

ROOTS = (pki().root.der,)


def judge(pdf, now=NOW):
    return validate_pdf(pdf, ROOTS, now)


def in_vietnam(moment):
    return moment.astimezone(VIETNAM).strftime("%H:%M:%S ngày %d/%m/%Y")


def said(validation):
    return "\n".join(validation.signatures[0].messages)


@pytest.fixture(scope="module")
def stamped():
    return sign(make_pdf(), box=(300, 100, 400, 150), store=True)


def saved(pdf, change=lambda document: None, **options):
    """Written anew by another program, as mail gateways and "optimise" buttons do."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        document.save(out, **options)
    return out.getvalue()


# ------------------------------------------------------------------ time


def test_a_timestamp_minutes_before_the_claimed_time_blames_the_clock():
    pdf = sign(make_pdf(), store=True, stamped_at=NOW - timedelta(minutes=5))
    validation = judge(pdf)
    assert validation.verdict is Verdict.VALID
    assert "đồng hồ máy ký lệch" in said(validation)
    assert f"đã có vào lúc {in_vietnam(NOW - timedelta(minutes=5))}" in said(validation)


def test_a_timestamp_days_after_the_claimed_time_is_told_and_accepted():
    later = NOW + timedelta(days=2.4)
    pdf = sign(make_pdf(), store=True, stamped_at=later)
    validation = judge(pdf, now=later + timedelta(hours=1))
    assert validation.verdict is Verdict.VALID
    assert "được cấp sau thời điểm tự khai 2 ngày" in said(validation)
    assert validation.signatures[0].proven_time == later


def test_a_claimed_time_is_named_as_the_signers_own_word():
    validation = judge(sign(make_pdf()))
    claimed = in_vietnam(validation.signatures[0].claimed_time)
    assert f"Thời điểm ký {claimed} (giờ Việt Nam) do người ký tự khai" in said(validation)


# ------------------------------------------------------------------ old and other software


def test_an_old_digest_is_explained_without_accusing_the_signer():
    old = pki().issue("Ký năm 2016", key=signing_kit.rsa_key(), days=(-3700, -1800))
    validation = judge(sign(make_pdf(), entity=old, pades=False, pss=False, digest="sha1"))
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.summary.startswith("Nội dung còn nguyên vẹn từ khi ký, nhưng")
    assert "ngày nay không còn được chấp nhận" in validation.summary
    (signature,) = validation.signatures
    assert (signature.integrity, signature.trust) == (True, "trusted")
    assert signature.algorithm_status == "weak"


def test_two_certificates_in_the_message_confuse_nobody(monkeypatch):
    """The police's tool embeds the signer's certificate and its issuer's, as PAdES."""

    class WithIssuer(SimpleSigner):
        def __init__(self, **options):
            super().__init__(**options, embed_roots=True)

    monkeypatch.setattr(signing_kit, "SimpleSigner", WithIssuer)
    pdf = sign(make_pdf(), timestamped=True)
    assert len(cms_of(pdf)["content"]["certificates"]) == 2
    (signature,) = judge(pdf).signatures
    assert signature.signer == "Nguyễn Văn Ổn"
    assert (signature.level, signature.trust) == ("B-T", "trusted")
    assert signature.reason == "revocation_unknown"


# ------------------------------------------------------------------ saved, damaged, printed


@pytest.mark.parametrize(
    "options",
    [{}, {"linearize": True}, {"object_stream_mode": pikepdf.ObjectStreamMode.generate}],
    ids=["saved", "linearised", "packed"],
)
def test_a_file_saved_after_signing_is_told_apart_from_an_unsigned_one(stamped, options):
    validation = judge(saved(stamped, **options))
    assert (validation.verdict, validation.reason) == (Verdict.INVALID, "resaved")
    assert "hãy yêu cầu tệp gốc" in validation.summary
    assert not validation.signatures[0].integrity


def drop_values(document):
    for field in document.Root.AcroForm.Fields:
        del field["/V"]


def drop_form(document):
    del document.Root["/AcroForm"]
    del document.pages[0]["/Annots"]


def test_a_picture_of_a_signature_is_not_taken_for_one(stamped):
    """The signature was thrown away, its stamp still stands on the page."""
    validation = judge(saved(stamped, drop_values))
    assert validation.reason == "no_signature"
    told = "\n".join(validation.messages)
    assert "ChuKy1" in told
    assert "không phải là chữ ký số" in told


@pytest.mark.parametrize("make", [make_pdf, lambda: saved(sign(make_pdf()), drop_form)])
def test_a_file_that_carries_no_signature_says_what_pictures_are_worth(make):
    validation = judge(make())
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "no_signature")
    assert any("chỉ là hình ảnh" in told for told in validation.messages)


def test_a_signature_removed_by_an_update_is_not_an_unsigned_file(stamped):
    def remove(writer):
        field = writer.root["/AcroForm"]["/Fields"][0]
        del field["/V"]
        writer.update_container(field)

    validation = judge(update(stamped, remove))
    assert validation.verdict is Verdict.INVALID
    assert any("vết chữ ký" in told for told in validation.messages)


@pytest.mark.parametrize(
    "damage",
    [lambda pdf: pdf[:-200], lambda pdf: pdf.replace(b"\n", b"\r\n")],
    ids=["cut short", "sent as text"],
)
def test_a_damaged_signed_file_is_not_called_something_else_than_a_pdf(stamped, damage):
    validation = judge(damage(stamped))
    assert validation.reason in {"unreadable", "resaved"}
    if validation.reason == "unreadable":
        assert "bị hỏng" in validation.summary
        assert any("hãy yêu cầu tệp gốc" in told for told in validation.messages)


# ------------------------------------------------------------------ summary


def test_an_unlisted_change_is_not_summed_up_as_unchanged(stamped):
    """ "Content is whole" is said only where integrity is beyond doubt."""

    def keep_in_reserve(writer):
        spare = generic.DictionaryObject({generic.pdf_name("/Type"): generic.pdf_name("/Page")})
        writer.add_object(spare)

    validation = judge(update(stamped, keep_in_reserve))
    assert validation.verdict is Verdict.INDETERMINATE
    assert not validation.summary.startswith("Nội dung còn nguyên vẹn")
