"""What a signed file holds for its own proof: signatures, time-stamps, certificates, OCSP, CRL.

Owns reading all this from a file of any origin, by structure alone, and the level each signature
has by it (ETSI EN 319 142-1, clause 6). Whether any of it holds is ``signing.validation``'s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from asn1crypto import cms, core
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko.pdf_utils import generic
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.contract import DocumentRefused, Level
from signing.pades.refusals import check_not_encrypted, check_readable
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, Unreadable, entry, open_pdf
from signing.reading.signature_fields import FoundSignature, find_signatures

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_MAX_STREAMS = 2_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """One time-stamp token: of a signature, or over a document."""

    signer: x509.Certificate
    certificates: tuple[x509.Certificate, ...]
    time: datetime
    digests: tuple[str, ...]  # of the imprint, and of the token's own signature


@dataclass(frozen=True, slots=True)
class Store:
    """The document security store of one revision (ISO 32000-2, 12.8.4.3)."""

    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()

    def speaks_of(self, certificate: x509.Certificate) -> bool:
        """Whether it says anything about this certificate's revocation."""
        return any(_serial_in(raw) == certificate.serial_number for raw in self.ocsps) or any(
            _issuer_of(raw) == certificate.issuer for raw in self.crls
        )


@dataclass(frozen=True, slots=True)
class DocumentStamp:
    """A document time-stamp: its token, where it ends in the file, the store it protects."""

    name: str
    end: int
    stamp: Stamp
    store: Store


@dataclass(frozen=True, slots=True)
class HeldSignature:
    """Somebody's signature, with the time-stamps inside and after it."""

    name: str
    end: int
    signer: x509.Certificate
    certificates: tuple[x509.Certificate, ...]
    digest: str
    own_stamps: tuple[Stamp, ...]
    later: tuple[DocumentStamp, ...]
    level: Level

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """Every time-stamp over it, the newest last."""
        return (*self.own_stamps, *(one.stamp for one in self.later))


@dataclass(frozen=True, slots=True)
class Holding:
    """A signed file as read."""

    signatures: tuple[HeldSignature, ...]
    document_stamps: tuple[DocumentStamp, ...]
    store: Store = field(default_factory=Store)

    @property
    def level(self) -> Level:
        """The lowest among the signatures; a file with time-stamps alone has none below."""
        return min((s.level for s in self.signatures), key=lambda level: level.rank)

    @property
    def all_stamped(self) -> bool:
        """Whether every signature's time is proven by some time-stamp."""
        return all(s.level is not Level.B_B for s in self.signatures)

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """Every certificate the file carries: candidates for chains, not trusted."""
        found = [*self.store.certificates]
        for signature in self.signatures:
            found += signature.certificates
            found += [c for stamp in signature.own_stamps for c in stamp.certificates]
        found += [c for one in self.document_stamps for c in one.stamp.certificates]
        return tuple(dict.fromkeys(found))


def read_holding(pdf: Data) -> Holding:
    """Read a signed file.

    Raises:
        DocumentRefused: ``not_a_pdf``, ``unreadable``, ``encrypted``, ``unsigned``,
            ``broken_signature`` (what cannot be read cannot be kept provable).
    """
    check_readable(pdf)
    opened = open_pdf(pdf)
    if isinstance(opened, Unreadable):
        raise DocumentRefused("unreadable", "Không đọc được tệp PDF.", opened.reason)
    reader = opened.reader
    check_not_encrypted(reader)
    found = find_signatures(pdf, reader.root)
    read = [_read(reader, one) for one in found]
    stamps = sorted((o for o in read if isinstance(o, DocumentStamp)), key=lambda o: o.end)
    store = read_store(reader.root)
    signatures = [_with_level(s, stamps, store) for s in read if isinstance(s, HeldSignature)]
    if not signatures:
        raise DocumentRefused("unsigned", "Tệp không có chữ ký số.", "no signature to preserve")
    return Holding(tuple(signatures), tuple(stamps), store)


