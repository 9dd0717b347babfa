"""Keys in PKCS#12 files (RFC 7292), opened once and kept in memory.

Owns reading the file, the password check and the raw signature. When the configuration holds the
password, a PIN given with an order must equal it; when it does not, the PIN is the password.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.contract import Credential, KeyConfig
from signing.keys.certified import describe, signature_size
from signing.keys.contract import OpenedKey, hash_of
from signing.keys.refusals import pin_required, unreadable, wrong_pin

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
        return signature_size(self.certificate)

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
        digest = hash_of(self.config)
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(data, rsa_padding(self.uses_pss, digest), digest)
        return self.private_key.sign(data, ec.ECDSA(digest))


def _can_be_tried(password: str) -> bool:
    """Whether libraries take it: at a NUL they stop the process and print the password.

    A PKCS#12 password is a string that ends with one (RFC 7292, B.1); a lone surrogate is no text.
    """
    try:
        return b"\0" not in password.encode()
    except UnicodeEncodeError:
        return False


def rsa_padding(pss: bool, digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    """The padding our RSA signatures use."""
    if pss:
        return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
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
        if not (_can_be_tried(password) and _can_be_tried(pin or "")):
            raise wrong_pin()
        if self._key is None:
            self._key = self.load(password)
            self._pin_digest = self._digest(password)
        if pin is not None and not hmac.compare_digest(self._digest(pin), self._pin_digest):
            raise wrong_pin()
        return self._key

    def load(self, password: str) -> Pkcs12Key:
        """Read key and certificates; other kinds of files do it in their own way."""
        return _load(self.config, password)

    def _digest(self, pin: str) -> bytes:
        return hmac.digest(self._secret, pin.encode(), hashlib.sha256)


def read_key_file(config: KeyConfig) -> bytes:
    """The configured file.

    Raises:
        CredentialRefused: code ``keyunreadable``.
    """
    try:
        return Path(config.path).read_bytes()
    except OSError as error:
        raise unreadable(config, error.strerror or "cannot open the file") from None


def _load(config: KeyConfig, password: str) -> Pkcs12Key:
    data = read_key_file(config)
    try:
        store = pkcs12.load_pkcs12(data, password.encode())
    except ValueError as error:
        # cryptography has one exception for both; only the text tells them apart
        if "password" in str(error).lower():
            raise wrong_pin() from None
        raise unreadable(config, "not a PKCS#12 file") from None
    if store.cert is None or store.key is None:
        raise unreadable(config, "the file lacks a key or a certificate")
    if not isinstance(store.key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise unreadable(config, "only RSA and EC keys can sign")
    certificate = store.cert.certificate
    if certificate.public_key() != store.key.public_key():
        raise unreadable(config, "the certificate belongs to another key")
    chain = tuple(extra.certificate for extra in store.additional_certs)
    return Pkcs12Key(config, describe(config, certificate), certificate, chain, store.key)
