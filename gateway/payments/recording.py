"""Evidence comes in, everything that follows is committed with it.

Owns the one path by which a payment changes: lock, store the evidence, fold, keep what is
derived, post the ledger's difference, log the events. It works on many payments at once with one
statement a table; leaves the meaning of evidence to ``rules`` and calling anybody to services.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from gateway.foundation.bulk import BulkInsert
from gateway.foundation.clock import Clock
from gateway.foundation.ids import new_id
from gateway.payments.attempt_states import AttemptState
from gateway.payments.evidence_store import NewEvidence, insert_evidence, load_evidence
from gateway.payments.ledger import implied_balances, postings
from gateway.payments.news import Known, payment_news
from gateway.payments.rules import PaymentState, fold
from gateway.payments.statuses import AttemptStatus, PaymentStatus
from gateway.payments.store import (
    as_attempt,
    attempts_of,
    lock_payments,
    obligation_of,
    refunds_of,
)
from gateway.payments.tables import attempts, ledger_entries, payments, refunds
from gateway.webhooks.outbox import NewEvent, emit

_CLOSED = frozenset(
    {
        PaymentStatus.NOT_DUE,
        PaymentStatus.PAID,
        PaymentStatus.EXPIRED,
        PaymentStatus.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class Recording:
    """What became of it: was each piece new, and the states that were derived."""

    new: Sequence[bool]
    states: Mapping[str, PaymentState] = field(default_factory=dict)


@dataclass(slots=True)
class _Writes:
    """Rows of every table, gathered over all payments of a batch."""

    payments: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)


def record(
    connection: Connection,
    clock: Clock,
    additions: Sequence[tuple[str, NewEvidence]],
    touched: Iterable[str] = (),
) -> Recording:
    """Store evidence of payments and all that follows from it.

    Args:
        connection: the caller's unit of work.
        clock: for the moment of the entries and events.
        additions: payment ids with their new evidence.
        touched: payments to fold although no evidence is new (an attempt was opened).
    """
    ids = {payment_id for payment_id, _ in additions} | set(touched)
    rows = lock_payments(connection, ids)
    new = insert_evidence(connection, clock, additions)
    changed = {pid for (pid, _), is_new in zip(additions, new, strict=True) if is_new}
    changed |= set(touched)
    if not changed:
        return Recording(new)
    return Recording(new, _refold(connection, clock, {pid: rows[pid] for pid in sorted(changed)}))


def state_of(connection: Connection, row: Row[Any]) -> PaymentState:
    """Fold a payment as it stands, changing nothing."""
    told = load_evidence(connection, [row.id])[row.id]
    tried = [as_attempt(attempt) for attempt in attempts_of(connection, [row.id])[row.id]]
    return fold(obligation_of(row), tried, told)


def _refold(
    connection: Connection, clock: Clock, rows: Mapping[str, Row[Any]]
) -> dict[str, PaymentState]:
    told = load_evidence(connection, rows)
    tried = attempts_of(connection, rows)
    writes = _Writes()
    states: dict[str, PaymentState] = {}
    for payment_id, row in rows.items():
        known = tried[payment_id]
        state = fold(obligation_of(row), [as_attempt(a) for a in known], told[payment_id])
        states[payment_id] = state
        _note_payment(writes, row, state, clock)
        _note_attempts(writes, known, state)
    giving_back = [payment_id for payment_id, state in states.items() if state.refunds]
    for payment_id, known in refunds_of(connection, giving_back).items() if giving_back else ():
        _note_refunds(writes, rows[payment_id], known, states[payment_id], clock)
    _write(connection, writes)
    return states


def _note_payment(writes: _Writes, row: Row[Any], state: PaymentState, clock: Clock) -> None:
    now = clock.now()
    known = Known(row.status, row.collected, row.surplus, row.settled_at)
    told = payment_news(known, state)
    entry = new_id("led", clock)
    writes.entries += [
        {
            "payment_id": row.id,
            "entry": entry,
            "account": line.account,
            "amount": line.amount,
            "at": now,
        }
        for line in postings(row.posted, state, row.agency_code)
    ]
    writes.events += [
        _event(row, row.id, name, row.sequence + place, clock=clock)
        for place, name in enumerate(told, start=1)
    ]
    writes.payments.append(
        {
            "b_id": row.id,
            "status": state.status.value,
            "collected": state.collected,
            "refunded": state.refunded,
            "surplus": state.surplus,
            "late": state.late,
            "questions": [[q.reason.value, q.subject] for q in state.questions],
            "paid_at": state.paid_at,
            "settled_at": state.settled_at,
            "posted": implied_balances(state, row.agency_code),
            "sequence": row.sequence + len(told),
            "look_at": None if state.status in _CLOSED else (row.look_at or row.expires_at),
        }
    )


def _note_attempts(writes: _Writes, known: Sequence[Row[Any]], state: PaymentState) -> None:
    derived = {attempt.id: attempt for attempt in state.attempts}
    for row in known:
        now = derived[row.id]
        transaction = _transaction_of(row, state)
        ask_at = None if _is_finished(now) else row.ask_at
        values = (now.status.value, transaction, ask_at)
        if values != (row.status, row.transaction_id, row.ask_at):
            names = ("status", "transaction_id", "ask_at")
            writes.attempts.append({"b_id": row.id, **dict(zip(names, values, strict=True))})


def _is_finished(attempt: AttemptState) -> bool:
    """Nothing more can be learnt by asking: money was taken, or finally denied."""
    if attempt.status in (AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.CANCELLED):
        return True
    return attempt.status is AttemptStatus.EXPIRED and attempt.denied


def _transaction_of(row: Row[Any], state: PaymentState) -> str | None:
    """The provider's own number of the money, needed to ask for it back."""
    named = (fact.id.partition("/")[2] for fact in state.facts if fact.attempt == row.id)
    return next((name for name in named if name), row.transaction_id)


