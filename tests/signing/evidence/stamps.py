"""Time-stamp tokens in DER, every part as a test wants it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from signing.reading.der import NULL, OCTETS, SEQUENCE, SET, write, write_integer, write_oid

_SHA256 = "2.16.840.1.101.3.4.2.1"
_TST_INFO = write_oid("1.2.840.113549.1.9.16.1.4")
_SERIAL = 4711


@cache
def certificate(key):
    """A certificate (DER) that nobody trusts."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(_SERIAL)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def stamp(
    key,
    *,
    imprint=bytes(32),
    serial=2**40,
    moment=b"20261125083015Z",
    nonce=2**62,
    policy="1.3.6.1.4.1.99999.1.1",
    hash_oid=_SHA256,
    named=None,
    carried=None,
    version=1,
    signing_time=None,
    also=b"",
):
    """A token signed with a P-256 key; ``carried`` is the certificate (DER) in it."""
    carried = certificate(key) if carried is None else carried
    sha256 = write(SEQUENCE, write_oid(hash_oid), NULL)
    info = write(
        SEQUENCE,
        write_integer(version),
        write_oid(policy),
        write(SEQUENCE, sha256, write(OCTETS, imprint)),
        write_integer(serial),
        write(0x18, moment),
        write_integer(nonce),
    )
    named = hashlib.sha256(carried).digest() if named is None else named
    binding = write(SEQUENCE, write(SEQUENCE, write(SEQUENCE, write(OCTETS, named))))
    attributes = also + _attribute("1.2.840.113549.1.9.16.2.47", binding)
    if signing_time is not None:
        attributes += _attribute("1.2.840.113549.1.9.5", write(0x17, signing_time))
    attributes += _attribute("1.2.840.113549.1.9.4", write(OCTETS, hashlib.sha256(info).digest()))
    signature = key.sign(write(SET, attributes), ec.ECDSA(hashes.SHA256()))
    signer = write(
        SEQUENCE,
        write_integer(1),
        write(SEQUENCE, write(SEQUENCE), write_integer(_SERIAL)),
        write(SEQUENCE, write_oid(_SHA256)),
        write(0xA0, attributes),
        write(SEQUENCE, write_oid("1.2.840.10045.4.3.2")),
        write(OCTETS, signature),
    )
    data = write(
        SEQUENCE,
        write_integer(3),
        write(SET, write(SEQUENCE, write_oid(_SHA256))),
        write(SEQUENCE, _TST_INFO, write(0xA0, write(OCTETS, info))),
        write(0xA0, carried),
        write(SET, signer),
    )
    return write(SEQUENCE, write_oid("1.2.840.113549.1.7.2"), write(0xA0, data))


def _attribute(oid, value):
    return write(SEQUENCE, write_oid(oid), write(SET, value))
