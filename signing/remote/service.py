"""Signing in two halves, for keys whose owner confirms elsewhere: the other half of the service.

Owns the order of work around the wait: everything is checked before anything is sent, and the
certificate, its revocation and the time-stamp once more when the signature is there; the signing
time stays that of the first half. Nothing is kept here in between, so any process can go on. Leaves
one provider's conversation to ``signing.keys``, the file to ``signing.pades.interrupted``, what is
kept to ``signing.remote.state``.
"""

from __future__ import annotations

import dataclasses
import hmac
import logging
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from msgspec import structs

from signing.appearance.acts import Part
from signing.contract import (
    DocumentSurvey,
    Level,
    Prepared,
    PreparedFile,
    SignedFile,
    SignedPdf,
    SignerConfig,
    SignOrder,
)
from signing.evidence.act_evidence import Facts, act_evidence, check_binding
from signing.evidence.eligibility import ChainBuilder
from signing.evidence.revocation import Evidence
from signing.evidence.timestamps import TimestampAuthorities, TimestampClient
from signing.keys.confirmed import ConfirmedKey, waiting_key
from signing.keys.contract import OpenedKey, is_authorised
from signing.keys.vgca import VgcaSource, not_handed_off
from signing.lane import LaneFile
from signing.pades.drafts import Draft
from signing.pades.interrupted import (
    prepare_revision,
)
from signing.pades.proof import prove_appended
from signing.pades.refusals import check_readable, refusing_documents
from signing.pades.writer import KeptKeySigner
from signing.preservation import reach
from signing.processes.surveys import Surveys
from signing.reading.opening import Data
from signing.reading.stretches import sha256_of
from signing.remote.begun import Begun, Place, Step, in_memory, of_the_act
from signing.remote.embedding import RemoteEmbedding
from signing.remote.files import RemoteFileActs
from signing.remote.state import Waiting, changed, seal, unseal
from signing.remote.talk import RemoteTalk

log = logging.getLogger(__name__)

_MOST_PARTS = 4  # number, day, month and seal
HAND_OFF_LEVEL = "hand_off_level"  # why a file is lower: its desktop program makes no more