def _note_refunds(
    writes: _Writes,
    payment: Row[Any],
    known: Sequence[Row[Any]],
    state: PaymentState,
    clock: Clock,
) -> None:
    derived = {refund.id: refund for refund in state.refunds}
    for row in known:
        status = derived[row.id].status.value
        if status == row.status and row.sequence:
            continue
        sequence = row.sequence + 1
        writes.refunds.append({"b_id": row.id, "status": status, "sequence": sequence})
        writes.events.append(_event(payment, row.id, f"refund.{status}", sequence, clock=clock))


def _event(payment: Row[Any], subject: str, name: str, sequence: int, *, clock: Clock) -> NewEvent:
    return NewEvent(
        id=new_id("evt", clock),
        tenant=payment.tenant,
        type=name,
        subject=subject,
        sequence=sequence,
        reference=payment.reference,
        at=clock.now(),
    )


def _update(table: sa.Table, *names: str) -> sa.Update:
    """An update of some columns by id, compiled once."""
    values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
    return table.update().where(table.c.id == sa.bindparam("b_id")).values(values)


_ENTRIES = BulkInsert(ledger_entries, ("payment_id", "entry", "account", "amount", "at"))
_UPDATE_PAYMENT = _update(
    payments,
    *("status", "collected", "refunded", "surplus", "late", "questions"),
    *("paid_at", "settled_at", "posted", "sequence", "look_at"),
)
_UPDATE_ATTEMPT = _update(attempts, "status", "transaction_id", "ask_at")
_UPDATE_REFUND = _update(refunds, "status", "sequence")


def _write(connection: Connection, writes: _Writes) -> None:
    for statement, rows in (
        (_UPDATE_PAYMENT, writes.payments),
        (_UPDATE_ATTEMPT, writes.attempts),
        (_UPDATE_REFUND, writes.refunds),
    ):
        if rows:
            connection.execute(statement, rows)
    _ENTRIES.run(connection, writes.entries)
    emit(connection, writes.events)
