"""Signed messages (CMS) and time-stamps (RFC 3161) read for checking, quickly where they are DER.

Owns taking a message with one signer apart into the few values that a check compares. DER is
read element by element; BER, which some authorities still write, and rarer algorithms are read with
asn1crypto into the same values. Leaves the checks themselves to the callers. Follows RFC 5652
and RFC 3161.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from asn1crypto import cms, tsp
from cryptography import x509

from signing.evidence.signatures import HASHES, signature_holds, stated_salt
from signing.reading import der
from signing.reading.der import Element, NotDer, write_oid

SIGNED_DATA = write_oid("1.2.840.113549.1.7.2")
TST_INFO = write_oid("1.2.840.113549.1.9.16.1.4")
MESSAGE_DIGEST = write_oid("1.2.840.113549.1.9.4")
SIGNATURE_TIME_STAMP = write_oid("1.2.840.113549.1.9.16.2.14")
SIGNING_CERTIFICATE_V2 = write_oid("1.2.840.113549.1.9.16.2.47")
_HASHES = {
    write_oid("2.16.840.1.101.3.4.2.1"): "sha256",
    write_oid("2.16.840.1.101.3.4.2.2"): "sha384",
    write_oid("2.16.840.1.101.3.4.2.3"): "sha512",
    write_oid("1.3.14.3.2.26"): "sha1",
}
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
_GENERALIZED_TIME, _BOOLEAN = 0x18, 0x01
_LONGEST_KEPT = 32_768  # bytes of a message that is worth remembering; ours have some 5,000


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

    @property
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


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a time-stamp says (TSTInfo)."""

    digest: str
    imprint: bytes
    time: datetime
    nonce: int | None


def read_message(encoded: bytes) -> SignedMessage:
    """Take a message apart; what follows it (padding) is ignored.

    The same bytes are read by the client, the proof and the evidence of an act: what they say is
    remembered by all of them, what follows from it is everybody's own to check.

    Raises:
        ValueError, KeyError, TypeError: it is not a message of this shape.
    """
    try:
        whole = der.read(encoded).whole
        return _read_kept(whole) if len(whole) <= _LONGEST_KEPT else _read_der(der.read(whole))
    except (NotDer, IndexError):
        return _read_ber(encoded)


@lru_cache(maxsize=32)
def _read_kept(whole: bytes) -> SignedMessage:
    return _read_der(der.read(whole))


def without_padding(encoded: bytes) -> bytes:
    """A message without what follows it."""
    try:
        return der.read(encoded).whole
    except NotDer:
        whole: bytes = cms.ContentInfo.load(encoded).dump()
        return whole


def _read_der(message: Element) -> SignedMessage:
    kind, wrapped = message.expect(der.SEQUENCE).children()
    if kind.whole != SIGNED_DATA:
        raise NotDer("no signed data")
    (data,) = wrapped.expect(_CONTEXT_0).children()
    _, _, inner, *rest = data.expect(der.SEQUENCE).children()
    certificates: list[bytes] = []
    if rest[0].tag == _CONTEXT_0:
        certificates = [one.whole for one in rest[0].children() if one.tag == der.SEQUENCE]
    (signer,) = rest[-1].expect(der.SET).children()
    _, sid, digest, attributes, algorithm, signature, *unsigned = signer.children()
    _, serial = sid.expect(der.SEQUENCE).children()
    pss, salt = _scheme(algorithm)
    content_type, *content = inner.expect(der.SEQUENCE).children()
    return SignedMessage(
        content_type=content_type.whole,
        content=content[0].children()[0].expect(der.OCTETS).content if content else None,
        certificates=tuple(certificates),
        serial=serial.integer(),
        digest=hash_name(digest),
        attributes=_attributes(attributes.expect(_CONTEXT_0)),
        signed=b"\x31" + attributes.whole[1:],
        signature=signature.expect(der.OCTETS).content,
        pss=pss,
        salt_length=salt,
        token=_attributes(unsigned[0]).get(SIGNATURE_TIME_STAMP) if unsigned else None,
    )


def _attributes(element: Element) -> dict[bytes, bytes]:
    found = {}
    for attribute in element.children():
        kind, values = attribute.expect(der.SEQUENCE).children()
        found[kind.whole] = values.expect(der.SET).children()[0].whole
    return found


def hash_name(algorithm: Element) -> str:
    """The hash an AlgorithmIdentifier names; ``NotDer`` for one we do not know."""
    name = _HASHES.get(algorithm.expect(der.SEQUENCE).children()[0].whole)
    if name is None:
        raise NotDer("an unknown hash")
    return name


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


def read_time_stamp(content: bytes) -> TimeStamp:
    """Read a TSTInfo.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    try:
        return _read_tst_info(der.read(content))
    except (NotDer, IndexError):
        info = tsp.TSTInfo.load(content)
        imprint = info["message_imprint"]
        return TimeStamp(
            imprint["hash_algorithm"]["algorithm"].native,
            imprint["hashed_message"].native,
            info["gen_time"].native,
            info["nonce"].native,
        )


def _read_tst_info(info: Element) -> TimeStamp:
    _, _, imprint, _, moment, *rest = info.expect(der.SEQUENCE).children()
    algorithm, hashed = imprint.expect(der.SEQUENCE).children()
    nonces = [one.integer() for one in rest if one.tag == der.INTEGER]
    return TimeStamp(
        hash_name(algorithm),
        hashed.expect(der.OCTETS).content,
        _moment(moment.expect(_GENERALIZED_TIME).content.decode("ascii")),
        nonces[0] if nonces else None,
    )


def _moment(text: str) -> datetime:
    """A GeneralizedTime as RFC 3161 wants it: UTC, perhaps with a fraction."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or len(whole) != 14 or not whole.isdigit():
        raise NotDer("an unusual time")
    parts = [int(whole[:4]), *(int(whole[at : at + 2]) for at in range(4, 14, 2))]
    moment = datetime(parts[0], *parts[1:], tzinfo=UTC)  # type: ignore[misc,arg-type]  # six numbers, in order
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else moment


def write_request(digest: bytes, name: str, nonce: int) -> bytes:
    """A time-stamp request (TimeStampReq) that asks for the authority's certificate."""
    algorithm = next(oid for oid, known in _HASHES.items() if known == name)
    imprint = der.write(
        der.SEQUENCE, der.write(der.SEQUENCE, algorithm, der.NULL), der.write(der.OCTETS, digest)
    )
    return der.write(
        der.SEQUENCE,
        der.write_integer(1),
        imprint,
        der.write_integer(nonce),
        der.write(_BOOLEAN, b"\xff"),
    )


def read_response(raw: bytes) -> tuple[int, bytes | None]:
    """A TimeStampResp's status and its token (DER), if it has one.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    try:
        status, *token = der.read(raw).expect(der.SEQUENCE).children()
        code = status.expect(der.SEQUENCE).children()[0].integer()
        return code, token[0].whole if token else None
    except (NotDer, IndexError):
        response = tsp.TimeStampResp.load(raw)
        token_value = response["time_stamp_token"]
        has_token = token_value.native is not None
        return int(response["status"]["status"]), token_value.dump() if has_token else None


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
