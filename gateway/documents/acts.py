"""The act of signing one step, safe against crashes, doubles and slow keys.

1. The *intent* (step, official, hash of the bytes, fence, lease) is committed.
2. The key signs those bytes in a signer process; the lease is kept alive meanwhile.
3. The result goes to the file store; then one transaction, which must still hold the fence, adds
   the revision, advances the step, emits the event and stores the idempotent answer.

A crash between 2 and 3 leaves a file nobody refers to, and a step that is signed again from the
same frozen bytes once the lease has run out. Signing is not undone, but only one result a step
is ever published. The PIN lives in the call and nowhere else.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from gateway.documents import evidence_log, request_store, rules, step_authority, store
from gateway.documents.answers import RequestAnswer, show_requests
from gateway.documents.evidence_log import KeptFile
from gateway.documents.published_acts import record_published
from gateway.documents.requests import Actor, check_actor, emit_about
from gateway.documents.rules import Authority, RequestStatus, StepStatus
from gateway.foundation import idempotency
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.files import FileStore
from gateway.foundation.idempotency import Answer, Lease
from gateway.foundation.leases import kept_alive
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.signing_problems import problem_of
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC
from signing.contract import (
    CertificateBinding,
    DocumentNumber,
    DocumentRefused,
    Inspection,
    Level,
    Placement,
    Role,
    Signatures,
    SignedPdf,
    SigningError,
    SignOrder,
)

_log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
_BEAT_S = 15.0


@dataclass(frozen=True, slots=True)
class Act:
    """One official's order to sign a request's present step."""

    actor: Actor
    request_id: str
    pin: str | None = field(default=None, repr=False)
    seen_sha256: str | None = None  # the hash the official was shown, if the caller says it
    lease: Lease | None = None  # the idempotency key this act runs under


@dataclass(frozen=True, slots=True)
class _Intent:
    """What was committed before the key was touched."""

    request: Any
    step: Any
    fence: int
    person_fields: tuple[str, ...]
    next_signer: str | None  # None: this is the last step
    bindings: tuple[CertificateBinding, ...]

    @property
    def is_last(self) -> bool:
        return self.next_signer is None

    def following(self, now: datetime) -> dict[str, Any]:
        """The request's columns once this step is published."""
        if self.is_last:
            return {"status": RequestStatus.SIGNED, "signer": None, "completed_at": now}
        position = self.request.current_step + 1
        waiting = RequestStatus.WAITING
        return {"status": waiting, "current_step": position, "signer": self.next_signer}


@dataclass(frozen=True, slots=True)
class _Result:
    signed: SignedPdf
    digest: str
    look: Inspection
    kept: tuple[KeptFile, ...]


