"""What can be done with a payment: open, read, cancel, take cash, decide, attach money.

Owns the order load → decide → record, one transaction each; leaves attempts, refunds and
callbacks to their own services, SQL to the stores, meaning to the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from gateway.foundation import listing
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.idempotency import Answer, Claim
from gateway.foundation.ids import new_id, new_token
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Waker
from gateway.payments.accounts import Accounts, Policy
from gateway.payments.cash import Cash
from gateway.payments.evidence import Evidence
from gateway.payments.evidence_store import NewEvidence, timeline_rows
from gateway.payments.live import Live
from gateway.payments.money_line import money_position
from gateway.payments.opening import Draft
from gateway.payments.opening_store import OPEN, Opening
from gateway.payments.orphan_store import (
    list_orphans,
    lock_orphan,
    mark_attached,
    orphan_evidence,
)
from gateway.payments.recording import Recording, record, state_of
from gateway.payments.refusals import closed, in_doubt
from gateway.payments.rendering import Renderer
from gateway.payments.rules import PaymentState
from gateway.payments.shapes import PaymentList, PaymentView, TimelineEntry
from gateway.payments.statuses import (
    AttemptStatus,
    Channel,
    Decision,
    PaymentStatus,
    ReviewReason,
)
from gateway.payments.store import (
    find_payment,
    lock_payments,
    payments_named,
)
from gateway.payments.tables import payments
from gateway.webhooks.outbox import TOPIC, NewEvent


class Payments:
    """The payments of all portals."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        accounts: Accounts,
        policy: Policy,
    ) -> None:
        self.database = database
        self.clock = clock
        self.waker = waker
        self.accounts = accounts
        self.policy = policy
        self.live = Live()
        self.renderer = Renderer(policy, accounts)

    # -------------------------------------------------------------- opening and reading

    async def open(self, tenant: str, draft: Draft, claim: Claim) -> Answer:
        """Open a payment (the hot path): prepared here, stored together with its neighbours.

        Raises:
            Problem: of the idempotency key.
        """
        row = self._new_row(tenant, draft, claim.at)
        body = msgspec.json.encode(self.renderer.payment(SimpleNamespace(**row)))
        event = NewEvent(
            id=new_id("evt", self.clock),
            tenant=tenant,
            type="payment.created",
            subject=row["id"],
            sequence=1,
            reference=draft.reference,
            at=claim.at,
        )
        opening = Opening(claim, row, event, Answer(201, body))
        answer = await self.database.submit(OPEN, opening)
        self.waker.wake(TOPIC)
        return answer

    def _new_row(self, tenant: str, draft: Draft, now: datetime) -> dict[str, Any]:
        owed = draft.amount > 0
        expires_at = now + timedelta(seconds=draft.expires_in)
        status = PaymentStatus.PENDING if owed else PaymentStatus.NOT_DUE
        return {
            "id": new_id("pay", self.clock),
            "tenant": tenant,
            "reference": draft.reference,
            "procedure_code": draft.procedure_code,
            "agency_code": draft.agency_code,
            "channel": draft.channel,
            "method": draft.method,
            "amount": draft.amount,
            "items": [
                {
                    "code": line.code,
                    "name": line.name,
                    "kind": line.kind,
                    "quantity": line.quantity,
                    "unit_amount": line.unit_amount,
                    "amount": line.amount,
                }
                for line in draft.lines
            ],
            "payer": dict(draft.payer),
            "description": draft.description,
            "return_url": draft.return_url,
            "locale": draft.locale,
            "metadata": dict(draft.metadata),
            "token": new_token(),
            "created_at": now,
            "expires_at": expires_at,
            "status": status.value,
            "collected": 0,
            "refunded": 0,
            "surplus": 0,
            "late": False,
            "questions": [],
            "paid_at": None,
            "settled_at": None,
            "posted": {},
            "sequence": 1,
            "look_at": expires_at if owed else None,
        }

    def exists(self, connection: Connection, tenant: str, payment_id: str) -> bool:
        """Whether a tenant has this payment."""
        return any(row.tenant == tenant for row in payments_named(connection, [payment_id]))

    async def get(self, tenant: str, payment_id: str) -> PaymentView:
        """One payment."""

        def query(connection: Connection) -> PaymentView:
            row = find_payment(connection, tenant, payment_id)
            return self.renderer.payments(connection, [row])[0]

        return await self.database.read(query)

    async def page(self, tenant: str, window: listing.Window) -> PaymentList:
        """A page of a portal's payments."""

        def query(connection: Connection) -> PaymentList:
            found = listing.fetch(connection, payments, window, payments.c.tenant == tenant)
            views = self.renderer.payments(connection, found.rows)
            return PaymentList(views, found.has_more, found.next)

        return await self.database.read(query)

    async def timeline(self, tenant: str, payment_id: str) -> list[TimelineEntry]:
        """Every piece of evidence in words."""

        def query(connection: Connection) -> list[TimelineEntry]:
            row = find_payment(connection, tenant, payment_id)
            return self.renderer.timeline(timeline_rows(connection, row.id))

        return await self.database.read(query)

    # -------------------------------------------------------------- decisions

    async def cancel(
        self, tenant: str, payment_id: str, actor: str, reason: str = ""
    ) -> PaymentView:
        """Close a payment that is not paid; twice is once.

        Raises:
            Problem: ``payment_closed`` when it is paid, not due or expired; ``attempt_in_doubt``
                while money may be on its way without our knowing.
        """

        def unit(connection: Connection) -> PaymentView:
            row = self.locked(connection, tenant, payment_id)
            if row.status != PaymentStatus.CANCELLED:
                _check_cancellable(row.status, state_of(connection, row))
                piece = self._evidence(Channel.DECISION, "cancel", Decision.CANCEL)
                facts = {"reason": reason} if reason else None
                record(connection, self.clock, [(row.id, NewEvidence(piece, "", actor, facts))])
            return self.fresh(connection, row.id)

        return await self._changed(payment_id, unit)

    async def decide(
        self,
        tenant: str,
        payment_id: str,
        reason: ReviewReason,
        decision: Decision,
        actor: str,
    ) -> PaymentView:
        """Answer every open question of one kind (finance desk).

        Raises:
            Problem: ``conflict`` when there is no such question.
        """

        def unit(connection: Connection) -> PaymentView:
            row = self.locked(connection, tenant, payment_id)
            state = state_of(connection, row)
            subjects = [q.subject for q in state.questions if q.reason == reason]
            if not subjects:
                raise Problem("conflict", "Không có câu hỏi này.", "There is no such question.")
            pieces = [
                self._evidence(
                    Channel.DECISION,
                    f"{reason}:{subject}",
                    decision,
                    subject=subject,
                    reason=str(reason),
                )
                for subject in subjects
            ]
            new = [(row.id, NewEvidence(piece, "", actor)) for piece in pieces]
            record(connection, self.clock, new)
            return self.fresh(connection, row.id)

        return await self._changed(payment_id, unit)

    # -------------------------------------------------------------- money by hand

    def take_cash(
        self, connection: Connection, tenant: str, payment_id: str, cash: Cash, actor: str
    ) -> PaymentView:
        """Record cash in the caller's unit; the caller then calls ``announce``.

        Raises:
            Problem: ``receipt_number_used`` when the number stands for another amount.
        """
        row = self.locked(connection, tenant, payment_id)
        key = f"{row.agency_code}:{cash.place}:{cash.receipt_number}"
        for known in timeline_rows(connection, row.id):
            if (known.channel, known.key) == (Channel.COUNTER, key) and known.amount != cash.amount:
                raise Problem("receipt_number_used")
        piece = Evidence(
            key=key,
            channel=Channel.COUNTER,
            says="received",
            received_at=self.clock.now(),
            account=cash.place,
            amount=cash.amount,
            occurred_at=cash.collected_at,
        )
        facts = {"collected_by": cash.collected_by, "receipt_number": cash.receipt_number}
        if cash.note:
            facts["note"] = cash.note
        new = NewEvidence(piece, cash.receipt_number, actor, facts)
        record(connection, self.clock, [(row.id, new)])
        return self.fresh(connection, row.id)

    async def orphans(self, limit: int = 100) -> Sequence[Row[Any]]:
        """Money that nobody could be named for, oldest first (finance desk)."""
        return await self.database.read(lambda c: list_orphans(c, limit))

    async def attach_orphan(
        self, tenant: str, orphan_id: str, payment_id: str, actor: str
    ) -> PaymentView:
        """Give money that nobody claimed to a payment: its own evidence moves there.

        Raises:
            Problem: ``not_found``; ``conflict`` when it belongs to a payment already.
        """

        def unit(connection: Connection) -> PaymentView:
            row = self.locked(connection, tenant, payment_id)
            orphan = lock_orphan(connection, orphan_id)
            decision = self._evidence(
                Channel.DECISION,
                f"attach:{orphan_id}",
                Decision.ATTACH,
                amount=orphan.amount,
                subject=orphan_id,
            )
            new = [orphan_evidence(orphan), NewEvidence(decision, "", actor)]
            record(connection, self.clock, [(row.id, item) for item in new])
            mark_attached(connection, orphan, row.id, actor, self.clock.now())
            return self.fresh(connection, row.id)

        return await self._changed(payment_id, unit)

    # -------------------------------------------------------------- shared by the services

    def locked(self, connection: Connection, tenant: str, payment_id: str) -> Row[Any]:
        """A payment of this tenant, held until the transaction ends."""
        row = find_payment(connection, tenant, payment_id)
        return lock_payments(connection, [row.id])[row.id]

    def fresh(self, connection: Connection, payment_id: str) -> PaymentView:
        """A payment's view inside the transaction that changed it."""
        row = lock_payments(connection, [payment_id])[payment_id]
        return self.renderer.payments(connection, [row])[0]

    def announce(self, *payment_ids: str) -> None:
        """After a commit: wake deliveries and whoever watches these payments."""
        self.waker.wake(TOPIC)
        for payment_id in payment_ids:
            self.live.notify(payment_id)

    def announce_all(self, recording: Recording) -> None:
        """The same for everything a recording changed."""
        if recording.states:
            self.announce(*recording.states)

    async def _changed(self, payment_id: str, unit: Any) -> PaymentView:
        view: PaymentView = await self.database.write(unit)
        self.announce(payment_id)
        return view

    def _evidence(self, channel: Channel, key: str, says: str, **more: Any) -> Evidence:
        return Evidence(key=key, channel=channel, says=says, received_at=self.clock.now(), **more)


def _check_cancellable(status: str, state: PaymentState) -> None:
    position = money_position(state)
    if status in (PaymentStatus.PAID, PaymentStatus.NOT_DUE, PaymentStatus.EXPIRED):
        raise closed(status, position)
    if any(
        attempt.status is not AttemptStatus.PENDING and attempt.doubtful
        for attempt in state.attempts
    ):
        raise in_doubt(position)
