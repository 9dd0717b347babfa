"""Delivering paper: orders, events in our words, the protocols to implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from connectors.contract.accounts import Spec


class Movement(StrEnum):
    """Where a parcel is (specs: unified movement; the carrier's code stays in the event)."""

    DRAFT = "draft"
    SUBMITTING = "submitting"
    REGISTERED = "registered"
    PICKUP_ASSIGNED = "pickup_assigned"
    PICKUP_FAILED = "pickup_failed"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    AT_DELIVERY_OFFICE = "at_delivery_office"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    REDELIVERY_SCHEDULED = "redelivery_scheduled"
    AWAITING_COLLECTION = "awaiting_collection"
    ON_HOLD = "on_hold"
    EXCEPTION = "exception"
    RETURN_PENDING = "return_pending"
    RETURNING = "returning"
    RETURNED = "returned"
    DELIVERED = "delivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    CANCELLED = "cancelled"
    LOST = "lost"
    DAMAGED = "damaged"
    UNKNOWN_OUTCOME = "unknown_outcome"


class MoneyLane(StrEnum):
    """What became of the money the carrier collects at the door."""

    NONE = "none"
    DUE = "due"
    COLLECTED = "collected"
    REMITTED = "remitted"
    RECONCILED = "reconciled"
    SHORT = "short"
    OVER = "over"
    WAIVED = "waived"
    REFUNDED = "refunded"
    COMPENSATED = "compensated"


@dataclass(frozen=True, slots=True)
class Address:
    """A two-level Vietnamese address (province, ward) with its free line."""

    line: str
    ward_code: str
    province_code: str
    ward_name: str = ""
    province_name: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """Sender or recipient."""

    name: str
    phone: str
    address: Address


@dataclass(frozen=True, slots=True)
class ParcelOrder:
    """A delivery to be ordered; ``client_ref`` is stable and committed before the call."""

    client_ref: str
    dossier: str
    kind: str  # result_delivery | dossier_collection | round_trip
    sender: Party
    recipient: Party
    contents: tuple[str, ...]
    weight_g: int
    collect_vnd: int
    postage_payer: str  # applicant | province
    requested_at: datetime
    note: str = ""
    item_code: str | None = None  # from the province's own range, or typed by the officer


@dataclass(frozen=True, slots=True)
class ParcelAccepted:
    """The carrier took the order."""

    carrier_order_id: str
    item_code: str | None = None
    postage_vnd: int | None = None
    label: bytes | None = None
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParcelEvent:
    """One tracking fact. ``event_key`` identifies it; ``movement`` None = a code nobody knows."""

    event_key: str
    client_ref: str | None
    item_code: str | None
    code: str
    label: str
    at: datetime
    movement: Movement | None
    money: MoneyLane | None = None
    amount_vnd: int | None = None
    place: str = ""
    reason: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of the carrier's event feed and the cursor to go on from; ``answer`` is its body."""

    events: tuple[ParcelEvent, ...]
    cursor: str
    more: bool
    answer: bytes = field(default=b"", repr=False)


class CancelOutcome(StrEnum):
    """A carrier's word on a cancellation."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    REFUSED = "refused"


@runtime_checkable
class PostalConnector(Protocol):
    """What every carrier's connector can do."""

    spec: Spec

    async def submit(self, order: ParcelOrder) -> ParcelAccepted:
        """Order a delivery once.

        Raises:
            ProviderUnavailable, ProviderRejected, OutcomeUnknown (then only ``find`` may follow).
        """
        ...

    async def find(self, client_ref: str, since: datetime) -> ParcelAccepted | None:
        """Look an order up by our own reference; None = the carrier does not have it."""
        ...

    async def cancel(self, accepted: ParcelAccepted, reason: str) -> CancelOutcome:
        """Ask for a cancellation."""
        ...


@runtime_checkable
class PostageQuotes(Protocol):
    """Carriers whose ``Spec`` names ``Capability.QUOTE``."""

    async def quote(self, sender: Address, recipient: Address, weight_g: int) -> int:
        """The carrier's provisional postage in đồng; never booked as a cost."""
        ...


@runtime_checkable
class TrackingFeed(Protocol):
    """Carriers whose ``Spec`` names ``Capability.TRACKING_FEED``."""

    async def events_since(self, cursor: str) -> Feed:
        """The next page of events after the cursor (empty string = from the beginning)."""
        ...
