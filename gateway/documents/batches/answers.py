"""What the API says about signing batches: shapes, and rows → shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.documents.batches import store as batch_store
from gateway.documents.batches.store import ItemStatus
from gateway.documents.confirmations import ticket_store
from gateway.documents.confirmations.rules import sentence
from gateway.foundation.clock import iso
from signing.contract import RemoteState


class ReasonAnswer(msgspec.Struct, frozen=True):
    """Why: a code, and a Vietnamese sentence."""

    code: str
    detail: str


class BatchItemAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One document: ``sha256`` is what was confirmed, ``signed_sha256`` what came out."""

    position: int
    request_id: str
    status: str
    sha256: str | None
    signed_sha256: str | None
    reason: ReasonAnswer | None


class BatchConfirmationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One confirmation: ``root_sha256`` is over the lines ``<request id> <sha256>`` it covered."""

    number: int
    official: str
    root_sha256: str
    documents: int
    confirmed_at: str


class BatchTicketAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the official is being asked for in the provider's application."""

    reference: str
    state: str
    detail: str
    expires_at: str | None


class BatchSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A batch in a list: status ``signing``, ``needs_confirmation``, ``done``, ``cancelled``."""

    id: str
    object: str = "signing_batch"
    status: str
    confirmation: str
    official: str
    signer: str
    total: int
    signed: int
    refused: int
    waiting: int
    reason: ReasonAnswer | None
    created_at: str
    completed_at: str | None


class BatchAnswer(BatchSummary, frozen=True, kw_only=True):
    """A batch with every document, what was confirmed, and what is being waited for."""

    confirmations: list[BatchConfirmationAnswer]
    tickets: list[BatchTicketAnswer]
    items: list[BatchItemAnswer]
    events_path: str


class BatchList(msgspec.Struct, frozen=True):
    """One page of batches, newest first."""

    data: list[BatchSummary]
    has_more: bool
    next: str | None


def show_batches(connection: Connection, rows: Sequence[Any]) -> list[BatchSummary]:
    """Rows of ``signing_batches`` as summaries, in the same order."""
    counts = batch_store.counts_of(connection, [row.id for row in rows])
    return [BatchSummary(**_summary(row, counts[row.id])) for row in rows]


def show_batch(connection: Connection, row: Any) -> BatchAnswer:
    """One batch, whole."""
    counts = batch_store.counts_of(connection, [row.id])[row.id]
    tickets = ticket_store.tickets_of_batch(connection, row.id)
    return BatchAnswer(
        **_summary(row, counts),
        confirmations=[_confirmation(c) for c in batch_store.confirmations_of(connection, row.id)],
        tickets=[_ticket(t) for t in tickets if t.ended_at is None],
        items=[_item(item) for item in batch_store.items_of(connection, row.id)],
        events_path=f"/v1/signing-batches/{row.id}/events",
    )


def _summary(row: Any, counts: Counter[str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "confirmation": row.confirmation,
        "official": row.official,
        "signer": row.signer,
        "total": row.total,
        "signed": counts[ItemStatus.SIGNED],
        "refused": counts[ItemStatus.REFUSED],
        "waiting": counts[ItemStatus.WAITING],
        "reason": _reason(row.reason),
        "created_at": iso(row.created_at),
        "completed_at": iso(row.completed_at) if row.completed_at is not None else None,
    }


def _confirmation(row: Any) -> BatchConfirmationAnswer:
    return BatchConfirmationAnswer(
        number=row.number,
        official=row.official,
        root_sha256=row.root_sha256,
        documents=len(row.covered),
        confirmed_at=iso(row.created_at),
    )


def _ticket(row: Any) -> BatchTicketAnswer:
    return BatchTicketAnswer(
        reference=row.reference,
        state=row.state,
        detail=sentence(RemoteState(row.state), row.detail),
        expires_at=iso(row.expires_at) if row.expires_at is not None else None,
    )


def _item(row: Any) -> BatchItemAnswer:
    return BatchItemAnswer(
        position=row.position,
        request_id=row.request_id,
        status=row.status,
        sha256=row.sha256,
        signed_sha256=row.output_sha256,
        reason=_reason(row.reason),
    )


def _reason(stored: Any) -> ReasonAnswer | None:
    return ReasonAnswer(**stored) if stored is not None else None
