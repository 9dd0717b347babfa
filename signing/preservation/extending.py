"""Raising a signed file's level and renewing its archive time-stamp, as one or two new revisions.

Owns the order of work: gather data → append store and document time-stamp → prove. Takes what can
be had now and says what is missing, so that a queue can come back for the rest. A signature's own
bytes are never touched: where the CMS lacks a time-stamp, a document time-stamp over the whole
file proves the time instead (ETSI EN 319 142-1, clause 5.5). Leaves asking to ``gathering`` and
``signing.evidence``, the check of our own work to ``signing.pades.proof``.
"""

from __future__ import annotations

import hashlib
import io
import logging
from dataclasses import dataclass

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.validation.dss import DocumentSecurityStore

from signing.contract import Clock, ExtendedPdf, Level, SignerConfig, SigningUnavailable
from signing.evidence.eligibility import ChainBuilder
from signing.evidence.revocation import RevocationChecker
from signing.evidence.timestamps import TimestampAuthorities, TimestampClient, unavailable
from signing.pades.proof import prove_extension
from signing.pades.refusals import refusing_documents
from signing.pades.writer import as_asn1, open_writer
from signing.preservation.extension_evidence import extension_evidence
from signing.preservation.gathering import Gathered, Gatherer
from signing.preservation.holding import Holding, read_holding
from signing.preservation.provability import provability_of_holding

log = logging.getLogger(__name__)

_FIELD = "ArchiveTime"


@dataclass(slots=True)
class _Work:
    """One file on its way up."""

    pdf: bytes
    holding: Holding
    fields: tuple[str, ...] = ()
    failure: SigningUnavailable | None = None
    stored: Gathered | None = None  # the data that was embedded

    def grow(self, pdf: bytes, data: Gathered | None, *fields: str) -> None:
        """Take a new revision; ``data`` lies in its security store."""
        self.stored = data or self.stored
        self.pdf, self.fields = pdf, (*self.fields, *fields)
        self.holding = read_holding(pdf)


class Extender:
    """``Preserving.extend`` over one signing service's evidence."""

    def __init__(
        self,
        config: SignerConfig,
        chains: ChainBuilder,
        revocation: RevocationChecker,
        authorities: TimestampAuthorities,
        clock: Clock,
    ) -> None:
        self._config = config
        self._gatherer = Gatherer(chains, revocation, clock)
        self._authorities = authorities
        self._clock = clock

    async def extend(self, pdf: bytes, level: Level) -> ExtendedPdf:
        """See ``Preserving.extend``."""
        work = _Work(pdf, read_holding(pdf))
        data = await self._gatherer.gather(work.holding)
        if level is Level.B_LTA and not data.silent:
            await self._stamp(work, data)  # store and time-stamp in one revision
        if not work.fields and not work.holding.all_stamped:
            await self._stamp(work, None)
            data = await self._gatherer.gather(work.holding)
        if level is not Level.B_T and not data.silent and _lacks(work.holding, data):
            work.grow(_with_store(work.pdf, data), data)
        if work.pdf == pdf and (work.failure or data.silent):
            raise work.failure or _silent()
        prove_extension(pdf, work.pdf, len(work.fields))
        return self._result(work, data, level, len(pdf))

    def _result(self, work: _Work, data: Gathered, level: Level, before: int) -> ExtendedPdf:
        reached = work.holding.level
        shortfall = ""
        if reached.rank < level.rank:
            shortfall = "validation_data_missing"
            if work.failure or data.silent:
                shortfall = (work.failure or _silent()).code
        now = self._clock.now()
        return ExtendedPdf(
            pdf=work.pdf,
            sha256=hashlib.sha256(work.pdf).hexdigest(),
            level=reached,
            timestamp_fields=work.fields,
            extended_at=now,
            provability=provability_of_holding(work.holding, self._config.algorithm_ends),
            shortfall=shortfall,
            missing=tuple(data.missing),
            evidence=extension_evidence(work.pdf, before, work.stored, tuple(data.missing), now),
        )

    async def _stamp(self, work: _Work, data: Gathered | None) -> None:
        """Add a document time-stamp of the first authority that answers; keep why none did."""
        for authority in self._authorities.in_order():
            try:
                chain = await authority.ready()
                if data is not None and not await self._gatherer.add_authority(chain, data):
                    work.failure = _authority_unknown()
                    continue
                name, pdf = await self._appended(work.pdf, data, authority)
            except TimestampRequestError as error:
                log.warning("time-stamping authority %s failed: %s", authority.url, error)
                work.failure = unavailable(error)
            else:
                work.failure = None
                work.grow(pdf, data, name)
                return

    async def _appended(
        self, pdf: bytes, data: Gathered | None, authority: TimestampClient
    ) -> tuple[str, bytes]:
        stream = io.BytesIO(pdf)
        with refusing_documents():
            writer = open_writer(stream)
            if data is not None:
                _fill_store(writer, data)
            name = _free_name(writer)
            await PdfTimeStamper(authority, field_name=name).async_timestamp_pdf(
                writer,
                self._config.archive_digest,
                bytes_reserved=(authority.token_size * 3 // 2 + 512) * 2,
                in_place=True,
            )
        return name, stream.getvalue()


def _lacks(holding: Holding, data: Gathered) -> bool:
    """Whether a time-stamped signature has no revocation data yet although it could be had."""
    return any(s.level is Level.B_T and s.name not in data.missing for s in holding.signatures)


def _with_store(pdf: bytes, data: Gathered) -> bytes:
    """The file with a revision of validation data only (B-LT)."""
    stream = io.BytesIO(pdf)
    with refusing_documents():
        writer = open_writer(stream)
        _fill_store(writer, data)
        writer.write_in_place()
    return stream.getvalue()


def _fill_store(writer: IncrementalPdfFileWriter, data: Gathered) -> None:
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[as_asn1(certificate) for certificate in data.certificates],
        ocsps=[asn1_ocsp.OCSPResponse.load(raw) for raw in data.ocsps],
        crls=[asn1_crl.CertificateList.load(raw) for raw in data.crls],
    )


def _free_name(writer: IncrementalPdfFileWriter) -> str:
    taken = {name for name, _, _ in enumerate_sig_fields(writer.prev)}
    number = 1
    while f"{_FIELD}{number}" in taken:
        number += 1
    return f"{_FIELD}{number}"


def _silent() -> SigningUnavailable:
    return SigningUnavailable(
        "revocation_unavailable",
        "Chưa hỏi được tình trạng thu hồi của các chứng thư số (OCSP, CRL đều không trả lời);"
        " chưa bổ sung được bằng chứng.",
        "neither OCSP nor CRL could be asked; nothing was added",
    )


def _authority_unknown() -> SigningUnavailable:
    return SigningUnavailable(
        "timestamp_authority_status",
        "Chưa xác định được chứng thư của dịch vụ cấp dấu thời gian còn hiệu lực;"
        " chưa bổ sung được bằng chứng.",
        "the time-stamping certificate's status is unknown",
    )
