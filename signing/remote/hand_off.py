"""Judging a file that a desktop program signed and brought back.

Owns the proof that what came back is what went out: the same bytes first, after them nothing but
signatures, each by the expected key over exactly its revision. Reads signatures as the tools of Ban
Cơ yếu Chính phủ make them (``adbe.pkcs7.detached`` without a signing time, ``ETSI.CAdES.detached``;
RSASSA-PSS, PKCS#1 v1.5 as the audited exception). Leaves what else was added to
``signing.added_signatures``, whether the signer may sign today to ``signing.service``, the
program's addresses to the gateway.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.added_signatures import check_only_signatures
from signing.contract import CredentialRefused, DocumentRefused, Level
from signing.evidence.eligibility import TIME_STAMPING, ChainBuilder, has_extended_usage
from signing.evidence.messages import read_message, without_padding
from signing.evidence.signatures import signature_holds, stated_salt
from signing.evidence.stamp_messages import read_time_stamp
from signing.evidence.tokens import Tokens
from signing.evidence.unchecked import TokenRefused, verified_signer
from signing.keys.confirmed import ConfirmedKey
from signing.reading.opening import (
    HOSTILE_INPUT_ERRORS,
    Data,
    Unreadable,
    open_pdf,
    short_reason,
)
from signing.reading.signature_fields import FoundSignature, Layout, find_signatures
from signing.reading.stretches import begins_with, read_into

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Returned:
    """What a good file that came back says of itself."""

    key: ConfirmedKey  # whose signature it is
    field_names: tuple[str, ...]
    level: Level  # B-T when every signature carries a time-stamp that holds, else B-B
    algorithm: str
    claimed_at: datetime | None
    tokens: Tokens  # the time-stamps that hold


@dataclass(frozen=True, slots=True)
class _Added:
    """A new signature or time-stamp of the document, and the bytes it covers."""

    file: Data
    found: FoundSignature
    spans: tuple[tuple[int, int], tuple[int, int]]  # from, to

    @property
    def end(self) -> int:
        """Where what it covers ends."""
        return self.spans[1][1]

    def digest(self, algorithm: str) -> bytes:
        """Of the bytes it covers."""
        state = hashlib.new(algorithm)
        for start, end in self.spans:
            read_into(state, self.file, start, end)
        return state.digest()


@dataclass(frozen=True, slots=True)
class _Made(_Added):
    """One new signature with its CMS message."""

    message: cms.SignedData


def judge_hand_off(
    before: Data,
    after: Data,
    expected: tuple[ConfirmedKey, ...],
    parts: int,
    chains: ChainBuilder,
) -> Returned:
    """Prove a file that came back.

    Args:
        before: the file as it went out.
        after: what came back.
        expected: whose signatures are accepted; more than one while a certificate is renewed.
        parts: the most signatures the act may consist of, time-stamps not counted.
        chains: the roots a time-stamp must lead to in order to count.

    Raises:
        DocumentRefused: ``not_this_document``, ``unreadable``, ``changed_beyond_signatures``.
        CredentialRefused: ``unsigned``, ``wrong_signer``, ``bad_signature``,
            ``pkcs1v15_not_allowed``, ``too_many_signatures``.
    """
    if not begins_with(after, before):
        raise DocumentRefused(
            "not_this_document",
            "Tệp gửi lại không phải văn bản đã giao, hoặc đã bị chương trình khác lưu lại.",
            "what came back does not begin with the bytes that went out",
        )
    reader = _open(after)
    try:
        added = _new_ones(before, after, reader)
        made = [_signature(one) for one in added if not one.found.is_timestamp]
        _check_count(made, parts)
        check_only_signatures(reader, _base(before))
        key = _check_signer(made[0], expected)
        for one in made:
            _check_signature(one, key)
        tokens = _tokens(made, [one for one in added if one.found.is_timestamp], chains)
        return Returned(
            key=key,
            field_names=tuple(one.found.field.name for one in made),
            level=Level.B_B if tokens.bare() else Level.B_T,
            algorithm=_algorithm(made[-1]),
            claimed_at=_claimed(made[-1]),
            tokens=tokens,
        )
    except HOSTILE_INPUT_ERRORS as error:
        raise _broken(short_reason(error)) from error


def _open(after: Data) -> PdfFileReader:
    opened = open_pdf(after)
    if isinstance(opened, Unreadable):
        raise DocumentRefused(
            "unreadable", "Tệp gửi lại không đọc được.", "what came back is not a readable PDF"
        )
    return opened.reader


def _new_ones(before: Data, after: Data, reader: PdfFileReader) -> list[_Added]:
    """What is signed and stamped after the file that went out, in the order it was made."""
    added: list[_Added] = []
    for found in find_signatures(after, reader.root):
        if found.layout not in (Layout.WHOLE_FILE, Layout.PREFIX):
            raise _broken(f"a byte range is {found.layout}")
        start, length, second, rest = (int(number) for number in found.value["/ByteRange"])
        end = second + rest
        if end > len(before):
            added.append(_Added(after, found, ((start, length), (second, end))))
    return sorted(added, key=lambda one: one.end)


def _signature(one: _Added) -> _Made:
    message = cms.ContentInfo.load(bytes(one.found.value["/Contents"]))
    if message["content_type"].native != "signed_data":
        raise ValueError("not a signed CMS message")
    return _Made(one.file, one.found, one.spans, message["content"])


def _check_count(made: list[_Made], parts: int) -> None:
    if not made:
        raise CredentialRefused(
            "unsigned", "Tệp gửi lại chưa có chữ ký số nào mới.", "nothing was signed"
        )
    if len(made) > parts:
        raise CredentialRefused(
            "too_many_signatures",
            f"Tệp gửi lại có {len(made)} chữ ký mới, nhiều hơn {parts} chữ ký của lượt ký này.",
            f"{len(made)} new signatures, at most {parts} are this act's",
        )


def _base(before: Data) -> int:
    """The last revision of the file that went out."""
    opened = open_pdf(before)
    if isinstance(opened, Unreadable):
        raise _broken("the file that went out cannot be read")
    return int(opened.reader.xrefs.total_revisions) - 1


def _check_signer(made: _Made, expected: tuple[ConfirmedKey, ...]) -> ConfirmedKey:
    """Which of the expected certificates signed, by the message's own statement."""
    (info,) = made.message["signer_infos"]
    carried = [
        choice.chosen.dump()
        for choice in made.message["certificates"]
        if choice.name == "certificate"
    ]
    for key in expected:
        der = key.certificate.public_bytes(Encoding.DER)
        if der in carried and _names(info, key.certificate):
            return key
    raise CredentialRefused(
        "wrong_signer",
        "Tệp gửi lại do một chứng thư số khác ký, không phải của người được giao.",
        "another certificate signed",
    )


