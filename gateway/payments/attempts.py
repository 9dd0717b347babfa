"""Trying to pay: committed first, then the provider is called, then what came of it is recorded.

Owns the life of an attempt around its one outbound call. A crash between commit and call is
found by the same idempotency key or by the worker, and is asked about, never sent again; only
where starting sends nothing (``Spec.starts_locally``) the answer is built again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from connectors.contract import (
    Order,
    OutcomeUnknown,
    PaymentConnector,
    ProviderRejected,
    ProviderUnavailable,
    SignatureMismatch,
    Start,
)
from gateway.foundation import idempotency
from gateway.foundation.idempotency import Answer, Claim, Lease
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem
from gateway.payments import refusals
from gateway.payments.evidence import Evidence
from gateway.payments.evidence_store import NewEvidence
from gateway.payments.money_line import money_position
from gateway.payments.recording import record, state_of
from gateway.payments.references import reference_for
from gateway.payments.rendering import stored_action
from gateway.payments.rules import PaymentState
from gateway.payments.schedule import next_ask
from gateway.payments.service import Payments
from gateway.payments.statuses import (
    AttemptStatus,
    CallOutcome,
    Channel,
    PaymentStatus,
)
from gateway.payments.store import (
    find_attempt,
    insert_attempt,
    update_attempt,
)

TOPIC = "payments"
"""Wake this when an attempt should be asked about now."""

MAX_ATTEMPTS = 50
_STALE = timedelta(seconds=60)
_PAYABLE = (PaymentStatus.PENDING, PaymentStatus.PROCESSING, PaymentStatus.PARTIALLY_PAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants to pay."""

    tenant: str
    payment_id: str
    account: str
    bank_code: str | None = None
    return_url: str | None = None
    client_ip: str = "127.0.0.1"
    locale: str = "vi"


@dataclass(frozen=True, slots=True)
class _Opened:
    """An attempt that is committed and waits for its call."""

    lease: Lease
    attempt: Row[Any]
    token: str


@dataclass(frozen=True, slots=True)
class _Called:
    """The end of the outbound call: a start only when it was accepted."""

    outcome: CallOutcome
    start: Start | None = None
    code: str = ""