def _read(reader: Any, found: FoundSignature) -> HeldSignature | DocumentStamp:
    name = found.field.name
    try:
        embedded = EmbeddedPdfSignature(reader, found.field.dictionary, name)
        signed = cms.ContentInfo.load(embedded.pkcs7_content)["content"]
        _, _, start, length = (int(n) for n in found.value["/ByteRange"])
        if found.is_timestamp:
            past = reader.get_historical_resolver(embedded.signed_revision)
            return DocumentStamp(name, start + length, _stamp(signed), read_store(past.root))
        return _signature(name, start + length, signed)
    except HOSTILE_INPUT_ERRORS as error:
        log.info("signature %s not readable: %s", name, type(error).__name__)
    except Exception as error:  # pyHanko's CMS errors share no base below Exception
        log.info("signature %s not readable: %s", name, type(error).__name__)
    raise DocumentRefused(
        "broken_signature",
        f"Chữ ký “{name}” bị hỏng nên không bổ sung bằng chứng được.",
        f"signature {name} cannot be read",
    )


def _signature(name: str, end: int, signed: cms.SignedData) -> HeldSignature:
    (info,) = signed["signer_infos"]
    certificates = tuple(_embedded(signed))
    return HeldSignature(
        name,
        end,
        _signer(info, certificates),
        certificates,
        str(info["digest_algorithm"]["algorithm"].native),
        tuple(_own_stamps(info)),
        (),
        Level.B_B,
    )


def _embedded(signed: cms.SignedData) -> Iterable[x509.Certificate]:
    for choice in signed["certificates"]:
        if choice.name == "certificate":
            yield x509.load_der_x509_certificate(choice.chosen.dump())


def _own_stamps(info: cms.SignerInfo) -> Iterable[Stamp]:
    attributes = info["unsigned_attrs"]
    for attribute in () if attributes is core.VOID else attributes:
        if attribute["type"].native == "signature_time_stamp_token":
            for token in attribute["values"]:
                yield _stamp(token["content"])


def _stamp(signed: cms.SignedData) -> Stamp:
    content = signed["encap_content_info"]["content"].parsed
    (info,) = signed["signer_infos"]
    certificates = tuple(_embedded(signed))
    imprint = content["message_imprint"]["hash_algorithm"]["algorithm"].native
    own = info["digest_algorithm"]["algorithm"].native
    moment = content["gen_time"].native
    return Stamp(_signer(info, certificates), certificates, moment, (str(imprint), str(own)))


def _signer(info: cms.SignerInfo, certificates: tuple[x509.Certificate, ...]) -> x509.Certificate:
    sid = info["sid"].chosen
    return next(c for c in certificates if c.serial_number == sid["serial_number"].native)


def _with_level(
    signature: HeldSignature, stamps: list[DocumentStamp], store: Store
) -> HeldSignature:
    later = tuple(one for one in stamps if one.end > signature.end)
    level = Level.B_LTA
    if not (later or signature.own_stamps):
        level = Level.B_B
    elif not store.speaks_of(signature.signer):
        level = Level.B_T
    elif not any(one.store.speaks_of(signature.signer) for one in later):
        level = Level.B_LT
    return HeldSignature(
        signature.name,
        signature.end,
        signature.signer,
        signature.certificates,
        signature.digest,
        signature.own_stamps,
        later,
        level,
    )


# ------------------------------------------------------------------ the security store


def read_store(root: Any) -> Store:
    """The document security store as the given catalog has it."""
    store = entry(root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return Store()
    certificates = [
        _loaded(x509.load_der_x509_certificate, der) for der in _streams(store, "/Certs")
    ]
    return Store(
        tuple(_streams(store, "/OCSPs")),
        tuple(_streams(store, "/CRLs")),
        tuple(c for c in certificates if c is not None),
    )


def _streams(store: Any, key: str) -> list[bytes]:
    array = entry(store, key)
    contents = []
    for item in list(array)[:_MAX_STREAMS] if isinstance(array, generic.ArrayObject) else ():
        try:
            contents.append(bytes(item.get_object().data))
        except HOSTILE_INPUT_ERRORS as error:
            log.info("validation data not readable: %s", type(error).__name__)
    return contents


def _serial_in(raw: bytes) -> int | None:
    response = _loaded(ocsp.load_der_ocsp_response, raw)
    try:
        return None if response is None else response.serial_number
    except ValueError:  # several answers in one response, or none
        return None


def _issuer_of(raw: bytes) -> x509.Name | None:
    revocations = _loaded(x509.load_der_x509_crl, raw)
    return None if revocations is None else revocations.issuer


def _loaded(load: Callable[[bytes], _T], raw: bytes) -> _T | None:
    try:
        return load(raw)
    except ValueError as error:
        log.info("validation data not parsed: %s", type(error).__name__)
        return None


def der_of(certificate: x509.Certificate) -> bytes:
    """A certificate as it stands in a file."""
    return certificate.public_bytes(Encoding.DER)
