"""Writing one revision of proof: by the fast lane where the file is a plain one, else by pyHanko.

Owns the choice between the two writers; both make the same revision. Leaves what is to be proved,
and by whom, to ``extending``.
"""

from __future__ import annotations

import logging
from functools import partial

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from signing.contract import SignerConfig
from signing.evidence.eligibility import encoded
from signing.evidence.timestamps import TimestampClient
from signing.lane import LaneAuthority, LaneExtension, NotForTheLane, ProofData, extend_in_lane
from signing.pades.refusals import refuse_large, refusing_documents
from signing.pades.writer import as_asn1, open_writer
from signing.preservation.gathering import Gathered
from signing.preservation.growing import Growing

log = logging.getLogger(__name__)

_FIELD = "ArchiveTime"


async def append_proof(
    file: Growing, config: SignerConfig, data: Gathered | None, authority: TimestampClient | None
) -> str:
    """Append a revision with a store of proof, a time-stamp over the whole file, or both.

    Returns:
        The name of the time-stamp's field; empty without one.

    Raises:
        DocumentRefused: among others ``large_file_not_plain``, before anybody is asked.
        SigningUnavailable: ``timestamp_too_long``.
        TimestampRequestError: from the authority.
    """
    why = "the fast lane is switched off"
    if config.fast_lane:
        try:
            return await _in_lane(file, config, data, authority)
        except NotForTheLane as refusal:
            why = refusal.reason
            log.debug("not for the fast lane: %s", why)
    if not file.in_place:  # in memory, pyHanko holds it several times over
        refuse_large(file.data, why)
    return await _by_pyhanko(file, config, data, authority)


async def _in_lane(
    file: Growing, config: SignerConfig, data: Gathered | None, authority: TimestampClient | None
) -> str:
    digest = config.archive_digest
    extension = LaneExtension(
        proof=_proof(data) if data else None,
        authority=LaneAuthority(
            partial(authority.answer, md_algorithm=digest), authority.token_size
        )
        if authority
        else None,
        digest=digest,
    )
    revision, name = await extend_in_lane(file.data, extension, file.state)
    file.append(revision)
    return name


def _proof(data: Gathered) -> ProofData:
    return ProofData(
        certificates=tuple(encoded(certificate) for certificate in data.certificates),
        ocsps=tuple(data.ocsps),
        crls=tuple(data.crls),
    )


async def _by_pyhanko(
    file: Growing, config: SignerConfig, data: Gathered | None, authority: TimestampClient | None
) -> str:
    name = ""
    with refusing_documents(), file.writing() as stream:
        writer = open_writer(stream)
        if data is not None:
            _fill_store(writer, data)
        if authority is None:
            writer.write_in_place()
        else:
            name = _free_name(writer)
            await PdfTimeStamper(authority, field_name=name).async_timestamp_pdf(
                writer,
                config.archive_digest,
                bytes_reserved=(authority.token_size * 3 // 2 + 512) * 2,
                in_place=True,
            )
    return name


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
