"""Signed messages (CMS) read for checking, quickly where they are DER.

Owns taking a message with one signer apart into the few values that a check compares. DER is
read element by element; BER, which some authorities still write, and rarer algorithms are read with
asn1crypto into the same values. Leaves what lies in a time-stamp to ``stamp_messages`` and the
checks themselves to the callers. Follows RFC 5652.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from asn1crypto import cms
from cryptography import x509

from signing.evidence.hash_names import hash_name
from signing.evidence.signatures import HASHES, signature_holds, stated_salt
from signing.evidence.stamp_messages import TimeStamp, read_time_stamp
from signing.reading import der
from signing.reading.der import Element, NotDer, write_oid

SIGNED_DATA = write_oid("1.2.840.113549.1.7.2")
TST_INFO = write_oid("1.2.840.113549.1.9.16.1.4")
MESSAGE_DIGEST = write_oid("1.2.840.113549.1.9.4")
SIGNATURE_TIME_STAMP = write_oid("1.2.840.113549.1.9.16.2.14")
SIGNING_CERTIFICATE_V2 = write_oid("1.2.840.113549.1.9.16.2.47")
_RSASSA_PSS = write_oid("1.2.840.113549.1.1.10")
_RSA_OR_ECDSA = {
    write_oid(dotted)
    for dotted in (
        "1.2.840.113549.1.1.1",
        "1.2.840.113549.1.1.11",
        "1.2.840.113549.1.1.12",
        "1.2.840.113549.1.1.13",
        "1.2.840.10045.4.3.2",
        "1.2.840.10045.4.3.3",
        "1.2.840.10045.4.3.4",
    )
}
_CONTEXT_0, _CONTEXT_1, _CONTEXT_2 = 0xA0, 0xA1, 0xA2
_LONGEST_KEPT = 32_768  # bytes of a message that is worth remembering; ours have some 5,000
_KEPT = 32


class NotSigned(Exception):
    """A message with its content inside that nobody named in it has signed."""


@dataclass(frozen=True)
class SignedMessage:
    """A CMS message with one signer; everything encoded is DER."""

    content_type: bytes  # OBJECT IDENTIFIER, whole
    content: bytes | None  # what lies inside the message; None when it is detached
    certificates: tuple[bytes, ...]
    serial: int  # of the signer's certificate
    digest: str  # "sha256" …
    attributes: dict[bytes, bytes]  # kind (OBJECT IDENTIFIER, whole) → first value
    signed: bytes  # the attributes as the signature covers them
    signature: bytes
    pss: bool
    salt_length: int | None  # of PSS, as stated
    token: bytes | None = None  # a signature's time-stamp, as it is embedded

    @property
    def is_timestamp(self) -> bool:
        """Whether this is a time-stamp rather than somebody's signature."""
        return self.content_type == TST_INFO

    @cached_property
    def stated_digest(self) -> bytes:
        """The message-digest attribute."""
        return der.read(self.attributes[MESSAGE_DIGEST]).expect(der.OCTETS).content

    @cached_property
    def signers(self) -> tuple[x509.Certificate, ...]:
        """The embedded certificates that the signer's serial number names."""
        found = []
        for encoded in self.certificates:
            certificate = load_certificate(encoded)
            if certificate.serial_number == self.serial:
                found.append(certificate)
        return tuple(found)

    @cached_property
    def verified_signer(self) -> x509.Certificate:
        """The embedded certificate whose key made the signature over the content inside.

        Verified for every message; once found, it is a fact about these bytes.

        Raises:
            NotSigned.
        """
        if self.digest not in HASHES:
            raise NotSigned("the token is signed with a weak hash")
        content = hashlib.new(self.digest, self.content or b"").digest()
        if not hmac.compare_digest(self.stated_digest, content):
            raise NotSigned("the token's content was changed")
        for certificate in self.signers:
            if signature_holds(
                certificate.public_key(),
                self.signature,
                self.signed,
                HASHES[self.digest],
                pss=self.pss,
                salt_length=self.salt_length,
            ):
                return certificate
        raise NotSigned("the token's signature does not hold")

    @cached_property
    def time_stamp(self) -> TimeStamp:
        """What a time-stamp says; errors as of ``read_time_stamp``."""
        return read_time_stamp(self.content or b"")


@lru_cache(maxsize=256)
def load_certificate(encoded: bytes) -> x509.Certificate:
    """A certificate; those of authorities come again with every message."""
    return x509.load_der_x509_certificate(encoded)


def read_message(encoded: bytes) -> SignedMessage:
    """Take a message apart; what follows it (padding) is ignored.

    The same bytes are read by the client, the proof and the evidence of an act: what they say is
    remembered by all of them, what follows from it is everybody's own to check.

    Raises:
        ValueError, KeyError, TypeError: it is not a message of this shape.
    """
    try:
        whole = der.read(encoded).whole
        found = _kept.get(whole)
        if found is None:
            found = _read_der(der.read(whole))
            if len(whole) <= _LONGEST_KEPT:
                remember(whole, found)
    except (NotDer, IndexError):
        return _read_ber(encoded)
    return found


_kept: OrderedDict[bytes, SignedMessage] = OrderedDict()


def remember(whole: bytes, message: SignedMessage) -> None:
    """Keep what a message (DER, without padding) says, for whoever reads it next."""
    _kept[whole] = message
    if len(_kept) > _KEPT:
        _kept.popitem(last=False)


