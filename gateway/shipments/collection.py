"""The money lane: what became of the money the carrier collects at the door.

Owns the fold of the carrier's money events, statement lines and decisions. Never touches the
movement, and never lets money go down: of several reports of one collection the largest counts
and their difference asks. ``remitted`` sums statement lines; postage is settled elsewhere.
Follows QĐ 45/2016/QĐ-TTg Điều 11 and Điều 15.2 (collected fees are paid over in full).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from connectors.contract import MoneyLane, Movement
from gateway.shipments.facts import CarrierFact, Fact, MoneyFact, Terms
from gateway.shipments.movement import Question, distinct_events
from gateway.shipments.statuses import MoneyStep, QuestionKind


@dataclass(slots=True)
class Collection:
    """The money lane after the fold; amounts in đồng."""

    lane: MoneyLane
    due_vnd: int
    collected_vnd: int = 0
    remitted_vnd: int = 0
    collected_at: datetime | None = None
    remitted_at: datetime | None = None
    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Word:
    """One report about the money, from whichever side."""

    step: MoneyStep
    at: datetime
    key: str
    amount_vnd: int | None


_LINE = "line:"
_STEPS = {
    MoneyLane.COLLECTED: MoneyStep.COLLECTED,
    MoneyLane.REMITTED: MoneyStep.REMITTED,
    MoneyLane.RECONCILED: MoneyStep.RECONCILED,
    MoneyLane.WAIVED: MoneyStep.WAIVED,
    MoneyLane.REFUNDED: MoneyStep.REFUNDED,
    MoneyLane.COMPENSATED: MoneyStep.COMPENSATED,
}


def fold_collection(terms: Terms, facts: Iterable[Fact], movement: Movement) -> Collection:
    """Fold every fact about the money.

    ``movement`` is only looked at to ask why a delivered parcel has no word about its money.
    """
    words = _words(facts)
    steps = {word.step for word in words}
    waived = MoneyStep.WAIVED in steps
    collection = Collection(MoneyLane.NONE, 0 if waived else terms.collect_vnd)
    _collect(collection, terms, [word for word in words if word.step is MoneyStep.COLLECTED])
    _remit(collection, [word for word in words if word.step is MoneyStep.REMITTED])
    collection.lane = _lane(collection, steps)
    if movement is Movement.DELIVERED and collection.lane is MoneyLane.DUE:
        collection.questions.append(Question(QuestionKind.COLLECTION_UNREPORTED))
    return collection


def _words(facts: Iterable[Fact]) -> list[_Word]:
    facts = list(facts)
    events = distinct_events(fact for fact in facts if isinstance(fact, CarrierFact))
    words = {
        _Word(_STEPS[e.money], e.at, f"event:{e.event_key}", e.amount_vnd)
        for e in (fact.event for fact in events)
        if e.money in _STEPS
    }
    words |= {
        _Word(fact.step, fact.at, f"{_LINE}{fact.key}", fact.amount_vnd)
        for fact in facts
        if isinstance(fact, MoneyFact)
    }
    return sorted(
        words,
        key=lambda w: (w.at, w.key, w.step, w.amount_vnd is None, w.amount_vnd or 0),
    )


def _collect(collection: Collection, terms: Terms, words: list[_Word]) -> None:
    """A report without an amount speaks of what was due; with nothing due it says nothing."""
    counted = [word for word in words if word.amount_vnd or terms.collect_vnd]
    if not counted:
        return
    amounts = {
        terms.collect_vnd if word.amount_vnd is None else word.amount_vnd for word in counted
    }
    collection.collected_vnd = max(amounts)
    collection.collected_at = counted[0].at
    if len(amounts) > 1:
        collection.questions.append(Question(QuestionKind.AMOUNTS_DIFFER))
    if collection.collected_vnd < collection.due_vnd:
        collection.questions.append(Question(QuestionKind.COLLECTED_SHORT))
    elif collection.collected_vnd > collection.due_vnd:
        collection.questions.append(Question(QuestionKind.COLLECTED_OVER))


def _remit(collection: Collection, words: list[_Word]) -> None:
    """Statement lines add up, each once; the carrier's bare word speaks of the whole."""
    if not words:
        return
    collection.remitted_at = words[0].at
    told = {word.key: word.amount_vnd for word in words if word.amount_vnd is not None}
    lines = [amount for key, amount in told.items() if key.startswith(_LINE)]
    expected = collection.collected_vnd or collection.due_vnd
    if not told:
        collection.remitted_vnd = expected
        return
    collection.remitted_vnd = sum(lines) if lines else max(told.values())
    if collection.remitted_vnd < expected:
        collection.questions.append(Question(QuestionKind.REMITTED_SHORT))
    elif collection.remitted_vnd > expected:
        collection.questions.append(Question(QuestionKind.REMITTED_OVER))


# The first of these that anything speaks of is where the money is.
_LANES = (
    (MoneyStep.COMPENSATED, MoneyLane.COMPENSATED),
    (MoneyStep.REFUNDED, MoneyLane.REFUNDED),
    (QuestionKind.COLLECTED_SHORT, MoneyLane.SHORT),
    (QuestionKind.REMITTED_SHORT, MoneyLane.SHORT),
    (QuestionKind.COLLECTED_OVER, MoneyLane.OVER),
    (QuestionKind.REMITTED_OVER, MoneyLane.OVER),
    (MoneyStep.RECONCILED, MoneyLane.RECONCILED),
    (MoneyStep.REMITTED, MoneyLane.REMITTED),
    (MoneyStep.COLLECTED, MoneyLane.COLLECTED),
    (MoneyStep.WAIVED, MoneyLane.WAIVED),
)


def _lane(collection: Collection, steps: set[MoneyStep]) -> MoneyLane:
    said: set[MoneyStep | QuestionKind] = {*steps, *(q.kind for q in collection.questions)}
    if collection.collected_at is None:
        said.discard(MoneyStep.COLLECTED)  # spoken of, but nothing was due
    for word, lane in _LANES:
        if word in said:
            return lane
    return MoneyLane.DUE if collection.due_vnd else MoneyLane.NONE
