"""One signature in two halves, with any time and any process between them.

Owns the revision with room for a signature (``prepare_revision``) and putting the raw signature,
its time-stamp and its proof there later (``complete_revision``). What must be kept in between is
``Unsigned`` and nothing else. Leaves who may sign to ``signing.remote.service`` and keeping the
halves together to ``signing.remote.state``. Follows ETSI EN 319 142-1 V1.2.1 and, for what is
signed, RFC 5652 §5.4 (the DER of the signed attributes).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import BinaryIO

from asn1crypto import cms
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.sign.signers.pdf_signer import (
    PdfTBSDocument,
    PostSignInstructions,
    PreSignValidationStatus,
)
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from signing.contract import Level
from signing.pades.refusals import check_not_encrypted
from signing.pades.writer import (
    Act,
    ClockedPdfSigner,
    field_spec,
    free_name,
    metadata,
    open_writer,
    proof_context,
    seal_archive,
)
from signing.reading.opening import Data
from signing.reading.stretches import read_into

# A time-stamp is asked for only at the end, maybe of another authority than is configured today:
# tokens that embed a chain of RSA-4096 certificates measure some 8 KiB.
TOKEN_ROOM = 12 * 1024


class RevisionChanged(ValueError):
    """The prepared file is not the one that was prepared."""


class TokenTooLarge(TimestampRequestError):
    """This authority's time-stamp does not fit into the room that was left for it."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """The empty signature in a file's last revision, and what will be signed."""

    field_name: str
    start: int  # of the empty signature, its "<" included
    end: int
    attributes: bytes  # DER of the signed attributes, as a SET


async def prepare_revision(stream: BinaryIO, act: Act) -> Unsigned:
    """Append a revision with room for the signature to a file; the key is not used.

    Raises:
        pyHanko's own errors for documents it cannot sign; see ``signing.pades.refusals``.
    """
    writer = open_writer(stream)
    check_not_encrypted(writer.prev)
    field_name = free_name(writer, act.prefix)
    look = act.look
    signer = ClockedPdfSigner(
        metadata(act, field_name, None),
        signer=act.signer,
        stamp_style=look.style if look else None,
        new_field_spec=field_spec(field_name, look),
    )
    signer.signed_at = act.signed_at
    room = act.signer.room(None) + (2 * TOKEN_ROOM if act.level is not Level.B_B else 0)
    prepared, _, _ = await signer.async_digest_doc_for_signing(
        writer, bytes_reserved=room, in_place=True
    )
    attributes = await act.signer.signed_attrs(
        prepared.document_digest, act.signer.key.config.digest, use_pades=True
    )
    return Unsigned(
        field_name=field_name,
        start=prepared.reserved_region_start,
        end=prepared.reserved_region_end,
        attributes=attributes.dump(),
    )


async def complete_revision(stream: BinaryIO, data: Data, unsigned: Unsigned, act: Act) -> None:
    """Put the signature there, time-stamped and proven as the level asks.

    Args:
        stream: the prepared file, to be written to; what a failure leaves of it is no use.
        data: its bytes before.
        unsigned: as ``prepare_revision`` gave it.
        act: its signer's key gives the raw signature that was made elsewhere; ``signed_at`` is
            the present, at which certificate and proof are judged.

    Raises:
        RevisionChanged: the file is not the one that was prepared.
        CredentialRefused: ``bad_signature``.
        TimestampRequestError: the authority failed; ``TokenTooLarge`` when it does not fit.
    """
    algorithm = act.signer.key.config.digest
    digest = _check_unchanged(data, unsigned, algorithm)
    message = await act.signer.async_sign_prescribed_attributes(
        algorithm, cms.CMSAttributes.load(unsigned.attributes), timestamper=act.timestamper
    )
    if 2 * len(message.dump()) > unsigned.end - unsigned.start - 2:
        raise TokenTooLarge("the time-stamp is larger than the room that was left")
    stream.seek(0, os.SEEK_END)
    context = proof_context(act) if act.level in (Level.B_LT, Level.B_LTA) else None
    await PdfTBSDocument.async_finish_signing(
        stream,
        PreparedByteRangeDigest(digest, unsigned.start, unsigned.end),
        message,
        post_sign_instr=await _proof(act, context) if context else None,
        validation_context=context,
    )
    if act.level is Level.B_LTA:
        stream.seek(0)
        await seal_archive(stream, act, unsigned.field_name, context)


def _check_unchanged(data: Data, unsigned: Unsigned, algorithm: str) -> bytes:
    """The digest of the bytes around the empty signature, which the signed attributes state."""
    start, end = unsigned.start, unsigned.end
    gap = data[start:end]
    if not 0 < start < end <= len(data) or gap != b"<" + b"0" * (len(gap) - 2) + b">":
        raise RevisionChanged("the room for the signature is not empty")
    around = hashlib.new(algorithm)
    read_into(around, data, 0, start)
    read_into(around, data, end)
    attributes = {
        one["type"].native: one["values"][0] for one in cms.CMSAttributes.load(unsigned.attributes)
    }
    if not hmac.compare_digest(attributes["message_digest"].native, around.digest()):
        raise RevisionChanged("the file's digest is not the one to be signed")
    return around.digest()


async def _proof(act: Act, context: ValidationContext) -> PostSignInstructions:
    """The paths and revocation data that become the document's security store."""
    validator = CertificateValidator(
        act.signer.own_certificate,
        intermediate_certs=act.signer.cert_registry,
        validation_context=context,
    )
    signer_path = await validator.async_validate_usage(set())
    paths = [signer_path]
    if act.timestamper is not None:
        found = act.timestamper.validation_paths(context)  # type: ignore[no-untyped-call]  # pyHanko's is untyped
        paths += [path async for path in found]
    asked = metadata(act, "", context)
    return PostSignInstructions(
        validation_info=PreSignValidationStatus(
            signer_path=signer_path,
            validation_paths=paths,
            ocsps_to_embed=context.ocsps,
            crls_to_embed=context.crls,
        ),
        dss_settings=asked.dss_settings,
        embed_roots=True,
        strict=False,
    )
