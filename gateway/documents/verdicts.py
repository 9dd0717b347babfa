"""A verdict on a file as the API words it (TT 15/2025/TT-BKHCN, art. 6: the fields to show)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.foundation.clock import iso
from signing.contract import SignatureVerdict, Validation

REPORT_URL = "/v1/validations?report=etsi"


class SignatureVerdictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One signature's answer; times in Vietnam, ``messages`` in Vietnamese.

    Four answers stand apart: ``integrity``, ``algorithm_status`` (acceptable, weak, unlisted,
    unknown), ``trust`` (trusted, untrusted, unknown) and ``time_status`` (proven, unproven,
    claimed, none). ``trust_anchor_kind`` is government, public or own. ``time_source`` says what
    proves the time: ``signature_timestamp``, or a later ``document_timestamp``.
    """

    field_name: str
    verdict: str
    signer: str
    issuer: str
    managing_unit: str | None
    claimed_time: str | None
    proven_time: str | None
    level: str | None
    integrity: bool
    certificate_status: str
    certificate_valid_from: str | None
    certificate_valid_to: str | None
    algorithm: str
    indication: str
    sub_indication: str | None
    changes_after_signing: list[str]
    messages: list[str]
    certificate_sha256: str
    certificate_serial: str
    reason: str
    algorithm_status: str
    trust: str
    trust_anchor: str | None
    trust_anchor_kind: str | None
    time_status: str
    time_source: str | None


class ValidationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``POST /v1/validations``.

    Nothing is stored: ``report_url`` is where the same file is answered as an ETSI report.
    ``template`` is the one whose fields were allowed, ``name@version``: the one asked for, or the
    one that a document of this gateway was made after.
    """

    verdict: str
    summary: str
    sha256: str
    size: int
    signatures: list[SignatureVerdictAnswer]
    messages: list[str]
    reason: str
    checked_at: str | None
    online: bool
    report_url: str | None = REPORT_URL
    template: str | None = None


def show_validation(validation: Validation, template: str | None = None) -> ValidationAnswer:
    """A signing service's verdict as an answer."""
    return ValidationAnswer(
        verdict=validation.verdict.value,
        summary=validation.summary,
        sha256=validation.sha256,
        size=validation.size,
        signatures=[_signature(s) for s in validation.signatures],
        messages=list(validation.messages),
        reason=validation.reason,
        checked_at=_iso(validation.checked_at),
        online=validation.online,
        template=template,
    )


def _signature(s: SignatureVerdict) -> SignatureVerdictAnswer:
    return SignatureVerdictAnswer(
        field_name=s.field_name,
        verdict=s.verdict.value,
        signer=s.signer,
        issuer=s.issuer,
        managing_unit=s.managing_unit,
        claimed_time=_iso(s.claimed_time),
        proven_time=_iso(s.proven_time),
        level=s.level,
        integrity=s.integrity,
        certificate_status=s.certificate_status,
        certificate_valid_from=_iso(s.certificate_valid_from),
        certificate_valid_to=_iso(s.certificate_valid_to),
        algorithm=s.algorithm,
        indication=s.indication,
        sub_indication=s.sub_indication,
        changes_after_signing=list(s.changes_after_signing),
        messages=list(s.messages),
        certificate_sha256=s.certificate_sha256,
        certificate_serial=s.certificate_serial,
        reason=s.reason,
        algorithm_status=s.algorithm_status,
        trust=s.trust,
        trust_anchor=s.trust_anchor,
        trust_anchor_kind=s.trust_anchor_kind,
        time_status=s.time_status,
        time_source=s.time_source,
    )


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment is not None else None
