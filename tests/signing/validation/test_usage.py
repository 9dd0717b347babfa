"""A certificate that was issued for another purpose signs nothing, however good it is otherwise."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.validation import signing_kit
from tests.signing.validation.signing_kit import DAY, NOW, make_pdf, pki, sign

ROOTS = (pki().root.der,)
_USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
SERVER, CODE, EMAIL, STAMPS, ANSWERS, CLIENT = (f"1.3.6.1.5.5.7.3.{n}" for n in (1, 3, 4, 8, 9, 2))
ANY, DOCUMENTS, PRIVATE = "2.5.29.37.0", "1.3.6.1.5.5.7.3.36", "1.2.840.113583.1.1.5"


def issued_for(uses=None, purposes=(), *, ca=False):
    """A certificate of our root with these key usages and extended ones."""
    key, authority = ec.generate_private_key(ec.SECP256R1()), pki()
    builder = (
        x509.CertificateBuilder()
        .subject_name(signing_kit._name("Nguyễn Văn Dùng"))
        .issuer_name(authority._subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 300 * DAY)
        .not_valid_after(NOW + 300 * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if uses is not None:
        usage = x509.KeyUsage(**{name: name in uses for name in _USES})
        builder = builder.add_extension(usage, critical=True)
    if purposes:
        extended = x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in purposes])
        builder = builder.add_extension(extended, critical=False)
    made = builder.sign(authority._key, hashes.SHA256())
    return signing_kit._entity(made, key)


def judge(entity):
    """Signed by it, then by the agency, which brings the revocation list for both."""
    pdf = sign(sign(make_pdf(), entity=entity), field="Hai", entity=pki().agency, store=True)
    return validate_pdf(pdf, ROOTS, NOW)


@pytest.mark.parametrize(
    ("uses", "purposes", "ca"),
    [
        ({"key_encipherment"}, (), False),
        ({"key_cert_sign", "crl_sign"}, (), True),
        ({"digital_signature"}, (SERVER,), False),
        ({"digital_signature"}, (STAMPS,), False),
        ({"digital_signature"}, (ANSWERS, CODE), False),
        (None, (SERVER,), False),
    ],
    ids=["encipherment", "authority", "web server", "time-stamps", "answers and code", "bare web"],
)
def test_a_certificate_for_something_else_does_not_make_a_valid_signature(uses, purposes, ca):
    validation = judge(issued_for(uses, purposes, ca=ca))
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "wrong_usage")
    first, second = validation.signatures
    assert first.integrity
    assert first.sub_indication == "CHAIN_CONSTRAINTS_FAILURE"
    assert "mục đích" in first.messages[0]
    assert second.verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("uses", "purposes"),
    [
        (None, ()),
        ({"digital_signature"}, ()),
        ({"content_commitment"}, ()),
        ({"digital_signature", "key_encipherment"}, (CLIENT, EMAIL)),
        ({"digital_signature"}, (SERVER, ANY)),
        ({"digital_signature"}, (DOCUMENTS,)),
        ({"digital_signature"}, (PRIVATE, SERVER)),
    ],
    ids=["silent", "signature", "non-repudiation", "mail", "any", "documents", "private"],
)
def test_certificates_as_authorities_issue_them_to_people_sign(uses, purposes):
    validation = judge(issued_for(uses, purposes))
    assert validation.verdict is Verdict.VALID, validation.summary


class WeakPki(signing_kit.Pki):
    """A root whose key is too short by now."""

    def __init__(self):
        self._key = signing_kit.rsa_key(1024)
        self._subject = signing_kit._name("Gốc yếu")
        self.root = self._issue(self._subject, self._key, ca=True, days=(-400, 4000))
        self.signer = self.issue("Nguyễn Văn Ổn")
        self.tsa = self.issue("Dấu thời gian", timestamping=True, key=signing_kit.rsa_key())


def test_a_chain_that_is_weak_is_told_from_one_whose_revocation_nobody_knows():
    weak = WeakPki()
    pdf = sign(make_pdf(), authority=weak)
    validation = validate_pdf(pdf, (weak.root.der,), NOW)
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "weak_chain")
    assert validation.signatures[0].integrity
