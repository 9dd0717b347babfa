"""From what was learned about a signature to the verdict that people and portals read.

Owns the decision (the strictest of integrity, changes, algorithm, trust), its EN 319 102-1
indication, and the order of the Vietnamese messages: the reason first. Levels are named after
ETSI EN 319 142-1 (``B-…``) for ``ETSI.CAdES.detached`` and ``PKCS7-…`` for other subfilters; an
archive time-stamp has no level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pyhanko.sign.ades.report import AdESStatus

from signing.clock import VIETNAM
from signing.contract import AnchorKind, SignatureVerdict, TimeSource, Verdict
from signing.reading.names import common_name, managing_unit
from signing.reading.opening import entry
from signing.reading.signature_fields import FoundSignature
from signing.validation.changes import Changes, ChangeVerdict
from signing.validation.reasons import (
    BrokenReason,
    CertificateStatus,
    IntegrityReason,
    SignatureReason,
    TrustReason,
)
from signing.validation.sentences import say, say_of
from signing.validation.signature_reading import Judged
from signing.validation.trust import certificate_status
from signing.validation.validation_data import ValidationData

_CLOCK_TOLERANCE = timedelta(minutes=1)
_FAILURES: dict[IntegrityReason, str] = {
    "hash_mismatch": "HASH_FAILURE",
    "bad_signature_value": "SIG_CRYPTO_FAILURE",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Verdict, indication and sub-indication, and the message code of the reason."""

    verdict: Verdict
    indication: str
    sub_indication: str | None
    reason: SignatureReason


def decide(judged: Judged, status: CertificateStatus) -> Outcome:
    """The strictest answer wins; pure."""
    changes = judged.changes
    return (
        _refusal(judged, changes, status)
        or _doubt(judged, changes, status)
        or Outcome(Verdict.VALID, "TOTAL-PASSED", None, "intact")
    )


def _refusal(judged: Judged, changes: Changes, status: CertificateStatus) -> Outcome | None:
    """What makes a signature invalid whatever else may be said for it."""
    if judged.integrity_failure:
        failure = _FAILURES.get(judged.integrity_failure, "FORMAT_FAILURE")
        return _failed(failure, judged.integrity_failure)
    if changes.verdict is ChangeVerdict.REFUSED:
        return _failed("FORMAT_FAILURE", changes.reason or "modified")
    if judged.engine is AdESStatus.FAILED:
        return _failed(judged.sub_indication, _engine_reason(judged, status))
    return None


def _doubt(judged: Judged, changes: Changes, status: CertificateStatus) -> Outcome | None:
    """What leaves a signature undecided: changes, algorithm, form, then trust."""
    if changes.verdict is ChangeVerdict.UNDECIDED:
        return _undecided("SIG_CONSTRAINTS_FAILURE", changes.reason or "modified_unknown")
    if not judged.algorithm.acceptable:
        return _undecided("CRYPTO_CONSTRAINTS_FAILURE_NO_POE", judged.algorithm.remarks[0])
    if judged.padding_used:
        return _undecided("SIG_CONSTRAINTS_FAILURE", "padding_used")
    if not judged.signed_attributes:
        return _undecided("SIG_CONSTRAINTS_FAILURE", "no_signed_attributes")
    return _doubt_of_certificate(judged, status)


def _doubt_of_certificate(judged: Judged, status: CertificateStatus) -> Outcome | None:
    """What the certificate, its chain or its time leave open."""
    if judged.wrong_usage:
        return _undecided("CHAIN_CONSTRAINTS_FAILURE", "wrong_usage")
    if judged.engine is AdESStatus.INDETERMINATE:
        return _undecided(judged.sub_indication, _engine_reason(judged, status))
    if judged.from_future and judged.found.is_timestamp:
        return _undecided("TIMESTAMP_ORDER_FAILURE", "time_future")
    return None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all signatures of a file are judged by: the moment, the roots' kinds, whether asked."""

    now: datetime
    kinds: Mapping[bytes, str] = field(default_factory=dict)  # SHA-256 of a root → its kind
    online: bool = False


