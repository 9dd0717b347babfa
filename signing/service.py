"""The signing service in one process: checks who signs, signs, proves the result.

Owns the order of work (key → certificate → chain → revocation → signatures → proof), the failover
between time-stamping authorities, and the translation of pyHanko's errors into refusals people
understand. Inspection, validation and attestation are their own modules, called lazily. PDF parsing
blocks the event loop: a server uses ``signing.processes.pool``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any

from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.appearance.acts import Part, plan
from signing.appearance.surveying import SurveyedPages, with_survey
from signing.contract import (
    Attestation,
    Attested,
    Clock,
    Credential,
    CredentialRefused,
    DocumentSurvey,
    ExtendedPdf,
    Inspection,
    Level,
    Provability,
    Role,
    SignedPdf,
    SignerConfig,
    SigningUnavailable,
    SignOrder,
    TimestampTrip,
    Validation,
)
from signing.delivery import Delivery, InMemory
from signing.evidence.act_evidence import Facts, act_evidence, check_binding
from signing.evidence.eligibility import (
    ChainBuilder,
    check_certificate,
    load_certificates,
    local_day,
)
from signing.evidence.fetching import Fetcher
from signing.evidence.revocation import Evidence, RevocationChecker, Status, status_unknown
from signing.evidence.timestamps import TimestampAuthorities, TimestampClient, unavailable
from signing.evidence.watch import Watch, WatchActs
from signing.file_questions import FileQuestions
from signing.keys import source_for
from signing.keys.contract import KeySource, KeyUnavailable, OpenedKey, is_authorised
from signing.lane import LaneFile, open_plain
from signing.large_files import LargeFileWork
from signing.pades.refusals import check_readable, refuse_large, refusing_documents
from signing.pades.writer import KeptKeySigner
from signing.preservation import Extender, Void, provability_of, sign_reachable
from signing.processes.clean_files import CleanFiles
from signing.processes.surveys import Surveys
from signing.reading.stretches import sha256_of
from signing.remote.begun import in_memory
from signing.remote.embedding import within_reach
from signing.remote.service import RemoteActs, algorithm_of
from signing.signing_paths import PROVEN_LEVELS, Job, Signed, sign_parts
from signing.stages import Timings

log = logging.getLogger(__name__)


class SigningService(FileQuestions, LargeFileWork, RemoteActs, WatchActs):
    """``Signatures``, ``LargeFiles``, ``RemoteSignatures``, ``Watching``; close it when done."""

    def __init__(self, config: SignerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._fetcher = Fetcher(config)
        roots = load_certificates(config.roots)
        self._chains = ChainBuilder(roots, load_certificates(config.intermediates))
        self._revocation = RevocationChecker(self._fetcher, clock, config.revocation_folder)
        self._authorities = TimestampAuthorities(config, self._fetcher, self._chains, clock)
        self._extender = Extender(config, self._chains, self._revocation, self._authorities, clock)
        self._watch = Watch(self._chains, self._revocation, self._fetcher, clock)
        self._keys: dict[str, KeySource] = {key.name: source_for(key, clock) for key in config.keys}
        self._signers: dict[str, KeptKeySigner] = {}
        self._clean = CleanFiles()
        self._surveys = Surveys()

    async def close(self) -> None:
        """Close connections."""
        await self._fetcher.close()

    async def credentials(self) -> tuple[Credential, ...]:
        """Every configured key that opens without a PIN; the others are logged by name.

        Asked at once: one remote service that stays silent delays the answer, not each of them.
        """
        opened = await asyncio.gather(
            *(self._describe(name, source) for name, source in self._keys.items())
        )
        return tuple(found for found in opened if found is not None)

    async def _describe(self, name: str, source: KeySource) -> Credential | None:
        try:
            key = await source.open()
        except (CredentialRefused, KeyUnavailable) as error:
            log.warning("key %s is not available: %s", name, error.code)
            return None
        await key.release()
        return key.credential

    async def inspect(self, pdf: bytes, repair: bool = True, survey: bool = False) -> Inspection:
        """Look before signing; ``survey`` asks for the pages' texts, for a signer elsewhere."""
        from signing.inspection import inspect_pdf  # noqa: PLC0415 - loaded when first needed

        found = inspect_pdf(pdf, repair=repair)
        return with_survey(found, pdf) if survey else found

    async def validate(
        self, pdf: bytes, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge every signature in a file against our roots."""
        from signing.validation import validate_as_configured  # noqa: PLC0415 - when first needed

        return await validate_as_configured(
            pdf,
            self._config,
            self._clock,
            self._chains,
            self._revocation,
            allowed_fields=allowed_fields,
        )

    async def attest(self, pdf: bytes, attestation: Attestation) -> Attested:
        """Make the copy that will be certified."""
        from signing.attestation import attest_pdf  # noqa: PLC0415 - loaded when first needed

        return attest_pdf(pdf, attestation)

    async def sign(
        self, order: SignOrder, inspected: bool = False, survey: DocumentSurvey | None = None
    ) -> SignedPdf:
        """Sign, then verify the result independently before giving it back.

        ``inspected`` says that a process without keys has found nothing against the file;
        ``survey`` is what it has read there, used only when it is of exactly this file.
        """
        timings = Timings({}, perf_counter())
        check_readable(order.pdf)
        state = self._refuse_dangerous(order.pdf, inspected)
        self._surveys.keep(survey)
        timings.mark("inspection")
        return await self._perform(order, state, timings, InMemory(order.pdf, state))

    async def _perform(
        self, order: SignOrder, state: Any, timings: Timings, delivery: Delivery
    ) -> SignedPdf:
        key = await self._open(order)
        try:
            if is_authorised(key):
                with delivery.draft() as draft:
                    signed = await self._sign_in_draft(order, key, draft)
                    return in_memory(delivery.whole(draft), signed)
            return await sign_reachable(
                order,
                key,
                lambda asked: self._sign_with(key, asked, state, timings, delivery),
            )
        finally:
            await key.release()

    async def _sign_with(
        self, key: OpenedKey, order: SignOrder, state: Any, timings: Timings, delivery: Delivery
    ) -> SignedPdf:
        signer = self._signer(order.credential, key)
        check_binding(key.certificate, order)
        evidence = await self._check_revocation(signer, order.level)
        level = within_reach(order.level, evidence)
        if level is not order.level:
            order = dataclasses.replace(order, level=level)
        timings.mark("certificate")
        signed_at = self._clock.now()
        with refusing_documents():
            file = open_plain(order.pdf) if self._may_use_lane(key) else None
            if file is None:
                refuse_large(order.pdf, "not a plain file, or a key that the lane does not use")
            parts = self._plan(order, signer.key, signed_at, file, state)
        if is_authorised(key) and not key.spent:
            key.expect(len(parts))
        timings.mark("layout")
        look_ahead = partial(delivery.look_ahead, certificate=signer.key.certificate)
        job = Job(order, signer, evidence, parts, signed_at, state, file, self._config, look_ahead)
        appended, names, path = await self._with_failover(job)
        timings.mark("signing")
        pdf, proved = delivery.deliver(appended, signer.key.certificate, len(parts))
        self._clean.add(bytes.fromhex(proved.sha256))
        self._surveys.carry(state.hexdigest(), proved.sha256)
        left = act_evidence(order, proved.tokens, _facts(job, self._clock.now()))
        timings.mark("proof")
        return SignedPdf(
            pdf=pdf,
            sha256=proved.sha256,
            level=order.level,
            field_names=names,
            certificate=signer.key.credential.certificate,
            signed_at=signed_at,
            timings_ms=timings.stages,
            evidence=left,
            path=path,
        )

    def _plan(
        self, order: SignOrder, key: OpenedKey, at: datetime, file: LaneFile | None, state: Any
    ) -> tuple[Part, ...]:
        """Where the signatures go; what is read of the pages for it is kept for the next act."""
        if order.role is Role.INVISIBLE:
            return plan(order, key.config, key.credential, at)
        sha256 = state.hexdigest()
        texts = SurveyedPages(order.pdf, self._surveys.of(sha256))
        style = self._config.time_style
        parts = plan(
            order, key.config, key.credential, at, file=file, surveyed=texts, time_style=style
        )
        if texts.read_more:
            self._surveys.keep(texts.survey(sha256))
        return parts

    async def extend(self, pdf: bytes, level: Level, void: Void = ()) -> ExtendedPdf:
        """Append proof: raise the level, or renew the archive time-stamp."""
        return await self._extender.extend(pdf, level, void)

    async def provability(self, pdf: bytes, void: Void = ()) -> Provability:
        """Until when the file's signatures can be proven."""
        return provability_of(pdf, self._config.algorithm_ends, void)

    def drain_trips(self) -> tuple[TimestampTrip, ...]:
        """Which time-stamping authorities were asked since the last call, for figures."""
        return self._authorities.drain_trips()

    def _may_use_lane(self, key: OpenedKey) -> bool:
        """The lane carries one SHA-256 through file, signature and time-stamps."""
        return self._config.fast_lane and key.config.digest == "sha256"

    def _refuse_dangerous(self, pdf: bytes, inspected: bool | str = False) -> Any:
        """Inspect, whoever asked: nothing that inspection forbids is ever signed.

        Exactly these bytes are inspected once: in this process, or before in one without keys
        (``inspected``: yes, or the hash that was). Gives the SHA-256 state over them.
        """
        state = sha256_of(pdf)
        clean = inspected is True or state.hexdigest() == inspected or state.digest() in self._clean
        if not clean:
            from signing.inspection import inspect_pdf  # noqa: PLC0415 - loaded when first needed

            inspect_pdf(pdf, repair=False).refuse_if_blocked()
        self._clean.add(state.digest())
        return state

    async def _open(self, order: SignOrder) -> OpenedKey:
        return await self._source(order.credential).open(order.pin, order.otp)

    def _signer(self, name: str, key: OpenedKey) -> KeptKeySigner:
        """The signer over an accepted certificate; one that holds an act's PIN is not kept."""
        now = self._clock.now()
        kept = self._signers.get(name)
        if kept is not None and kept.key is key and kept.chain.valid_at(now):
            return kept  # usage and strength were judged when it was made: its bytes are the same
        check_certificate(key.certificate, now)
        signer = self._new_signer(key)
        if key.kept:
            self._signers[name] = signer
        return signer

    def _new_signer(self, key: OpenedKey) -> KeptKeySigner:
        chain = self._chains.build(key.certificate, self._clock.now(), key.chain)
        if chain is None:
            raise CredentialRefused(
                "untrusted_certificate",
                "Chứng thư số không dẫn về chứng thư gốc đáng tin cậy nào đã cấu hình.",
                "the certificate does not chain to a configured root",
            )
        return KeptKeySigner(key, chain)

    async def _check_revocation(self, signer: KeptKeySigner, level: Level) -> Evidence:
        """Refuse a revoked certificate; an unknown status only where the level needs proof."""
        evidence = await self._revocation.check(signer.chain)
        if evidence.status is Status.REVOKED:
            day = f" ngày {local_day(evidence.revoked_at)}" if evidence.revoked_at else ""
            raise CredentialRefused(
                "certificate_revoked",
                f"Chứng thư số (hoặc chứng thư của nơi cấp) đã bị thu hồi{day}.",
                "the certificate or one of its issuers is revoked",
            )
        if evidence.status is Status.UNKNOWN:
            if level in PROVEN_LEVELS and self._config.revocation_unknown != "warn":
                raise status_unknown()
            log.warning("signing at %s without a revocation answer", level)
        return evidence

    async def _with_failover(self, job: Job) -> Signed:
        """Sign with the first authority that answers, from the beginning with each.

        One document never mixes authorities: the proof embedded must be of the one that answered.
        """
        if job.order.level is Level.B_B:
            return await sign_parts(job, (job.evidence,), None)
        last: TimestampRequestError | SigningUnavailable | None = None
        for authority in self._authorities.in_order():
            try:
                proof = await self._authority_evidence(authority, job.order.level)
                job.authority_proof[:] = proof
                return await sign_parts(job, (job.evidence, *proof), authority)
            except KeyUnavailable:
                raise
            except (TimestampRequestError, SigningUnavailable) as error:
                log.warning("time-stamping authority %s failed: %s", authority.url, error)
                last = error
                if job.signer.key.spent:
                    break  # the official's confirmation is used: asking again needs a new act
        assert last is not None
        raise unavailable(last) if isinstance(last, TimestampRequestError) else last

    async def _authority_evidence(
        self, authority: TimestampClient, level: Level
    ) -> tuple[Evidence, ...]:
        chain = await authority.ready()
        if level not in PROVEN_LEVELS:
            return ()
        evidence = await self._revocation.check(chain)
        if evidence.status is not Status.GOOD:
            raise SigningUnavailable(
                "timestamp_authority_status",
                "Chưa xác định được chứng thư của dịch vụ cấp dấu thời gian còn hiệu lực;"
                " văn bản chưa được ký.",
                f"the time-stamping certificate is {evidence.status}",
            )
        return (evidence,)


def _facts(job: Job, proved_at: datetime) -> Facts:
    return Facts(
        chain=job.signer.chain,
        evidence=(job.evidence, *job.authority_proof),
        algorithm=algorithm_of(job.signer.key),
        checked_at=job.signed_at,
        proved_at=proved_at,
    )
