"""Does a signed message name the certificate that made it (RFC 5035, RFC 5816, RFC 3161 2.4.2)?

Owns reading the signing-certificate attributes of a time-stamp token, the old one with SHA-1 and
the new one. Leaves finding the signer and its trust to ``messages`` and ``timestamps``.
"""

from __future__ import annotations

import hashlib
import hmac

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.evidence.messages import SIGNING_CERTIFICATE_V2, SignedMessage
from signing.reading.der import write_oid

_SIGNING_CERTIFICATE = write_oid("1.2.840.113549.1.9.16.2.12")


def names_certificate(message: SignedMessage, certificate: x509.Certificate) -> bool:
    """Whether the first certificate that the message names is this one; False without a name.

    Where both attributes are there, both must name it.

    Raises:
        ValueError, TypeError, KeyError, IndexError: an attribute is not written as it must be.
    """
    encoded = certificate.public_bytes(Encoding.DER)
    named = []
    new = message.attributes.get(SIGNING_CERTIFICATE_V2)
    if new is not None:
        first = tsp.SigningCertificateV2.load(new, strict=True)["certs"][0]
        algorithm = first["hash_algorithm"]["algorithm"].native
        named.append((hashlib.new(algorithm, encoded).digest(), first["cert_hash"].native))
    old = message.attributes.get(_SIGNING_CERTIFICATE)
    if old is not None:
        first = tsp.SigningCertificate.load(old, strict=True)["certs"][0]
        fingerprint = hashlib.sha1(encoded, usedforsecurity=False).digest()  # as RFC 3161 fixes it
        named.append((fingerprint, first["cert_hash"].native))
    return bool(named) and all(hmac.compare_digest(*pair) for pair in named)
