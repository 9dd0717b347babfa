"""A shipment's state is a fold over its evidence: three lanes that never touch one another.

Owns ``fold`` (movement, money, papers, cancellation, open questions, the legal due date), what a
change of state announces, and the few questions the service asks before it acts. Pure: any order
and any duplication of the same facts gives the same state. Leaves each lane's detail to
``movement``, ``collection`` and ``deadlines``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from connectors.contract import CancelOutcome, MoneyLane, Movement, ParcelEvent
from gateway.shipments.collection import Collection, fold_collection
from gateway.shipments.deadlines import NoLimit, PostalLaw
from gateway.shipments.facts import (
    CancelFact,
    CarrierFact,
    Fact,
    PaperFact,
    Proof,
    Ruling,
    Terms,
    last_call,
)
from gateway.shipments.movement import (
    FINAL,
    Happening,
    Question,
    Track,
    fold_movement,
    vietnam_day,
)
from gateway.shipments.statuses import (
    CallStep,
    CancelState,
    PapersLane,
    QuestionKind,
    ShipmentKind,
)

_GOES_TO_CITIZEN: Final = frozenset({ShipmentKind.RESULT_DELIVERY, ShipmentKind.ROUND_TRIP})


@dataclass(frozen=True, slots=True)
class ShipmentState:
    """Everything that follows from the evidence so far; equal evidence, equal state."""

    movement: Movement
    movement_since: datetime | None
    money: MoneyLane
    papers: PapersLane
    cancel: CancelState
    questions: tuple[Question, ...]
    failed_attempts: int
    invitations: tuple[date, ...]
    accepted_at: datetime | None
    due_on: date | None
    due_paused: bool
    due_vnd: int
    collected_vnd: int
    remitted_vnd: int
    collected_at: datetime | None
    remitted_at: datetime | None
    handover_signed_at: datetime | None
    proof: Proof | None
    withdrawal_open: bool
    item_code: str | None
    distinct_events: int
    history: tuple[Happening, ...]

    @property
    def is_over(self) -> bool:
        """Whether the parcel's way has ended."""
        return self.movement in FINAL or self.movement is Movement.CANCELLED


def fold(terms: Terms, facts: Iterable[Fact], law: PostalLaw | None = None) -> ShipmentState:
    """The state of a shipment.

    Args:
        terms: What was agreed when it was ordered.
        facts: Everything known, in any order, with any repetition.
        law: The legal tables; without them there is no due date and no return rule.
    """
    facts = list(dict.fromkeys(facts))
    track = fold_movement(facts)
    collection = fold_collection(terms, facts, track.movement)
    papers = [fact for fact in facts if isinstance(fact, PaperFact)]
    lane = _papers_lane(papers, track.movement, track.accepted_at)
    signed = _first(papers, PapersLane.HANDED_OVER)
    accepted_at = signed or track.accepted_at
    proofs = [fact for fact in papers if fact.proof]
    return ShipmentState(
        movement=track.movement,
        movement_since=track.since,
        money=collection.lane,
        papers=lane,
        cancel=_cancel_state(facts, track.movement),
        questions=_open_questions(terms, track, collection, facts, law),
        failed_attempts=len(track.attempts),
        invitations=tuple(sorted(track.invitations)),
        accepted_at=accepted_at,
        due_on=_due_on(terms, accepted_at, track, law),
        due_paused=track.on_hold_since is not None,
        due_vnd=collection.due_vnd,
        collected_vnd=collection.collected_vnd,
        remitted_vnd=collection.remitted_vnd,
        collected_at=collection.collected_at,
        remitted_at=collection.remitted_at,
        handover_signed_at=signed,
        proof=min(proofs, key=lambda fact: (fact.at, repr(fact))).proof if proofs else None,
        withdrawal_open=terms.withdraw and lane is PapersLane.DELIVERED,
        item_code=track.item_code,
        distinct_events=track.distinct_events,
        history=track.history,
    )


def fold_events(events: Sequence[ParcelEvent]) -> ShipmentState:
    """The state that follows from a carrier's events alone: what vector files speak of."""
    return fold(Terms(), [CarrierFact(event) for event in events])


# ------------------------------------------------------------------ lanes


_IMPLIED: Final = {
    Movement.DELIVERED: PapersLane.DELIVERED,
    Movement.RETURNED: PapersLane.RETURNED,
}
_PAPERS_ORDER: Final = tuple(PapersLane)


def _papers_lane(
    papers: Sequence[PaperFact], movement: Movement, accepted_at: datetime | None
) -> PapersLane:
    """The furthest step attested, or implied by where the parcel is."""
    implied = _IMPLIED.get(movement, PapersLane.HANDED_OVER if accepted_at else PapersLane.LISTED)
    steps = {implied, *(fact.step for fact in papers)}
    return max(steps, key=_PAPERS_ORDER.index)


