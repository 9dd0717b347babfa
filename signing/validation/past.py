"""Judging as of the past: what archive time-stamps prove to have been there before it expired.

Owns which moments are proven (the newest archive time-stamp is judged now, each earlier one at the
time of the one after it) and the second judgement of a signature or time-stamp whose certificates
have expired since. pyHanko's long-term engine does this for signatures that carry a time-stamp of
their own only; a signature whose time is proven by a document time-stamp alone (ETSI EN 319 142-1,
clause 5.5), and the older time-stamps of a renewed chain, are judged here. A revocation is never
judged away.
"""

from __future__ import annotations

import logging
from datetime import datetime

from pyhanko.sign.ades.report import AdESStatus
from pyhanko.sign.validation.ades import ades_timestamp_validation
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec

from signing.validation.signature_judgement import CLOCK_SKEW, check_trust
from signing.validation.signature_reading import Judged
from signing.validation.trust import timing_at
from signing.validation.validation_data import ValidationData

log = logging.getLogger(__name__)

_MAX_MOMENTS = 8  # a century of renewals, and a bound for hostile files


class ProvenMoments:
    """The times of a file's archive time-stamps that hold; reckoned when first asked for."""

    def __init__(
        self, archives: list[Judged], policy: PdfSignatureValidationSpec, now: datetime
    ) -> None:
        self._archives = sorted(archives, key=lambda one: one.revision, reverse=True)
        self._policy = policy
        self._now = now
        self._found: list[tuple[int, datetime]] | None = None

    async def after(self, revision: int) -> list[datetime]:
        """The proven moments at which a revision was already there, the newest first."""
        if self._found is None:
            self._found = await self._reckon()
        return [moment for archive, moment in self._found if archive > revision]

    async def _reckon(self) -> list[tuple[int, datetime]]:
        found: list[tuple[int, datetime]] = []
        at = self._now
        for archive in self._archives[:_MAX_MOMENTS]:
            claimed = archive.claimed_time
            if claimed is None or claimed > at + CLOCK_SKEW:
                continue  # no stamp proves anything that it was there before
            if await self._holds(archive, at):
                at = claimed
                found.append((archive.revision, at))
        return found

    async def _holds(self, archive: Judged, at: datetime) -> bool:
        try:
            result = await ades_timestamp_validation(
                archive.embedded.signed_data,
                self._policy.signature_validation_spec,
                archive.embedded.compute_digest,
                timing_info=timing_at(at),
            )
        except Exception as error:  # a broken token proves nothing, and breaks nothing
            log.info("archive time-stamp not judged: %s", type(error).__name__)
            return False
        return bool(result.ades_subindic.status is AdESStatus.PASSED)


async def check_past(
    judged: Judged, policy: PdfSignatureValidationSpec, data: ValidationData, moments: ProvenMoments
) -> None:
    """Judge again, at proven moments, what is undecided now only because time has passed."""
    undecided = judged.engine is AdESStatus.INDETERMINATE
    if undecided and not judged.sub_indication.startswith("REVOKED"):
        await _judge_again(judged, policy, data, await moments.after(judged.revision))
    if judged.proven_time is None and not judged.found.is_timestamp:
        judged.proven_time = min(await moments.after(judged.revision), default=None)
        judged.proven_by_document = judged.proven_time is not None


async def _judge_again(
    judged: Judged,
    policy: PdfSignatureValidationSpec,
    data: ValidationData,
    moments: list[datetime],
) -> None:
    before = (judged.engine, judged.sub_indication)
    for moment in moments:
        await check_trust(judged, policy, data, moment)
        if judged.engine is AdESStatus.PASSED:
            return
    judged.engine, judged.sub_indication = before