def without_padding(encoded: bytes) -> bytes:
    """A message without what follows it."""
    try:
        return der.read(encoded).whole
    except NotDer:
        whole: bytes = cms.ContentInfo.load(encoded).dump()
        return whole


class MessageParts(NamedTuple):
    """The elements of a message that are read; each knows where it lies."""

    content_type: Element
    content: Element | None
    certificates: tuple[Element, ...]
    serial: Element
    digest: Element
    attributes: Element
    algorithm: Element
    signature: Element
    unsigned: Element | None


def message_parts(message: Element) -> MessageParts:
    """Take a message apart; ``NotDer``, ``ValueError``, ``IndexError`` when it is none."""
    kind, wrapped = message.expect(der.SEQUENCE).children()
    if kind.whole != SIGNED_DATA:
        raise NotDer("no signed data")
    (data,) = wrapped.expect(_CONTEXT_0).children()
    _, _, inner, *rest = data.expect(der.SEQUENCE).children()
    carried = rest[0].children() if rest[0].tag == _CONTEXT_0 else ()
    (signer,) = rest[-1].expect(der.SET).children()
    _, sid, digest, attributes, algorithm, signature, *unsigned = signer.children()
    _, serial = sid.expect(der.SEQUENCE).children()
    content_type, *content = inner.expect(der.SEQUENCE).children()
    return MessageParts(
        content_type=content_type,
        content=content[0].children()[0].expect(der.OCTETS) if content else None,
        certificates=tuple(one for one in carried if one.tag == der.SEQUENCE),
        serial=serial,
        digest=digest,
        attributes=attributes.expect(_CONTEXT_0),
        algorithm=algorithm,
        signature=signature.expect(der.OCTETS),
        unsigned=unsigned[0] if unsigned else None,
    )


def _read_der(message: Element) -> SignedMessage:
    parts = message_parts(message)
    pss, salt = _scheme(parts.algorithm)
    return SignedMessage(
        content_type=parts.content_type.whole,
        content=None if parts.content is None else parts.content.content,
        certificates=tuple(one.whole for one in parts.certificates),
        serial=parts.serial.integer(),
        digest=hash_name(parts.digest),
        attributes={kind: value.whole for kind, value in attribute_values(parts.attributes)},
        signed=b"\x31" + parts.attributes.whole[1:],
        signature=parts.signature.content,
        pss=pss,
        salt_length=salt,
        token=None if parts.unsigned is None else _embedded_token(parts.unsigned),
    )


def attribute_values(element: Element) -> Iterator[tuple[bytes, Element]]:
    """Each attribute's kind (OBJECT IDENTIFIER, whole) and first value."""
    for attribute in element.children():
        kind, values = attribute.expect(der.SEQUENCE).children()
        yield kind.whole, values.expect(der.SET).children()[0]


def _embedded_token(unsigned: Element) -> bytes | None:
    token = dict(attribute_values(unsigned)).get(SIGNATURE_TIME_STAMP)
    return None if token is None else token.whole


def _scheme(algorithm: Element) -> tuple[bool, int | None]:
    """Whether it is PSS, and its salt; only the plain cases are told here."""
    kind, *parameters = algorithm.expect(der.SEQUENCE).children()
    if kind.whole in _RSA_OR_ECDSA:
        return False, None
    if kind.whole != _RSASSA_PSS or not parameters:
        raise NotDer("an unusual algorithm")
    for field in parameters[0].children():
        if field.tag == _CONTEXT_2:
            return True, field.children()[0].integer()
    raise NotDer("an unusual salt")


def _read_ber(encoded: bytes) -> SignedMessage:
    data = cms.ContentInfo.load(encoded)["content"]
    (info,) = data["signer_infos"]
    inner = data["encap_content_info"]
    algorithm = info["signature_algorithm"]
    return SignedMessage(
        content_type=inner["content_type"].dump(),
        content=inner["content"].contents if inner["content"].native is not None else None,
        certificates=tuple(
            choice.chosen.dump() for choice in data["certificates"] if choice.name == "certificate"
        ),
        serial=info["sid"].chosen["serial_number"].native,
        digest=info["digest_algorithm"]["algorithm"].native,
        attributes={a["type"].dump(): a["values"][0].dump() for a in info["signed_attrs"]},
        signed=info["signed_attrs"].untag().dump(),
        signature=info["signature"].native,
        pss=algorithm.signature_algo == "rsassa_pss",
        salt_length=stated_salt(algorithm),
        token=_token_of(info),
    )


def _token_of(info: cms.SignerInfo) -> bytes | None:
    for attribute in info["unsigned_attrs"] or ():
        if attribute["type"].native == "signature_time_stamp_token":
            encoded: bytes = attribute["values"][0].dump()
            return encoded
    return None


def bound_certificate(message: SignedMessage) -> tuple[str, bytes]:
    """Digest and fingerprint in signing-certificate-v2 (RFC 5035); there must be one only.

    Raises:
        KeyError, ValueError: there is none, or it is not written as it must be.
    """
    value = der.read(message.attributes[SIGNING_CERTIFICATE_V2]).expect(der.SEQUENCE)
    (identifier,) = value.children()[0].expect(der.SEQUENCE).children()
    return fingerprint_of(identifier)


def fingerprint_of(identifier: Element) -> tuple[str, bytes]:
    """Digest and fingerprint in one ESSCertIDv2 (RFC 5035)."""
    first, *rest = identifier.children()
    if first.tag == der.SEQUENCE:  # left out for SHA-256
        return hash_name(first), rest[0].expect(der.OCTETS).content
    return "sha256", first.expect(der.OCTETS).content