def verdict_of(
    judged: Judged, data: ValidationData, circumstances: Circumstances
) -> SignatureVerdict:
    """Everything learned, in the contract's form."""
    certificate = judged.certificate
    status = certificate_status(
        judged.sub_indication,
        certificate,
        judged.proven_time or circumstances.now,
        trusted=judged.trusted,
    )
    outcome = decide(judged, status)
    changes = judged.changes
    intact = not judged.integrity_failure and changes.verdict is not ChangeVerdict.REFUSED
    return SignatureVerdict(
        field_name=judged.found.field.name,
        verdict=outcome.verdict,
        signer=signer_name(judged),
        issuer=common_name(certificate.issuer),
        managing_unit=managing_unit(certificate.subject),
        claimed_time=judged.claimed_time,
        proven_time=judged.proven_time if intact else None,
        level=_level(judged, data),
        integrity=intact,
        certificate_status=status,
        certificate_valid_from=certificate.not_valid_before,
        certificate_valid_to=certificate.not_valid_after,
        algorithm=judged.algorithm.name,
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        changes_after_signing=judged.later,
        messages=_messages(judged, outcome, status, circumstances, intact=intact),
        certificate_sha256=certificate.sha256.hex(),
        reason=outcome.reason,
        algorithm_status=judged.algorithm.status,
        trust="trusted" if judged.trusted else "untrusted",
        trust_anchor=common_name(judged.anchor.subject) if judged.anchor else None,
        trust_anchor_kind=_anchor_kind(judged, circumstances),
        time_status=_time_status(judged, intact=intact),
        time_source=_time_source(judged) if intact else None,
        certificate_serial=f"{certificate.serial_number:x}",
        certificate=certificate.dump(),
        digest_algorithm=str(judged.embedded.external_md_algorithm),
        signed_digest=judged.embedded.compute_digest(),
    )


def _anchor_kind(judged: Judged, circumstances: Circumstances) -> str | None:
    if judged.anchor is None:
        return None
    return circumstances.kinds.get(judged.anchor.sha256, AnchorKind.OWN.value)


def _time_status(judged: Judged, *, intact: bool) -> str:
    if intact and judged.proven_time is not None:
        return "proven"
    if judged.timestamps or judged.found.is_timestamp:
        return "unproven"
    return "claimed" if judged.claimed_time is not None else "none"


def _time_source(judged: Judged) -> TimeSource | None:
    if judged.proven_time is None:
        return None
    by_document = judged.proven_by_document or judged.found.is_timestamp
    return TimeSource.DOCUMENT if by_document else TimeSource.SIGNATURE


def broken_verdict(found: FoundSignature, code: BrokenReason) -> SignatureVerdict:
    """A signature that cannot even be read: a format failure."""
    return _bare_verdict(
        found, _failed("FORMAT_FAILURE", code), (say_of(code, timestamp=found.is_timestamp),)
    )


def unfinished_verdict(
    found: FoundSignature, reason: SignatureReason, **details: object
) -> SignatureVerdict:
    """A signature that was not judged to the end: indeterminate, nothing claimed."""
    return _bare_verdict(found, _undecided("GENERIC", reason), (say(reason, **details),))


def interrupted_verdict(judged: Judged) -> SignatureVerdict:
    """Time ran out: what was learned until then is told, what was not is unknown."""
    failed = judged.integrity_failure
    outcome = _failed(_FAILURES.get(failed, "FORMAT_FAILURE"), failed) if failed else None
    outcome = outcome or _undecided("GENERIC", "time_limit")
    told = [say_of(failed or "time_limit", timestamp=judged.found.is_timestamp)]
    if judged.verified and not failed:
        told.append(say("intact_so_far"))
    certificate = judged.certificate
    return replace(
        _bare_verdict(judged.found, outcome, tuple(told)),
        signer=signer_name(judged),
        issuer=common_name(certificate.issuer),
        managing_unit=managing_unit(certificate.subject),
        claimed_time=judged.claimed_time,
        integrity=judged.verified and not failed,
        algorithm=judged.algorithm.name,
        algorithm_status=judged.algorithm.status,
        certificate_sha256=certificate.sha256.hex(),
        certificate_serial=f"{certificate.serial_number:x}",
    )


def signer_name(judged: Judged) -> str:
    """The signer's common name as told to people."""
    return common_name(judged.certificate.subject)


