"""Why a certificate was revoked, as its issuer says it in a list or an OCSP answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.evidence.revocation import Status, read_crl, read_ocsp
from signing.evidence.revocation_answers import Answer

NOW = datetime.now(UTC).replace(microsecond=0)
REASONS = [
    (None, None),
    (x509.ReasonFlags.unspecified, "unspecified"),
    (x509.ReasonFlags.key_compromise, "keyCompromise"),
    (x509.ReasonFlags.ca_compromise, "cACompromise"),
    (x509.ReasonFlags.superseded, "superseded"),
    (x509.ReasonFlags.cessation_of_operation, "cessationOfOperation"),
]


def by_list(issuer, certificate, flag) -> Answer:
    entry = x509.RevokedCertificateBuilder(certificate.serial_number, NOW)
    if flag is not None:
        entry = entry.add_extension(x509.CRLReason(flag), critical=False)
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + timedelta(hours=1))
        .add_revoked_certificate(entry.build())
        .sign(issuer.key, hashes.SHA256())
    )
    raw = made.public_bytes(Encoding.DER)
    return read_crl(raw, certificate, issuer.certificate, NOW)


def by_ocsp(issuer, certificate, flag) -> Answer:
    made = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            certificate, issuer.certificate, hashes.SHA1(),
            ocsp.OCSPCertStatus.REVOKED, NOW, NOW + timedelta(hours=1), NOW, flag,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
        .sign(issuer.key, hashes.SHA256())
    )  # fmt: skip
    raw = made.public_bytes(Encoding.DER)
    return read_ocsp(raw, certificate, issuer.certificate, NOW)


@pytest.mark.parametrize("told", [by_list, by_ocsp])
@pytest.mark.parametrize(("flag", "reason"), REASONS)
def test_the_reason_is_the_issuers_or_none(server, told, flag, reason):
    answer = told(server.pki.issuing, server.pki.certificate("official-ec"), flag)
    assert (answer.status, answer.reason, answer.revoked_at) == (Status.REVOKED, reason, NOW)
