"""Money on its way back: one refund's status, and what all refunds come to.

Owns the fold over refund steps and the limits of a new refund; leaves the calls to ``refunds``.
The steps follow payments.md §15: requested → submitted → processing → succeeded | rejected |
unknown; unknown is resolved by asking only. What is not rejected is reserved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.payments.evidence import Evidence
from gateway.payments.facts import Fact
from gateway.payments.statuses import Channel, RefundStatus, RefundStep

_STRONGEST_FIRST = (
    (RefundStep.SUCCEEDED, RefundStatus.SUCCEEDED),
    (RefundStep.REJECTED, RefundStatus.REJECTED),
    (RefundStep.PROCESSING, RefundStatus.PROCESSING),
    (RefundStep.UNKNOWN, RefundStatus.UNKNOWN),
    (RefundStep.SUBMITTED, RefundStatus.SUBMITTED),
    (RefundStep.APPROVED, RefundStatus.APPROVED),
)
_ON_ITS_WAY = frozenset({RefundStatus.SUBMITTED, RefundStatus.PROCESSING, RefundStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class RefundState:
    """One refund: ``reserved`` while it may still happen, ``moving`` once it was sent."""

    id: str
    attempt: str | None
    account: str
    amount: int
    status: RefundStatus
    finished_at: datetime | None

    @property
    def moving(self) -> bool:
        """Sent, and neither confirmed nor refused."""
        return self.status in _ON_ITS_WAY

    @property
    def reserved(self) -> int:
        """What it takes from the amount that may still be refunded."""
        return 0 if self.status is RefundStatus.REJECTED else self.amount


def fold_refunds(evidence: Iterable[Evidence]) -> tuple[RefundState, ...]:
    """Every refund named by the evidence, by id."""
    steps: dict[str, list[Evidence]] = {}
    for piece in evidence:
        if piece.channel is Channel.REFUND and piece.subject:
            steps.setdefault(piece.subject, []).append(piece)
    return tuple(_fold_refund(name, group) for name, group in sorted(steps.items()))


def _fold_refund(name: str, steps: list[Evidence]) -> RefundState:
    said = {step.says for step in steps}
    status = RefundStatus.REQUESTED
    for step, meant in _STRONGEST_FIRST:
        if step in said:
            status = meant
            break
    last = [s.at for s in steps if s.says == status.value]
    finished = status in (RefundStatus.SUCCEEDED, RefundStatus.REJECTED)
    return RefundState(
        id=name,
        attempt=max((step.attempt for step in steps if step.attempt), default=None),
        account=max(step.account for step in steps),
        amount=max((step.amount or 0 for step in steps), default=0),
        status=status,
        finished_at=min(last) if finished else None,
    )


def refundable(collected: int, refunds: Iterable[RefundState]) -> int:
    """What may still be refunded: never more than was collected, reservations counted."""
    return max(0, collected - sum(refund.reserved for refund in refunds))


def left_of(fact: Fact, facts: Iterable[Fact], refunds: Iterable[RefundState]) -> int:
    """What may still go back the way a fact came: its attempt's other refunds counted."""
    came = sum(other.amount for other in facts if other.attempt == fact.attempt)
    went = sum(refund.reserved for refund in refunds if refund.attempt == fact.attempt)
    return max(0, min(fact.amount, came - went))