def _bare_verdict(
    found: FoundSignature, outcome: Outcome, messages: tuple[str, ...]
) -> SignatureVerdict:
    return SignatureVerdict(
        field_name=found.field.name,
        verdict=outcome.verdict,
        signer="",
        issuer="",
        managing_unit=None,
        claimed_time=None,
        proven_time=None,
        level=None,
        integrity=False,
        certificate_status="unknown",
        certificate_valid_from=None,
        certificate_valid_to=None,
        algorithm="",
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        messages=messages,
        reason=outcome.reason,
    )


def _failed(sub_indication: str, reason: SignatureReason) -> Outcome:
    return Outcome(Verdict.INVALID, "TOTAL-FAILED", sub_indication, reason)


def _undecided(sub_indication: str, reason: SignatureReason) -> Outcome:
    return Outcome(Verdict.INDETERMINATE, "INDETERMINATE", sub_indication, reason)


_STATUS_REASONS: dict[CertificateStatus, TrustReason] = {
    "untrusted": "untrusted",
    "revoked": "revoked",
    "expired": "expired",
    "not_yet_valid": "not_yet_valid",
}


def _engine_reason(judged: Judged, status: CertificateStatus) -> SignatureReason:
    """The message for what the engine refused; a failed token is a wrong signature value."""
    if judged.sub_indication in {"HASH_FAILURE", "SIG_CRYPTO_FAILURE"}:
        return "bad_signature_value"
    reason = _STATUS_REASONS.get(status)
    if reason is None and judged.sub_indication.startswith("CRYPTO_CONSTRAINTS"):
        return "weak_chain"
    return reason or "revocation_unknown"


def _level(judged: Judged, data: ValidationData) -> str | None:
    if judged.found.is_timestamp:
        return None
    return data.level_of(
        subfilter=str(entry(judged.found.value, "/SubFilter")),
        revision=judged.revision,
        timestamped=judged.timestamps > 0,
        certificate=judged.certificate,
    )


def _messages(
    judged: Judged,
    outcome: Outcome,
    status: CertificateStatus,
    circumstances: Circumstances,
    *,
    intact: bool,
) -> tuple[str, ...]:
    """The reason first, then each of the four answers, each sentence once."""
    changes = judged.changes
    details = {"names": ", ".join(changes.names), "name": judged.algorithm.name}
    stamp = judged.found.is_timestamp
    told = [say_of(outcome.reason, timestamp=stamp, **details)]
    if intact:
        told.append(say("intact"))
    if not stamp:  # TT 15/2025 speaks of signers, not of foreign tokens
        told.extend(say(remark, **details) for remark in judged.algorithm.remarks)
    unknown = "revocation_unknown_online" if circumstances.online else "revocation_unknown"
    told.append(say_of(unknown if status == "unknown" else status, timestamp=stamp))
    if judged.anchor is not None:
        kind = _anchor_kind(judged, circumstances)
        told.append(say(f"anchor_{kind}", anchor=common_name(judged.anchor.subject)))
    if judged.ber:
        told.append(say("ber"))
    if stamp:
        told.append(say("archive_timestamp"))
    told.extend(_about_time(judged))
    return tuple(dict.fromkeys(told))


def _about_time(judged: Judged) -> list[str]:
    if judged.from_future:
        return [say("time_future")]
    claimed = judged.claimed_time
    if judged.proven_time is None:
        code = f"time_{_time_status(judged, intact=False)}"
        return [say(code, moment=_in_vietnam(claimed) if claimed else "")]
    code = "time_proven_by_document" if judged.proven_by_document else "time_proven"
    proven = say(code, moment=_in_vietnam(judged.proven_time))
    told = [proven, say("timestamp_revocation_offline")]
    if claimed is None or judged.found.is_timestamp:
        return told
    difference = judged.proven_time - claimed
    if difference > _CLOCK_TOLERANCE:
        told.append(say("time_after_claim", delta=_duration(difference)))
    if -difference > _CLOCK_TOLERANCE:
        told.append(say("time_before_claim", delta=_duration(-difference)))
    return told


def _in_vietnam(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%H:%M:%S ngày %d/%m/%Y")


def _duration(delta: timedelta) -> str:
    minutes = round(delta.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} phút"
    hours = round(minutes / 60)
    return f"{hours} giờ" if hours < 48 else f"{round(hours / 24)} ngày"
