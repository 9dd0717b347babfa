"""Learning about one signature: integrity, trust and time as separate answers.

Owns hashing and verifying it and running pyHanko's EN 319 102-1 engine on it. Leaves reading its
CMS to ``signature_reading``, the verdict to ``verdicts``, later changes to ``changes``, roots and
algorithms to ``trust``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms, x509
from pyhanko.sign.ades.report import AdESPassed, AdESStatus
from pyhanko.sign.validation.ades import (
    AdESBasicValidationResult,
    ades_basic_validation,
    ades_lta_validation,
    ades_timestamp_validation,
    ades_with_time_validation,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import (
    extract_tst_data_iter,
    message_imprint_checker,
    validate_sig_integrity,
)
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec

from signing.reading.opening import HOSTILE_INPUT_ERRORS
from signing.reading.signature_fields import docmdp_level
from signing.validation.changes import (
    UNKNOWN_CHANGES,
    ChangeJudge,
    Changes,
    ChangeVerdict,
    SignedRevision,
)
from signing.validation.difference import OutOfTime
from signing.validation.reasons import IntegrityReason
from signing.validation.signature_reading import Judged
from signing.validation.trust import find_anchor, timing_at
from signing.validation.validation_data import ValidationData

log = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(minutes=5)  # between a time-stamping server and us

_Result = AdESBasicValidationResult[Any]
_Rung = Callable[[], Awaitable[_Result]]


def verify_signature(judged: Judged) -> None:
    """Hash the signed bytes and verify the signature value."""
    judged.integrity_failure = _cryptographic_failure(judged)
    judged.verified = True


def judge_changes(judged: Judged, policy: PdfSignatureValidationSpec, changes: ChangeJudge) -> None:
    """Compare the later revisions; where time runs out, they are what stays undecided."""
    if not judged.verified:
        verify_signature(judged)  # which failed before and now says how
    if judged.integrity_failure:
        return  # what came later cannot mend it
    embedded: Any = judged.embedded  # its results are typed as None until computed
    try:
        if embedded.diff_result is None:
            embedded.compute_integrity_info(diff_policy=policy.diff_policy)
        _, _, start, length = (int(n) for n in embedded.byte_range)
        signed = SignedRevision(judged.revision, start + length, docmdp_level(judged.found.value))
        judged.changes = changes.judge(signed, embedded.diff_result)
    except OutOfTime:
        judged.changes = Changes(ChangeVerdict.UNDECIDED, "time_limit")
    except HOSTILE_INPUT_ERRORS as error:  # a revision in between that leads nowhere
        log.info("later changes not readable: %s", type(error).__name__)
        judged.changes = UNKNOWN_CHANGES


def _cryptographic_failure(judged: Judged) -> IntegrityReason | None:
    embedded = judged.embedded
    if judged.found.is_timestamp:
        imprint = embedded.signed_data["encap_content_info"]["content"].parsed["message_imprint"]
        algorithm = imprint["hash_algorithm"]["algorithm"].native
        if embedded.compute_digest(algorithm) != imprint["hashed_message"].native:
            return "hash_mismatch"
        return None  # the token's own signature is the engine's to verify
    try:
        intact, valid = validate_sig_integrity(
            embedded.signer_info,
            judged.certificate,
            expected_content_type="data",
            actual_digest=embedded.compute_digest(),
        )
    except (SignatureValidationError, LookupError, TypeError, ValueError):
        return "broken_cms"  # the last three: attributes of no type that their names allow
    if not intact:
        return "hash_mismatch"
    return None if valid else "bad_signature_value"


# ------------------------------------------------------------------ trust and time


async def check_trust(
    judged: Judged, policy: PdfSignatureValidationSpec, data: ValidationData, now: datetime
) -> None:
    """Run the engine offline: long-term first, then with time, then at the present moment."""
    if judged.found.is_timestamp:
        await _check_archive_timestamp(judged, policy, now)
        return
    results = await _run_engine(judged, policy, data, now)
    best = results[0] if results else None
    if best is not None:
        judged.sub_indication = best.ades_subindic.standard_name
        judged.engine = best.ades_subindic.status
        judged.anchor = next(filter(None, (_anchor_of(result) for result in results)), None)
        judged.trusted = judged.anchor is not None
    if not _time_known(judged, best):
        await _prove_time(judged, policy, now)


def settle_time(judged: Judged, now: datetime) -> None:
    """A time that is still to come proves nothing: the server's clock is wrong, or it lies."""
    if judged.proven_time is not None and judged.proven_time > now + CLOCK_SKEW:
        judged.proven_time = None
        judged.from_future = True


def seek_anchor(judged: Judged, data: ValidationData, roots: Sequence[x509.Certificate]) -> None:
    """Whose root the chain leads to, also where the engine stopped before it built one.

    A separate answer: an algorithm that is no longer accepted does not change whose signature
    it is.
    """
    if judged.anchor is None:
        others = [*judged.certificates.other_certs, *data.knowledge.known_certs]
        judged.anchor = find_anchor(judged.certificate, others, roots)
        judged.trusted = judged.anchor is not None