class SigningActs:
    """Signs steps of signature requests."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        files: FileStore,
        signatures: Signatures,
        waker: Waker,
        authority: Authority,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._clock = clock
        self._files = files
        self._signatures = signatures
        self._waker = waker
        self._authority = authority
        self._metrics = metrics

    async def sign(self, act: Act) -> RequestAnswer:
        """Sign the present step with the official's key.

        Raises:
            Problem: who may not, what state forbids it, or what the signing service refused.
        """
        intent = await self._database.write(lambda c: self._intend(c, act))
        if isinstance(intent, RequestAnswer):
            return intent
        try:
            async with kept_alive(self._clock, _BEAT_S, lambda: self._renew(intent)):
                result = await self._make(intent, act)
            answer = await self._database.write(lambda c: self._publish(c, intent, result, act))
        except Exception as error:
            await self._failed(intent, error)
            if isinstance(error, SigningError):
                raise problem_of(error) from error
            raise
        self._count(intent, "signed")
        if intent.is_last:
            self._waker.wake(TOPIC)
        return answer

    # -------------------------------------------------------------- units of work

    def _intend(self, connection: Connection, act: Act) -> _Intent | RequestAnswer:
        now = self._clock.now()
        row = request_store.find_request(connection, act.actor.tenant, act.request_id, lock=True)
        if row is None:
            raise not_found("yêu cầu ký này")
        steps = request_store.steps_of(connection, [row.id])[row.id]
        if _signed_under_this_key(steps, act):
            return self._answer(connection, row, act)
        check_actor(row, act.actor, self._authority, now)
        if act.seen_sha256 is not None and act.seen_sha256 != row.current_sha256:
            raise Problem("document_changed", extra={"current_sha256": row.current_sha256})
        official = act.actor.official or ""
        ruling = step_authority.require_step(connection, row, official, self._authority, now)
        fence = self._commit_intent(connection, row, act, now)
        fields = tuple(store.person_fields(connection, row.id))
        later = [step.signer for step in steps[row.current_step + 1 :]]
        following = later[0] if later else None
        step = steps[row.current_step]
        return _Intent(row, step, fence, fields, following, ruling.bindings)

    def _commit_intent(self, connection: Connection, row: Any, act: Act, now: datetime) -> int:
        fence = int(row.fence) + 1
        request_store.change_request(
            connection, row.id, status=RequestStatus.SIGNING, fence=fence, lease_until=now + LEASE
        )
        request_store.change_step(
            connection,
            row.id,
            row.current_step,
            intent_at=now,
            intent_fence=fence,
            intent_official=act.actor.official,
            input_sha256=row.current_sha256,
            confirmation=act.actor.confirmation(act.seen_sha256),
        )
        if act.lease is not None:
            idempotency.remember(connection, act.lease, f"{row.id}:{row.current_step}")
        return fence

    def _publish(
        self, connection: Connection, intent: _Intent, result: _Result, act: Act
    ) -> RequestAnswer:
        now = self._clock.now()
        row, step = intent.request, intent.step
        held = request_store.change_if_held(
            connection,
            row.id,
            intent.fence,
            current_sha256=result.digest,
            lease_until=None,
            **intent.following(now),
        )
        if not held:
            raise Problem("signing_interrupted")
        request_store.change_step(
            connection,
            row.id,
            step.position,
            status=StepStatus.SIGNED,
            output_sha256=result.digest,
            signed_at=result.signed.signed_at,
            warnings=evidence_log.warnings_of(result.signed),
        )
        signed = result.signed
        record_published(connection, self._authority, row, signed, result.kept, now=now)
        document = store.find_document(connection, row.tenant, row.document_id, lock=True)
        revision = _revision(intent, result, document.revision + 1, now)
        store.add_revision(connection, revision, _latest(result))
        if intent.is_last:
            emit_about(connection, "document.signed", row, now, self._clock)
        return self._answer(connection, row, act)

    async def _failed(self, intent: _Intent, error: Exception) -> None:
        self._count(intent, "failed")
        with contextlib.suppress(DatabaseUnavailable):  # then the lease runs out by itself
            await self._database.write(lambda c: self._give_back(c, intent, error))

    def _give_back(self, connection: Connection, intent: _Intent, error: Exception) -> None:
        """Let the step be signed again; a document that cannot be signed ends the request."""
        values: dict[str, Any] = {"status": RequestStatus.WAITING, "lease_until": None}
        if isinstance(error, DocumentRefused):
            failure = {"code": error.code, "detail": error.message_vi}
            values |= {"status": RequestStatus.FAILED, "failure": failure, "signer": None}
            values["completed_at"] = self._clock.now()
        request_store.change_if_held(connection, intent.request.id, intent.fence, **values)

    async def _renew(self, intent: _Intent) -> bool:
        until = self._clock.now() + LEASE
        return await self._database.write(
            lambda c: request_store.change_if_held(
                c, intent.request.id, intent.fence, lease_until=until
            )
        )

    def _answer(self, connection: Connection, row: Any, act: Act) -> RequestAnswer:
        """The request as it stands, stored as the key's answer unless another try took the key."""
        fresh = request_store.find_request(connection, row.tenant, row.id)
        answer = show_requests(connection, [fresh], self._clock.now())[0]
        if act.lease is not None:
            with contextlib.suppress(Problem):
                body = msgspec.json.encode(answer)
                idempotency.finish(connection, act.lease, Answer(200, body))
        return answer

    # -------------------------------------------------------------- outside of the database

    async def _make(self, intent: _Intent, act: Act) -> _Result:
        pdf = await self._files.get(intent.request.current_sha256)
        if intent.step.role == "agency":
            await self._check_person(intent, pdf)
        signed = await self._signatures.sign(self._order(intent, pdf, act))
        if not signed.pdf.startswith(pdf):
            raise SigningError(
                "not_incremental", "Kết quả ký không giữ nguyên văn bản.", "input bytes changed"
            )
        digest = await self._files.put(signed.pdf)
        kept = await evidence_log.keep(self._files, signed)
        return _Result(signed, digest, await self._signatures.inspect(signed.pdf), kept)

    async def _check_person(self, intent: _Intent, pdf: bytes) -> None:
        verdict = await self._signatures.validate(pdf)
        verdicts = {s.field_name: s.verdict.value for s in verdict.signatures}
        code = rules.seal_problem(intent.person_fields, verdicts)
        if code is not None:
            raise Problem(code, verdict.summary)

    def _order(self, intent: _Intent, pdf: bytes, act: Act) -> SignOrder:
        step, number = intent.step, intent.request.document_number
        numbered = step.role == "agency" and number is not None
        return SignOrder(
            pdf=pdf,
            credential=self._authority.keys[step.signer],
            role=Role(step.role),
            level=Level(intent.request.level),
            pin=act.pin,
            placement=_placement(step.placement),
            document_number=DocumentNumber(**number) if numbered else None,
            capacity=step.capacity,
            title=step.title,
            bindings=intent.bindings,
        )

    def _count(self, intent: _Intent, outcome: str) -> None:
        self._metrics.signatures.labels(intent.request.level, outcome).inc()


def _signed_under_this_key(steps: list[Any], act: Act) -> bool:
    """Whether an earlier try with this idempotency key signed its step after all."""
    if act.lease is None or act.lease.subject is None:
        return False
    position = act.lease.subject.partition(":")[2]
    return any(
        str(s.position) == position
        and s.status == StepStatus.SIGNED
        and s.intent_official == act.actor.official
        for s in steps
    )


def _placement(stored: dict[str, Any] | None) -> Placement | None:
    if stored is None:
        return None
    rect = stored.get("rect_mm")
    return Placement(
        page=stored.get("page") or -1,
        rect_mm=tuple(rect) if rect else None,
        anchor=stored.get("anchor"),
        over_text=bool(stored.get("over_text")),
    )


def _revision(intent: _Intent, result: _Result, number: int, now: datetime) -> dict[str, Any]:
    return {
        "document_id": intent.request.document_id,
        "number": number,
        "sha256": result.digest,
        "size": len(result.signed.pdf),
        "created_at": now,
        "request_id": intent.request.id,
        "step": intent.step.position,
        "role": intent.step.role,
        "level": result.signed.level.value,
        "field_names": list(result.signed.field_names),
        "certificate": result.signed.certificate,
    }


def _latest(result: _Result) -> dict[str, Any]:
    look = result.look
    return {
        "sha256": result.digest,
        "size": look.size,
        "pages": look.pages,
        "pdf_version": look.pdf_version[:8],
        "level": result.signed.level.value,
        "signatures": [asdict(s) for s in look.signatures],
    }
