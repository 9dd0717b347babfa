"""Evidence on its way into and out of the database; holds no decision.

Owns the written form of the facts that arrive on their own: the carrier's events, the steps of
our order and of a cancellation. The written form is whole: nothing a connector said is dropped.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from connectors.contract import CancelOutcome, MoneyLane, Movement, ParcelEvent
from gateway.shipments.facts import CallFact, CancelFact, CarrierFact, Fact
from gateway.shipments.statuses import CallStep

EVENT: Final = "event"
CALL: Final = "call"
CANCEL: Final = "cancel"

Told = CarrierFact | CallFact | CancelFact
"""The facts that this module writes and reads."""

_LONGEST_KEY: Final = 120


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """A fact to be stored; ``actor`` is the person who entered it, or empty.

    ``message_id`` names the carrier's message that it was read from.
    """

    key: str
    fact: Told
    received_at: datetime
    actor: str = ""
    message_id: str | None = None


def of_event(
    event: ParcelEvent, received_at: datetime, actor: str = "", message_id: str | None = None
) -> NewEvidence:
    """A carrier's event under the carrier's own key."""
    fact = CarrierFact(event, received_at)
    return NewEvidence(_fit(event.event_key), fact, received_at, actor, message_id)


def of_call(shipment_id: str, fact: CallFact, mark: str = "") -> NewEvidence:
    """A step of our order call; ``mark`` tells apart what may be said twice of one call."""
    key = f"{shipment_id}:call:{fact.attempt}:{fact.step}{mark}"
    return NewEvidence(_fit(key), fact, fact.at)


def of_cancel(shipment_id: str, number: int, fact: CancelFact, actor: str = "") -> NewEvidence:
    """A step of cancelling; ``number`` counts the requests."""
    step = fact.outcome.value if fact.outcome else "requested"
    return NewEvidence(f"{shipment_id}:cancel:{number}:{step}", fact, fact.at, actor)


def row_of(account: str, shipment_id: str | None, new: NewEvidence) -> dict[str, Any]:
    """The stored form."""
    kind, at, body = _write(new.fact)
    event = new.fact.event if isinstance(new.fact, CarrierFact) else None
    return {
        "account": account,
        "key": new.key,
        "shipment_id": shipment_id,
        "kind": kind,
        "client_ref": storable(event.client_ref, 64) if event else None,
        "item_code": storable(event.item_code, 40) if event else None,
        "at": at,
        "received_at": new.received_at,
        "actor": new.actor,
        "body": body,
        "message_id": new.message_id,
    }


def fact_of(row: Row[Any]) -> Fact:
    """What a stored row says."""
    body = row.body
    if row.kind == CALL:
        return CallFact(row.at, CallStep(body["step"]), body["attempt"], body["item_code"])
    if row.kind == CANCEL:
        outcome = body["outcome"]
        return CancelFact(row.at, CancelOutcome(outcome) if outcome else None)
    movement, money = body["movement"], body["money"]
    event = ParcelEvent(
        event_key=row.key,
        client_ref=body["client_ref"],
        item_code=body["item_code"],
        code=body["code"],
        label=body["label"],
        at=row.at,
        movement=Movement(movement) if movement else None,
        money=MoneyLane(money) if money else None,
        amount_vnd=body["amount_vnd"],
        place=body["place"],
        reason=body["reason"],
        facts=body["facts"],
    )
    return CarrierFact(event, row.received_at)


def storable(text: str | None, longest: int) -> str | None:
    """Text a column can hold; a carrier's number that is longer is nobody's number of ours."""
    return text.replace("\x00", "")[:longest] if text else None


def _write(fact: Told) -> tuple[str, datetime, dict[str, Any]]:
    if isinstance(fact, CallFact):
        body = {"step": fact.step, "attempt": fact.attempt, "item_code": fact.item_code}
        return CALL, fact.at, body
    if isinstance(fact, CancelFact):
        return CANCEL, fact.at, {"outcome": fact.outcome}
    event = fact.event
    body = {
        "client_ref": event.client_ref,
        "item_code": storable(event.item_code, 40),
        "code": event.code,
        "label": event.label,
        "movement": event.movement,
        "money": event.money,
        "amount_vnd": event.amount_vnd,
        "place": event.place,
        "reason": event.reason,
        "facts": dict(event.facts),
    }
    return EVENT, event.at, body


def _fit(key: str) -> str:
    if len(key) <= _LONGEST_KEY and "\x00" not in key:
        return key
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
