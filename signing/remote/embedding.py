"""Putting a raw signature that was made elsewhere into its file, time-stamped and proven.

Owns which level a part of an act gets and the failover between time-stamping authorities: the
signature serves each of them, and every level. Leaves who may sign and what comes next to
``signing.remote.service``, the bytes to ``signing.pades.interrupted`` and
``signing.preservation.closing``.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.contract import Clock, Level, SignerConfig, SigningUnavailable, SignOrder
from signing.evidence.revocation import Evidence, Status
from signing.evidence.timestamps import TimestampAuthorities, TimestampClient, unavailable
from signing.pades.drafts import Draft
from signing.pades.interrupted import RevisionChanged, Unsigned, complete_revision
from signing.pades.refusals import refusing_documents
from signing.pades.writer import Act, KeptKeySigner
from signing.preservation import reach
from signing.preservation.closing import Closing, close_act
from signing.preservation.growing import GrowingDraft
from signing.remote.begun import Embedded
from signing.remote.state import Waiting, changed
from signing.signing_paths import without_proof

log = logging.getLogger(__name__)

Stamping = Callable[[TimestampClient, tuple[Evidence, ...]], Awaitable[None]]


class RemoteEmbedding:
    """The part of ``RemoteSignatures`` that writes signatures; the service gives what it needs."""

    _config: SignerConfig
    _clock: Clock
    _authorities: TimestampAuthorities

    if TYPE_CHECKING:

        async def _check_revocation(self, signer: KeptKeySigner, level: Level) -> Evidence: ...
        async def _authority_evidence(
            self, authority: TimestampClient, level: Level
        ) -> tuple[Evidence, ...]: ...

    async def _embed(
        self, draft: Draft, waiting: Waiting, signer: KeptKeySigner, order: SignOrder
    ) -> tuple[Embedded, str]:
        """Embed at the order's level or, where it accepts that, a lower one, and why."""
        if not waiting.stamped_once:
            return await reach(order, lambda level: self._embed_at(draft, waiting, signer, level))
        await self._check_revocation(signer, Level.B_B)  # refuses, before anything is written
        await _complete_revision(draft, waiting, self._act(signer, Level.B_B))
        return await reach(order, lambda level: self._close(draft, waiting, signer, level))

    async def _embed_at(
        self, draft: Draft, waiting: Waiting, signer: KeptKeySigner, level: Level
    ) -> Embedded:
        """One attempt at a level; the raw signature serves each of them."""
        evidence = await self._check_revocation(signer, level)
        level = within_reach(level, evidence)
        made = level if waiting.part == waiting.parts else without_proof(level)
        if waiting.shortfall and waiting.part < waiting.parts:
            # one part has no time-stamp: another's adds nothing, and may take long
            made = Level.B_B
        act = self._act(signer, made)

        async def complete(authority: TimestampClient, proof: tuple[Evidence, ...]) -> None:
            told = dataclasses.replace(act, timestamper=authority, evidence=(evidence, *proof))
            await _complete_revision(draft, waiting, told)

        if made is Level.B_B:
            await _complete_revision(draft, waiting, act)
            return Embedded(level, (evidence,))
        return Embedded(level, (evidence, *await self._by_first_authority(made, complete)))

    async def _close(
        self, draft: Draft, waiting: Waiting, signer: KeptKeySigner, level: Level
    ) -> Embedded:
        """One attempt to bring an act to a level after its last signature; before, nothing."""
        evidence = await self._check_revocation(signer, level)
        level = within_reach(level, evidence)
        if waiting.part < waiting.parts or level is Level.B_B:
            return Embedded(level, (evidence,))
        file = GrowingDraft(draft)

        async def close(authority: TimestampClient, proof: tuple[Evidence, ...]) -> None:
            closing = Closing(level, signer.chain, (evidence, *proof))
            await close_act(file, closing, authority, self._config)

        return Embedded(level, (evidence, *await self._by_first_authority(level, close)))

    async def _by_first_authority(self, level: Level, stamping: Stamping) -> tuple[Evidence, ...]:
        """Time-stamp by the first authority that answers; gives what proves that one."""
        last: TimestampRequestError | SigningUnavailable | None = None
        for authority in self._authorities.in_order():
            try:
                proof = await self._authority_evidence(authority, level)
                await stamping(authority, proof)
            except (TimestampRequestError, SigningUnavailable) as error:
                log.warning("time-stamping authority %s failed: %s", authority.url, error)
                last = error
            else:
                return proof
        assert last is not None
        raise unavailable(last) if isinstance(last, TimestampRequestError) else last

    def _act(self, signer: KeptKeySigner, level: Level) -> Act:
        """What completing a revision takes; the signature is judged at present."""
        return Act(
            signer=signer,
            level=level,
            prefix="",
            signed_at=self._clock.now().replace(microsecond=0),
            name=None,
            reason=None,
            location=None,
            look=None,
            timestamper=None,
            evidence=(),
        )


def within_reach(level: Level, evidence: Evidence) -> Level:
    """Without an answer about revocation there is nothing to embed: a time-stamp at most."""
    return without_proof(level) if evidence.status is Status.UNKNOWN else level


async def _complete_revision(draft: Draft, waiting: Waiting, act: Act) -> None:
    unsigned = Unsigned(waiting.field_name, waiting.start, waiting.end, waiting.attributes)
    try:
        with refusing_documents(), draft.writing((unsigned.start, unsigned.end)) as stream:
            await complete_revision(stream, draft.data, unsigned, act)
    except RevisionChanged as error:
        raise changed(str(error)) from error
