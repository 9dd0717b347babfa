"""May this certificate sign today? Validity, usage, strength and the chain to our roots.

Pure: no network. Revocation is ``revocation``; validating other people's signatures is
``signing.validation``. Follows NĐ 23/2025 art. 17 and TT 15/2025/TT-BKHCN art. 5 and Annex I
(RSA ≥ 2048 or ECDSA ≥ 256 bits; SHA-1 refused) and RFC 5280 §6 for the chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.clock import VIETNAM
from signing.contract import CredentialRefused

MAX_CHAIN = 8


def local_day(moment: datetime) -> str:
    """``05.11.2026``, the day in Vietnam: what people are told is a day of their calendar."""
    return moment.astimezone(VIETNAM).strftime("%d.%m.%Y")


@lru_cache(maxsize=1024)
def encoded(certificate: x509.Certificate) -> bytes:
    """A certificate's DER; the same few are written with every signature."""
    return certificate.public_bytes(Encoding.DER)


@lru_cache(maxsize=1024)
def fingerprint(certificate: x509.Certificate) -> bytes:
    """A certificate's SHA-256."""
    return certificate.fingerprint(hashes.SHA256())


def load_certificates(items: Iterable[bytes]) -> tuple[x509.Certificate, ...]:
    """Read configured certificates, DER or PEM (one or several a file)."""
    found: list[x509.Certificate] = []
    for item in items:
        if b"-----BEGIN" in item:
            found.extend(x509.load_pem_x509_certificates(item))
        else:
            found.append(x509.load_der_x509_certificate(item))
    return tuple(found)


def check_certificate(certificate: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate that must not sign, whatever its issuer says.

    Raises:
        CredentialRefused: ``certificate_expired``, ``certificate_not_yet_valid``,
            ``wrong_key_usage``, ``weak_key``, ``weak_certificate_hash``.
    """
    _check_dates(certificate, now)
    _check_usage(certificate)
    _check_strength(certificate)


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        day = local_day(certificate.not_valid_before_utc)
        raise CredentialRefused(
            "certificate_not_yet_valid",
            f"Chứng thư số chưa có hiệu lực (từ ngày {day}).",
            "the certificate is not yet valid",
        )
    if now > certificate.not_valid_after_utc:
        day = local_day(certificate.not_valid_after_utc)
        raise CredentialRefused(
            "certificate_expired",
            f"Chứng thư số đã hết hạn ngày {day}.",
            "the certificate has expired",
        )


def _check_usage(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        raise CredentialRefused(
            "wrong_key_usage",
            "Chứng thư số không được cấp để ký (thiếu mục đích ký số hoặc chống chối bỏ).",
            "the certificate's key usage lacks digital signature and non-repudiation",
        )


def _check_strength(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        strong = key.key_size >= 2048
    else:
        strong = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256
    if not strong:
        raise CredentialRefused(
            "weak_key",
            "Khóa ký không đủ mạnh (cần RSA từ 2048 bit hoặc ECDSA từ 256 bit).",
            "the key is too weak (RSA below 2048 bits, or not RSA/ECDSA)",
        )
    if weak_hash(certificate):
        raise CredentialRefused(
            "weak_certificate_hash",
            "Chứng thư số được ký bằng thuật toán băm không còn an toàn (SHA-1, MD5).",
            "the certificate is signed with SHA-1 or MD5",
        )


def weak_hash(certificate: x509.Certificate) -> bool:
    """Whether the certificate's own signature uses a hash that TT 15/2025 does not list."""
    algorithm = certificate.signature_hash_algorithm
    return algorithm is None or isinstance(algorithm, hashes.SHA1 | hashes.MD5)


@dataclass(frozen=True)
class TrustedChain:
    """A certificate, its issuers in order, the last one a configured root.

    What follows from its bytes alone is found once: a chain serves many acts. Whether it is valid
    today is asked each time.
    """

    certificates: tuple[x509.Certificate, ...]

    @cached_property
    def _hash(self) -> int:
        return hash(self.certificates)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def links(self) -> tuple[tuple[x509.Certificate, x509.Certificate], ...]:
        """Every (certificate, issuer) below the root."""
        return tuple(zip(self.certificates, self.certificates[1:], strict=False))

    @cached_property
    def link_names(self) -> tuple[tuple[bytes, bytes], ...]:
        """Every link by the SHA-256 of its certificate and of the issuer's."""
        return tuple((fingerprint(one), fingerprint(issuer)) for one, issuer in self.links)

    @cached_property
    def encoded(self) -> tuple[bytes, ...]:
        """Every certificate's DER."""
        return tuple(encoded(one) for one in self.certificates)

    @cached_property
    def _window(self) -> tuple[datetime, datetime]:
        return (
            max(one.not_valid_before_utc for one in self.certificates),
            min(one.not_valid_after_utc for one in self.certificates),
        )

    def valid_at(self, moment: datetime) -> bool:
        """Whether every certificate's dates include the moment."""
        begin, end = self._window
        return begin <= moment <= end


class ChainBuilder:
    """Finds the way from a certificate to a configured root, using known issuers only."""

    def __init__(
        self, roots: tuple[x509.Certificate, ...], intermediates: tuple[x509.Certificate, ...]
    ) -> None:
        self.roots = roots
        self.intermediates = intermediates

    def build(
        self,
        certificate: x509.Certificate,
        now: datetime,
        extra: Iterable[x509.Certificate] = (),
    ) -> TrustedChain | None:
        """Give the chain, or None when there is none valid now.

        ``extra`` are certificates from a key store or a token: candidates, not trusted.
        """
        pool = (*self.intermediates, *extra)
        return self._extend((certificate,), pool, now)

    def _extend(
        self, path: tuple[x509.Certificate, ...], pool: tuple[x509.Certificate, ...], now: datetime
    ) -> TrustedChain | None:
        last = path[-1]
        if last in self.roots:
            return TrustedChain(path)
        if len(path) >= MAX_CHAIN:
            return None
        for issuer in (*self.roots, *pool):
            if issuer in path or not _may_have_issued(issuer, last, len(path) - 1, now):
                continue
            found = self._extend((*path, issuer), pool, now)
            if found is not None:
                return found
        return None


def _may_have_issued(
    issuer: x509.Certificate, certificate: x509.Certificate, below: int, now: datetime
) -> bool:
    if issuer.subject != certificate.issuer:
        return False
    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        return False
    if not _is_authority(issuer, below):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return not weak_hash(certificate)


def _is_authority(certificate: x509.Certificate, below: int) -> bool:
    try:
        rules = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    if not rules.ca or (rules.path_length is not None and below > rules.path_length):
        return False
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.key_cert_sign


def has_extended_usage(certificate: x509.Certificate, usage: x509.ObjectIdentifier) -> bool:
    """Whether the certificate is issued for this extended usage, by name."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return usage in usages


TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
OCSP_SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING
