"""One PAdES signature over one revision, by pyHanko, appended to the bytes that were there.

Owns the pyHanko calls: a signer that keeps its key, the level's validation data, the archival
time-stamp. Leaves who may sign to ``signing.service``, the look to ``signing.appearance``, and the
independent check of the result to ``proof``. Follows ETSI EN 319 142-1 V1.2.1.
"""

from __future__ import annotations

import hashlib
import io
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

import msgspec
from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.signers.pdf_signer import (
    DSSContentSettings,
    PdfSignatureMetadata,
    PdfSigner,
    PdfSigningSession,
    PdfTimeStamper,
    SigDSSPlacementPreference,
    TimestampDSSContentSettings,
)
from pyhanko.stamp import BaseStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.contract import CredentialRefused, Level
from signing.evidence.eligibility import TrustedChain
from signing.evidence.revocation import Evidence
from signing.evidence.timestamps import TimestampClient
from signing.keys.contract import OpenedKey, hash_of
from signing.lane import CmsTemplate, LaneSigner
from signing.pades.proven_forms import proven_with
from signing.pades.refusals import check_not_encrypted
from signing.reading.opening import hides_objects

# pyHanko warns that a context without fetching may embed too little; ours is filled beforehand.
logging.getLogger("pyhanko.sign.signers.pdf_signer").setLevel(logging.ERROR)

DIGEST = "sha256"  # of what time-stamps are asked for; a key's own digest is configured
_ROOM_FOR_ATTRIBUTES = 2048  # signed attributes, algorithm identifiers, DER framing
_TIME_TOLERANCE = timedelta(seconds=60)


def as_asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    """The same certificate for pyHanko, kept as DER so that it is never re-encoded."""
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def pss_mechanism(digest_name: str = DIGEST) -> algos.SignedDigestAlgorithm:
    """RSASSA-PSS with a salt as long as the digest, as our keys sign (RFC 4056, RFC 8017).

    Stated apart from pyHanko's choice, the longest salt, which HSMs and pdfsig do not all take.
    """
    digest = algos.DigestAlgorithm({"algorithm": digest_name})
    return algos.SignedDigestAlgorithm(
        {
            "algorithm": "rsassa_pss",
            "parameters": algos.RSASSAPSSParams(
                {
                    "hash_algorithm": digest,
                    "mask_gen_algorithm": algos.MaskGenAlgorithm(
                        {"algorithm": "mgf1", "parameters": digest}
                    ),
                    "salt_length": hashlib.new(digest_name).digest_size,
                }
            ),
        }
    )


class KeptKeySigner(Signer):
    """A pyHanko signer over an opened key; every raw signature is verified before it is used."""

    def __init__(self, key: OpenedKey, chain: TrustedChain) -> None:
        store = SimpleCertificateStore()
        for issuer in chain.certificates[1:]:
            store.register(as_asn1(issuer))
        self.own_certificate = as_asn1(key.certificate)
        super().__init__(
            signing_cert=self.own_certificate,
            cert_registry=store,
            prefer_pss=key.uses_pss,
            embed_roots=True,  # AdES engines look the issuer of a root-signed CRL up in the file
        )
        self.key = key
        self.chain = chain
        self.lane = LaneSigner(
            CmsTemplate(chain.certificates, key.uses_pss),
            self._sign,
            self._verify,
            key.signature_size,
        )
        self._held = proven_with(key.certificate).held
        self._digest, self._pss = hash_of(key.config), key.uses_pss
        self._mechanisms: dict[str | None, algos.SignedDigestAlgorithm] = {}

    def get_signature_mechanism_for_digest(
        self, digest_algorithm: str | None
    ) -> algos.SignedDigestAlgorithm:
        """PyHanko asks several times a signature; the answer never changes."""
        if digest_algorithm not in self._mechanisms:
            self._mechanisms[digest_algorithm] = self._mechanism(digest_algorithm)
        return self._mechanisms[digest_algorithm]

    def _mechanism(self, digest_algorithm: str | None) -> algos.SignedDigestAlgorithm:
        if self.prefer_pss and self.own_certificate.public_key.algorithm == "rsa":
            return pss_mechanism(self.key.config.digest)
        return super().get_signature_mechanism_for_digest(digest_algorithm)

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        """Sign with the kept key.

        Raises:
            CredentialRefused: code ``bad_signature`` when the key does not fit the certificate.
        """
        if dry_run:
            return bytes(self.key.signature_size)
        if digest_algorithm != self.key.config.digest:
            raise ValueError("the key signs with another digest")
        signature = await self._sign(data)
        self._verify(signature, data)
        return signature

    async def _sign(self, data: bytes) -> bytes:
        return await self.key.sign_raw(data)

    def _verify(self, signature: bytes, data: bytes) -> None:
        """Whether a raw signature holds; once seen to, it is not verified again.

        Raises:
            CredentialRefused: ``bad_signature``.
        """
        digest, pss = self._digest, self._pss
        if not self._held.holds(signature, data, digest, pss=pss, salt_length=digest.digest_size):
            raise CredentialRefused(
                "bad_signature",
                "Chữ ký nhận được từ khóa ký không khớp với chứng thư số.",
                "the raw signature does not verify with the certificate",
            )

    def room(self, timestamper: TimestampClient | None) -> int:
        """Hexadecimal digits to reserve for the CMS message, margin included."""
        certificates = sum(len(cert.dump()) for cert in self.cert_registry)
        size = certificates + len(self.own_certificate.dump()) + self.key.signature_size
        size += _ROOM_FOR_ATTRIBUTES
        if timestamper is not None:
            size += timestamper.token_size * 3 // 2  # tokens of one authority vary a little
        return size * 2


