"""Does a signed message name the certificate that made it (RFC 5035, RFC 5816, RFC 3161 2.4.2)?

Owns reading the signing-certificate attributes of a time-stamp token, the old one with SHA-1 and
the new one. Leaves finding the signer and its trust to ``messages`` and ``timestamps``.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress

from asn1crypto import tsp
from cryptography import x509

from signing.evidence.eligibility import encoded
from signing.evidence.messages import SIGNING_CERTIFICATE_V2, SignedMessage, fingerprint_of
from signing.reading import der
from signing.reading.der import NotDer, write_oid

_SIGNING_CERTIFICATE = write_oid("1.2.840.113549.1.9.16.2.12")


class NamedCertificate:
    """The certificate that one authority's messages name: the same attributes are read once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: tuple[bytes | None, bytes | None, x509.Certificate] | None = None

    def is_named(self, message: SignedMessage, certificate: x509.Certificate) -> bool:
        """As ``names_certificate``."""
        attributes = message.attributes
        asked = attributes.get(SIGNING_CERTIFICATE_V2), attributes.get(_SIGNING_CERTIFICATE)
        if self._known == (*asked, certificate):
            return True
        if not names_certificate(message, certificate):
            return False
        self._known = (*asked, certificate)
        return True


def names_certificate(message: SignedMessage, certificate: x509.Certificate) -> bool:
    """Whether the first certificate that the message names is this one; False without a name.

    Where both attributes are there, both must name it.

    Raises:
        ValueError, TypeError, KeyError, IndexError: an attribute is not written as it must be.
    """
    own = encoded(certificate)
    named = []
    new = message.attributes.get(SIGNING_CERTIFICATE_V2)
    if new is not None:
        algorithm, fingerprint = _first_named(new)
        named.append((hashlib.new(algorithm, own).digest(), fingerprint))
    old = message.attributes.get(_SIGNING_CERTIFICATE)
    if old is not None:
        first = tsp.SigningCertificate.load(old, strict=True)["certs"][0]
        fingerprint = hashlib.sha1(own, usedforsecurity=False).digest()  # as RFC 3161 fixes it
        named.append((fingerprint, first["cert_hash"].native))
    return bool(named) and all(hmac.compare_digest(*pair) for pair in named)


def _first_named(attribute: bytes) -> tuple[str, bytes]:
    """Digest and fingerprint of the first ESSCertIDv2; what is not DER is read by the library."""
    with suppress(NotDer, IndexError):
        value = der.read(attribute).expect(der.SEQUENCE)
        if value.end == len(attribute):  # else the library says what is wrong
            return fingerprint_of(value.children()[0].expect(der.SEQUENCE).children()[0])
    first = tsp.SigningCertificateV2.load(attribute, strict=True)["certs"][0]
    return first["hash_algorithm"]["algorithm"].native, first["cert_hash"].native
