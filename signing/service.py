"""The signing service in one process: checks who signs, signs, proves the result.

Owns the order of work (key → certificate → chain → revocation → signatures → proof), the failover
between time-stamping authorities, and the translation of pyHanko's errors into refusals people
understand. Inspection, validation and attestation are their own modules, called lazily. PDF parsing
blocks the event loop: a server uses ``signing.pool``.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.appearance.acts import Part, plan, signer_name
from signing.contract import (
    Attestation,
    Attested,
    Clock,
    Credential,
    CredentialRefused,
    DocumentRefused,
    Inspection,
    Level,
    Severity,
    SignedPdf,
    SignerConfig,
    SigningUnavailable,
    SignOrder,
    Validation,
)
from signing.evidence.act_evidence import Facts, act_evidence, check_binding
from signing.evidence.eligibility import (
    ChainBuilder,
    check_certificate,
    load_certificates,
    local_day,
)
from signing.evidence.fetching import Fetcher
from signing.evidence.revocation import Evidence, RevocationChecker, Status
from signing.evidence.timestamps import TimestampAuthorities, TimestampClient, unavailable
from signing.keys import source_for
from signing.keys.contract import KeySource, KeyUnavailable, OpenedKey
from signing.pades.proof import prove
from signing.pades.refusals import check_readable, refusing_documents
from signing.pades.writer import Act, KeptKeySigner, sign_revision
from signing.remote_service import RemoteActs, algorithm_of, within_reach, without_proof

log = logging.getLogger(__name__)

_PROVEN_LEVELS = (Level.B_LT, Level.B_LTA)


@dataclass(slots=True)
class _Timings:
    """Milliseconds of each stage, for ``SignedPdf.timings_ms``."""

    stages: dict[str, float]
    last: float

    def mark(self, stage: str) -> None:
        now = perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + (now - self.last) * 1000
        self.last = now


@dataclass(frozen=True, slots=True)
class _Job:
    """An order whose signer is accepted and whose signatures are planned."""

    order: SignOrder
    signer: KeptKeySigner
    evidence: Evidence
    parts: tuple[Part, ...]
    signed_at: datetime
    authority_proof: list[Evidence] = field(default_factory=list)  # of the authority that answered


class SigningService(RemoteActs):
    """``Signatures`` and ``RemoteSignatures`` in this process; close it when done."""

    def __init__(self, config: SignerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._fetcher = Fetcher(config)
        roots = load_certificates(config.roots)
        self._chains = ChainBuilder(roots, load_certificates(config.intermediates))
        self._revocation = RevocationChecker(self._fetcher, clock)
        self._authorities = TimestampAuthorities(config, self._fetcher, self._chains, clock)
        self._keys: dict[str, KeySource] = {key.name: source_for(key, clock) for key in config.keys}
        self._signers: dict[str, KeptKeySigner] = {}

    async def close(self) -> None:
        """Close connections."""
        await self._fetcher.close()

    async def credentials(self) -> tuple[Credential, ...]:
        """Every configured key that opens without a PIN; the others are logged by name."""
        found = []
        for name, source in self._keys.items():
            try:
                key = await source.open()
            except (CredentialRefused, KeyUnavailable) as error:
                log.warning("key %s is not available: %s", name, error.code)
            else:
                found.append(key.credential)
                await key.release()
        return tuple(found)

    async def inspect(self, pdf: bytes) -> Inspection:
        """Look before signing."""
        from signing.inspection import inspect_pdf  # noqa: PLC0415 - loaded when first needed

        return inspect_pdf(pdf)

    async def validate(self, pdf: bytes) -> Validation:
        """Judge every signature in a file against our roots."""
        from signing.validation import validate_pdf  # noqa: PLC0415 - loaded when first needed

        return validate_pdf(pdf, self._config.roots, self._clock.now())

    async def attest(self, pdf: bytes, attestation: Attestation) -> Attested:
        """Make the copy that will be certified."""
        from signing.attestation import attest_pdf  # noqa: PLC0415 - loaded when first needed

        return attest_pdf(pdf, attestation)

    async def sign(self, order: SignOrder) -> SignedPdf:
        """Sign, then verify the result independently before giving it back."""
        timings = _Timings({}, perf_counter())
        check_readable(order.pdf)
        self._refuse_dangerous(order.pdf)
        timings.mark("inspection")
        key = await self._open(order)
        try:
            return await self._sign_with(key, order, timings)
        finally:
            await key.release()

    async def _sign_with(self, key: OpenedKey, order: SignOrder, timings: _Timings) -> SignedPdf:
        signer = self._signer(order.credential, key)
        check_binding(key.certificate, order)
        evidence = await self._check_revocation(signer, order.level)
        order = within_reach(order, evidence)
        timings.mark("certificate")
        signed_at = self._clock.now().replace(microsecond=0)
        with refusing_documents():
            parts = plan(order, signer.key.config, signer.key.credential, signed_at)
        timings.mark("layout")
        job = _Job(order, signer, evidence, parts, signed_at)
        pdf, names = await self._with_failover(job)
        timings.mark("signing")
        prove(order.pdf, pdf, signer.key.certificate, len(parts))
        left = act_evidence(order, pdf, _facts(job, self._clock.now()))
        timings.mark("proof")
        return SignedPdf(
            pdf=pdf,
            sha256=hashlib.sha256(pdf).hexdigest(),
            level=order.level,
            field_names=names,
            certificate=signer.key.credential.certificate,
            signed_at=signed_at,
            timings_ms=timings.stages,
            evidence=left,
        )

    def _refuse_dangerous(self, pdf: bytes) -> None:
        """Inspect once more, whoever asked: nothing that inspection forbids is ever signed."""
        from signing.inspection import inspect_pdf  # noqa: PLC0415 - loaded when first needed

        for finding in inspect_pdf(pdf).findings:
            if finding.severity is Severity.BLOCK:
                raise DocumentRefused(
                    finding.code, finding.detail, f"{finding.code}: {finding.where}"
                )

    async def _open(self, order: SignOrder) -> OpenedKey:
        return await self._source(order.credential).open(order.pin, order.otp)

    def _signer(self, name: str, key: OpenedKey) -> KeptKeySigner:
        """The signer over an accepted certificate; one that holds an act's PIN is not kept."""
        now = self._clock.now()
        check_certificate(key.certificate, now)
        kept = self._signers.get(name)
        if kept is not None and kept.key is key and kept.chain.valid_at(now):
            return kept
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
            if level in _PROVEN_LEVELS and self._config.revocation_unknown != "warn":
                raise _status_unknown()
            log.warning("signing at %s without a revocation answer", level)
        return evidence

    async def _with_failover(self, job: _Job) -> tuple[bytes, tuple[str, ...]]:
        """Sign with the first authority that answers, from the beginning with each.

        One document never mixes authorities: the proof embedded must be of the one that answered.
        """
        if job.order.level is Level.B_B:
            return await _sign_parts(job, (job.evidence,), None)
        last: TimestampRequestError | SigningUnavailable | None = None
        for authority in self._authorities.in_order():
            try:
                proof = await self._authority_evidence(authority, job.order.level)
                job.authority_proof[:] = proof
                return await _sign_parts(job, (job.evidence, *proof), authority)
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
        if level not in _PROVEN_LEVELS:
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


