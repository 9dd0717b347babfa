"""What a portal is told when a payment's state changes.

Owns the names of payment events, as a pure comparison of before and after; leaves logging them
to ``recording``. Money that went back from a payment is told as ``payment.partially_paid``: less
than due is collected, whatever the status is called then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.payments.rules import PaymentState
from gateway.payments.statuses import PaymentStatus

_TOLD = frozenset(
    {
        PaymentStatus.PROCESSING,
        PaymentStatus.PARTIALLY_PAID,
        PaymentStatus.PAID,
        PaymentStatus.EXPIRED,
        PaymentStatus.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class Known:
    """What was last kept of a payment."""

    status: str
    collected: int
    surplus: int
    settled_at: datetime | None


def payment_news(before: Known, state: PaymentState) -> tuple[str, ...]:
    """The events of one change, in the order in which they are told."""
    found = []
    if state.status != before.status and state.status in _TOLD:
        found.append(f"payment.{state.status}")
    elif _money_moved(before, state):
        found.append("payment.partially_paid")
    if state.surplus > before.surplus:
        found.append("payment.surplus")
    if state.settled_at is not None and before.settled_at is None:
        found.append("payment.settled")
    return tuple(found)


def _money_moved(before: Known, state: PaymentState) -> bool:
    """Some came without completing the sum, or some went back."""
    still_partial = state.status is PaymentStatus.PARTIALLY_PAID
    went_back = state.collected < before.collected and state.rest > 0
    return went_back or (still_partial and state.collected != before.collected)
