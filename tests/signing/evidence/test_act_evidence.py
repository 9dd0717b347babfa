"""What an act of signing leaves: raw bytes that other programs read, and every check's outcome."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.contract import (
    CertificateBinding,
    CheckOutcome,
    CredentialRefused,
    DocumentNumber,
    Level,
    Role,
    SigningUnavailable,
    SignOrder,
)
from signing.processes.answers import AnswerForms, write_answer
from tests.signing import oracles


def order_for(pdf, level, **more):
    return SignOrder(pdf, "official-ec", Role.INVISIBLE, level, **more)


async def test_b_lta_leaves_chain_revocation_answers_and_every_time_stamp(
    service, server, decision_pdf
):
    """Certificates lead to the root, OCSP answers and CRLs are of this chain, checks all passed."""
    signed = await service.sign(order_for(decision_pdf, Level.B_LTA))
    left = signed.evidence
    chain = [x509.load_der_x509_certificate(c) for c in left.chain]
    assert left.chain[0] == signed.certificate
    assert chain[-1] == server.pki.root.certificate
    for one, issuer in itertools.pairwise(chain):
        one.verify_directly_issued_by(issuer)
    serials = {ocsp.load_der_ocsp_response(o).serial_number for o in left.ocsps}
    issuers = {x509.load_der_x509_crl(c).issuer for c in left.crls}
    for one in chain[:-1]:
        assert one.serial_number in serials or one.issuer in issuers
    assert len(left.timestamps) == 2
    written = signed.pdf.lower()
    assert all(t.hex().encode() in written for t in left.timestamps)
    assert server.pki.tsa.certificate.public_bytes(Encoding.DER) in left.authority_certificates
    assert {c.outcome for c in left.checks} == {CheckOutcome.PASSED}
    assert left.warnings == ()
    codes = [c.code for c in left.checks]
    assert codes.index("revocation") < codes.index("signature_value") < codes.index("self_check")
    assert left.algorithm == "ECDSA P256 SHA-256"
    assert abs((left.proven_time - signed.signed_at).total_seconds()) < 120


@pytest.mark.oracle
async def test_the_kept_time_stamps_are_read_by_openssl(service, server, decision_pdf, tmp_path):
    """A token kept apart still proves the signature value, and the archive's the whole file."""
    oracles.need("openssl")
    signed = await service.sign(order_for(decision_pdf, Level.B_LTA))
    root = tmp_path / "root.pem"
    root.write_bytes(server.pki.root_pem)
    _, covered, is_timestamp = oracles.messages(signed.pdf)[-1]
    assert is_timestamp
    token, data = tmp_path / "archive.tst", tmp_path / "covered"
    token.write_bytes(signed.evidence.timestamps[-1])
    data.write_bytes(covered)
    text = oracles.run(
        "openssl", "ts", "-verify", "-token_in", "-in", str(token), "-data", str(data),
        "-CAfile", str(root),
    )  # fmt: skip
    assert "Verification: OK" in text


@pytest.mark.parametrize(("level", "tokens"), [(Level.B_B, 0), (Level.B_T, 1), (Level.B_LT, 1)])
async def test_lower_levels_leave_what_they_have(service, decision_pdf, level, tokens):
    """Without a time-stamp no time is proven, and none is claimed to be."""
    left = (await service.sign(order_for(decision_pdf, level))).evidence
    assert len(left.timestamps) == tokens
    assert (left.proven_time is None) == (tokens == 0)
    stamped = {c.code for c in left.checks} & {"signature_timestamp", "archive_timestamp"}
    assert stamped == ({"signature_timestamp"} if tokens else set())


async def test_the_clerks_four_signatures_leave_four_time_stamps_and_the_archives(
    service, decision_pdf
):
    """One act, one evidence: each of its signatures is proven."""
    order = SignOrder(
        decision_pdf, "agency", Role.AGENCY, Level.B_LTA,
        document_number=DocumentNumber(5, "QĐ-UBND", "2026-11-02"),
    )  # fmt: skip
    signed = await service.sign(order)
    assert len(signed.field_names) == 4
    assert len(signed.evidence.timestamps) == 5
    assert signed.evidence.algorithm == "RSASSA-PSS SHA-256"
    assert signed.evidence.proven_time is not None


async def test_earlier_signatures_are_not_this_acts_evidence(service, decision_pdf):
    """Only what this act appended is told of."""
    first = await service.sign(order_for(decision_pdf, Level.B_LTA))
    second = await service.sign(order_for(first.pdf, Level.B_T))
    assert len(second.evidence.timestamps) == 1
    assert second.evidence.timestamps[0] not in first.evidence.timestamps


async def test_evidence_crosses_the_border_of_the_signer_process(service, decision_pdf):
    """The parent's reader takes these values, and nothing is lost on the way."""
    signed = await service.sign(order_for(decision_pdf, Level.B_T))
    assert AnswerForms().read("sign", write_answer(signed)) == signed


# ------------------------------------------------------------------ an unknown revocation status


@pytest.fixture
def silent(server):
    """Neither OCSP nor CRL answers."""
    server.faults.ocsp_down = server.faults.crl_down = True
    return server


