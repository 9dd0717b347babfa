"""What the API says about documents and signature requests: shapes, and rows → shapes.

Also the renderers of event data, which show the same shapes. File bytes are never in here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.documents import agency_acts, request_store, store
from gateway.documents.confirmations import act_store
from gateway.documents.confirmations.answers import ConfirmationAnswer, show_confirmation
from gateway.documents.preservation import store as preservation_store
from gateway.documents.rules import RequestStatus, visible_status
from gateway.foundation.clock import Clock, iso
from gateway.preservation import queue


class FindingAnswer(msgspec.Struct, frozen=True):
    """One thing the inspection found; ``detail`` is Vietnamese."""

    code: str
    severity: str
    where: str
    detail: str


class ExistingSignatureAnswer(msgspec.Struct, frozen=True):
    """A signature in the file (structure only; ask ``/v1/validations`` for a verdict)."""

    field_name: str
    signer: str | None
    covers_whole_file: bool


class RejectionAnswer(msgspec.Struct, frozen=True):
    """Who sent a document back, and why."""

    reason: str
    by: str
    at: str
    position: int


class WaitingFor(msgspec.Struct, frozen=True):
    """Whom the present step waits for outside of the gateway; the request tells the rest."""

    state: str
    detail: str
    provider: str
    expires_at: str | None


class RequestSummary(msgspec.Struct, frozen=True):
    """The latest signature request, as a document shows it: what it waits for, or why it ended."""

    id: str
    status: str
    rejection: RejectionAnswer | None
    failure: Any = None
    waiting_for: WaitingFor | None = None


class RaisingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A document whose proof is being completed or renewed.

    ``kind`` is raise or renew, ``state`` waiting or given_up; ``reason`` is the signing's code.
    """

    kind: str
    state: str
    wanted: str
    reached: str
    reason: str
    since: str
    next_try_at: str
    alarm_at: str | None
    overdue: bool


class DocumentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A result document; ``sha256`` and ``size`` are of the latest revision."""

    id: str
    object: str = "document"
    reference: str
    kind: str
    name: str
    sha256: str
    original_sha256: str
    size: int
    revision: int
    pages: int
    pdf_version: str
    level: str | None
    provable_until: str | None
    preservation: RaisingAnswer | None
    findings: list[FindingAnswer]
    signatures: list[ExistingSignatureAnswer]
    signature_request: RequestSummary | None
    content_path: str
    created_at: str
    sequence: int
    template: str | None  # name@version


class StepAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One signer's part; ``sha256`` is of the file that came out of it.

    ``parts``: the signatures of an agency's act. ``confirmations``: how often, at most, its owner
    is asked to confirm; a step that waits for more than one says so in ``warnings``.
    """

    position: int
    role: str
    signer: str
    capacity: str | None
    title: str | None
    placement: Any
    parts: list[str] | None
    confirmations: int
    status: str
    signed_by: str | None
    signed_at: str | None
    sha256: str | None
    warnings: list[str]


class RequestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A signature request; ``document_sha256`` is frozen, ``current_sha256`` is signed next."""

    id: str
    object: str = "signature_request"
    status: str
    document_id: str
    reference: str
    level: str
    when_unavailable: str
    deadline: str | None
    document_number: Any
    agency_code: str | None
    document_sha256: str
    current_sha256: str
    current_step: int | None
    steps: list[StepAnswer]
    rejection: RejectionAnswer | None
    failure: Any
    confirmation: ConfirmationAnswer | None
    created_at: str
    completed_at: str | None


class DocumentList(msgspec.Struct, frozen=True):
    """One page of documents, newest first."""

    data: list[DocumentAnswer]
    has_more: bool
    next: str | None


class RequestList(msgspec.Struct, frozen=True):
    """One page of signature requests, newest first."""

    data: list[RequestAnswer]
    has_more: bool
    next: str | None


def show_documents(
    connection: Connection, rows: Sequence[Any], now: datetime
) -> list[DocumentAnswer]:
    """Rows of ``documents`` as answers, in the same order."""
    ids = [row.id for row in rows]
    requests = request_store.latest_requests(connection, ids) if ids else {}
    originals = store.original_hashes(connection, ids) if ids else {}
    ends = preservation_store.latest_provability(connection, ids) if ids else {}
    tasks = queue.rows_of(connection, ids) if ids else {}
    held = [one.id for one in requests.values() if one.status == RequestStatus.SIGNING]
    acts = act_store.latest_acts(connection, held) if held else {}
    summaries = {id_: _summary(one, acts.get(one.id), now) for id_, one in requests.items()}
    return [
        _document(
            row,
            originals[row.id],
            summaries.get(row.id),
            until=ends[row.id].provable_until,
            task=tasks.get(row.id),
        )
        for row in rows
    ]


def show_requests(
    connection: Connection, rows: Sequence[Any], now: datetime
) -> list[RequestAnswer]:
    """Rows of ``signature_requests`` as answers, in the same order."""
    ids = [row.id for row in rows]
    steps = request_store.steps_of(connection, ids) if ids else {}
    acts = act_store.latest_acts(connection, ids) if ids else {}
    return [_request(row, steps[row.id], acts.get(row.id), now) for row in rows]


class Renderers:
    """Event data by subject: what ``gateway/app.py`` registers for ``doc`` and ``sig``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def documents(self, connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Document id → its API view."""
        rows = store.documents_by_id(connection, ids)
        shown = show_documents(connection, rows, self._clock.now())
        return {answer.id: msgspec.to_builtins(answer) for answer in shown}

    def requests(self, connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Signature request id → its API view."""
        rows = request_store.requests_by_id(connection, ids)
        shown = show_requests(connection, rows, self._clock.now())
        return {answer.id: msgspec.to_builtins(answer) for answer in shown}


def _summary(row: Any, act: Any, now: datetime) -> RequestSummary:
    status, held, waiting = _status(row, now), show_confirmation(row, act), None
    if held is not None and status == RequestStatus.SIGNING:
        waiting = WaitingFor(held.state, held.detail, held.provider, held.expires_at)
    return RequestSummary(row.id, status, _rejection(row), row.failure, waiting)


def _document(
    row: Any,
    original: str,
    summary: RequestSummary | None,
    *,
    until: datetime | None,
    task: Any,
) -> DocumentAnswer:
    return DocumentAnswer(
        id=row.id,
        reference=row.reference,
        kind=row.kind,
        name=row.name,
        sha256=row.sha256,
        original_sha256=original,
        size=row.size,
        revision=row.revision,
        pages=row.pages,
        pdf_version=row.pdf_version,
        level=row.level,
        provable_until=_iso(until),
        preservation=_raising(task),
        findings=[FindingAnswer(**f) for f in row.findings],
        signatures=[ExistingSignatureAnswer(**s) for s in row.signatures],
        signature_request=summary,
        content_path=f"/v1/documents/{row.id}/content",
        created_at=iso(row.created_at),
        sequence=row.sequence,
        template=row.template,
    )


def _raising(task: Any) -> RaisingAnswer | None:
    if task is None:
        return None
    return RaisingAnswer(
        kind=task.kind,
        state=task.state,
        wanted=task.wanted,
        reached=task.reached,
        reason=task.reason,
        since=iso(task.created_at),
        next_try_at=iso(task.next_at),
        alarm_at=_iso(task.alarm_at),
        overdue=task.alarmed_at is not None,
    )


def _request(row: Any, steps: Sequence[Any], act: Any, now: datetime) -> RequestAnswer:
    return RequestAnswer(
        id=row.id,
        status=_status(row, now),
        document_id=row.document_id,
        reference=row.reference,
        level=row.level,
        when_unavailable=row.when_unavailable,
        deadline=_iso(row.deadline),
        document_number=row.document_number,
        agency_code=row.agency_code,
        document_sha256=row.frozen_sha256,
        current_sha256=row.current_sha256,
        current_step=row.current_step if row.signer is not None else None,
        steps=[_step(step) for step in steps],
        rejection=_rejection(row),
        failure=row.failure,
        confirmation=show_confirmation(row, act),
        created_at=iso(row.created_at),
        completed_at=_iso(row.completed_at),
    )


def _step(row: Any) -> StepAnswer:
    return StepAnswer(
        position=row.position,
        role=row.role,
        signer=row.signer,
        capacity=row.capacity,
        title=row.title,
        placement=row.placement,
        parts=row.parts,
        confirmations=row.confirmations,
        status=row.status,
        signed_by=row.intent_official if row.signed_at is not None else None,
        signed_at=_iso(row.signed_at),
        sha256=row.output_sha256,
        warnings=row.warnings or agency_acts.warnings_before(row.confirmations, row.status),
    )


def _status(row: Any, now: datetime) -> str:
    return visible_status(RequestStatus(row.status), row.lease_until, row.deadline, now).value


def _rejection(row: Any) -> RejectionAnswer | None:
    return RejectionAnswer(**row.rejection) if row.rejection is not None else None


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment is not None else None
