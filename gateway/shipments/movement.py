"""The movement lane: where a parcel is, folded from everything said about it.

Owns the order of events and what follows from a final state. Leaves money to ``collection`` and
the law's figures to ``deadlines``. The rules:

* events are ordered by the time they happened, not by arrival; at equal times by rank; an event
  time that lies after we heard of it counts as when we heard of it;
* the same code at the same time is the same event; an unknown code moves nothing and asks;
* ``delivered``, ``returned`` and ``lost`` are final: something newer that contradicts them asks,
  and the state stays, until an official rules;
* something newer than a cancellation opens the parcel again, and asks;
* before the carrier's first word, our own order call says where we stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.contract import CancelOutcome, Movement, ParcelEvent
from gateway.shipments.facts import CallFact, CancelFact, CarrierFact, Fact, Ruling, last_call
from gateway.shipments.statuses import CallStep, QuestionKind

VIETNAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")
FINAL: Final = frozenset({Movement.DELIVERED, Movement.RETURNED, Movement.LOST})
GOING_BACK: Final = frozenset({Movement.RETURN_PENDING, Movement.RETURNING, Movement.RETURNED})

_BEFORE_ACCEPTANCE: Final = frozenset(
    {
        *(Movement.DRAFT, Movement.SUBMITTING, Movement.UNKNOWN_OUTCOME, Movement.REGISTERED),
        *(Movement.PICKUP_ASSIGNED, Movement.PICKUP_FAILED, Movement.EXCEPTION),
        *(Movement.ON_HOLD, Movement.CANCELLED, Movement.LOST),
    }
)
_INVITING: Final = frozenset({Movement.DELIVERY_FAILED, Movement.AWAITING_COLLECTION})
_NEW_ATTEMPT: Final = frozenset({Movement.OUT_FOR_DELIVERY, Movement.REDELIVERY_SCHEDULED})

# At equal times the later in this list is the later in fact.
_ORDER: Final = (
    *(Movement.DRAFT, Movement.SUBMITTING, Movement.UNKNOWN_OUTCOME, Movement.REGISTERED),
    *(Movement.PICKUP_ASSIGNED, Movement.PICKUP_FAILED, Movement.PICKED_UP, Movement.IN_TRANSIT),
    *(Movement.ON_HOLD, Movement.AT_DELIVERY_OFFICE, Movement.OUT_FOR_DELIVERY),
    *(Movement.DELIVERY_FAILED, Movement.REDELIVERY_SCHEDULED, Movement.AWAITING_COLLECTION),
    *(Movement.EXCEPTION, Movement.DAMAGED, Movement.RETURN_PENDING, Movement.RETURNING),
    *(Movement.CANCELLED, Movement.PARTIALLY_DELIVERED, Movement.RETURNED, Movement.DELIVERED),
    Movement.LOST,
)
_RANK: Final = {movement: rank for rank, movement in enumerate(_ORDER)}
_RULED: Final = len(_ORDER)  # an official's ruling comes after everything of that moment

_CLOCKS_MAY_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person has to look at; ``id`` is what a ruling closes."""

    kind: QuestionKind
    subject: str = ""

    @property
    def id(self) -> str:
        """Stable: the same evidence asks the same question."""
        return f"{self.kind.value}:{self.subject}" if self.subject else self.kind.value


@dataclass(frozen=True, slots=True)
class Happening:
    """One distinct thing that happened, in the order of the fold."""

    at: datetime
    rank: int
    key: str
    movement: Movement | None
    event: ParcelEvent | None = None
    ruled: bool = False

    @property
    def order(self) -> tuple[datetime, int, str]:
        """What the fold sorts by."""
        return self.at, self.rank, self.key