@pytest.mark.parametrize("level", [Level.B_LT, Level.B_LTA])
async def test_an_unknown_status_is_refused_by_default(make_service, silent, decision_pdf, level):
    """Unknown is not valid: nothing is signed, and the sentence is Vietnamese."""
    with pytest.raises(SigningUnavailable) as refused:
        await make_service().sign(order_for(decision_pdf, level))
    assert refused.value.code == "revocation_unavailable"
    assert "chưa được ký" in refused.value.message_vi


@pytest.mark.parametrize(
    ("asked", "reached"),
    [(Level.B_B, Level.B_B), (Level.B_LT, Level.B_T), (Level.B_LTA, Level.B_T)],
)
async def test_a_policy_that_warns_signs_lower_and_says_so(
    make_service, silent, decision_pdf, asked, reached
):
    """There is no proof to embed, so the level says what was reached and a check is a warning."""
    service = make_service(revocation_unknown="warn")
    signed = await service.sign(order_for(decision_pdf, asked))
    assert signed.level is reached
    assert b"/DSS" not in signed.pdf
    (warned,) = (c for c in signed.evidence.checks if c.outcome is CheckOutcome.WARNED)
    assert warned.code == "revocation"
    assert signed.evidence.warnings == (warned.detail,)
    assert (signed.evidence.ocsps, signed.evidence.crls) == ((), ())


async def test_a_policy_that_warns_still_refuses_a_revoked_certificate(
    make_service, server, decision_pdf
):
    """Warning is for silence, not for an answer."""
    server.pki.revoke(server.pki.certificate("official-ec").serial_number)
    with pytest.raises(CredentialRefused) as refused:
        await make_service(revocation_unknown="warn").sign(order_for(decision_pdf, Level.B_B))
    assert refused.value.code == "certificate_revoked"


# ------------------------------------------------------------------ days


async def test_days_in_reasons_and_checks_are_vietnamese(server, make_service, decision_pdf):
    """What ends at 20:00 UTC ends on the next day in Vietnam, and that is the day to be named."""
    evening = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0)
    for name, start, end in (
        ("over", evening - timedelta(days=9), evening - timedelta(days=2)),
        ("coming", evening + timedelta(days=2), evening + timedelta(days=9)),
        ("now", evening - timedelta(days=9), evening + timedelta(days=9)),
    ):
        key = server.pki.issue_leaf(
            name, key=ec.generate_private_key(ec.SECP256R1()), common_name="Mẫu",
            not_before=start, not_after=end,
        )  # fmt: skip
        days = [f"{moment + timedelta(hours=7):%d.%m.%Y}" for moment in (start, end)]
        order = SignOrder(decision_pdf, name, Role.INVISIBLE, Level.B_B)
        if name == "now":
            left = (await make_service(keys=(key,)).sign(order)).evidence
            told = next(c.detail for c in left.checks if c.code == "certificate_dates")
            assert all(day in told for day in days)
            continue
        with pytest.raises(CredentialRefused) as refused:
            await make_service(keys=(key,)).sign(order)
        assert days[name == "over"] in refused.value.message_vi


async def test_the_day_of_a_revocation_is_vietnamese(server, make_service, decision_pdf):
    """Told to the official, who reads a Vietnamese calendar."""
    evening = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0)
    revoked = evening - timedelta(days=2)
    serial = server.pki.certificate("official-ec").serial_number
    server.pki.revocations = lambda: {serial: revoked}
    try:
        with pytest.raises(CredentialRefused) as refused:
            await make_service().sign(order_for(decision_pdf, Level.B_B))
    finally:
        del server.pki.revocations
    assert f"{revoked + timedelta(hours=7):%d.%m.%Y}" in refused.value.message_vi


# ------------------------------------------------------------------ the certificate that is named


def named(server, **changes):
    certificate = server.pki.certificate("official-ec")
    issuer = certificate.issuer.rfc4514_string()
    serial = f"{certificate.serial_number:X}"
    by_number = CertificateBinding(serial=f"00:{serial}", issuer=issuer)
    return dataclasses.replace(by_number, **changes)


async def test_the_named_certificate_signs(service, server, decision_pdf):
    """By hash, or by serial number and issuer, in any usual writing; the check is recorded."""
    der = server.pki.certificate("official-ec").public_bytes(Encoding.DER)
    by_hash = CertificateBinding(sha256=hashlib.sha256(der).hexdigest())
    common_name = server.pki.issuing.certificate.subject.get_attributes_for_oid(
        x509.NameOID.COMMON_NAME
    )[0].value
    for binding in (by_hash, named(server), named(server, issuer=common_name)):
        signed = await service.sign(order_for(decision_pdf, Level.B_B, bindings=(binding,)))
        assert "certificate_binding" in [c.code for c in signed.evidence.checks]


async def test_any_other_certificate_is_refused_before_the_key_is_used(
    service, server, decision_pdf
):
    """Another serial, another issuer, another hash, and a binding that names nothing."""
    wrong = (
        named(server, serial="1"),
        named(server, issuer="CN=Ai đó"),
        CertificateBinding(sha256="0" * 64),
        CertificateBinding(),
    )
    for binding in wrong:
        with pytest.raises(CredentialRefused) as refused:
            await service.sign(order_for(decision_pdf, Level.B_B, bindings=(binding,)))
        assert refused.value.code == "certificate_not_authorised"
    assert not CertificateBinding(serial="1", issuer="x").fits(b"no certificate")
    one_of_two = (wrong[0], named(server))
    assert await service.sign(order_for(decision_pdf, Level.B_B, bindings=one_of_two))
