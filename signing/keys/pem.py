"""Keys in PEM files (RFC 7468): a private key, its certificate and, beside them, the issuers.

Owns reading the file. A key that is encrypted (PKCS#8, RFC 5958) opens by the rules of PKCS#12
files; one that lies open is meant for servers that keep it on an encrypted disk: a PIN given for it
is refused rather than ignored.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from signing.contract import KeyConfig
from signing.keys.certified import describe
from signing.keys.contract import OpenedKey
from signing.keys.pkcs12 import Pkcs12Key, Pkcs12Source, read_key_file
from signing.keys.refusals import pin_required, unreadable, wrong_pin

_ENCRYPTED = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")


class PemSource(Pkcs12Source):
    """Opens one configured file; a PIN is treated as with PKCS#12."""

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Open the file the first time, check the PIN every time."""
        if any(mark in read_key_file(self.config) for mark in _ENCRYPTED):
            return await super().open(pin, otp)
        if pin is not None:
            raise wrong_pin()
        if self._key is None:
            self._key = self.load(None)
        return self._key

    def load(self, password: str | None) -> Pkcs12Key:
        """Read key and certificates."""
        return _load(self.config, password)


def _load(config: KeyConfig, password: str | None) -> Pkcs12Key:
    data = read_key_file(config)
    try:
        key = load_pem_private_key(data, password.encode() if password is not None else None)
    except TypeError:
        raise pin_required() from None
    except ValueError as error:
        # cryptography has one exception for both; only the text tells them apart
        if "password" in str(error).lower() or "decrypt" in str(error).lower():
            raise wrong_pin() from None
        raise unreadable(config, "no private key in the file") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise unreadable(config, "only RSA and EC keys can sign")
    try:
        certificates = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise unreadable(config, "no certificate in the file") from None
    own = [one for one in certificates if one.public_key() == key.public_key()]
    if not own:
        raise unreadable(config, "the certificate belongs to another key")
    chain = tuple(one for one in certificates if one != own[0])
    return Pkcs12Key(config, describe(config, own[0]), own[0], chain, key)
