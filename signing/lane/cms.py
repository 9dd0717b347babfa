"""The signed message (CMS), put together from prepared DER.

Owns the SignedData of a PAdES baseline signature: content type, message digest,
signing-certificate-v2 and algorithm protection as signed attributes, one signer, the chain, and the
signature time-stamp as an unsigned attribute. Everything but digest, signature and token is
encoded once a key. Follows RFC 5652, RFC 5035, RFC 6211, RFC 4055 and ETSI EN 319 122-1.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.keys.contract import PSS_SALT_LENGTH
from signing.reading.der import (
    NULL,
    OCTETS,
    SEQUENCE,
    SET,
    read,
    write,
    write_head,
    write_integer,
    write_oid,
)

_SIGNED_DATA = write_oid("1.2.840.113549.1.7.2")
_DATA = write_oid("1.2.840.113549.1.7.1")
_CONTENT_TYPE = write_oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = write_oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2 = write_oid("1.2.840.113549.1.9.16.2.47")
_ALGORITHM_PROTECTION = write_oid("1.2.840.113549.1.9.52")
_SIGNATURE_TIME_STAMP = write_oid("1.2.840.113549.1.9.16.2.14")
_SHA256 = write_oid("2.16.840.1.101.3.4.2.1")
_MGF1 = write_oid("1.2.840.113549.1.1.8")
_RSASSA_PSS = write_oid("1.2.840.113549.1.1.10")
_SHA256_WITH_RSA = write_oid("1.2.840.113549.1.1.11")
_ECDSA_WITH_SHA256 = write_oid("1.2.840.10045.4.3.2")
_VERSION_1 = write_integer(1)
_IMPLICIT_0, _IMPLICIT_1, _IMPLICIT_2, _DIRECTORY_NAME = 0xA0, 0xA1, 0xA2, 0xA4
_DIGEST_ALGORITHM = write(SEQUENCE, _SHA256)
_DIGEST_SIZE = 32
_MOST_FRAMES = 64  # sizes of ECDSA signatures and of tokens vary a little


def _pss_parameters() -> bytes:
    sha256 = write(SEQUENCE, _SHA256, NULL)  # RFC 4055 wants the NULL here
    return write(
        SEQUENCE,
        write(_IMPLICIT_0, sha256),
        write(_IMPLICIT_1, write(SEQUENCE, _MGF1, sha256)),
        write(_IMPLICIT_2, write_integer(PSS_SALT_LENGTH)),
    )


def _signature_algorithm(certificate: x509.Certificate, uses_pss: bool) -> bytes:
    if not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        return write(SEQUENCE, _ECDSA_WITH_SHA256)
    if uses_pss:
        return write(SEQUENCE, _RSASSA_PSS, _pss_parameters())
    return write(SEQUENCE, _SHA256_WITH_RSA, NULL)


def set_of(items: Iterable[bytes]) -> bytes:
    """The elements of a SET OF in DER's order (X.690, 11.6)."""
    return b"".join(sorted(items))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return write(SEQUENCE, kind, write(SET, value))


def _issuer_and_serial(der: bytes) -> tuple[bytes, bytes]:
    """Issuer name and serial number as the certificate itself encodes them."""
    fields = read(der).children()[0].children()
    skip = 1 if fields[0].tag == _IMPLICIT_0 else 0  # the version
    return fields[skip + 2].whole, fields[skip].whole


