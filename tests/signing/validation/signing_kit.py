"""A tiny PKI and ways to sign with plain pyHanko, for the tests of inspection and validation.

Independent of the product's own signing code, so that both can be wrong only separately.
"""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

CLERKS_BOXES = {  # the four signatures of a clerk's one act, as on real letters
    "So": (100, 780, 160, 800),
    "Ngay": (400, 780, 424, 800),
    "Thang": (450, 780, 474, 800),
    "ConDau": (250, 200, 350, 300),
}
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Entity:
    """A certificate with its key, in asn1crypto's types."""

    certificate: asn1_x509.Certificate
    key: asn1_keys.PrivateKeyInfo
    private: Any

    @property
    def der(self) -> bytes:
        return self.certificate.dump()


def _entity(certificate: x509.Certificate, key: Any) -> Entity:
    der = certificate.public_bytes(serialization.Encoding.DER)
    pkcs8 = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Entity(asn1_x509.Certificate.load(der), asn1_keys.PrivateKeyInfo.load(pkcs8), key)


def _name(common_name: str, unit: str | None = None) -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "UBND tỉnh Thử Nghiệm"),
    ]
    if unit:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class Pki:
    """A root, its signers, its time-stamping server and its revocation list."""

    def __init__(self, common_name: str = "Gốc thử nghiệm") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(common_name)
        self.root = self._issue(self._subject, self._key, ca=True, days=(-400, 4000))
        self.signer = self.issue("Nguyễn Văn Ổn", unit="Phòng Tư pháp")
        self.agency = self.issue("Uỷ ban nhân dân phường Thuận Hoá")
        self.tsa = self.issue("Máy chủ dấu thời gian", timestamping=True, key=rsa_key())

    def issue(
        self,
        common_name: str,
        *,
        unit: str | None = None,
        timestamping: bool = False,
        days: tuple[int, int] = (-300, 300),
        key: Any = None,
    ) -> Entity:
        key = key or ec.generate_private_key(ec.SECP256R1())
        return self._issue(_name(common_name, unit), key, timestamping=timestamping, days=days)

    def _issue(
        self,
        subject: x509.Name,
        key: Any,
        *,
        ca: bool = False,
        timestamping: bool = False,
        days: tuple[int, int] = (-300, 300),
    ) -> Entity:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + days[0] * DAY)
            .not_valid_after(NOW + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=not ca,
                    content_commitment=not ca,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=ca,
                    crl_sign=ca,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if timestamping:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return _entity(builder.sign(self._key, hashes.SHA256()), key)

    def crl(
        self, *revoked: Entity, at: datetime = NOW, when: datetime | None = None
    ) -> asn1_crl.CertificateList:
        """A revocation list; ``when`` is the moment of revocation."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._subject)
            .last_update(at - timedelta(minutes=5))
            .next_update(at + 7 * DAY)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for entity in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(entity.certificate.serial_number)
                .revocation_date(when or at - timedelta(hours=1))
                .build()
            )
            builder = builder.add_revoked_certificate(entry)
        signed = builder.sign(self._key, hashes.SHA256())
        return asn1_crl.CertificateList.load(signed.public_bytes(serialization.Encoding.DER))

    def timestamper(self, at: datetime = NOW) -> DummyTimeStamper:
        store = SimpleCertificateStore()
        store.register(self.root.certificate)
        return DummyTimeStamper(
            tsa_cert=self.tsa.certificate,
            tsa_key=self.tsa.key,
            certs_to_embed=store,
            fixed_dt=at,
        )


@cache
def pki() -> Pki:
    """One PKI for the whole test run: keys are slow to make."""
    return Pki()


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


# ------------------------------------------------------------------ documents


def make_pdf(
    text: str = "Quyet dinh so 5",
    *,
    catalog: str = "",
    page: str = "",
    extra: str = "",
    media: str = "0 0 595 842",
) -> bytes:
    """A one-page PDF with a classic cross-reference table.

    ``catalog``, ``page``, ``media`` and ``extra`` (whole objects from number 6 on) are raw PDF.
    """
    content = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET"
    resources = f"/MediaBox [{media}] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >>"
    objects = [
        f"1 0 obj\n<< /Type /Catalog /Pages 2 0 R {catalog} >>\nendobj\n",
        "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n",
        f"3 0 obj\n<< /Type /Page /Parent 2 0 R {resources} {page} >>\nendobj\n",
        f"4 0 obj\n<< /Length {len(content)} >>\nstream\n{content}\nendstream\nendobj\n",
        "5 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n",
        *(f"{part.strip()}\n" for part in extra.split("%%next") if part.strip()),
    ]
    out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    offsets = []
    for item in objects:
        offsets.append(len(out))
        out += item.encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    out += (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    ).encode("latin-1")
    return out


def grown(pdf: bytes, *, kids: str, count: int) -> bytes:
    """A file of ``make_pdf`` whose page tree holds more pages, with its table written anew."""
    tree = f"/Kids [{kids}] /Count {count}".encode()
    after = pdf.replace(b"/Kids [3 0 R] /Count 1", tree)
    places = {int(m[1]): m.start() for m in re.finditer(rb"(?m)^(\d+) 0 obj", after)}
    table = after.index(b"xref\n")
    rows = b"".join(b"%010d 00000 n \n" % places[n] for n in sorted(places))
    size = len(places) + 1
    return after[:table] + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, rows, size, table)
    )


def sign(
    pdf: bytes,
    *,
    entity: Entity | None = None,
    field: str = "ChuKy1",
    timestamped: bool = False,
    store: bool = False,
    archive: bool = False,
    crls: tuple[asn1_crl.CertificateList, ...] | None = None,
    box: tuple[int, int, int, int] | None = None,
    page: int = 0,
    style: Any = None,
    certify: MDPPerm | None = None,
    pades: bool = True,
    pss: bool = True,
    digest: str = "sha256",
    stamped_at: datetime = NOW,
    authority: Pki | None = None,
) -> bytes:
    """Sign with stock pyHanko, offline."""
    authority = authority or pki()
    entity = entity or authority.signer
    registry = SimpleCertificateStore()
    registry.register(authority.root.certificate)
    signer = SimpleSigner(
        signing_cert=entity.certificate,
        signing_key=entity.key,
        cert_registry=registry,
        prefer_pss=pss,
    )
    metadata = PdfSignatureMetadata(
        field_name=field,
        md_algorithm=digest,
        subfilter=SigSeedSubFilter.PADES if pades else SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        embed_validation_info=store or archive,
        use_pades_lta=archive,
        certify=certify is not None,
        docmdp_permissions=certify or MDPPerm.FILL_FORMS,
        validation_context=ValidationContext(
            trust_roots=[authority.root.certificate],
            crls=list(crls if crls is not None else (authority.crl(),)),
            allow_fetching=False,
            revocation_mode="soft-fail",
        )
        if store or archive
        else None,
    )
    stamped = timestamped or store or archive
    pdf_signer = PdfSigner(
        metadata,
        signer=signer,
        timestamper=authority.timestamper(stamped_at) if stamped else None,
        stamp_style=(style or TextStampStyle(stamp_text="Da ky")) if box else None,
        new_field_spec=SigFieldSpec(field, box=box, on_page=page),
    )
    out = io.BytesIO()

    async def run() -> None:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        await pdf_signer.async_sign_pdf(writer, output=out)

    asyncio.run(run())
    return out.getvalue()


def update(pdf: bytes, change: Any) -> bytes:
    """Append an incremental update; ``change`` is given the writer."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def replace_text(writer: IncrementalPdfFileWriter) -> None:
    """The classic forgery: other words on the same page."""
    page = writer.root["/Pages"]["/Kids"][0]
    forged = generic.StreamObject(stream_data=b"BT /F1 24 Tf 72 700 Td (Quyet dinh so 9) Tj ET")
    page[generic.pdf_name("/Contents")] = writer.add_object(forged)
    writer.update_container(page)
