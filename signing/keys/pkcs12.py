"""Keys in PKCS#12 files (RFC 7292), opened once and kept in memory.

Owns reading the file, the password check and the raw signature. When the configuration holds the
password, a PIN given with an order must equal it; when it does not, the PIN is the password.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import NameOID

from signing.contract import Credential, CredentialRefused, KeyConfig
from signing.keys.contract import PSS_SALT_LENGTH, OpenedKey

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Pkcs12Key:
    """An open PKCS#12 key; see ``OpenedKey``."""

    config: KeyConfig
    credential: Credential
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    private_key: PrivateKey

    @property
    def uses_pss(self) -> bool:
        """RSASSA-PSS unless the audited exception is configured (TT 15/2025 Annex I)."""
        return not self.config.allow_pkcs1v15

    @property
    def signature_size(self) -> int:
        """Modulus length for RSA; DER of two integers for EC."""
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.key_size // 8
        return 2 * (self.private_key.key_size // 8 + 4) + 8

    @property
    def kept(self) -> bool:
        """One object for every act: the key stays in memory."""
        return True

    @property
    def spent(self) -> bool:
        """Signing costs nothing that could be used up."""
        return False

    async def release(self) -> None:
        """Nothing: the key stays open."""

    async def sign_raw(self, data: bytes) -> bytes:
        """Sign with the key object kept in memory."""
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(data, rsa_padding(self.uses_pss), hashes.SHA256())
        return self.private_key.sign(data, ec.ECDSA(hashes.SHA256()))


def rsa_padding(pss: bool) -> padding.AsymmetricPadding:
    """The padding our RSA signatures use."""
    if pss:
        return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=PSS_SALT_LENGTH)
    return padding.PKCS1v15()


class Pkcs12Source:
    """Opens one configured file; keeps the key and a keyed digest of the PIN that opened it."""

    def __init__(self, config: KeyConfig) -> None:
        self.config = config
        self._key: Pkcs12Key | None = None
        self._secret = os.urandom(32)
        self._pin_digest = b""

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Open the file the first time, check the PIN every time."""
        configured = self.config.password
        if pin is None and configured is None:
            raise pin_required()
        password = configured if configured is not None else pin
        assert password is not None
        if self._key is None:
            self._key = _load(self.config, password)
            self._pin_digest = self._digest(password)
        if pin is not None and not hmac.compare_digest(self._digest(pin), self._pin_digest):
            raise wrong_pin()
        return self._key

    def _digest(self, pin: str) -> bytes:
        return hmac.digest(self._secret, pin.encode(), hashlib.sha256)


def pin_required() -> CredentialRefused:
    """Nobody gave what opens the key."""
    return CredentialRefused("pin_required", "Cần nhập mã PIN của khóa ký.", "this key needs a PIN")


def refuse_faults(config: KeyConfig) -> None:
    """Refuse at the start what could never sign, or would send a PIN in the clear.

    Raises:
        CredentialRefused: code ``key_misconfigured``.
    """
    faults = "; ".join(config.faults())
    if faults:
        raise CredentialRefused(
            "key_misconfigured",
            f"Cấu hình khóa ký “{config.name}” chưa đúng: {faults}.",
            f"key {config.name!r} is misconfigured",
        )


def wrong_pin() -> CredentialRefused:
    """What was given does not open the key."""
    return CredentialRefused(
        "wrong_pin", "Mã PIN hoặc mật khẩu khóa ký không đúng.", "wrong PIN or password"
    )


def _unreadable(config: KeyConfig, detail: str) -> CredentialRefused:
    return CredentialRefused(
        "key_unreadable",
        f"Không đọc được khóa ký “{config.name}”.",
        f"key {config.name!r} cannot be read: {detail}",
    )


def _load(config: KeyConfig, password: str) -> Pkcs12Key:
    try:
        data = Path(config.path).read_bytes()
    except OSError as error:
        raise _unreadable(config, error.strerror or "cannot open the file") from None
    try:
        store = pkcs12.load_pkcs12(data, password.encode())
    except ValueError as error:
        # cryptography has one exception for both; only the text tells them apart
        if "password" in str(error).lower():
            raise wrong_pin() from None
        raise _unreadable(config, "not a PKCS#12 file") from None
    if store.cert is None or store.key is None:
        raise _unreadable(config, "the file lacks a key or a certificate")
    if not isinstance(store.key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _unreadable(config, "only RSA and EC keys can sign")
    certificate = store.cert.certificate
    if certificate.public_key() != store.key.public_key():
        raise _unreadable(config, "the certificate belongs to another key")
    chain = tuple(extra.certificate for extra in store.additional_certs)
    return Pkcs12Key(config, describe(config, certificate), certificate, chain, store.key)


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


def key_type(certificate: x509.Certificate) -> str:
    """``rsa-2048``, ``ecdsa-p256`` …, or the class of a key we do not know."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        names = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}
        return f"ecdsa-{names.get(key.curve.name, key.curve.name)}"
    return type(key).__name__.removesuffix("PublicKey").lower()


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    values = name.get_attributes_for_oid(oid)
    return str(values[0].value) if values else None
