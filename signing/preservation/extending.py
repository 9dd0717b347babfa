"""Raising a signed file's level and renewing its archive time-stamp, as one or two new revisions.

Owns the order of work: gather data → append store and document time-stamp → prove. Takes what can
be had now and says what is missing, so that a queue can come back for the rest. A signature's own
bytes are never touched: where the CMS lacks a time-stamp, a document time-stamp over the whole
file proves the time instead (ETSI EN 319 142-1, clause 5.5). Leaves asking to ``gathering`` and
``signing.evidence``, the check of our own work to ``signing.pades.proof``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.contract import (
    Clock,
    ExtendedFile,
    ExtendedPdf,
    Level,
    SignerConfig,
    SigningUnavailable,
)
from signing.evidence.eligibility import ChainBuilder
from signing.evidence.revocation import RevocationChecker
from signing.evidence.timestamps import TimestampAuthorities, unavailable
from signing.pades.proof import Proved
from signing.preservation.appending import append_proof
from signing.preservation.extension_evidence import extension_evidence
from signing.preservation.gathering import Gathered, Gatherer
from signing.preservation.growing import Growing, GrowingOnDisk
from signing.preservation.holding import Holding, read_holding
from signing.preservation.provability import Void, provability_of_holding
from signing.reading.mapped_files import copied, mapped

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Work:
    """One file on its way up."""

    file: Growing
    holding: Holding
    void: Void  # time-stamps that the reckoning leaves out
    fields: tuple[str, ...] = ()
    failure: SigningUnavailable | None = None
    stored: Gathered | None = None  # the data that was embedded

    def grown(self, data: Gathered | None, *fields: str) -> None:
        """There is a new revision; ``data`` lies in its security store."""
        self.stored = data or self.stored
        self.fields = (*self.fields, *fields)
        self.holding = read_holding(self.file.data)


class Extender:
    """``Preserving.extend`` and ``LargeFiles.extend_file`` over one service's evidence."""

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

    async def extend(self, pdf: bytes, level: Level, void: Void = ()) -> ExtendedPdf:
        """See ``Preserving.extend``."""
        file = Growing(pdf)
        done = await self._extend(file, level, void)
        return ExtendedPdf(
            pdf=bytes(file.data),
            sha256=done.sha256,
            level=done.level,
            timestamp_fields=done.timestamp_fields,
            extended_at=done.extended_at,
            provability=done.provability,
            shortfall=done.shortfall,
            missing=done.missing,
            evidence=done.evidence,
        )

    async def extend_file(
        self, source: Path, target: Path, level: Level, void: Void = ()
    ) -> ExtendedFile:
        """See ``LargeFiles.extend_file``; the file is mapped, not read."""
        with mapped(source) as data:
            async with copied(source, target, len(data)) as copying:
                with GrowingOnDisk(data, target) as file:
                    await copying
                    return await self._extend(file, level, void)

    async def _extend(self, file: Growing, level: Level, void: Void) -> ExtendedFile:
        work = _Work(file, read_holding(file.data), void)
        data = await self._gatherer.gather(work.holding)
        if level is Level.B_LTA and not data.silent:
            await self._stamp(work, data)  # store and time-stamp in one revision
        if not work.fields and not work.holding.all_stamped:
            await self._stamp(work, None)
            data = await self._gatherer.gather(work.holding)
        if level is not Level.B_T and not data.silent and _lacks(work.holding, data):
            await append_proof(file, self._config, data, None)
            work.grown(data)
        if len(file.data) == file.size_before and (work.failure or data.silent):
            raise work.failure or _silent()
        return self._result(work, data, level, file.prove(len(work.fields)))

    def _result(self, work: _Work, data: Gathered, level: Level, proved: Proved) -> ExtendedFile:
        reached, file = work.holding.level, work.file
        shortfall = ""
        if reached.rank < level.rank:
            shortfall = "validation_data_missing"
            if work.failure or data.silent:
                shortfall = (work.failure or _silent()).code
        now, missing = self._clock.now(), tuple(data.missing)
        return ExtendedFile(
            size=len(file.data),
            sha256=proved.sha256,
            level=reached,
            timestamp_fields=work.fields,
            extended_at=now,
            provability=provability_of_holding(
                work.holding, self._config.algorithm_ends, work.void
            ),
            shortfall=shortfall,
            missing=missing,
            evidence=extension_evidence(proved.tokens.all(), work.stored, missing, now),
        )

    async def _stamp(self, work: _Work, data: Gathered | None) -> None:
        """Add a document time-stamp of the first authority that answers; keep why none did."""
        for authority in self._authorities.in_order():
            try:
                chain = await authority.ready()
                if data is not None and not await self._gatherer.add_authority(chain, data):
                    work.failure = _authority_unknown()
                    continue
                name = await append_proof(work.file, self._config, data, authority)
            except TimestampRequestError as error:
                log.warning("time-stamping authority %s failed: %s", authority.url, error)
                work.failure = unavailable(error)
            else:
                work.failure = None
                work.grown(data, name)
                return


def _lacks(holding: Holding, data: Gathered) -> bool:
    """Whether a time-stamped signature has no revocation data yet although it could be had."""
    return any(s.level is Level.B_T and s.name not in data.missing for s in holding.signatures)


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
