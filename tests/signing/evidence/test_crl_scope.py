"""A revocation list speaks only of the certificates it was made for (RFC 5280 §5.2.5, §6.3.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from signing.evidence.revocation import AnswerRefused, Status, crl_urls, read_crl

NOW = datetime.now(UTC)


def scope(**changes):
    """An issuing distribution point that restricts nothing, changed."""
    open_to_all = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False, **changes,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**open_to_all)


def at(url):
    return [x509.UniformResourceIdentifier(url)]


def crl_of(issuer, *extensions):
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + timedelta(hours=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.fixture
def pair(server):
    """An official's certificate and its issuer."""
    return server.pki.certificate("official-ec"), server.pki.issuing


def read(pair, *extensions):
    certificate, issuer = pair
    return read_crl(crl_of(issuer, *extensions), certificate, issuer.certificate, NOW)


def test_a_whole_list_answers(pair):
    """With no extension, for user certificates, or at the address the certificate names."""
    (url, *_) = crl_urls(pair[0])
    for extensions in ((), (scope(only_contains_user_certs=True),), (scope(full_name=at(url)),)):
        assert read(pair, *extensions).status is Status.GOOD


@pytest.mark.parametrize(
    "extension",
    [
        scope(only_contains_ca_certs=True),
        scope(only_contains_attribute_certs=True),
        scope(indirect_crl=True),
        scope(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})),
        scope(full_name=at("http://crl.example.vn/other-shard.crl")),
        x509.DeltaCRLIndicator(1),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
    ],
    ids=["authorities", "attributes", "indirect", "some reasons", "shard", "delta", "unknown"],
)
def test_a_partial_lists_silence_is_no_answer(pair, extension):
    """Not being on it says nothing, so the status stays unknown and never becomes good."""
    with pytest.raises(AnswerRefused):
        read(pair, extension)


def test_a_list_of_user_certificates_says_nothing_of_an_authority(server):
    """The other way round."""
    issuing, root = server.pki.issuing.certificate, server.pki.root
    for extension, fits in (
        (scope(only_contains_user_certs=True), False), (scope(only_contains_ca_certs=True), True),
    ):  # fmt: skip
        crl = crl_of(root, extension)
        if fits:
            assert read_crl(crl, issuing, root.certificate, NOW).status is Status.GOOD
        else:
            with pytest.raises(AnswerRefused):
                read_crl(crl, issuing, root.certificate, NOW)