@dataclass(slots=True)
class Track:
    """The movement lane after the fold."""

    movement: Movement
    since: datetime | None = None
    history: tuple[Happening, ...] = ()
    questions: list[Question] = field(default_factory=list)
    attempts: list[datetime] = field(default_factory=list)
    invitations: set[date] = field(default_factory=set)
    accepted_at: datetime | None = None
    going_back_since: str = ""
    paused: set[date] = field(default_factory=set)
    on_hold_since: datetime | None = None
    distinct_events: int = 0
    item_code: str | None = None


def fold_movement(facts: Iterable[Fact]) -> Track:
    """Fold every fact that bears on where the parcel is."""
    facts = list(facts)
    events = distinct_events(fact for fact in facts if isinstance(fact, CarrierFact))
    call = last_call(facts)
    track = Track(_state_of(call), item_code=call.item_code if call else None)
    if track.movement is Movement.EXCEPTION:
        track.questions.append(Question(QuestionKind.REFUSED_BY_CARRIER))
    track.history = tuple(
        sorted(
            [
                *map(_happening, events),
                *(_cancelled(f) for f in facts if isinstance(f, CancelFact) and _is_accepted(f)),
                *(_ruled(f) for f in facts if isinstance(f, Ruling) and f.movement),
            ],
            key=lambda happening: happening.order,
        )
    )
    track.distinct_events = len(events)
    for fact in events:
        if _is_ahead(fact):
            track.questions.append(Question(QuestionKind.TIME_AHEAD, fact.event.event_key))
    for happening in track.history:
        _apply(track, happening)
    return track


def vietnam_day(moment: datetime) -> date:
    """The calendar day in Vietnam."""
    return moment.astimezone(VIETNAM).date()


# ------------------------------------------------------------------ distinct events


def distinct_events(facts: Iterable[CarrierFact]) -> list[CarrierFact]:
    """One fact for each event: same key, or same code at the same time.

    Of several tellings the fullest is kept (amount, item number), with the earliest moment at
    which we heard of any of them.
    """
    by_key: dict[str, list[CarrierFact]] = {}
    for fact in facts:
        by_key.setdefault(fact.event.event_key, []).append(fact)
    by_story: dict[tuple[str, datetime], list[CarrierFact]] = {}
    for tellings in by_key.values():
        fact = _merge(tellings)
        code = fact.event.code or fact.event.event_key
        by_story.setdefault((code, fact.event.at), []).append(fact)
    return [_merge(tellings) for tellings in by_story.values()]


def _merge(tellings: Sequence[CarrierFact]) -> CarrierFact:
    fullest = min(tellings, key=_telling_order)
    heard = [fact.received_at for fact in tellings if fact.received_at is not None]
    return replace(fullest, received_at=min(heard) if len(heard) == len(tellings) else None)


def _telling_order(fact: CarrierFact) -> tuple[Any, ...]:
    """The fullest telling first; the rest only makes the choice the same every time."""
    event = fact.event
    meaning = (event.movement is None, event.movement or "", event.money is None, event.money or "")
    amount = (event.amount_vnd is None, -(event.amount_vnd or 0))
    texts = (event.event_key, event.code, event.label, event.place, event.reason)
    rest = (event.at, event.client_ref or "", *sorted(event.facts.items()))
    return (*meaning, *amount, event.item_code is None, event.item_code or "", *texts, *rest)


def _is_ahead(fact: CarrierFact) -> bool:
    heard = fact.received_at
    return heard is not None and fact.event.at > heard + _CLOCKS_MAY_DIFFER


def _happening(fact: CarrierFact) -> Happening:
    event = fact.event
    at = fact.received_at if fact.received_at and _is_ahead(fact) else event.at
    rank = -1 if event.movement is None else _RANK[event.movement]
    return Happening(at, rank, f"{event.code}\n{event.event_key}", event.movement, event)


def _is_accepted(fact: CancelFact) -> bool:
    return fact.outcome is CancelOutcome.ACCEPTED


def _cancelled(fact: CancelFact) -> Happening:
    return Happening(fact.at, _RANK[Movement.CANCELLED], "cancel", Movement.CANCELLED)


