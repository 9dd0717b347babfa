"""A refused try to sign a request's step, as the evidence log sees it.

Reads what there is to say from the request's rows, in the transaction that gives the step back, or
in one of its own when nothing was begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, store
from gateway.documents.evidence.refusals import Attempt, record_refusal, why_of
from gateway.foundation.idempotency import Lease
from gateway.foundation.problems import FieldError, Problem

PRINTED = frozenset(  # what a document's own page contradicts or has no room for
    {"number_already_written", "symbol_already_written", "year_already_written"}
    | {"page_without_text", "text_under_stamp", "missing_glyph"}
)


def record_refused(
    connection: Connection,
    of: tuple[str, str],
    who: dict[str, Any],
    error: BaseException,
    *,
    now: datetime,
    keys: Mapping[str, str] | None = None,
) -> int | None:
    """Record that a step was not signed, and why (part of a unit of work).

    Args:
        connection: of the transaction.
        of: tenant and request id.
        who: ``official``, ``principal``, ``channel``, ``credential``, ``shown_sha256`` and ``key``
            of an ``Attempt``.
        error: what was raised; whatever is no refusal by a check leaves no record.
        now: the moment.
        keys: holder → name of the key, where ``who`` does not name it.
    """
    why = why_of(error)
    row = request_store.find_request(connection, *of) if why is not None else None
    if why is None or row is None:
        return None
    step = request_store.steps_of(connection, [row.id])[row.id][row.current_step]
    document = store.find_document(connection, row.tenant, row.document_id)
    attempt = Attempt(
        tenant=row.tenant,
        subject=row.id,
        document={"id": document.id, "reference": document.reference, "kind": document.kind},
        input_sha256=row.current_sha256,
        role=step.role,
        position=step.position,
        **({"credential": (keys or {}).get(step.signer)} | who),
    )
    return record_refusal(connection, attempt, why, now)


def record_refused_opening(
    connection: Connection,
    of: tuple[str, str],
    principal: str | None,
    key: str | None,
    problem: Problem,
    *,
    now: datetime,
) -> int | None:
    """Record that a document was not let into signing: inspection or register said no.

    Args:
        connection: of the transaction.
        of: tenant and document id.
        principal: the key's id.
        key: the idempotency key with its scope.
        problem: what was raised; faults of the asking itself leave no record.
        now: the moment.
    """
    why = why_of(_as_refusal(problem))
    document = store.find_document(connection, *of) if why is not None else None
    if why is None or document is None:
        return None
    facts = {"id": document.id, "reference": document.reference, "kind": document.kind}
    attempt = Attempt(of[0], document.id, facts, document.sha256, principal=principal, key=key)
    return record_refusal(connection, attempt, why, now)


def key_of(lease: Lease | None) -> str | None:
    """The idempotency key that an act runs under, with its scope."""
    return f"{lease.claim.scope} {lease.claim.key}" if lease is not None else None


def _as_refusal(problem: Problem) -> Problem:
    """When a request is opened, refusals by register and page come as faults of fields."""
    for error in problem.errors:
        if isinstance(error, FieldError) and error.code in PRINTED:
            return Problem("document_refused", error.detail, extra={"reason": error.code})
        if isinstance(error, FieldError) and error.code.startswith("authority"):
            return Problem("authority_refused", error.detail, extra={"reason": error.code})
    return problem
