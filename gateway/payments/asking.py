"""Asking a provider what became of an attempt: the same reference, never a new one.

Owns one question and what its answer changes; leaves the plan to ``schedule`` and the loop to
``worker``. No answer changes nothing: the attempt is asked about again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from connectors.contract import (
    Meaning,
    OutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    Report,
    SignatureMismatch,
    Sought,
)
from gateway.foundation.metrics import Metrics
from gateway.payments.attempts import TOPIC, call_evidence
from gateway.payments.evidence import Evidence
from gateway.payments.evidence_store import NewEvidence, from_report, keep_answer
from gateway.payments.recording import Recording, record
from gateway.payments.schedule import next_ask
from gateway.payments.service import Payments
from gateway.payments.statuses import (
    EXPIRED_TICK,
    UNFINISHED_ATTEMPTS,
    AttemptStatus,
    CallOutcome,
    Channel,
)
from gateway.payments.store import ask_soon, attempts_of, find_attempt, update_attempt

_log = structlog.get_logger(__name__)

_AGAIN = timedelta(minutes=5)
"""After no answer; the plan's own next moment if that is sooner."""
_STILL_OPEN = (Meaning.PENDING, Meaning.NOT_FOUND)


class Asking:
    """Questions about attempts."""

    def __init__(self, payments: Payments, metrics: Metrics) -> None:
        self._payments = payments
        self._metrics = metrics
        self._clock = payments.clock
        self._accounts = payments.accounts
        self._policy = payments.policy

    async def hurry(self, payment_id: str) -> bool:
        """Have the worker ask now about what is unfinished; says whether there is anything."""
        now = self._clock.now()

        def unit(connection: Connection) -> bool:
            rows = [
                row
                for row in attempts_of(connection, [payment_id])[payment_id]
                if row.status in UNFINISHED_ATTEMPTS
                and self._accounts.can_be_asked(row.account)
                and row.status != AttemptStatus.CREATED  # its call may be on its way
            ]
            ask_soon(connection, [row.id for row in rows], now)
            return bool(rows)

        asked = await self._payments.database.write(unit)
        if asked:
            self._payments.waker.wake(TOPIC)
        return asked

    async def look_at(self, attempt: Row[Any]) -> None:
        """Do what is due about one claimed attempt: ask, or let its time run out."""
        now = self._clock.now()
        if not self._accounts.can_be_asked(attempt.account):
            await self._let_run_out(attempt, now)
            return
        report = await self._ask(attempt)
        await self._note(attempt, report, now)

    async def _ask(self, attempt: Row[Any]) -> Report | None:
        connector = self._accounts.payment[attempt.account]
        try:
            return await connector.query(sought(attempt))
        except (ProviderUnavailable, OutcomeUnknown) as error:
            _log.info("no_answer", account=attempt.account, error=type(error).__name__)
        except ProviderRejected as error:
            _log.warning("question_refused", account=attempt.account, code=error.code[:64])
        except SignatureMismatch:
            self._metrics.alerts.labels("forged_answer").inc()
            _log.error("forged_answer", account=attempt.account)
        return None

    async def _note(self, attempt: Row[Any], report: Report | None, now: datetime) -> None:
        def unit(connection: Connection) -> Recording:
            row = find_attempt(connection, attempt.id)
            assert row is not None
            pieces = self._stale_call(row, now)
            if report is not None:
                kept = keep_answer(
                    connection,
                    self._clock,
                    report.answer,
                    account=row.account,
                    leg="query",
                    about=row.id,
                )
                pieces.append(self._heard(row, report, now, kept))
                if now >= row.expires_at and report.meaning in _STILL_OPEN:
                    pieces.append(tick(row, now))
            planned = self._plan(row, now, answered=report is not None)
            update_attempt(connection, row.id, ask_at=planned, asks=row.asks + 1)
            return record(connection, self._clock, [(row.payment_id, p) for p in pieces])

        if report is not None and report.meaning is Meaning.UNKNOWN:
            self._metrics.alerts.labels("unknown_code").inc()
            _log.error("unknown_code", account=attempt.account, code=report.code[:64])
        self._payments.announce_all(await self._payments.database.write(unit))

    def _stale_call(self, row: Row[Any], now: datetime) -> list[NewEvidence]:
        """An attempt that is still *created* when the worker comes: its call was lost."""
        if row.status != AttemptStatus.CREATED:
            return []
        local = self._accounts.starts_locally(row.account)
        return [call_evidence(row, CallOutcome.NOT_SENT if local else CallOutcome.UNKNOWN, now)]

    def _heard(
        self, row: Row[Any], report: Report, now: datetime, message_id: str | None
    ) -> NewEvidence:
        """An answer; every asking is evidence of its own, since *when* matters for it."""
        named = replace(report, event_key=f"{report.event_key}@{now.isoformat()}")
        return from_report(
            named,
            Channel.ANSWER,
            row.account,
            attempt=row.id,
            received_at=now,
            message_id=message_id,
        )

    def _plan(self, row: Row[Any], now: datetime, *, answered: bool) -> datetime | None:
        planned = next_ask(
            row.created_at,
            row.expires_at,
            now,
            after_s=self._policy.ask_after_s,
            for_days=self._policy.ask_for_days,
        )
        if answered:
            return planned
        return min(planned, now + _AGAIN) if planned else None

    async def _let_run_out(self, attempt: Row[Any], now: datetime) -> None:
        """Nobody to ask: the attempt's own deadline closes it."""

        def unit(connection: Connection) -> Recording:
            row = find_attempt(connection, attempt.id)
            assert row is not None
            lost = self._stale_call(row, now)
            if lost:
                return record(connection, self._clock, [(row.payment_id, p) for p in lost])
            if now < row.expires_at:
                update_attempt(connection, row.id, ask_at=row.expires_at)
                return Recording([])
            update_attempt(connection, row.id, ask_at=None)
            return record(connection, self._clock, [(row.payment_id, tick(row, now))])

        self._payments.announce_all(await self._payments.database.write(unit))


def tick(attempt: Row[Any], now: datetime) -> NewEvidence:
    """The clock's word that an attempt's window has closed."""
    piece = Evidence(
        key=f"{attempt.id}:{EXPIRED_TICK}",
        channel=Channel.CLOCK,
        says=EXPIRED_TICK,
        received_at=now,
        attempt=attempt.id,
        account=attempt.account,
    )
    return NewEvidence(piece)


def sought(attempt: Row[Any]) -> Sought:
    """What a connector needs to know to ask about an attempt."""
    return Sought(
        reference=attempt.reference,
        amount_vnd=attempt.amount,
        description=attempt.description,
        created_at=attempt.created_at,
        provider_transaction_id=attempt.transaction_id,
        state=attempt.state or {},
    )
