"""A payment's state is a fold over its evidence: any order, any duplication, the same state.

Owns the one pure function ``fold`` and the questions it leaves to people. It follows the law of
the house: money counts once, never goes down without evidence, and a time-out is no failure.

Decisions written down here:

* money that a provider calls suspicious is *held*: it is shown, not counted, until the provider
  clears it or an official accepts it;
* a success that is contradicted stays counted and raises ``amount_mismatch``;
* past the deadline a payment stays ``processing`` while an attempt's outcome is unknown;
* a cancelled or not-due payment owes nothing, so all its money is surplus.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.payments.attempt_states import AttemptState, fold_attempt
from gateway.payments.evidence import Attempt, Evidence, Obligation
from gateway.payments.facts import Fact, answers, gather_facts, question_subject
from gateway.payments.refund_states import RefundState, fold_refunds
from gateway.payments.statuses import (
    DOUBTFUL_ATTEMPTS,
    OPEN_ATTEMPTS,
    Channel,
    Decision,
    PaymentStatus,
    RefundStatus,
    ReviewReason,
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can decide; ``subject`` is what the decision must name."""

    reason: ReviewReason
    subject: str


@dataclass(frozen=True, slots=True)
class PaymentState:
    """Everything that follows from the evidence. ``due`` is 0 once nothing is owed."""

    status: PaymentStatus
    due: int
    collected: int
    refunded: int
    surplus: int
    held: int
    late: bool
    questions: tuple[Question, ...]
    paid_at: datetime | None
    settled_at: datetime | None
    facts: tuple[Fact, ...]
    attempts: tuple[AttemptState, ...]
    refunds: tuple[RefundState, ...]

    @property
    def review(self) -> tuple[ReviewReason, ...]:
        """The open questions as the API lists them."""
        return tuple(sorted({question.reason for question in self.questions}))

    @property
    def rest(self) -> int:
        """What is still to be paid."""
        return max(0, self.due - self.collected)

    def attempt(self, attempt_id: str) -> AttemptState:
        """The state of one attempt."""
        return next(state for state in self.attempts if state.id == attempt_id)


@dataclass(frozen=True, slots=True)
class _Case:
    """What the evidence says beside money; a reading aid of ``fold``."""

    obligation: Obligation
    evidence: tuple[Evidence, ...]
    expired_at: datetime | None
    cancelled: bool

    @property
    def due(self) -> int:
        return 0 if self.cancelled else self.obligation.amount


def fold(
    obligation: Obligation, attempts: Iterable[Attempt], evidence: Iterable[Evidence]
) -> PaymentState:
    """Derive the state of a payment from the set of its evidence."""
    known = {attempt.id: attempt for attempt in attempts}
    pieces = tuple(evidence)
    case = _Case(
        obligation=obligation,
        evidence=pieces,
        expired_at=min(
            (e.received_at for e in pieces if e.channel is Channel.CLOCK and not e.attempt),
            default=None,
        ),
        cancelled=any(e.channel is Channel.DECISION and e.says == Decision.CANCEL for e in pieces),
    )
    facts = gather_facts(known, pieces)
    states = _fold_attempts(known, pieces, facts)
    refunds = fold_refunds(pieces)
    collected = sum(fact.amount for fact in facts)
    refunded = sum(r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED)
    surplus = max(0, collected - case.due - refunded) if collected > case.due else 0
    needed = _needed(facts, case.due)
    paid = case.due > 0 and collected >= case.due
    return PaymentState(
        status=_status(case, states, collected),
        due=case.due,
        collected=collected,
        refunded=refunded,
        surplus=surplus,
        held=sum(fact.held for fact in facts),
        late=any(_is_late(case, fact) for fact in needed),
        questions=_questions(case, known, facts, states, surplus),
        paid_at=needed[-1].at if paid else None,
        settled_at=_settled_at(needed) if paid else None,
        facts=facts,
        attempts=states,
        refunds=refunds,
    )


def _fold_attempts(
    known: Mapping[str, Attempt], pieces: Sequence[Evidence], facts: Sequence[Fact]
) -> tuple[AttemptState, ...]:
    return tuple(
        fold_attempt(
            attempt,
            [e for e in pieces if e.attempt == attempt.id],
            [fact for fact in facts if fact.attempt == attempt.id],
        )
        for _, attempt in sorted(known.items())
    )


