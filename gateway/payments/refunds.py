"""Giving money back: asked for, approved, sent once, asked about until it is known.

Owns a refund's way around its outbound call (payments.md §15): the amount is reserved when it is
asked for, the refund's own reference is committed before the call, only a call that was never
sent is repeated, an unknown end is resolved by asking. Where a provider has no refund API the
refund is a transfer task of the finance desk, closed by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from connectors.contract import RefundOrder
from gateway.foundation.ids import new_id
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.payments.asking import sought
from gateway.payments.attempts import TOPIC
from gateway.payments.evidence import Evidence
from gateway.payments.evidence_store import NewEvidence, keep_answer
from gateway.payments.money_line import money_position
from gateway.payments.recording import record, state_of
from gateway.payments.references import reference_for
from gateway.payments.refund_calls import Heard, ask_about_refund, send_refund
from gateway.payments.refund_states import left_of, refundable
from gateway.payments.refusals import money_extra
from gateway.payments.rules import PaymentState
from gateway.payments.service import Payments
from gateway.payments.shapes import RefundView
from gateway.payments.statuses import Channel, RefundStatus, RefundStep
from gateway.payments.store import (
    begin_sending,
    find_attempt,
    find_refund,
    insert_refund,
    refunds_named,
    update_refund,
)

_DONE = (RefundStatus.SUCCEEDED, RefundStatus.REJECTED)
_FIRST_ASK_S = 60
_LONGEST_WAIT_S = 6 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """Money that somebody wants to be given back."""

    amount: int
    reason: str
    note: str = ""
    destination: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the money comes from: which account, which attempt, all of it or a part."""

    account: str
    attempt: str | None
    full: bool
    by_hand: bool


