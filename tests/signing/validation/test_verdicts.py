"""One file, one question: what does validation say about it, and in which words."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from asn1crypto import pem

from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.validation.signing_kit import DAY, NOW, Pki, make_pdf, pki, rsa_key, sign

ROOTS = (pki().root.der,)


def judge(pdf, *, roots=ROOTS, now=NOW, **options):
    return validate_pdf(pdf, roots, now, **options)


def only(validation):
    (signature,) = (s for s in validation.signatures if not s.field_name.startswith("Timestamp"))
    return signature


@pytest.fixture(scope="module")
def archived():
    return sign(make_pdf(), archive=True)


def test_an_archived_signature_is_valid_without_any_network(archived):
    validation = judge(archived)
    signature = only(validation)
    assert validation.verdict is Verdict.VALID
    assert validation.summary.startswith("Chữ ký hợp lệ: 1 chữ ký")
    assert (signature.indication, signature.sub_indication) == ("TOTAL-PASSED", None)
    assert signature.level == "B-LTA"
    assert signature.certificate_status == "good"
    assert signature.proven_time == NOW
    assert signature.signer == "Nguyễn Văn Ổn"
    assert signature.issuer == "Gốc thử nghiệm"
    assert signature.managing_unit == "Phòng Tư pháp, UBND tỉnh Thử Nghiệm"
    assert signature.algorithm == "ECDSA 256/SHA256"
    assert signature.certificate_sha256 == pki().signer.certificate.sha256.hex()


def test_the_archive_timestamp_is_judged_as_well(archived):
    stamp = judge(archived).signatures[-1]
    assert stamp.verdict is Verdict.VALID
    assert stamp.level is None
    assert stamp.signer == "Máy chủ dấu thời gian"
    assert "Dấu thời gian chung của cả tệp." in stamp.messages


def test_validation_works_inside_a_running_event_loop(archived):
    async def caller():
        return judge(archived)

    assert asyncio.run(caller()).verdict is Verdict.VALID


def test_archived_evidence_outlives_the_revocation_lists(archived):
    assert judge(archived, now=NOW + 60 * DAY).verdict is Verdict.VALID


def test_archived_evidence_outlives_the_signers_certificate():
    short = pki().issue("Trần Thị Ngắn Hạn", days=(-10, 5))
    pdf = sign(make_pdf(), entity=short, archive=True)
    later = judge(pdf, now=NOW + 30 * DAY)
    assert later.verdict is Verdict.VALID
    assert only(later).certificate_status == "good"


def test_a_basic_signature_offline_is_never_valid():
    signature = only(judge(sign(make_pdf())))
    assert signature.verdict is Verdict.INDETERMINATE
    assert signature.integrity
    assert signature.level == "B-B"
    assert signature.certificate_status == "unknown"
    assert "Chưa xác định được tình trạng thu hồi" in signature.messages[0]
    assert any("tự khai" in message for message in signature.messages)


def test_a_timestamped_signature_has_a_proven_time_although_revocation_is_unknown():
    signature = only(judge(sign(make_pdf(), timestamped=True)))
    assert signature.level == "B-T"
    assert signature.proven_time == NOW
    assert signature.verdict is Verdict.INDETERMINATE


def test_fresh_revocation_data_makes_a_long_term_signature_valid():
    validation = judge(sign(make_pdf(), store=True))
    assert validation.verdict is Verdict.VALID
    assert only(validation).level == "B-LT"


def test_stale_revocation_data_without_archive_decides_nothing():
    validation = judge(sign(make_pdf(), store=True), now=NOW + 60 * DAY)
    assert validation.verdict is Verdict.INDETERMINATE
    assert only(validation).integrity


@pytest.mark.parametrize("roots", [(), (Pki("Gốc khác").root.der,)], ids=["none", "other"])
def test_without_the_signers_root_trust_is_open_and_integrity_still_told(archived, roots):
    validation = judge(archived, roots=roots)
    signature = only(validation)
    assert validation.verdict is Verdict.INDETERMINATE
    assert signature.integrity
    assert signature.certificate_status == "untrusted"
    assert signature.proven_time is None
    assert "không thuộc gốc tin cậy" in validation.summary


def test_roots_may_come_as_pem(archived):
    armoured = pem.armor("CERTIFICATE", pki().root.der)
    assert judge(archived, roots=(armoured,)).verdict is Verdict.VALID


def test_a_root_that_is_no_certificate_is_the_operators_error(archived):
    with pytest.raises(ValueError):
        judge(archived, roots=(b"garbage",))


def test_a_revoked_certificate_is_named():
    crl = pki().crl(pki().signer)
    validation = judge(sign(make_pdf(), store=True, crls=(crl,)))
    signature = only(validation)
    assert validation.verdict is not Verdict.VALID
    assert signature.certificate_status == "revoked"
    assert "đã bị thu hồi" in validation.summary
    assert signature.integrity


def test_an_expired_certificate_without_proof_of_time_is_named():
    expired = pki().issue("Lê Văn Cũ", days=(-300, -10))
    signature = only(judge(sign(make_pdf(), entity=expired)))
    assert signature.verdict is Verdict.INDETERMINATE
    assert signature.certificate_status == "expired"


def test_a_certificate_of_the_future_is_named():
    future = pki().issue("Phạm Thị Mai Sau", days=(10, 300))
    signature = only(judge(sign(make_pdf(), entity=future)))
    assert signature.verdict is not Verdict.VALID
    assert signature.certificate_status == "not_yet_valid"


def test_a_sha1_signature_is_whole_but_no_longer_acceptable():
    old = pki().issue("Ký năm 2016", key=rsa_key())
    pdf = sign(make_pdf(), entity=old, pades=False, pss=False, digest="sha1")
    signature = only(judge(pdf))
    assert signature.integrity
    assert signature.verdict is Verdict.INDETERMINATE
    assert signature.sub_indication == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    assert "SHA1" in signature.messages[0]


def test_the_old_padding_is_remarked_upon_but_accepted():
    old = pki().issue("Khoá RSA", key=rsa_key())
    validation = judge(sign(make_pdf(), entity=old, pss=False, archive=True))
    assert validation.verdict is Verdict.VALID
    assert any("RSASSA-PSS" in message for message in only(validation).messages)


def test_the_plain_subfilter_is_judged_and_named_by_its_own_level():
    validation = judge(sign(make_pdf(), pades=False, archive=True))
    assert validation.verdict is Verdict.VALID
    assert only(validation).level == "PKCS7-LT"


@pytest.mark.parametrize(
    ("offset", "words"),
    [(timedelta(days=2, hours=9), "được cấp sau"), (-timedelta(minutes=5), "đồng hồ máy ký lệch")],
)
def test_a_timestamp_far_from_the_claimed_time_is_explained_not_refused(offset, words):
    pdf = sign(make_pdf(), archive=True, stamped_at=NOW + offset)
    validation = judge(pdf, now=NOW + 3 * DAY)
    assert validation.verdict is Verdict.VALID
    assert any(words in message for message in only(validation).messages)


def test_a_timestamp_from_the_future_proves_no_time():
    """A server that lies, or whose clock is wrong."""
    pdf = sign(make_pdf(), archive=True, stamped_at=NOW + 2 * DAY)
    validation = judge(pdf)
    signature, stamp = only(validation), validation.signatures[-1]
    assert (signature.proven_time, signature.time_status) == (None, "unproven")
    assert any("tương lai" in message for message in signature.messages)
    assert (stamp.verdict, stamp.reason) == (Verdict.INDETERMINATE, "time_future")
    assert stamp.sub_indication == "TIMESTAMP_ORDER_FAILURE"
    assert validation.verdict is Verdict.INDETERMINATE


def test_a_server_a_few_minutes_ahead_is_believed():
    pdf = sign(make_pdf(), archive=True, stamped_at=NOW + timedelta(minutes=3))
    assert only(judge(pdf)).time_status == "proven"


def test_a_file_without_signature_is_neither_valid_nor_invalid():
    validation = judge(make_pdf())
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.summary == "Tệp không có chữ ký số."
    assert validation.signatures == ()


@pytest.mark.parametrize("garbage", [b"", b"hello", b"\x00" * 5000])
def test_what_is_not_a_pdf_is_answered_in_words(garbage):
    validation = judge(garbage)
    assert validation.verdict is Verdict.INDETERMINATE
    assert "không phải là PDF" in validation.summary


def test_signatures_not_reached_in_time_stay_undecided(archived):
    validation = judge(archived, time_limit_s=-1.0)
    assert validation.verdict is Verdict.INDETERMINATE
    assert all("Hết thời gian" in s.messages[0] for s in validation.signatures)


def test_no_personal_name_reaches_the_log(archived, caplog):
    with caplog.at_level("DEBUG"):
        judge(archived, roots=())
    assert "Nguyễn" not in caplog.text