def _status(case: _Case, states: Sequence[AttemptState], collected: int) -> PaymentStatus:
    if case.cancelled:
        return PaymentStatus.CANCELLED
    if case.obligation.amount == 0:
        return PaymentStatus.NOT_DUE
    if collected >= case.due:
        return PaymentStatus.PAID
    if case.expired_at is not None:
        in_doubt = any(state.status in DOUBTFUL_ATTEMPTS for state in states)
        return PaymentStatus.PROCESSING if in_doubt else PaymentStatus.EXPIRED
    if collected:
        return PaymentStatus.PARTIALLY_PAID
    trying = any(state.status in OPEN_ATTEMPTS | DOUBTFUL_ATTEMPTS for state in states)
    return PaymentStatus.PROCESSING if trying else PaymentStatus.PENDING


def _needed(facts: Sequence[Fact], due: int) -> list[Fact]:
    """The facts that pay the due amount, first come first served; the last completes it."""
    chosen: list[Fact] = []
    covered = 0
    for fact in facts:
        if covered < due and fact.amount:
            chosen.append(fact)
            covered += fact.amount
    return chosen


def _is_late(case: _Case, fact: Fact) -> bool:
    """Paid after the deadline, or heard of only after we had declared the payment expired."""
    if fact.at > case.obligation.expires_at:
        return True
    return case.expired_at is not None and fact.received_at > case.expired_at


def _settled_at(needed: Sequence[Fact]) -> datetime | None:
    """When the last of the money needed was seen on a statement."""
    moments = [fact.settled_at for fact in needed if fact.settled_at is not None]
    return max(moments) if len(moments) == len(needed) else None


def _questions(
    case: _Case,
    known: Mapping[str, Attempt],
    facts: Sequence[Fact],
    states: Sequence[AttemptState],
    surplus: int,
) -> tuple[Question, ...]:
    asked = {
        *_surplus_questions(case, known, facts, surplus),
        *_mismatch_questions(case, known, facts, states),
    }
    for fact in facts:
        subject = question_subject(fact.attempt, fact.id)
        if fact.amount and case.due and _is_late(case, fact):
            asked.add(Question(ReviewReason.LATE_PAYMENT, subject))
        if fact.held:
            asked.add(Question(ReviewReason.PROVIDER_SUSPECTS_FRAUD, subject))
    still_open = (q for q in asked if q.subject not in answers(case.evidence, q.reason))
    return tuple(sorted(still_open, key=lambda q: (q.reason, q.subject)))


def _surplus_questions(
    case: _Case, known: Mapping[str, Attempt], facts: Sequence[Fact], surplus: int
) -> Iterable[Question]:
    """Why there is more than is due; a new sum is a new question."""
    if not surplus:
        return
    sums = [fact.amount for fact in facts if fact.amount]
    subject = str(sum(sums))
    if case.cancelled:
        yield Question(ReviewReason.PAID_AFTER_CANCEL, subject)
        return
    twice = len(sums) > 1 and sum(sums) - min(sums) >= case.due
    if twice:
        yield Question(ReviewReason.DUPLICATE_PAYMENT, subject)
    if not twice or any(_deviation(known, fact) > 0 for fact in facts):
        yield Question(ReviewReason.OVERPAID, subject)


def _mismatch_questions(
    case: _Case,
    known: Mapping[str, Attempt],
    facts: Sequence[Fact],
    states: Sequence[AttemptState],
) -> Iterable[Question]:
    """Reports that disagree with the attempt or with each other.

    Different sums that together pay exactly what is due leave nothing to ask.
    """
    settled_itself = sum(fact.amount for fact in facts) == case.due
    disputed = {state.id for state in states if state.contradicted}
    for fact in facts:
        subject = question_subject(fact.attempt, fact.id)
        differs = bool(fact.amount) and _deviation(known, fact) != 0 and not settled_itself
        if fact.contradicted or fact.attempt in disputed or differs:
            yield Question(ReviewReason.AMOUNT_MISMATCH, f"{subject}:{fact.amount}")


def _deviation(known: Mapping[str, Attempt], fact: Fact) -> int:
    """How far a fact is from what its attempt asked for."""
    attempt = known.get(fact.attempt or "")
    return fact.amount + fact.returned - attempt.amount if attempt else 0