class RefundDesk:
    """Refunds of all payments."""

    def __init__(self, payments: Payments, metrics: Metrics) -> None:
        self._payments = payments
        self._database = payments.database
        self._clock = payments.clock
        self._accounts = payments.accounts
        self._policy = payments.policy
        self._metrics = metrics

    # -------------------------------------------------------------- asking and approving

    def request(
        self, connection: Connection, tenant: str, payment_id: str, back: Back, actor: str
    ) -> RefundView:
        """Reserve and file a refund in the caller's unit; the caller then calls ``announce``.

        Raises:
            Problem: ``not_refundable`` when more is wanted than was collected and not yet asked
                back.
        """
        payment = self._payments.locked(connection, tenant, payment_id)
        state = state_of(connection, payment)
        left = refundable(state.collected, state.refunds)
        if back.amount > left:
            raise _not_refundable(left, state)
        source = self._source(state, back.amount)
        now, refund_id = self._clock.now(), new_id("ref", self._clock)
        needs_second = back.amount > self._policy.refund_approval_above
        insert_refund(
            connection,
            {
                "id": refund_id,
                "payment_id": payment.id,
                "attempt_id": source.attempt,
                "account": source.account,
                "reference": reference_for(refund_id),
                "amount": back.amount,
                "full": source.full,
                "by_hand": source.by_hand,
                "reason": back.reason,
                "note": back.note,
                "destination": back.destination,
                "requested_by": actor,
                "created_at": now,
                "status": RefundStatus.REQUESTED.value,
                "sequence": 0,
                "ask_at": None,
                "asks": 0,
            },
        )
        row = self._row(connection, refund_id)
        self._tell(connection, row, [RefundStep.REQUESTED], actor)
        if not needs_second and not source.by_hand:
            self._tell(connection, row, [RefundStep.APPROVED], "policy")
            update_refund(connection, refund_id, ask_at=now)
        return self._view(connection, refund_id)

    async def approve(self, tenant: str, refund_id: str, actor: str) -> RefundView:
        """Let a second person agree; twice is once.

        Raises:
            Problem: ``second_person_needed``; ``conflict`` when it is past that point.
        """

        def unit(connection: Connection) -> RefundView:
            row, payment = find_refund(connection, tenant, refund_id)
            self._payments.locked(connection, tenant, payment.id)
            row = self._row(connection, refund_id)
            if row.approved_by == actor:
                return self._view(connection, refund_id)
            if row.requested_by == actor:
                raise Problem("second_person_needed")
            if row.status != RefundStatus.REQUESTED:
                raise Problem("conflict", f"Lệnh hoàn đang ở trạng thái “{row.status}”.")
            due = None if row.by_hand else self._clock.now()
            update_refund(connection, refund_id, approved_by=actor, ask_at=due)
            self._tell(connection, row, [RefundStep.APPROVED], actor)
            return self._view(connection, refund_id)

        return await self._changed(unit)

    async def close_by_hand(
        self, tenant: str, refund_id: str, actor: str, *, paid: bool, bank_reference: str = ""
    ) -> RefundView:
        """A person says how a transfer task, or a refund nobody can tell about, ended.

        Raises:
            Problem: ``conflict`` unless it waits for a person; ``second_person_needed``.
        """

        def unit(connection: Connection) -> RefundView:
            _, payment = find_refund(connection, tenant, refund_id)
            self._payments.locked(connection, tenant, payment.id)
            row = self._row(connection, refund_id)
            approved = row.amount <= self._policy.refund_approval_above or row.approved_by
            if row.by_hand and not approved:
                raise Problem("second_person_needed")
            waits = row.status == RefundStatus.UNKNOWN or row.by_hand
            if not waits or row.status in _DONE:
                raise Problem("conflict", f"Lệnh hoàn đang ở trạng thái “{row.status}”.")
            step = RefundStep.SUCCEEDED if paid else RefundStep.REJECTED
            self._tell(connection, row, [step], actor, code=bank_reference[:64])
            update_refund(connection, refund_id, ask_at=None)
            return self._view(connection, refund_id)

        return await self._changed(unit)

    async def get(self, tenant: str, refund_id: str) -> RefundView:
        """One refund."""

        def query(connection: Connection) -> RefundView:
            row, _ = find_refund(connection, tenant, refund_id)
            return self._payments.renderer.refund(row)

        return await self._database.read(query)

    def announce(self, payment_id: str) -> None:
        """After the commit of ``request``."""
        self._payments.announce(payment_id)
        self._payments.waker.wake(TOPIC)

    # -------------------------------------------------------------- sending and asking

    async def look_at(self, refund: Row[Any]) -> None:
        """Do what is due about one claimed refund: send it, or ask what became of it."""
        refunder = self._accounts.refunder(refund.account, full=refund.full)
        if refunder is None or refund.status in _DONE:
            await self._database.write(lambda c: update_refund(c, refund.id, ask_at=None))
            return
        attempt = await self._database.read(lambda c: find_attempt(c, refund.attempt_id))
        if attempt is None:
            raise LookupError(refund.attempt_id)
        order, now = _order(refund, attempt), self._clock.now()
        # Whoever marks it first sends it: a worker that slept past its lease comes second.
        ours = await self._database.write(lambda c: begin_sending(c, refund.id, now))
        if ours:
            await self._note(refund, await send_refund(refunder, order), sent=True)
        else:
            # Sent, or lost on the way between the commit and the call: only asking is safe.
            heard = await ask_about_refund(refunder, order, self._metrics)
            await self._note(refund, heard, sent=False)

    async def _note(self, refund: Row[Any], heard: Heard, *, sent: bool) -> None:
        now = self._clock.now()

        def unit(connection: Connection) -> RefundView:
            row = self._row(connection, refund.id)
            step = heard.step
            values: dict[str, Any] = {"asks": row.asks + 1, "ask_at": _later(row.asks, now)}
            steps = [step]
            if step is RefundStep.NOT_SENT:
                values["sending_at"] = None
            elif sent:
                steps.insert(0, RefundStep.SUBMITTED)
            if step in (RefundStep.SUCCEEDED, RefundStep.REJECTED):
                values["ask_at"] = None
            update_refund(connection, row.id, **values)
            message = keep_answer(
                connection,
                self._clock,
                heard.answer,
                account=row.account,
                leg="refund" if sent else "refund_query",
                about=row.id,
            )
            self._tell(connection, row, steps, "provider", code=heard.code[:64], message=message)
            return self._view(connection, row.id)

        await self._changed(unit)

    # -------------------------------------------------------------- pieces

    def _source(self, state: PaymentState, amount: int) -> _Source:
        """The newest money that covers it and can be sent back; else a transfer by hand."""
        facts = [fact for fact in reversed(state.facts) if fact.amount]
        for fact in facts:
            left = left_of(fact, facts, state.refunds)
            full = amount == left == fact.amount
            refunder = self._accounts.refunder(fact.account, full=full)
            if fact.attempt and refunder and amount <= left:
                return _Source(fact.account, fact.attempt, full, by_hand=False)
        newest = facts[0]
        return _Source(newest.account, newest.attempt, amount == newest.amount, by_hand=True)

    def _tell(
        self,
        connection: Connection,
        row: Row[Any],
        steps: list[RefundStep],
        actor: str,
        *,
        code: str = "",
        message: str | None = None,
    ) -> None:
        now = self._clock.now()
        new = []
        for step in steps:
            piece = Evidence(
                key=f"{row.id}:{step}",
                channel=Channel.REFUND,
                says=step,
                received_at=now,
                attempt=row.attempt_id,
                account=row.account,
                amount=row.amount,
                subject=row.id,
            )
            new.append((row.payment_id, NewEvidence(piece, code, actor, message_id=message)))
        record(connection, self._clock, new)

    def _row(self, connection: Connection, refund_id: str) -> Row[Any]:
        return refunds_named(connection, [refund_id])[0]

    def _view(self, connection: Connection, refund_id: str) -> RefundView:
        return self._payments.renderer.refund(self._row(connection, refund_id))

    async def _changed(self, unit: Any) -> RefundView:
        view: RefundView = await self._database.write(unit)
        self.announce(view.payment)
        return view


def _order(refund: Row[Any], attempt: Row[Any]) -> RefundOrder:
    return RefundOrder(
        reference=refund.reference,
        payment=sought(attempt),
        amount_vnd=refund.amount,
        full=refund.full,
        reason=refund.reason,
        requested_by=refund.requested_by,
        requested_at=refund.created_at,
    )


def _later(asks: int, now: datetime) -> datetime:
    """Ask after one minute, then ever more slowly, at last four times a day."""
    return now + timedelta(seconds=min(_FIRST_ASK_S * 2 ** min(asks, 12), _LONGEST_WAIT_S))


def _not_refundable(left: int, state: PaymentState) -> Problem:
    return Problem(
        "not_refundable",
        f"Chỉ còn có thể hoàn tối đa {left} đồng.",
        f"At most {left} dong can be refunded.",
        extra={**money_extra(money_position(state)), "amount_refundable": left},
    )
