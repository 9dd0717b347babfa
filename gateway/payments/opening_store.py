"""The hot path of opening payments: many at once, one statement a table.

Owns the statements that take idempotency keys, payments and their first event for a whole batch.
The answer is ready before the database is asked, so a key and its answer are stored together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from gateway.foundation.bulk import BulkInsert
from gateway.foundation.database import SetUnit
from gateway.foundation.idempotency import Answer, Claim, records, stored_answer
from gateway.foundation.problems import Problem
from gateway.payments.tables import payments
from gateway.webhooks.outbox import NewEvent, emit

_KEYS = BulkInsert(
    records,
    (
        *("scope", "key", "fingerprint", "created_at", "fence"),
        *("subject", "status", "headers", "body"),
    ),
    key="subject",
)
_PAYMENTS = BulkInsert(payments, payments.c.keys())


@dataclass(frozen=True, slots=True)
class Opening:
    """One payment ready to be stored, with its key, its first event and its answer."""

    claim: Claim
    payment: dict[str, Any]
    event: NewEvent
    answer: Answer


def open_payments(connection: Connection, openings: Sequence[Opening]) -> list[Answer | Exception]:
    """Store what is new and answer everything, in order; repeats get the stored answer."""
    taken = _take_keys(connection, openings)
    new = [item for item in openings if item.payment["id"] in taken]
    if new:
        _PAYMENTS.run(connection, [item.payment for item in new])
        emit(connection, [item.event for item in new])
    return [
        item.answer if item.payment["id"] in taken else _repeat(connection, item.claim)
        for item in openings
    ]


OPEN = SetUnit("open_payments", open_payments)


def _take_keys(connection: Connection, openings: Sequence[Opening]) -> set[str]:
    """The payments whose key was free; of two with one key in a batch the first gets it."""
    rows = [
        {
            "scope": item.claim.scope,
            "key": item.claim.key,
            "fingerprint": item.claim.fingerprint,
            "created_at": item.claim.at,
            "fence": 1,
            "subject": item.payment["id"],
            "status": item.answer.status,
            "headers": item.answer.headers,
            "body": item.answer.body,
        }
        for item in openings
    ]
    return _KEYS.run(connection, rows)


def _repeat(connection: Connection, claim: Claim) -> Answer | Exception:
    try:
        return stored_answer(connection, claim)
    except Problem as problem:
        return problem