class CmsTemplate:
    """What one key's messages have in common; ``certificates`` begin with the signer's."""

    def __init__(self, certificates: tuple[x509.Certificate, ...], uses_pss: bool) -> None:
        encoded = [one.public_bytes(Encoding.DER) for one in certificates]
        own = encoded[0]
        algorithm = _signature_algorithm(certificates[0], uses_pss)
        issuer, serial = _issuer_and_serial(own)
        protection = write(SEQUENCE, _DIGEST_ALGORITHM, b"\xa1" + algorithm[1:])
        general_names = write(SEQUENCE, write(_DIRECTORY_NAME, issuer))
        binding = write(
            SEQUENCE,
            write(OCTETS, hashlib.sha256(own).digest()),
            write(SEQUENCE, general_names, serial),
        )
        signing_certificate = write(SEQUENCE, write(SEQUENCE, binding))
        hole = bytes(_DIGEST_SIZE)
        attributes = write(
            SET,
            set_of(
                [
                    _attribute(_CONTENT_TYPE, _DATA),
                    _attribute(_MESSAGE_DIGEST, write(OCTETS, hole)),
                    _attribute(_SIGNING_CERTIFICATE_V2, signing_certificate),
                    _attribute(_ALGORITHM_PROTECTION, protection),
                ]
            ),
        )
        marker = _MESSAGE_DIGEST + write(SET, write(OCTETS, hole))
        at = attributes.index(marker) + len(marker) - _DIGEST_SIZE
        self._attributes = attributes[:at], attributes[at + _DIGEST_SIZE :]
        self._signer = write(SEQUENCE, issuer, serial) + _DIGEST_ALGORITHM
        self._algorithm = algorithm
        self._content = (
            _VERSION_1
            + write(SET, _DIGEST_ALGORITHM)
            + write(SEQUENCE, _DATA)
            + write(_IMPLICIT_0, set_of(encoded))
        )
        self._size_of_attributes = len(attributes)
        self._frames: dict[tuple[int, int | None], tuple[bytes, bytes, bytes]] = {}
        self.size = len(self._content) + len(attributes) + len(self._signer) + len(algorithm)

    def attributes(self, digest: bytes) -> bytes:
        """The signed attributes over a document's digest: what the key signs (RFC 5652, 5.4)."""
        return self._attributes[0] + digest + self._attributes[1]

    def digits(self, attributes: bytes, signature: bytes, token: bytes | None) -> bytes:
        """The whole message around a signature and, if there is one, its time-stamp.

        In hexadecimal, as it stands in the file; what messages of one size share is made once.
        """
        sizes = len(signature), None if token is None else len(token)
        frame = self._frames.get(sizes)
        if frame is None:
            if len(self._frames) >= _MOST_FRAMES:
                self._frames.clear()
            frame = self._frames[sizes] = self._frame(*sizes)
        before, between, behind = frame
        parts = (before, hexlify(attributes[1:]), between, hexlify(signature), behind)
        return b"".join(parts if token is None else (*parts, hexlify(token)))

    def _frame(self, signature: int, token: int | None) -> tuple[bytes, bytes, bytes]:
        """Digits before the attributes, between them and the signature, and before the token.

        The sizes are those of signature and token, in bytes.
        """
        behind = b"" if token is None else _before_token(token)
        between = self._algorithm + write_head(OCTETS, signature)
        own = _VERSION_1 + self._signer + b"\xa0"
        rest = self._size_of_attributes - 1 + len(between) + signature + len(behind) + (token or 0)
        signer = write_head(SEQUENCE, len(own) + rest) + own
        signers = write_head(SET, len(signer) + rest) + signer
        size = len(self._content) + len(signers) + rest
        data = write_head(SEQUENCE, size)
        wrapped = write_head(_IMPLICIT_0, len(data) + size)
        whole = len(_SIGNED_DATA) + len(wrapped) + len(data) + size
        head = write_head(SEQUENCE, whole) + _SIGNED_DATA + wrapped + data
        return hexlify(head + self._content + signers), hexlify(between), hexlify(behind)


def _before_token(size: int) -> bytes:
    """The unsigned attributes up to a time-stamp of so many bytes."""
    head = b""
    for tag, kind in ((SET, b""), (SEQUENCE, _SIGNATURE_TIME_STAMP), (_IMPLICIT_1, b"")):
        inside = kind + head
        head = write_head(tag, len(inside) + size) + inside
    return head
