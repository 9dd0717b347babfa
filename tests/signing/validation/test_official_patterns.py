"""What real Vietnamese official files look like: explained, not refused, never waved through."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers.pdf_cms import SimpleSigner

from signing.contract import AnchorKind, TrustAnchor, Verdict
from signing.reading.ber import NotBer, is_indefinite, to_definite
from signing.validation import validate_pdf
from tests.signing.validation import signing_kit
from tests.signing.validation.old_signatures import in_ber, indefinite
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


def judge(pdf, roots=ROOTS, **options):
    return validate_pdf(pdf, roots, NOW, **options)


@pytest.fixture(scope="module")
def stamped():
    return sign(make_pdf(), pades=False, timestamped=True, store=True)


# ------------------------------------------------------------------ BER


def test_a_signature_in_ber_is_read_to_its_timestamp_and_told(stamped):
    old = in_ber(stamped)
    assert old != stamped
    validation = judge(old)
    (signature,) = validation.signatures
    assert validation.verdict is Verdict.VALID, signature.messages
    assert signature.integrity
    assert signature.proven_time == NOW
    assert any("BER" in message for message in signature.messages)


def test_a_changed_byte_under_a_signature_in_ber_is_still_found(stamped):
    validation = judge(in_ber(stamped).replace(b"so 5", b"so 9"))
    assert validation.signatures[0].reason == "hash_mismatch"


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.binary(max_size=150), lambda inner: st.lists(inner, max_size=4)))
def test_definite_lengths_are_what_they_were(tree):
    def der(node):
        body = node if isinstance(node, bytes) else b"".join(map(der, node))
        tag = b"\x04" if isinstance(node, bytes) else b"\x30"
        size = len(body)
        length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
        return tag + length + body

    def canonical(data):
        return to_definite(data)

    whole = der([tree])
    assert not is_indefinite(whole)
    assert to_definite(whole + b"\x00" * 9) == whole
    assert is_indefinite(indefinite(whole))
    assert canonical(to_definite(indefinite(whole))) == to_definite(indefinite(whole))
    assert b"".join(_leaves(to_definite(indefinite(whole)))) == b"".join(_leaves(whole))


def _leaves(der):
    if not der[0] & 0x20:
        yield der[2 if der[1] < 128 else 2 + (der[1] & 0x7F) :]
        return
    place = 2 if der[1] < 128 else 2 + (der[1] & 0x7F)
    while place < len(der):
        head = 2 if der[place + 1] < 128 else 2 + (der[place + 1] & 0x7F)
        size = int.from_bytes(der[place + 2 : place + head], "big") if head > 2 else der[place + 1]
        yield from _leaves(der[place : place + head + size])
        place += head + size


@pytest.mark.parametrize(
    "data",
    [b"", b"\x30", b"\x30\x80", b"\x30\x05\x04", b"\x04\x80\x00\x00", b"\x30\x80" * 100,
     b"\x30\x03\x04\x05\x00", b"\x30\x89" + b"\x01" * 9],
)  # fmt: skip
def test_what_is_no_ber_is_refused_by_name(data):
    with pytest.raises(NotBer):
        to_definite(data)


# ------------------------------------------------------------------ officials' letters


class WithoutSigningTime(SimpleSigner):
    """VGCA's tools write ``adbe.pkcs7.detached`` without the signing-time attribute."""

    async def async_sign(self, *arguments, **options):
        options["use_pades"] = True  # which leaves that attribute out
        return await super().async_sign(*arguments, **options)


@pytest.fixture(scope="module")
def letter():
    """Drafter, leader (certifying first), then the clerk's four, at B-T, no validation data."""
    patch = pytest.MonkeyPatch()
    patch.setattr(signing_kit, "SimpleSigner", WithoutSigningTime)
    plain = {"pades": False, "timestamped": True}
    pdf = sign(
        make_pdf(), field="KyNhay", certify=MDPPerm.FILL_FORMS, box=(400, 400, 430, 425), **plain
    )
    pdf = sign(pdf, field="LanhDao", box=(300, 200, 460, 270), **plain)
    for name, box in CLERKS_BOXES.items():
        pdf = sign(pdf, field=name, entity=pki().agency, box=box, **plain)
    patch.undo()
    return pdf


def test_a_letter_signed_by_six_is_whole_with_every_answer_by_itself(letter):
    validation = judge(letter)
    assert validation.verdict is Verdict.INDETERMINATE  # revocation is not in the file
    assert len(validation.signatures) == 6
    for signature in validation.signatures:
        assert signature.integrity
        assert signature.reason == "revocation_unknown"
        assert signature.trust == "trusted"
        assert signature.algorithm_status == "acceptable"
        assert (signature.time_status, signature.proven_time) == ("proven", NOW)
        assert signature.level == "PKCS7-T"
    assert len(validation.signatures[0].changes_after_signing) == 2  # a leader, a clerk's act
    assert validation.summary.startswith("Nội dung còn nguyên vẹn từ khi ký")


def test_text_changed_in_the_middle_of_a_letter_is_refused_for_those_before(letter):
    forged = sign(update(letter, replace_text), field="Sau", box=(500, 20, 560, 40))
    integrity = [s.integrity for s in judge(forged).signatures]
    assert integrity == [False] * 6 + [True]


def test_an_old_weak_algorithm_leaves_integrity_and_trust_as_they_are():
    old = pki().issue("Ký năm 2016", key=signing_kit.rsa_key())
    (signature,) = judge(sign(make_pdf(), entity=old, pades=False, digest="sha1")).signatures
    assert signature.integrity
    assert signature.algorithm_status == "weak"
    assert signature.trust == "trusted"
    assert signature.time_status == "claimed"
    assert signature.reason == "weak_algorithm"


# ------------------------------------------------------------------ whose root


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (AnchorKind.GOVERNMENT, "chuyên dùng Chính phủ"),
        (AnchorKind.PUBLIC, "chứng thực điện tử quốc gia"),
        (AnchorKind.OWN, "đơn vị vận hành"),
    ],
)
def test_a_verdict_says_whose_root_it_leads_to(kind, words):
    pdf = sign(make_pdf(), store=True)
    anchor = TrustAnchor(pki().root.der, kind)
    (signature,) = judge(pdf, roots=(Pki("Gốc khác").root.der,), anchors=(anchor,)).signatures
    assert signature.verdict is Verdict.VALID
    assert (signature.trust, signature.trust_anchor) == ("trusted", "Gốc thử nghiệm")
    assert signature.trust_anchor_kind == kind.value
    assert any(words in message for message in signature.messages)


def test_a_root_without_a_named_kind_is_the_operators_own():
    (signature,) = judge(sign(make_pdf(), store=True)).signatures
    assert signature.trust_anchor_kind == "own"


def test_a_strangers_root_has_no_kind():
    (signature,) = judge(sign(make_pdf(), store=True), roots=()).signatures
    assert (signature.trust, signature.trust_anchor_kind) == ("untrusted", None)
