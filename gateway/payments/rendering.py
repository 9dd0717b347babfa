"""Rows → the API's views: the same for answers, lists and webhooks.

Owns the picture of payments, attempts, refunds and timelines; reads only what is kept, folds
nothing. Moments are shown in Vietnam's time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from connectors.contract import Action as ConnectorAction
from gateway.foundation.clock import iso
from gateway.payments.accounts import Accounts, Policy
from gateway.payments.evidence_store import as_evidence
from gateway.payments.shapes import (
    Action,
    AttemptView,
    PaymentView,
    RefundView,
    TimelineEntry,
)
from gateway.payments.store import attempts_of, payments_named, refunds_named, refunds_of
from gateway.payments.texts import evidence_text

_CLOSED_ATTEMPTS = frozenset({"succeeded", "failed", "expired", "cancelled"})


class Renderer:
    """Draws views; knows only how addresses are built and what accounts are called."""

    def __init__(self, policy: Policy, accounts: Accounts) -> None:
        self._policy = policy
        self._accounts = accounts

    def checkout_url(self, token: str) -> str:
        """The citizen's link."""
        return f"{self._policy.public_url}/pay/{token}"

    def payments(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[PaymentView]:
        """Payments with their attempts and refunds, in the order given."""
        ids = [row.id for row in rows]
        if not ids:
            return []
        tried, given_back = attempts_of(connection, ids), refunds_of(connection, ids)
        return [self.payment(row, tried[row.id], given_back[row.id]) for row in rows]

    def payment(
        self, row: Any, tried: Sequence[Any] = (), given_back: Sequence[Any] = ()
    ) -> PaymentView:
        """One payment."""
        return PaymentView(
            id=row.id,
            object="payment",
            status=row.status,
            reference=row.reference,
            procedure_code=row.procedure_code,
            agency_code=row.agency_code,
            channel=row.channel,
            amount=row.amount,
            amount_collected=row.collected,
            amount_refunded=row.refunded,
            amount_surplus=row.surplus,
            currency="VND",
            items=row.items,
            description=row.description,
            checkout_url=self.checkout_url(row.token),
            check_code=check_code(row.id),
            return_url=row.return_url,
            expires_at=iso(row.expires_at),
            paid_at=iso(row.paid_at) if row.paid_at else None,
            settled_at=iso(row.settled_at) if row.settled_at else None,
            late=row.late,
            review=sorted({reason for reason, _ in row.questions}),
            attempts=[self.attempt(attempt, row.token) for attempt in tried],
            refunds=[self.refund(refund) for refund in given_back],
            receipts=[],
            metadata=row.metadata,
            created_at=iso(row.created_at),
            sequence=row.sequence,
        )

    def attempt(self, row: Any, token: str) -> AttemptView:
        """One attempt; what can no longer be used is not shown."""
        action = Action(type="none")
        if row.action and row.status not in _CLOSED_ATTEMPTS:
            image = f"{self.checkout_url(token)}/qr.png" if row.action.get("qr_payload") else None
            action = msgspec.convert({**row.action, "qr_png_url": image}, Action)
        return AttemptView(
            id=row.id,
            object="attempt",
            status=row.status,
            account=row.account,
            provider=row.provider,
            provider_reference=row.reference,
            amount=row.amount,
            action=action,
            created_at=iso(row.created_at),
            expires_at=iso(row.expires_at),
        )

    def refund(self, row: Any) -> RefundView:
        """One refund."""
        waits = row.status == "requested" and row.approved_by is None
        return RefundView(
            id=row.id,
            object="refund",
            payment=row.payment_id,
            status=row.status,
            amount=row.amount,
            reason=row.reason,
            note=row.note,
            account=row.account,
            method="transfer" if row.by_hand else "provider",
            provider_reference=row.reference,
            destination=row.destination,
            requested_by=row.requested_by,
            approved_by=row.approved_by,
            needs_approval=waits,
            created_at=iso(row.created_at),
            sequence=row.sequence,
        )

    def timeline(self, rows: Sequence[Row[Any]]) -> list[TimelineEntry]:
        """Evidence in words, in both languages."""
        titles = self._accounts.every_title()
        return [_timeline_entry(row, titles) for row in rows]


def check_code(payment_id: str) -> str:
    """Four characters that must be the same on the portal, the slip and the payment page."""
    return payment_id[-4:].upper()


def stored_action(action: ConnectorAction) -> dict[str, Any]:
    """A connector's action as it is kept."""
    return {name: value for name, value in asdict(action).items() if value is not None}


def render_payments(
    renderer: Renderer, connection: Connection, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The API views of payments by id, as plain data for webhooks."""
    views = renderer.payments(connection, payments_named(connection, ids))
    return {view.id: msgspec.to_builtins(view) for view in views}


def render_refunds(
    renderer: Renderer, connection: Connection, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The API views of refunds by id, as plain data for webhooks."""
    rows = refunds_named(connection, ids)
    return {row.id: msgspec.to_builtins(renderer.refund(row)) for row in rows}


def _timeline_entry(row: Row[Any], titles: Mapping[str, str]) -> TimelineEntry:
    piece = as_evidence(row)
    return TimelineEntry(
        id=row.id,
        channel=row.channel,
        says=row.says,
        code=row.code,
        account=row.account,
        attempt=row.attempt_id,
        amount=row.amount,
        actor=row.actor,
        occurred_at=iso(piece.at),
        received_at=iso(row.received_at),
        text={language: evidence_text(piece, language, titles) for language in ("vi", "en")},
    )
