"""Builders of evidence for the tests of shipments."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.contract import CancelOutcome, MoneyLane, Movement, ParcelEvent
from gateway.shipments.facts import (
    CallFact,
    CancelFact,
    CarrierFact,
    MoneyFact,
    PaperFact,
    Proof,
    Ruling,
    Terms,
)
from gateway.shipments.law import load_law
from gateway.shipments.rules import fold
from gateway.shipments.statuses import CallStep, MoneyStep, PapersLane

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
LAW = load_law()
# Monday 7 September 2026, 08:00 in Vietnam; no holiday in the weeks after it.
MONDAY = datetime.fromisoformat("2026-09-07T08:00:00+07:00")
_numbers = itertools.count(1)


def at(days: float = 0, hours: float = 0) -> datetime:
    return MONDAY + timedelta(days=days, hours=hours)


def heard(
    movement: Movement | None,
    days: float = 0,
    hours: float = 0,
    *,
    code: str | None = None,
    key: str | None = None,
    money: MoneyLane | None = None,
    amount: int | None = None,
    item_code: str | None = None,
    received: datetime | None = None,
    **facts: str,
) -> CarrierFact:
    """One event of the carrier."""
    event = ParcelEvent(
        event_key=key or f"event-{next(_numbers)}",
        client_ref="ref",
        item_code=item_code,
        code=code if code is not None else (movement or "?"),
        label="",
        at=at(days, hours),
        movement=movement,
        money=money,
        amount_vnd=amount,
        facts=facts,
    )
    return CarrierFact(event, received)


def called(step: CallStep, days: float = 0, attempt: int = 1) -> CallFact:
    return CallFact(at(days), step, attempt)


def cancelled(outcome: CancelOutcome | None, days: float = 0, hours: float = 0) -> CancelFact:
    return CancelFact(at(days, hours), outcome)


def money(step: MoneyStep, amount: int | None = None, key: str = "line", days: float = 9):
    return MoneyFact(at(days), step, key, amount)


def paper(step: PapersLane, days: float = 0, proof: Proof | None = None) -> PaperFact:
    return PaperFact(at(days), step, proof)


def ruled(*closes: str, movement: Movement | None = None, days: float = 20) -> Ruling:
    return Ruling(at(days), "official:a", frozenset(closes), movement)


def state_of(*facts, law=LAW, **terms):
    """The state that follows from facts, under terms."""
    return fold(Terms(**terms), facts, law)


def asked(state) -> list[str]:
    return [question.kind.value for question in state.questions]