class Attempts:
    """Starts attempts, for portals and for the checkout page alike."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments
        self._database = payments.database
        self._clock = payments.clock
        self._accounts = payments.accounts
        self._policy = payments.policy

    async def start(self, wish: Wish, claim: Claim) -> Answer:
        """Start an attempt under an idempotency key.

        Raises:
            Problem: ``payment_closed``, ``attempt_in_doubt``, ``too_many_attempts``, a wrong
                account, ``provider_unavailable`` (nothing was sent) or ``provider_rejected``.
        """
        connector = self._accounts.payment.get(wish.account)
        if connector is None:
            raise refusals.unknown_account(wish.account)
        opened = await self._database.write(lambda c: self._open(c, wish, claim))
        if isinstance(opened, Answer):
            return opened
        self._payments.announce(wish.payment_id)
        called = await _call(connector, self._order(opened, wish))
        answer = await self._database.write(lambda c: self._close(c, opened, called))
        self._payments.announce(wish.payment_id)
        self._payments.waker.wake(TOPIC)
        if isinstance(answer, Problem):
            raise answer
        return answer

    # -------------------------------------------------------------- before the call

    def _open(self, connection: Connection, wish: Wish, claim: Claim) -> _Opened | Answer:
        lease = idempotency.begin(connection, claim)
        if isinstance(lease, Answer):
            return lease
        payment = self._payments.locked(connection, wish.tenant, wish.payment_id)
        if lease.subject:
            resumed = self._resume(connection, lease, payment, lease.subject)
            if resumed is not None:
                return resumed
        state = state_of(connection, payment)
        self._check(payment, state, wish)
        row = self._new_row(payment, state.rest, wish)
        insert_attempt(connection, row)
        idempotency.remember(connection, lease, row["id"])
        record(connection, self._clock, [], touched=[payment.id])
        return _Opened(lease, self._find(connection, row["id"]), payment.token)

    def _resume(
        self, connection: Connection, lease: Lease, payment: Row[Any], attempt_id: str
    ) -> _Opened | Answer | None:
        """Go on where an earlier try with this key stopped; None = it failed, start anew."""
        attempt = self._find(connection, attempt_id)
        if attempt.status == AttemptStatus.FAILED:
            return None
        if attempt.status == AttemptStatus.CREATED:
            if self._accounts.starts_locally(attempt.account):
                return _Opened(lease, attempt, payment.token)
            lost = call_evidence(attempt, CallOutcome.UNKNOWN, self._clock.now())
            record(connection, self._clock, [(payment.id, lost)])
            update_attempt(connection, attempt.id, ask_at=self._clock.now())
        answer = self._answer(connection, attempt.id, payment.token)
        idempotency.finish(connection, lease, answer)
        return answer

    def _check(self, payment: Row[Any], state: PaymentState, wish: Wish) -> None:
        position = money_position(state)
        if payment.status not in _PAYABLE or payment.expires_at <= self._clock.now():
            raise refusals.closed(payment.status, position)
        if any(attempt.doubtful for attempt in state.attempts):
            raise refusals.in_doubt(position)
        if len(state.attempts) >= MAX_ATTEMPTS:
            raise refusals.too_many(position)
        spec = self._accounts.payment[wish.account].spec
        if not spec.min_amount_vnd <= state.rest <= spec.max_amount_vnd:
            raise refusals.amount_not_carried(self._accounts.title(wish.account))

    def _new_row(self, payment: Row[Any], amount: int, wish: Wish) -> dict[str, Any]:
        now = self._clock.now()
        spec = self._accounts.payment[wish.account].spec
        attempt_id = new_id("att", self._clock)
        window = timedelta(seconds=spec.attempt_expires_s)
        return {
            "id": attempt_id,
            "payment_id": payment.id,
            "account": wish.account,
            "provider": spec.name,
            "reference": reference_for(attempt_id),
            "amount": amount,
            "description": payment.description or f"Nop phi ho so {payment.reference}",
            "return_url": wish.return_url,
            "bank_code": wish.bank_code,
            "created_at": now,
            "expires_at": min(now + window, payment.expires_at),
            "status": AttemptStatus.CREATED.value,
            "ask_at": now + _STALE,
            "asks": 0,
        }

    # -------------------------------------------------------------- the call and after it

    def _order(self, opened: _Opened, wish: Wish) -> Order:
        attempt = opened.attempt
        callbacks = f"{self._policy.public_url}/callbacks/{attempt.account}"
        return Order(
            reference=attempt.reference,
            amount_vnd=attempt.amount,
            description=attempt.description,
            created_at=attempt.created_at,
            expires_at=attempt.expires_at,
            return_url=f"{callbacks}/return",
            callback_url=callbacks,
            client_ip=wish.client_ip,
            locale=wish.locale,
            bank_code=attempt.bank_code,
        )

    def _close(self, connection: Connection, opened: _Opened, called: _Called) -> Answer | Problem:
        attempt, now = opened.attempt, self._clock.now()
        told = call_evidence(attempt, called.outcome, now, called.code)
        values: dict[str, Any] = {"ask_at": self._first_ask(attempt, called, now)}
        if called.start is not None:
            values["action"] = stored_action(called.start.action)
            values["state"] = dict(called.start.state)
            values["transaction_id"] = called.start.provider_transaction_id
            values["virtual_account"] = called.start.state.get("virtual_account")
        update_attempt(connection, attempt.id, **values)
        states = record(connection, self._clock, [(attempt.payment_id, told)]).states
        refusal = self._refusal(attempt, called, states.get(attempt.payment_id))
        if refusal is not None:
            idempotency.release(connection, opened.lease)
            return refusal
        answer = self._answer(connection, attempt.id, opened.token)
        idempotency.finish(connection, opened.lease, answer)
        return answer

    def _first_ask(self, attempt: Row[Any], called: _Called, now: datetime) -> datetime | None:
        if called.outcome is CallOutcome.UNKNOWN:
            return now + timedelta(seconds=5)
        if not self._accounts.can_be_asked(attempt.account):
            return attempt.expires_at  # type: ignore[no-any-return] # a row's column
        return next_ask(
            attempt.created_at,
            attempt.expires_at,
            now,
            after_s=self._policy.ask_after_s,
            for_days=self._policy.ask_for_days,
        )

    def _refusal(
        self, attempt: Row[Any], called: _Called, state: PaymentState | None
    ) -> Problem | None:
        if state is None or called.outcome not in (CallOutcome.NOT_SENT, CallOutcome.REFUSED):
            return None
        title, position = self._accounts.title(attempt.account), money_position(state)
        if called.outcome is CallOutcome.NOT_SENT:
            return refusals.provider_away(title, position)
        return refusals.provider_refused(title, called.code, position)

    def _answer(self, connection: Connection, attempt_id: str, token: str) -> Answer:
        view = self._payments.renderer.attempt(self._find(connection, attempt_id), token)
        return Answer(201, msgspec.json.encode(view))

    def _find(self, connection: Connection, attempt_id: str) -> Row[Any]:
        row = find_attempt(connection, attempt_id)
        if row is None:
            raise LookupError(attempt_id)
        return row


def call_evidence(
    attempt: Row[Any], outcome: CallOutcome, at: datetime, code: str = ""
) -> NewEvidence:
    """What became of the call that starts an attempt."""
    piece = Evidence(
        key=f"{attempt.id}:create",
        channel=Channel.CALL,
        says=outcome,
        received_at=at,
        attempt=attempt.id,
        account=attempt.account,
    )
    return NewEvidence(piece, code)


async def _call(connector: PaymentConnector, order: Order) -> _Called:
    """The one outbound call; what is known about it afterwards is all that is kept."""
    try:
        return _Called(CallOutcome.ACCEPTED, await connector.create(order))
    except ProviderUnavailable:
        return _Called(CallOutcome.NOT_SENT)
    except ProviderRejected as error:
        return _Called(CallOutcome.REFUSED, code=error.code[:64])
    except (OutcomeUnknown, SignatureMismatch):
        return _Called(CallOutcome.UNKNOWN)