def _ruled(fact: Ruling) -> Happening:
    key = f"{fact.movement}\n{fact.by}"
    return Happening(fact.at, _RULED, key, fact.movement, ruled=True)


# ------------------------------------------------------------------ our own calls


_CALLED: Final = {
    CallStep.BEGUN: Movement.SUBMITTING,
    CallStep.UNKNOWN: Movement.UNKNOWN_OUTCOME,
    CallStep.NOT_SENT: Movement.SUBMITTING,
    CallStep.REFUSED: Movement.EXCEPTION,
    CallStep.ABSENT: Movement.SUBMITTING,
    CallStep.ACCEPTED: Movement.REGISTERED,
}


def _state_of(call: CallFact | None) -> Movement:
    """Where our order stands before the carrier says anything about the parcel."""
    return _CALLED[call.step] if call else Movement.DRAFT


# ------------------------------------------------------------------ one step of the fold


def _apply(track: Track, happening: Happening) -> None:
    event = happening.event
    if event is not None and event.item_code:
        track.item_code = event.item_code
    if happening.movement is None:
        if event is not None and event.money is None:
            track.questions.append(Question(QuestionKind.UNKNOWN_CODE, event.code))
        return
    if happening.ruled:
        _move(track, happening, happening.movement)
    elif track.movement in FINAL and track.since is not None:
        if happening.movement is not track.movement:
            track.questions.append(Question(QuestionKind.CONFLICT, _name(happening)))
    else:
        if track.movement is Movement.CANCELLED and happening.movement is not Movement.CANCELLED:
            question = Question(QuestionKind.REVIVED_AFTER_CANCEL, _name(happening))
            track.questions.append(question)
        _note_attempt(track, happening, happening.movement)
        _move(track, happening, happening.movement)


def _move(track: Track, happening: Happening, movement: Movement) -> None:
    if track.on_hold_since is not None and movement is not Movement.ON_HOLD:
        track.paused |= _days_between(track.on_hold_since, happening.at)
        track.on_hold_since = None
    if movement is Movement.ON_HOLD and track.on_hold_since is None:
        track.on_hold_since = happening.at
    if movement not in _BEFORE_ACCEPTANCE and track.accepted_at is None:
        track.accepted_at = happening.at
    if movement in GOING_BACK and not track.going_back_since and not happening.ruled:
        track.going_back_since = _name(happening)
    if movement is not track.movement or track.since is None:
        track.since = happening.at
    track.movement = movement
    if movement in FINAL and _is_unconfirmed(happening):
        question = Question(QuestionKind.UNCONFIRMED_STATUS, _name(happening))
        track.questions.append(question)


def _note_attempt(track: Track, happening: Happening, movement: Movement) -> None:
    """Count attempts and invitations; a carrier's echo of one attempt is not another.

    Two failures on one day are one attempt, unless the parcel went out again in between.
    """
    if movement in _INVITING and not track.going_back_since:
        track.invitations.add(vietnam_day(happening.at))
    if movement is not Movement.DELIVERY_FAILED:
        return
    if track.attempts:
        last = track.attempts[-1]
        out_again = any(
            seen.movement in _NEW_ATTEMPT and last < seen.at <= happening.at
            for seen in track.history
        )
        if not out_again and vietnam_day(last) == vietnam_day(happening.at):
            return
    track.attempts.append(happening.at)


def _is_unconfirmed(happening: Happening) -> bool:
    event = happening.event
    return event is not None and event.facts.get("certainty") == "unconfirmed"


def _name(happening: Happening) -> str:
    return happening.event.event_key if happening.event else happening.key


def _days_between(start: datetime, end: datetime) -> set[date]:
    first, last = vietnam_day(start), vietnam_day(end)
    return {first + timedelta(days=n + 1) for n in range((last - first).days)}