async def _run_engine(
    judged: Judged, policy: PdfSignatureValidationSpec, data: ValidationData, now: datetime
) -> list[_Result]:
    """Every result, the decisive one first: the first that passed, else the fittest refusal.

    Where the file's revocation data is still fresh, the time-stamped signature may well pass
    without its past (EN 319 102-1, 5.5) at a third of the cost; the long-term rung (5.6.3) is
    then climbed only if it does not.
    """
    embedded, timing = judged.embedded, timing_at(now)
    spec = replace(policy.signature_validation_spec, local_knowledge=data.everything)
    fetched = replace(policy.signature_validation_spec, local_knowledge=data.fresh)
    archived = replace(policy, signature_validation_spec=fetched)  # it reads the store itself
    status: dict[str, Any] = {"raw_digest": embedded.compute_digest(), "timing_info": timing}
    runs: list[_Rung] = []
    if data.has_archive_after(judged.revision):
        runs.append(lambda: ades_lta_validation(embedded, archived, timing_info=timing))
    if _signature_timestamps(judged):
        runs.append(lambda: ades_with_time_validation(embedded.signed_data, spec, **status))
    runs.append(lambda: ades_basic_validation(embedded.signed_data, spec, **status))
    order = list(range(len(runs)))
    if len(runs) == 3 and data.is_fresh(now):
        order = [1, 0, 2]
    results: dict[int, _Result] = {}
    for rung in order:
        result = await _climb(runs[rung])
        if result is not None and result.ades_subindic == AdESPassed.OK:
            return [result, *results.values()]
        if result is not None:
            results[rung] = result
    return [results[rung] for rung in sorted(results)]


async def _climb(run: _Rung) -> _Result | None:
    """One rung's result; the engine mixes raw and own errors, and each rung stands alone."""
    try:
        return await run()
    except OutOfTime:
        raise
    except Exception as error:  # see above
        log.info("validation engine gave up on one rung: %s", type(error).__name__)
        return None


def _anchor_of(result: _Result) -> x509.Certificate | None:
    """The root that a validated chain starts from."""
    path = result.api_status.validation_path if result.api_status is not None else None
    certificate: x509.Certificate | None = (
        getattr(path.trust_anchor, "certificate", None) if path is not None else None
    )
    return certificate


def _time_known(judged: Judged, best: _Result | None) -> bool:
    """Take the time from the engine's own check of the only time-stamp, where it made one."""
    tokens = _signature_timestamps(judged)
    judged.timestamps = len(tokens)
    if len(tokens) != 1 or best is None or best.ades_subindic != AdESPassed.OK:
        return False
    long_term = getattr(best, "signature_timestamp_status", None)
    if long_term is not None and long_term.ades_subindic == AdESPassed.OK:
        judged.proven_time = long_term.api_status.timestamp
    elif long_term is None:
        seen = getattr(best.api_status, "timestamp_validity", None)
        judged.proven_time = seen.timestamp if seen is not None else None
    return judged.proven_time is not None


async def _check_archive_timestamp(
    judged: Judged, policy: PdfSignatureValidationSpec, now: datetime
) -> None:
    result = await ades_timestamp_validation(
        judged.embedded.signed_data,
        policy.signature_validation_spec,
        judged.embedded.compute_digest,
        timing_info=timing_at(now),
    )
    judged.sub_indication = result.ades_subindic.standard_name
    judged.engine = result.ades_subindic.status
    judged.anchor = _anchor_of(result)
    judged.trusted = judged.anchor is not None
    if judged.engine is AdESStatus.PASSED:
        judged.proven_time = judged.claimed_time


async def _prove_time(judged: Judged, policy: PdfSignatureValidationSpec, now: datetime) -> None:
    """The earliest time-stamp over this signature that validates; archive ones come later."""
    for token in _signature_timestamps(judged):
        try:
            result = await ades_timestamp_validation(
                token,
                policy.signature_validation_spec,
                message_imprint_checker(judged.embedded.signer_info),
                timing_info=timing_at(now),
            )
            moment = token["encap_content_info"]["content"].parsed["gen_time"].native
        except Exception as error:  # a broken token proves nothing, and breaks nothing
            log.info("time-stamp token not readable: %s", type(error).__name__)
            continue
        if result.ades_subindic == AdESPassed.OK:
            judged.proven_time = min(moment, judged.proven_time or moment)


def _signature_timestamps(judged: Judged) -> list[cms.SignedData]:
    try:
        return list(extract_tst_data_iter(judged.embedded.signer_info, signed=False))
    except Exception as error:  # BER and broken tokens: no time-stamp that we can read
        log.info("time-stamp attribute not readable: %s", type(error).__name__)
        return []