def _first(papers: Sequence[PaperFact], step: PapersLane) -> datetime | None:
    return min((fact.at for fact in papers if fact.step is step), default=None)


_CANCEL_ORDER: Final = (None, CancelOutcome.WAITING, CancelOutcome.REFUSED, CancelOutcome.ACCEPTED)
_CANCEL_STATES: Final = {
    None: CancelState.REQUESTED,
    CancelOutcome.WAITING: CancelState.WAITING,
    CancelOutcome.REFUSED: CancelState.REFUSED,
    CancelOutcome.ACCEPTED: CancelState.ACCEPTED,
}


def _cancel_state(facts: Sequence[Fact], movement: Movement) -> CancelState:
    """The last word on a cancellation; the parcel itself has the very last."""
    cancels = [fact for fact in facts if isinstance(fact, CancelFact)]
    if movement is Movement.CANCELLED:
        return CancelState.ACCEPTED
    if not cancels:
        return CancelState.NONE
    last = max(cancels, key=lambda fact: (fact.at, _CANCEL_ORDER.index(fact.outcome)))
    state = _CANCEL_STATES[last.outcome]
    return CancelState.REFUSED if movement in FINAL else state


def _due_on(
    terms: Terms, accepted_at: datetime | None, track: Track, law: PostalLaw | None
) -> date | None:
    if law is None or accepted_at is None or not terms.scope:
        return None
    try:
        return law.due_date(
            vietnam_day(accepted_at),
            terms.scope,
            with_appointment_slip=terms.with_appointment_slip,
            paused=frozenset(track.paused),
        )
    except NoLimit:
        return None


def _open_questions(
    terms: Terms,
    track: Track,
    collection: Collection,
    facts: Sequence[Fact],
    law: PostalLaw | None,
) -> tuple[Question, ...]:
    asked = {*track.questions, *collection.questions}
    recalled = any(isinstance(fact, CancelFact) for fact in facts)
    if not recalled and terms.kind in _GOES_TO_CITIZEN and _went_back_early(track, law):
        asked.add(Question(QuestionKind.RETURNED_TOO_EARLY, track.going_back_since))
    closed = {name for fact in facts if isinstance(fact, Ruling) for name in fact.closes}
    still_open = (question for question in asked if question.id not in closed)
    return tuple(sorted(still_open, key=lambda question: question.id))


def _went_back_early(track: Track, law: PostalLaw | None) -> bool:
    if law is None or not track.going_back_since:
        return False
    try:
        return not law.may_return(track.invitations)
    except NoLimit:
        return False


# ------------------------------------------------------------------ what a change announces


_ANNOUNCED: Final = {
    Movement.REGISTERED: "shipment.registered",
    Movement.PICKED_UP: "shipment.picked_up",
    Movement.IN_TRANSIT: "shipment.in_transit",
    Movement.AT_DELIVERY_OFFICE: "shipment.in_transit",
    Movement.OUT_FOR_DELIVERY: "shipment.out_for_delivery",
    Movement.DELIVERED: "shipment.delivered",
    Movement.RETURNED: "shipment.returned",
    Movement.EXCEPTION: "shipment.exception",
    Movement.LOST: "shipment.exception",
    Movement.DAMAGED: "shipment.exception",
}


def announce(before: ShipmentState | None, after: ShipmentState) -> tuple[str, ...]:
    """The webhook types of one change, in the order in which they are to be told."""
    told = []
    if before is None or before.movement is not after.movement:
        kind = _ANNOUNCED.get(after.movement)
        told_before = _ANNOUNCED.get(before.movement) if before else None
        if kind and kind != told_before:
            told.append(kind)
    if after.failed_attempts > (before.failed_attempts if before else 0):
        told.insert(0, "shipment.delivery_failed")
    if after.collected_at and not (before and before.collected_at):
        told.append("shipment.fee_collected")
    if after.remitted_at and not (before and before.remitted_at):
        told.append("shipment.fee_remitted")
    return tuple(told)


# ------------------------------------------------------------------ before acting


def may_order(facts: Iterable[Fact]) -> bool:
    """Whether an order call may go out: never while an earlier one may have been done."""
    last = last_call(facts)
    return last is None or last.step in {CallStep.NOT_SENT, CallStep.ABSENT}


def must_look_up(facts: Iterable[Fact], now: datetime, patience: timedelta) -> bool:
    """Whether our order's outcome has to be asked for, by look-up with the same reference.

    A call that began and never ended (the process died) is unknown after ``patience``.
    """
    last = last_call(facts)
    if last is None or last.step not in {CallStep.UNKNOWN, CallStep.BEGUN}:
        return False
    return last.step is CallStep.UNKNOWN or now - last.at >= patience
