"""What a citizen's page is about: one look at the database, and which page holds.

Owns the snapshot behind every payment page and the choice of the result's state, purely from
evidence; leaves words and HTML to the views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from gateway.payments.attempt_states import AttemptState
from gateway.payments.checkout.result_view import ResultState
from gateway.payments.evidence_store import as_evidence, timeline_rows
from gateway.payments.rules import PaymentState, fold
from gateway.payments.statuses import (
    AttemptStatus,
    Channel,
    PaymentStatus,
    RefundStatus,
    ReviewReason,
)
from gateway.payments.store import (
    as_attempt,
    attempts_of,
    find_by_token,
    obligation_of,
    refunds_of,
)

TRANSFER = ("qr", "transfer")
"""Actions done in the citizen's own banking app."""
AWAY = ("redirect", "deeplink")
"""Actions done on somebody else's page."""

_CONFIRMING = timedelta(seconds=60)
_PAYING_AGAIN = frozenset(
    {ResultState.PARTIAL, ResultState.DECLINED, ResultState.CANCELLED_BY_PAYER}
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A payment as one transaction saw it."""

    row: Row[Any]
    attempts: Sequence[Row[Any]]
    refunds: Sequence[Row[Any]]
    told: Sequence[Row[Any]]
    state: PaymentState

    @property
    def newest(self) -> Row[Any] | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    def open_with(self, *kinds: str) -> Row[Any] | None:
        """The latest attempt that waits for the citizen to do one of these things."""
        for attempt in reversed(self.attempts):
            if attempt.status == AttemptStatus.PENDING and attempt.action:
                return attempt if attempt.action.get("type") in kinds else None
        return None

    def newest_with(self, *kinds: str) -> Row[Any] | None:
        """The latest attempt of these kinds, open or not."""
        found = (a for a in reversed(self.attempts) if (a.action or {}).get("type") in kinds)
        return next(found, None)

    @property
    def portal_url(self) -> str:
        """Where the citizen came from."""
        newest = self.newest
        return (newest.return_url if newest else None) or self.row.return_url or ""


def take_snapshot(connection: Connection, token: str) -> Snapshot | None:
    """Read everything about the payment behind a link; None when there is none."""
    row = find_by_token(connection, token)
    if row is None:
        return None
    tried = attempts_of(connection, [row.id])[row.id]
    told = timeline_rows(connection, row.id)
    state = fold(
        obligation_of(row), [as_attempt(a) for a in tried], [as_evidence(one) for one in told]
    )
    return Snapshot(row, tried, refunds_of(connection, [row.id])[row.id], told, state)


def result_state(snapshot: Snapshot, now: datetime) -> ResultState | None:
    """What the result page says; None while there is nothing to tell but *pay*."""
    state = snapshot.state
    return (
        _about_refunds(state)
        or _about_money(state)
        or _about_doubt(snapshot, now)
        or _about_ends(state)
    )


def must_wait(found: ResultState | None) -> bool:
    """Whether paying (again) is not to be offered."""
    return found is not None and found not in _PAYING_AGAIN


def _about_refunds(state: PaymentState) -> ResultState | None:
    if any(refund.moving for refund in state.refunds):
        return ResultState.REFUNDING
    done = any(refund.status is RefundStatus.SUCCEEDED for refund in state.refunds)
    return ResultState.REFUNDED if done and not state.surplus else None


def _about_money(state: PaymentState) -> ResultState | None:
    if state.surplus:
        return ResultState.OVER
    if state.held:
        return ResultState.REVIEW
    if state.status is PaymentStatus.CANCELLED:
        return ResultState.CANCELLED_BY_AGENCY
    if state.status is PaymentStatus.PAID:
        return ResultState.PAID_LATE if state.late else ResultState.PAID
    return None


def _about_doubt(snapshot: Snapshot, now: datetime) -> ResultState | None:
    if not any(attempt.doubtful for attempt in snapshot.state.attempts):
        return None
    came_back = [t.received_at for t in snapshot.told if t.channel == Channel.RETURN]
    fresh = [attempt.created_at for attempt in snapshot.attempts[-1:]]
    recent = max([*came_back, *fresh], default=now)
    return ResultState.CONFIRMING if now - recent <= _CONFIRMING else ResultState.UNKNOWN


def _about_ends(state: PaymentState) -> ResultState | None:
    if state.status is PaymentStatus.EXPIRED:
        return ResultState.EXPIRED
    if state.status is PaymentStatus.PARTIALLY_PAID:
        return ResultState.PARTIAL
    last = state.attempts[-1] if state.attempts else None
    return _about_last(last) if last else None


def _about_last(last: AttemptState) -> ResultState | None:
    if last.status is AttemptStatus.CANCELLED:
        return ResultState.CANCELLED_BY_PAYER
    return ResultState.DECLINED if last.denied else None


def is_late_accepted(state: PaymentState) -> bool:
    """Whether an official has answered the question of late money."""
    return ReviewReason.LATE_PAYMENT not in state.review