async def _sign_parts(
    job: _Job, evidence: tuple[Evidence, ...], authority: TimestampClient | None
) -> tuple[bytes, tuple[str, ...]]:
    """Make each signature over the revision before it; the last one carries the proof."""
    order, pdf, names = job.order, job.order.pdf, []
    for position, part in enumerate(job.parts):
        is_last = position == len(job.parts) - 1
        act = Act(
            signer=job.signer,
            level=order.level if is_last else without_proof(order.level),
            prefix=part.prefix,
            signed_at=job.signed_at,
            name=signer_name(order, job.signer.key.credential),
            reason=order.reason,
            location=order.location,
            look=part.look,
            timestamper=authority,
            evidence=evidence,
        )
        with refusing_documents():
            pdf, name = await sign_revision(pdf, act)
        names.append(name)
    return pdf, tuple(names)


def _facts(job: _Job, proved_at: datetime) -> Facts:
    key = job.signer.key
    return Facts(
        chain=job.signer.chain,
        evidence=(job.evidence, *job.authority_proof),
        algorithm=algorithm_of(key),
        checked_at=job.signed_at,
        proved_at=proved_at,
    )


def _status_unknown() -> SigningUnavailable:
    return SigningUnavailable(
        "revocation_unavailable",
        "Chưa kiểm tra được tình trạng thu hồi của chứng thư số (OCSP, CRL đều không trả lời);"
        " văn bản chưa được ký.",
        "neither OCSP nor CRL could be asked",
    )
