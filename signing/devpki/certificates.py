"""Certificates of the development PKI: who gets which extensions.

Owns the X.509 profiles (RFC 5280; key usage as Vietnamese officials' certificates have it). Leaves
keeping keys and state to ``signing.devpki.authority``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

SIGNER_USAGE = frozenset({"digital_signature", "content_commitment"})
_ALL_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate authority: its key and certificate."""

    key: PrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate says, besides whom it belongs to."""

    serial: int
    not_before: datetime
    not_after: datetime
    usage: frozenset[str] = SIGNER_USAGE
    extended: tuple[x509.ObjectIdentifier, ...] = ()
    ca_path_length: int | None = None  # None: not an authority
    ocsp_url: str | None = None
    crl_url: str | None = None
    ocsp_no_check: bool = False


def subject(
    common_name: str, organisation: str | None = None, title: str | None = None
) -> x509.Name:
    """A Vietnamese subject."""
    pairs = [(NameOID.COUNTRY_NAME, "VN")]
    if organisation:
        pairs.append((NameOID.ORGANIZATION_NAME, organisation))
    if title:
        pairs.append((NameOID.TITLE, title))
    pairs.append((NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def issue(
    name: x509.Name,
    public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    profile: Profile,
    issuer_name: x509.Name,
    issuer_key: PrivateKey,
) -> x509.Certificate:
    """Sign a certificate."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(public_key)
        .serial_number(profile.serial)
        .not_valid_before(profile.not_before)
        .not_valid_after(profile.not_after)
    )
    for extension, critical in _extensions(profile, public_key, issuer_key):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _extensions(
    profile: Profile,
    public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    issuer_key: PrivateKey,
) -> Iterable[tuple[x509.ExtensionType, bool]]:
    is_ca = profile.ca_path_length is not None
    yield x509.BasicConstraints(ca=is_ca, path_length=profile.ca_path_length), True
    yield x509.KeyUsage(**{name: name in profile.usage for name in _ALL_USAGES}), True
    yield x509.SubjectKeyIdentifier.from_public_key(public_key), False
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
    if profile.extended:
        # RFC 3161 §2.3 wants the usage of a time-stamping certificate critical
        critical = ExtendedKeyUsageOID.TIME_STAMPING in profile.extended
        yield x509.ExtendedKeyUsage(profile.extended), critical
    if profile.ocsp_url:
        place = x509.UniformResourceIdentifier(profile.ocsp_url)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
        yield x509.AuthorityInformationAccess([access]), False
    if profile.crl_url:
        point = x509.DistributionPoint(
            [x509.UniformResourceIdentifier(profile.crl_url)], None, None, None
        )
        yield x509.CRLDistributionPoints([point]), False
    if profile.ocsp_no_check:
        yield x509.OCSPNoCheck(), False
