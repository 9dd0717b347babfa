"""One step of a request while it is being signed, and what becomes of it.

Owns the two closing units every way of signing ends in: ``publish`` (at most one result a step,
guarded by the request's fence) and ``give_back``. Leaves who may begin to ``acts``, and how the
signature comes about to ``acts`` (here), ``remote_acts`` (elsewhere) and ``hand_off``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, rules, store
from gateway.documents.agency_acts import gives_number
from gateway.documents.evidence import log as evidence_log
from gateway.documents.evidence.log import KeptFile
from gateway.documents.evidence.published_acts import record_published
from gateway.documents.preservation.preserving import columns_of
from gateway.documents.preservation.rules import SIGN_AND_RAISE
from gateway.documents.preservation.shortfalls import note_shortfall
from gateway.documents.request_endings import as_failed, as_signed, end_request
from gateway.documents.rules import Authority, RequestStatus, StepStatus
from gateway.foundation.clock import Clock
from gateway.foundation.problems import Problem
from gateway.preservation.policy import DEFAULT_POLICY, PreservationPolicy
from signing.contract import (
    CertificateBinding,
    DocumentNumber,
    DocumentRefused,
    Inspection,
    Level,
    Placement,
    Provability,
    Role,
    Signed,
    SigningError,
    SignOrder,
    Validation,
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What was committed before the key was touched."""

    request: Any
    step: Any
    fence: int
    person_fields: tuple[str, ...]
    next_signer: str | None  # None: this is the last step
    bindings: tuple[CertificateBinding, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether the request is signed once this step is."""
        return self.next_signer is None

    def move_on(self, connection: Connection, digest: str, clock: Clock) -> bool:
        """Let the next signer have their turn, or end the request; False when the step is lost."""
        row = self.request
        if self.is_last:
            ending = as_signed(current_sha256=digest)
            return end_request(connection, row, ending, clock, fence=self.fence)
        return request_store.change_if_held(
            connection,
            row.id,
            self.fence,
            current_sha256=digest,
            lease_until=None,
            status=RequestStatus.WAITING,
            current_step=row.current_step + 1,
            signer=self.next_signer,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """A signed file, stored and looked at, but not published yet."""

    signed: Signed
    digest: str
    look: Inspection
    kept: tuple[KeptFile, ...]
    provable: Provability | None = None  # None: reckoned at the next look ahead


def read_intent(
    connection: Connection,
    row: Any,
    steps: Sequence[Any],
    fence: int,
    bindings: tuple[CertificateBinding, ...] = (),
) -> Intent:
    """The present step of a request under a fence; ``bindings``: what the register allows."""
    fields = tuple(store.person_fields(connection, row.id))
    later = [step.signer for step in steps[row.current_step + 1 :]]
    following = later[0] if later else None
    return Intent(row, steps[row.current_step], fence, fields, following, bindings)


def publish(
    connection: Connection,
    clock: Clock,
    keys: Authority,
    intent: Intent,
    result: Result,
    *,
    policy: PreservationPolicy = DEFAULT_POLICY,
) -> None:
    """Add the revision, advance the step and tell of it (a unit of work).

    Raises:
        Problem: ``signing_interrupted`` when somebody else has the step by now;
            ``authority_refused``, ``person_without_authority``: the mandate ended meanwhile.
    """
    now = clock.now()
    row, step = intent.request, intent.step
    if not intent.move_on(connection, result.digest, clock):
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
    record_published(connection, keys, row, result.signed, result.kept, now=now)
    document = store.find_document(connection, row.tenant, row.document_id, lock=True)
    revision = _revision(intent, result, document.revision + 1, now)
    store.add_revision(connection, revision, _latest(result))
    note_shortfall(connection, row, result.signed, result.provable, policy=policy, now=now)


def give_back(
    connection: Connection, row: Any, fence: int, clock: Clock, error: Exception | None
) -> None:
    """Let the step be signed again; a document that cannot be signed ends the request."""
    if isinstance(error, DocumentRefused):
        end_request(connection, row, as_failed(error), clock, fence=fence)
        return
    waiting = {"status": RequestStatus.WAITING, "lease_until": None}
    request_store.change_if_held(connection, row.id, fence, **waiting)


def order_of(
    intent: Intent, pdf: bytes, credential: str, pin: str | None = None, otp: str | None = None
) -> SignOrder:
    """What the signing service is asked for this step."""
    step, number = intent.step, intent.request.document_number
    numbered = gives_number(step) and number is not None
    return SignOrder(
        pdf=pdf,
        credential=credential,
        role=Role(step.role),
        level=Level(intent.request.level),
        pin=pin,
        otp=otp,
        placement=placement_of(step.placement),
        document_number=DocumentNumber(**number) if numbered else None,
        capacity=step.capacity,
        title=step.title,
        bindings=intent.bindings,
        accept_lower=intent.request.when_unavailable == SIGN_AND_RAISE,
    )


def check_incremental(before: bytes, after: bytes) -> None:
    """Refuse a result that does not begin with the frozen bytes.

    Raises:
        SigningError: ``not_incremental``.
    """
    if not after.startswith(before):
        raise SigningError(
            "not_incremental", "Kết quả ký không giữ nguyên văn bản.", "input bytes changed"
        )


def check_person(intent: Intent, verdict: Validation) -> None:
    """Refuse a seal unless each person's signature is proven.

    Raises:
        Problem: ``person_signature_invalid``, ``person_signature_unproven``.
    """
    verdicts = {s.field_name: s.verdict.value for s in verdict.signatures}
    code = rules.seal_problem(intent.person_fields, verdicts)
    if code is not None:
        raise Problem(code, verdict.summary)


def placement_of(stored: Mapping[str, Any] | None) -> Placement | None:
    """Where a step's visible signature goes, as it is stored."""
    if stored is None:
        return None
    rect = stored.get("rect_mm")
    return Placement(
        page=stored.get("page") or -1,
        rect_mm=tuple(rect) if rect else None,
        anchor=stored.get("anchor"),
        over_text=bool(stored.get("over_text")),
    )


def _revision(intent: Intent, result: Result, number: int, now: datetime) -> dict[str, Any]:
    return {
        "document_id": intent.request.document_id,
        "number": number,
        "sha256": result.digest,
        "size": result.signed.size,
        "created_at": now,
        "request_id": intent.request.id,
        "step": intent.step.position,
        "role": intent.step.role,
        "level": result.signed.level.value,
        "field_names": list(result.signed.field_names),
        "certificate": result.signed.certificate,
        **columns_of(result.provable),
    }


def _latest(result: Result) -> dict[str, Any]:
    look = result.look
    return {
        "sha256": result.digest,
        "size": look.size,
        "pages": look.pages,
        "pdf_version": look.pdf_version[:8],
        "level": result.signed.level.value,
        "signatures": [asdict(s) for s in look.signatures],
    }