class ClockedPdfSigner(PdfSigner):
    """Writes the injected time into the signature dictionary instead of the machine's."""

    signed_at: datetime

    def init_signing_session(
        self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False
    ) -> PdfSigningSession:
        """Begin at the injected time."""
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.signed_at
        return session


class Look(msgspec.Struct, frozen=True):
    """A visible signature: page index, rectangle in the page's own units, its drawing."""

    page_index: int
    box: tuple[float, float, float, float]
    style: BaseStampStyle


@dataclass(frozen=True, slots=True)
class Act:
    """Everything one signature needs besides the document."""

    signer: KeptKeySigner
    level: Level
    prefix: str  # of the field's name; a number makes it unique in the document
    signed_at: datetime
    name: str | None
    reason: str | None
    location: str | None
    look: Look | None
    timestamper: TimestampClient | None
    evidence: tuple[Evidence, ...]  # of the signer's and the authority's chain


async def sign_revision(pdf: bytes, act: Act) -> tuple[bytes, str]:
    """Append one signature (and for B-LT/B-LTA its proof); give the file and the field's name.

    Raises:
        pyHanko's own errors for documents it cannot sign; see ``signing.service``.
    """
    stream = io.BytesIO()
    stream.write(pdf)
    stream.seek(0)
    writer = open_writer(stream)
    check_not_encrypted(writer.prev)
    field_name = free_name(writer, act.prefix)
    look = act.look
    context = proof_context(act) if act.level in (Level.B_LT, Level.B_LTA) else None
    signer = ClockedPdfSigner(
        metadata(act, field_name, context),
        signer=act.signer,
        timestamper=act.timestamper,
        stamp_style=look.style if look else None,
        new_field_spec=field_spec(field_name, look),
    )
    signer.signed_at = act.signed_at
    await signer.async_sign_pdf(
        writer, in_place=True, bytes_reserved=act.signer.room(act.timestamper)
    )
    if act.level is Level.B_LTA:
        await seal_archive(stream, act, field_name, context)
    return stream.getvalue(), field_name


def open_writer(stream: BinaryIO) -> IncrementalPdfFileWriter:
    """Open for appending. Lax on purpose: Word exports have hybrid cross-references.

    Raises:
        PdfReadError: new objects would take the numbers of old ones; and the library's own errors.
    """
    writer = IncrementalPdfFileWriter(stream, strict=False)
    if hides_objects(writer.prev):
        raise PdfReadError("/Size hides objects")
    return writer


def free_name(writer: IncrementalPdfFileWriter, prefix: str) -> str:
    """The prefix with the first number that no field of the document has."""
    taken = {name for name, _, _ in enumerate_sig_fields(writer.prev)}
    number = 1
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


def metadata(act: Act, field_name: str, context: ValidationContext | None) -> PdfSignatureMetadata:
    """How pyHanko is told to sign; a context asks for the proof (DSS) to be embedded."""
    return PdfSignatureMetadata(
        field_name=field_name,
        md_algorithm=act.signer.key.config.digest,
        subfilter=SigSeedSubFilter.PADES,
        name=act.name,
        reason=act.reason,
        location=act.location,
        validation_context=context,
        embed_validation_info=context is not None,
        signer_key_usage=set(),  # judged by signing.eligibility: either of two usages will do
        dss_settings=DSSContentSettings(
            include_vri=False, placement=SigDSSPlacementPreference.SEPARATE_REVISION
        ),
    )


def field_spec(name: str, look: Look | None) -> SigFieldSpec:
    """The signature field to make."""
    if look is None:
        return SigFieldSpec(name)
    return SigFieldSpec(name, on_page=look.page_index, box=look.box)  # type: ignore[arg-type]  # it takes and writes fractions


def proof_context(act: Act) -> ValidationContext:
    """A fresh context a document: its moment is fixed when it is made. It fetches nothing."""
    known = [as_asn1(cert) for cert in act.signer.chain.certificates[1:]]
    roots = [as_asn1(act.signer.chain.certificates[-1])]
    if act.timestamper is not None and act.timestamper.chain is not None:
        known += [as_asn1(cert) for cert in act.timestamper.chain.certificates]
        roots.append(as_asn1(act.timestamper.chain.certificates[-1]))
    return ValidationContext(
        trust_roots=roots,
        other_certs=known,
        moment=act.signed_at,
        allow_fetching=False,
        revocation_mode="require",
        ocsps=[one for evidence in act.evidence for one in evidence.ocsps],
        crls=[one for evidence in act.evidence for one in evidence.crls],
        time_tolerance=_TIME_TOLERANCE,
    )


async def seal_archive(
    stream: BinaryIO, act: Act, field_name: str, context: ValidationContext | None
) -> None:
    """Add the document time-stamp that protects signature and proof (B-LTA).

    Done apart from the signature, so that an earlier time-stamp by an authority we do not know
    does not stop us: it stays what it was.
    """
    assert act.timestamper is not None
    writer = open_writer(stream)
    archivist = PdfTimeStamper(act.timestamper, field_name=f"{field_name}_ArchiveTime")
    await archivist.async_timestamp_pdf(
        writer,
        DIGEST,
        context,
        bytes_reserved=(act.timestamper.token_size * 3 // 2 + 512) * 2,
        in_place=True,
        dss_settings=TimestampDSSContentSettings(include_vri=False, update_before_ts=True),
        embed_roots=True,
    )