def _names(info: cms.SignerInfo, certificate: x509.Certificate) -> bool:
    sid = info["sid"].chosen
    if info["sid"].name == "issuer_and_serial_number":
        issuer = certificate.issuer.public_bytes()
        serial = certificate.serial_number
        return bool(sid["serial_number"].native == serial and sid["issuer"].dump() == issuer)
    identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return bool(sid.native == identifier.digest)


def _check_signature(made: _Made, key: ConfirmedKey) -> None:
    """The message is over exactly these bytes, and this key made it."""
    _check_signer(made, (key,))
    (info,) = made.message["signer_infos"]
    algorithm = info["digest_algorithm"]["algorithm"].native
    if algorithm not in _HASHES or not info["signed_attrs"]:
        raise _bad_signature("weak digest, or no signed attributes")
    attributes = {one["type"].native: one["values"][0] for one in info["signed_attrs"]}
    digest = made.digest(algorithm)
    if not hmac.compare_digest(attributes["message_digest"].native, digest):
        raise _bad_signature("the digest is not the document's")
    _check_binding(attributes, key.certificate)
    is_pss = info["signature_algorithm"].signature_algo == "rsassa_pss"
    is_rsa = isinstance(key.certificate.public_key(), rsa.RSAPublicKey)
    if is_rsa and not is_pss and not key.config.allow_pkcs1v15:
        raise CredentialRefused(
            "pkcs1v15_not_allowed",
            "Chữ ký dùng RSA theo PKCS#1 v1.5; muốn nhận cần ngoại lệ đã được phê duyệt"
            " (allow_pkcs1v15).",
            "the signature is RSASSA-PKCS1-v1_5, which needs an audited exception",
        )
    if not signature_holds(
        key.certificate.public_key(),
        info["signature"].native,
        info["signed_attrs"].untag().dump(),
        _HASHES[algorithm],
        pss=is_pss,
        salt_length=stated_salt(info["signature_algorithm"]),
    ):
        raise _bad_signature("the signature does not hold")


