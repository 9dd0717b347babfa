"""Reading one signature's CMS, in whatever encoding, and what is known about it so far.

Owns ``Judged``, which the other modules of this room fill in, and the errors of a signature that
cannot be read. Leaves judging to ``signature_judgement``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto import core, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESStatus
from pyhanko.sign.general import SignedDataCerts
from pyhanko.sign.validation.generic_cms import (
    extract_certs_for_validation,
    extract_self_reported_ts,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, extract_contents

from signing.reading.ber import behind, is_indefinite, to_definite
from signing.reading.opening import HOSTILE_INPUT_ERRORS
from signing.reading.signature_fields import FoundSignature, Layout
from signing.validation.changes import UNKNOWN_CHANGES, Changes
from signing.validation.reasons import BrokenReason, IntegrityReason
from signing.validation.trust import (
    AlgorithmJudgement,
    check_supported_digest,
    judge_algorithm,
    may_sign_documents,
)

log = logging.getLogger(__name__)


class BrokenSignature(Exception):
    """The signature cannot be read; ``code`` is its message."""

    def __init__(self, code: BrokenReason) -> None:
        super().__init__(code)
        self.code = code


_UNJUDGED = AlgorithmJudgement(name="", acceptable=False)


@dataclass(slots=True)
class Judged:
    """A readable signature with what has been learned about it so far."""

    found: FoundSignature
    embedded: EmbeddedPdfSignature
    certificates: SignedDataCerts
    verified: bool = False  # the signed bytes and the value were looked at
    integrity_failure: IntegrityReason | None = None  # None = intact
    changes: Changes = UNKNOWN_CHANGES
    algorithm: AlgorithmJudgement = _UNJUDGED
    signed_attributes: bool = True
    sub_indication: str = "GENERIC"
    engine: AdESStatus = AdESStatus.INDETERMINATE
    trusted: bool = False
    proven_time: datetime | None = None
    proven_by_document: bool = False  # that time, by a later time-stamp of the document
    timestamps: int = 0
    later: tuple[str, ...] = ()
    ber: bool = False  # written in BER with indefinite lengths
    padding_used: bool = False  # something stands behind the value, in the room kept for it
    anchor: x509.Certificate | None = None  # the root that its chain leads to
    wrong_usage: bool = False  # its certificate was issued for another purpose than signing
    from_future: bool = False  # its time-stamp tells a time that is still to come

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate."""
        return self.certificates.signer_cert

    @property
    def revision(self) -> int:
        """The revision that this signature made."""
        return int(self.embedded.signed_revision)

    @property
    def claimed_time(self) -> datetime | None:
        """The time the signer, or the time-stamping server, wrote."""
        return _claimed_time(self)


# ------------------------------------------------------------------ reading


def make_definite(value: Any) -> bool:
    """Turn a signature value in BER into DER inside the reader's own object; whether it was BER.

    The library refuses or misreads indefinite lengths. The signed bytes are elsewhere; length and
    place of the value stay, so that what lies around it is still measured rightly.
    """
    try:
        contents = extract_contents(value)
        if not is_indefinite(contents):
            return False
        definite = to_definite(contents).ljust(len(contents), b"\x00")
        if len(definite) == len(contents):
            value[generic.pdf_name("/Contents")] = generic.ByteStringObject(definite)
    except HOSTILE_INPUT_ERRORS as error:
        log.info("signature value not readable: %s", type(error).__name__)
        return False
    return True


def uses_padding(value: Any) -> bool:
    """Whether more than zeros follow the signature value; nobody signed what stands there."""
    try:
        return bool(behind(extract_contents(value)).strip(b"\x00"))
    except HOSTILE_INPUT_ERRORS:
        return False  # no value at all, which is told by itself


def library_signatures(reader: PdfFileReader) -> dict[str, EmbeddedPdfSignature]:
    """What the library itself lists, by field name: shared with its engine, hashed once.

    Nothing where one broken field makes it give up on the whole file.
    """
    try:
        return {signature.fq_name: signature for signature in reader.embedded_signatures}
    except Exception as error:  # no base below Exception is common to what it raises here
        log.info("signatures are read one by one: %s", type(error).__name__)
        return {}


def read_signature(
    reader: PdfFileReader, found: FoundSignature, known: EmbeddedPdfSignature | None = None
) -> Judged:
    """Read the CMS of one signature.

    Args:
        reader: of the file.
        found: the field.
        known: a signature that the library lists under the same name; taken when it is the same.

    Raises:
        BrokenSignature: with the message code that says why.
        UnsupportedAlgorithm: nothing here can verify it.
    """
    if found.layout is Layout.RESAVED:
        raise BrokenSignature("resaved")
    if found.layout is Layout.LOOSE_END:
        raise BrokenSignature("loose_end")
    if found.layout is Layout.ODD:
        raise BrokenSignature("odd_byte_range")
    try:
        # two fields of one name are two signatures: only the very same dictionary is shared
        same = known is not None and known.sig_object is found.value
        embedded = (known if same else None) or EmbeddedPdfSignature(
            reader, found.field.dictionary, found.field.name
        )
        certificates = extract_certs_for_validation(embedded.signed_data)
        content = embedded.signed_data["encap_content_info"]
        expected = "tst_info" if found.is_timestamp else "data"
        has_content = content["content"].native is not None if expected == "data" else False
        kind = content["content_type"].native
    except HOSTILE_INPUT_ERRORS as error:
        raise BrokenSignature("broken_cms") from error
    except Exception as error:  # pyHanko's CMS errors share no base below Exception
        raise BrokenSignature("broken_cms") from error
    if kind != expected or has_content:
        raise BrokenSignature("econtent")
    if found.is_timestamp:
        imprint = content["content"].parsed["message_imprint"]["hash_algorithm"]
        check_supported_digest(str(imprint["algorithm"].native))
    judged = Judged(found, embedded, certificates)
    judged.signed_attributes = embedded.signer_info["signed_attrs"] is not core.VOID and bool(
        len(embedded.signer_info["signed_attrs"])
    )
    judged.algorithm = judge_algorithm(embedded.signer_info, judged.certificate)
    # a time-stamping server's usage is the engine's to check
    judged.wrong_usage = not (found.is_timestamp or may_sign_documents(judged.certificate))
    return judged


def _claimed_time(judged: Judged) -> datetime | None:
    try:
        if judged.found.is_timestamp:
            token = judged.embedded.signed_data["encap_content_info"]["content"].parsed
            return _aware(token["gen_time"].native)
        claimed = extract_self_reported_ts(judged.embedded.signer_info)
        return _aware(claimed or judged.embedded.self_reported_timestamp)
    except Exception as error:  # an unreadable date is a missing date
        log.info("claimed time not readable: %s", type(error).__name__)
        return None


def _aware(moment: Any) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
