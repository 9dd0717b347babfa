"""What follows for every kind of key from its certificate."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signing.contract import Credential, KeyConfig


def signature_size(certificate: x509.Certificate) -> int:
    """The longest raw signature under a certificate, in bytes."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size // 8
    size = key.key_size if isinstance(key, ec.EllipticCurvePublicKey) else 4096
    return 2 * (size // 8 + 4) + 8


class OneActsKey:
    """What every key has that serves one act only: its owner's secret or answer is in it."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def certificate(self) -> x509.Certificate:
            """Whose key it is."""
            ...

    @property
    def signature_size(self) -> int:
        """Modulus length for RSA; DER of two integers for EC."""
        return signature_size(self.certificate)

    @property
    def kept(self) -> bool:
        """Never: it is one act's."""
        return False


def describe(config: KeyConfig, certificate: x509.Certificate) -> Credential:
    """Name a certificate the way people know it."""
    subject = certificate.subject
    return Credential(
        name=config.name,
        subject=_first(subject, NameOID.COMMON_NAME) or subject.rfc4514_string(),
        issuer=_first(certificate.issuer, NameOID.COMMON_NAME)
        or certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        valid_from=certificate.not_valid_before_utc.astimezone(UTC),
        valid_to=certificate.not_valid_after_utc.astimezone(UTC),
        key_type=key_type(certificate),
        certificate=certificate.public_bytes(Encoding.DER),
        organisation=_first(subject, NameOID.ORGANIZATION_NAME),
    )


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    values = name.get_attributes_for_oid(oid)
    return str(values[0].value) if values else None


def key_type(certificate: x509.Certificate) -> str:
    """``rsa-2048``, ``ecdsa-p256`` …, or the class of a key we do not know."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        names = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}
        return f"ecdsa-{names.get(key.curve.name, key.curve.name)}"
    return type(key).__name__.removesuffix("PublicKey").lower()
