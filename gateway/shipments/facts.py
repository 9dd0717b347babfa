"""The evidence of a shipment: what carriers, our own calls and people said, as it was said.

Owns the values that are stored and folded; holds no decision. Identity is in the values: two
facts that are equal are one fact, however often they arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from connectors.contract import CancelOutcome, Movement, ParcelEvent
from gateway.shipments.statuses import CallStep, MoneyStep, PapersLane, ShipmentKind


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed when the shipment was ordered; never changes.

    ``scope`` and ``with_appointment_slip`` choose the legal limit (see ``deadlines``); an empty
    scope has none. ``withdraw`` = old papers are to be taken back at the door.
    """

    kind: ShipmentKind = ShipmentKind.RESULT_DELIVERY
    collect_vnd: int = 0
    scope: str = ""
    with_appointment_slip: bool = False
    withdraw: bool = False


@dataclass(frozen=True, slots=True)
class CarrierFact:
    """An event of the carrier, and when we first heard of it."""

    event: ParcelEvent
    received_at: datetime | None = None

    def __hash__(self) -> int:
        return hash((self.event.event_key, self.event.code, self.event.at))


@dataclass(frozen=True, slots=True)
class CallFact:
    """A step of ordering; ``attempt`` counts our order calls, all with the same reference."""

    at: datetime
    step: CallStep
    attempt: int = 1
    item_code: str | None = None


@dataclass(frozen=True, slots=True)
class CancelFact:
    """A step of cancelling; ``outcome`` None = we asked, and no answer is known."""

    at: datetime
    outcome: CancelOutcome | None = None


@dataclass(frozen=True, slots=True)
class MoneyFact:
    """A statement line or a decision about the money; ``key`` is its identity there."""

    at: datetime
    step: MoneyStep
    key: str
    amount_vnd: int | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """How the papers were handed over at the door; no identity number, ever."""

    received_by: str
    identity_shown: bool
    by_proxy: bool = False
    signature_sha256: str = ""


@dataclass(frozen=True, slots=True)
class PaperFact:
    """A step of the papers, attested by people."""

    at: datetime
    step: PapersLane
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """An official's decision: closes questions by id, and may set the movement from then on."""

    at: datetime
    by: str
    closes: frozenset[str] = field(default_factory=frozenset)
    movement: Movement | None = None


def last_call(facts: Iterable[object]) -> CallFact | None:
    """The latest truth about ordering: an acceptance if there is one, else of the last call."""
    order = list(CallStep)
    calls = [fact for fact in facts if isinstance(fact, CallFact)]
    return max(
        calls,
        key=lambda fact: (
            fact.step is CallStep.ACCEPTED,
            *(fact.attempt, order.index(fact.step), fact.at, fact.item_code or ""),
        ),
        default=None,
    )


Fact = CarrierFact | CallFact | CancelFact | MoneyFact | PaperFact | Ruling