class RemoteActs(RemoteFileActs, RemoteEmbedding, RemoteTalk):
    """``RemoteSignatures``, ``RemoteFiles``, ``HandOffs``; the service gives what is declared."""

    _config: SignerConfig
    _authorities: TimestampAuthorities
    _chains: ChainBuilder
    _surveys: Surveys

    if TYPE_CHECKING:

        def _refuse_dangerous(self, pdf: bytes, inspected: bool | str = False) -> Any: ...
        def _signer(self, name: str, key: OpenedKey) -> KeptKeySigner: ...
        def _plan(
            self, order: SignOrder, key: OpenedKey, at: datetime, file: LaneFile | None, state: Any
        ) -> tuple[Part, ...]: ...
        async def _check_revocation(self, signer: KeptKeySigner, level: Level) -> Evidence: ...
        async def _authority_evidence(
            self, authority: TimestampClient, level: Level
        ) -> tuple[Evidence, ...]: ...

    # ------------------------------------------------------------------ the first half

    async def prepare(
        self, order: SignOrder, inspected: bool = False, survey: DocumentSurvey | None = None
    ) -> Prepared:
        """Check everything, write the revision; see ``RemoteSignatures``.

        ``inspected`` and ``survey`` as for ``sign``.
        """
        check_readable(order.pdf)
        if not inspected:
            self._refuse_dangerous(order.pdf)
        self._surveys.keep(survey)
        draft, key = Draft(order.pdf), await self._confirmed(order.credential).open()
        return (await self._begin(order, key, draft)).in_memory(draft)

    async def _begin(self, order: SignOrder, key: OpenedKey, draft: Draft) -> Step:
        # as it is when the act begins: its later parts may be laid days and restarts from now
        order = dataclasses.replace(order, text_style=order.text_style or self._config.time_style)
        signer = self._signer(order.credential, key)
        check_binding(key.certificate, order)
        # What cannot be known yet is asked again in the second half.
        await reach(order, lambda level: self._check_revocation(signer, level))
        if order.level is not Level.B_B:
            self._authorities.in_order()  # refuses when none is configured
        signed_at = self._clock.now().replace(microsecond=0)
        once = self._config.stamps_acts_once
        begun = Begun(order, signer, signed_at, sha256_of(order.pdf), once)
        return await self._prepare_part(begun, draft, ())

    async def _sign_in_draft(self, order: SignOrder, key: OpenedKey, draft: Draft) -> SignedFile:
        """Both halves in one call.

        For a key whose owner's confirmation cannot be repeated, and for a document that is
        neither plain nor small.

        Each raw signature is made once and serves every time-stamping authority and level; the
        digest of the next part is known only when it is in the file. Nothing of it is published
        before the last.
        """
        step: Step | SignedFile = await self._begin(order, key, draft)
        while isinstance(step, Step):
            waiting = step.waiting
            if waiting.part == 1 and is_authorised(key):
                key.expect(waiting.parts)
            signature = await key.sign_raw(waiting.attributes)
            step = await self._go_on(waiting, draft, order.pdf, signature)
        return step

    async def _prepare_part(
        self, begun: Begun, draft: Draft, done: tuple[str, ...], shortfall: str = ""
    ) -> Step:
        order, key = begun.order, begun.signer.key
        with refusing_documents():
            # Always of the file as it came: its signatures do not move what follows.
            parts = self._plan(order, key, begun.signed_at, None, begun.came)
            at = Place(len(done) + 1, len(parts), done, shortfall)
            act = begun.act(parts[at.part - 1], begun.own_level(at))
            with draft.writing() as stream:
                unsigned = await prepare_revision(stream, act)
        waiting = begun.wait(unsigned, draft.sha256(), at)
        return Step(waiting, seal(waiting, self._config.state_secrets))

    # ------------------------------------------------------------------ the whole file elsewhere

    async def accept_hand_off(self, order: SignOrder, signed: bytes) -> SignedPdf:
        """Prove a file that a desktop program signed; see ``HandOffs``."""
        self._refuse_dangerous(order.pdf)
        return in_memory(signed, await self._accept(order, signed))

    async def _accept(self, order: SignOrder, signed: Data) -> SignedFile:
        from signing.remote.hand_off import judge_hand_off  # noqa: PLC0415 - loaded when first needed

        source = self._source(order.credential)
        if not isinstance(source, VgcaSource):
            raise not_handed_off(order.credential)
        check_readable(signed)
        parts = _MOST_PARTS if order.document_number is not None else 1
        returned = judge_hand_off(order.pdf, signed, source.expected(), parts, self._chains)
        signer = self._signer(order.credential, returned.key)
        check_binding(returned.key.certificate, order)
        evidence, _ = await reach(order, lambda level: self._check_revocation(signer, level))
        shortfall = HAND_OFF_LEVEL if returned.level.rank < order.level.rank else ""
        order = dataclasses.replace(order, level=returned.level)
        facts = structs.replace(self._facts(signer, (evidence,)), algorithm=returned.algorithm)
        return SignedFile(
            size=len(signed),
            sha256=sha256_of(signed).hexdigest(),
            level=returned.level,
            field_names=returned.field_names,
            certificate=returned.key.credential.certificate,
            signed_at=returned.claimed_at or self._clock.now().replace(microsecond=0),
            evidence=act_evidence(order, returned.tokens, facts),
            shortfall=shortfall,
        )

    # ------------------------------------------------------------------ the second half

    async def finish(
        self, prepared: Prepared, signature: bytes, survey: DocumentSurvey | None = None
    ) -> SignedPdf | Prepared:
        """Embed a raw signature that verifies; see ``RemoteSignatures``.

        ``survey`` is of the prepared file, whose pages say what the original's do.
        """
        draft = Draft(prepared.pdf)
        waiting = self._unsealed(prepared, draft.sha256())
        original = prepared.pdf[: waiting.original]
        step = await self._go_on(waiting, draft, original, signature, survey)
        if isinstance(step, Step):
            return step.in_memory(draft)
        return in_memory(bytes(draft.data), step)

    def _unsealed(self, prepared: Prepared | PreparedFile, pdf_sha256: bytes) -> Waiting:
        waiting = unseal(prepared.state, pdf_sha256, self._config.state_secrets)
        if not hmac.compare_digest(prepared.to_be_signed, waiting.attributes):
            raise changed("something else was to be signed")
        return waiting

    async def _go_on(
        self,
        waiting: Waiting,
        draft: Draft,
        original: Data,
        signature: bytes,
        survey: DocumentSurvey | None = None,
    ) -> Step | SignedFile:
        """The next part, or the proven file; ``original`` is how it came, ``draft`` as prepared."""
        began, came = perf_counter(), sha256_of(original)
        key = self._brought_key(waiting, signature)
        signer = self._signer(waiting.order.credential, key)
        # Verified before anybody is asked for a time-stamp.
        await signer.async_sign_raw(waiting.attributes, key.config.digest)
        if survey is not None and survey.sha256 == waiting.pdf_sha256.hex():
            self._surveys.keep(dataclasses.replace(survey, sha256=came.hexdigest()))
        order = dataclasses.replace(waiting.order, pdf=cast("bytes", original))
        check_binding(key.certificate, order)
        made, shortfall = await self._embed(draft, waiting, signer, order)
        done = (*waiting.done, waiting.field_name)
        if waiting.part < waiting.parts:
            lost = made.level is Level.B_B and order.level is not Level.B_B
            known = waiting.shortfall or (shortfall if lost else "")
            begun = Begun(order, signer, waiting.signed_at, came, waiting.stamped_once)
            return await self._prepare_part(begun, draft, done, known)
        proved = prove_appended(
            draft.data, len(original), key.certificate, waiting.parts, came.digest()
        )
        level, shortfall = of_the_act(made.level, shortfall, waiting.shortfall)
        order = dataclasses.replace(order, level=level)
        return SignedFile(
            size=len(draft.data),
            sha256=proved.sha256,
            level=level,
            field_names=done,
            certificate=waiting.certificate,
            signed_at=waiting.signed_at,
            timings_ms={"finish": (perf_counter() - began) * 1000},
            evidence=act_evidence(order, proved.tokens, self._facts(signer, made.evidence)),
            shortfall=shortfall,
        )

    def _facts(self, signer: KeptKeySigner, evidence: tuple[Evidence, ...]) -> Facts:
        """What was checked just now, the second time for an act of two halves."""
        now = self._clock.now()
        return Facts(signer.chain, evidence, algorithm_of(signer.key), now, now)

    def _brought_key(self, waiting: Waiting, signature: bytes) -> ConfirmedKey:
        """The certificate that was checked in the first half, whatever the provider has today."""
        config = self._source(waiting.order.credential).config
        chain = tuple(x509.load_der_x509_certificate(one) for one in waiting.chain)
        key = waiting_key(config, x509.load_der_x509_certificate(waiting.certificate), chain)
        return dataclasses.replace(key, uses_pss=waiting.pss, signature=signature)


def algorithm_of(key: OpenedKey) -> str:
    """How a key signs, in words."""
    scheme = "RSASSA-PSS" if key.uses_pss else "RSASSA-PKCS1-v1_5"
    if key.credential.key_type.startswith("ecdsa"):
        scheme = f"ECDSA {key.credential.key_type.partition('-')[2].upper()}"
    return f"{scheme} SHA-{key.config.digest.removeprefix('sha')}"
