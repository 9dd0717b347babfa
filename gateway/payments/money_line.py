"""The money line: one sentence that tells, from evidence alone, where the citizen's money is.

Follows the pages guide, component C1. Its promise: *no money has been taken* is said only when
no attempt was dispatched, or when the provider itself, asked by us, finally said that it took
nothing. Leaves the words to ``texts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.payments.facts import Fact
from gateway.payments.rules import PaymentState
from gateway.payments.statuses import (
    OPEN_ATTEMPTS,
    AttemptStatus,
    MoneyPosition,
    PaymentStatus,
    RefundStatus,
)


class LineKey(StrEnum):
    """The nine sentences."""

    NOT_DISPATCHED = "M0"
    NOT_RECEIVED = "M1"  # our side only: says nothing about the bank's side
    UNKNOWN = "M2"
    FULL = "M3"
    PART = "M4"
    OVER = "M5"
    REFUND_SENT = "M6"
    REFUNDED = "M7"
    DECLINED = "M8"


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """The sentence and its values; ``account`` names whose word it is."""

    key: LineKey
    amount: int = 0
    total: int = 0
    rest: int = 0
    at: datetime | None = None
    account: str = ""


def money_line(state: PaymentState) -> MoneyLine:
    """Choose the sentence for a payment."""
    return _way_back(state) or _received(state) or _nothing_received(state)


def money_position(state: PaymentState) -> MoneyPosition:
    """The same truth in three words, for problem answers."""
    key = money_line(state).key
    if state.held or state.collected > state.refunded:
        return MoneyPosition.TAKEN
    if key in (LineKey.NOT_RECEIVED, LineKey.UNKNOWN, LineKey.REFUND_SENT):
        return MoneyPosition.MAY_BE_TAKEN
    return MoneyPosition.NONE_TAKEN


def _way_back(state: PaymentState) -> MoneyLine | None:
    """Money going back is what the citizen waits for, so it is said first."""
    moving = [refund for refund in state.refunds if refund.moving]
    if moving:
        total = sum(refund.amount for refund in moving)
        return MoneyLine(LineKey.REFUND_SENT, amount=total, account=moving[-1].account)
    done = [r for r in state.refunds if r.status is RefundStatus.SUCCEEDED]
    if not done or state.surplus or _is_in_doubt(state):
        return None
    last = max((refund.finished_at for refund in done if refund.finished_at), default=None)
    return MoneyLine(LineKey.REFUNDED, amount=state.refunded, at=last, account=done[-1].account)


def _received(state: PaymentState) -> MoneyLine | None:
    if state.surplus:
        return MoneyLine(LineKey.OVER, amount=state.surplus, total=state.due)
    if state.status is PaymentStatus.PAID:
        return MoneyLine(LineKey.FULL, amount=state.due, total=state.due)
    if state.collected and not _is_in_doubt(state):
        return MoneyLine(LineKey.PART, amount=state.collected, total=state.due, rest=state.rest)
    return None


def _nothing_received(state: PaymentState) -> MoneyLine:
    tried = [attempt for attempt in state.attempts if attempt.dispatched]
    if _is_in_doubt(state):
        return MoneyLine(LineKey.UNKNOWN)
    if all(a.denied_when_asked and a.status is not AttemptStatus.FAILED for a in tried):
        return MoneyLine(LineKey.NOT_DISPATCHED)
    if all(attempt.denied for attempt in tried):
        return MoneyLine(LineKey.DECLINED, account=tried[-1].account)
    reversed_ = [fact for fact in state.facts if fact.returned]
    if reversed_ and not any(attempt.status in OPEN_ATTEMPTS for attempt in tried):
        return _reversed(reversed_)
    return MoneyLine(LineKey.NOT_RECEIVED)


def _reversed(facts: Sequence[Fact]) -> MoneyLine:
    """The provider took the money and gave it back by itself."""
    return MoneyLine(
        LineKey.REFUNDED,
        amount=sum(fact.returned for fact in facts),
        at=max(fact.returned_at for fact in facts if fact.returned_at),
        account=facts[-1].account,
    )


def _is_in_doubt(state: PaymentState) -> bool:
    return bool(state.held) or any(attempt.doubtful for attempt in state.attempts)