def _check_binding(attributes: dict[str, object], certificate: x509.Certificate) -> None:
    """Where the signature says whose it is (CAdES), it must be this certificate's."""
    binding = attributes.get("signing_certificate_v2")
    if binding is None:
        return  # adbe.pkcs7.detached says so by the message's signer identifier only
    first = binding["certs"][0]  # type: ignore[index]  # an asn1crypto value
    name = first["hash_algorithm"]["algorithm"].native
    der = certificate.public_bytes(Encoding.DER)
    if not hmac.compare_digest(first["cert_hash"].native, hashlib.new(name, der).digest()):
        raise _bad_signature("the signature names another certificate")


def _tokens(made: list[_Made], stamps: list[_Added], chains: ChainBuilder) -> Tokens:
    """The time-stamps that are trusted; a poor one is there, but counts not."""
    archives = []
    for one in stamps:
        token = bytes(one.found.value["/Contents"])
        if _token_holds(token, one.digest, chains):
            archives.append((one.end, without_padding(token)))
    return Tokens(
        of_signatures=tuple(_own_stamp(one, chains) for one in made),
        archives=tuple(token for _, token in archives),
        over_all=tuple(token for end, token in archives if end > made[-1].end),
    )


def _own_stamp(made: _Made, chains: ChainBuilder) -> bytes | None:
    """The first trusted time-stamp in the signature's own message."""
    (info,) = made.message["signer_infos"]
    signature = info["signature"].native

    def digest(algorithm: str) -> bytes:
        return hashlib.new(algorithm, signature).digest()

    for attribute in info["unsigned_attrs"] or ():
        if attribute["type"].native == "signature_time_stamp_token":
            token: bytes = attribute["values"][0].dump()
            if _token_holds(token, digest, chains):
                return token
    return None


def _token_holds(token: bytes, digest: Callable[[str], bytes], chains: ChainBuilder) -> bool:
    try:
        message = read_message(token)
        signer = verified_signer(message)
        told = read_time_stamp(message.content or b"")
        extra = [x509.load_der_x509_certificate(one) for one in message.certificates]
    except (TokenRefused, *HOSTILE_INPUT_ERRORS):
        return False
    if told.digest not in _HASHES:
        return False
    if told.imprint != digest(told.digest):
        return False
    chain = chains.build(signer, told.time, extra)
    return has_extended_usage(signer, TIME_STAMPING) and chain is not None


def _algorithm(made: _Made) -> str:
    """How the program signed, in words."""
    (info,) = made.message["signer_infos"]
    digest = info["digest_algorithm"]["algorithm"].native.upper().replace("SHA", "SHA-")
    scheme = info["signature_algorithm"].signature_algo
    named = {"rsassa_pss": "RSASSA-PSS", "rsassa_pkcs1v15": "RSASSA-PKCS1-v1_5", "ecdsa": "ECDSA"}
    return f"{named.get(scheme, scheme)} {digest}"


def _claimed(made: _Made) -> datetime | None:
    """The signer's own word about the time, if any: VGCA's tools leave it out."""
    (info,) = made.message["signer_infos"]
    for attribute in info["signed_attrs"]:
        if attribute["type"].native == "signing_time":
            moment = attribute["values"][0].native
            return moment.astimezone(UTC) if isinstance(moment, datetime) else None
    return None


def _broken(detail: str) -> DocumentRefused:
    return DocumentRefused(
        "changed_beyond_signatures",
        "Tệp gửi lại có thay đổi khác ngoài chữ ký số nên không được nhận.",
        f"what came back has more than signatures: {detail}",
    )


def _bad_signature(detail: str) -> CredentialRefused:
    return CredentialRefused(
        "bad_signature",
        "Chữ ký số trong tệp gửi lại không hợp lệ.",
        f"a signature that came back does not hold: {detail}",
    )
