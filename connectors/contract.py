"""The vocabulary both sides speak: what the gateway asks of a connector, what it hears back.

Owns the values and protocols; holds no provider's detail and imports nothing of the gateway.
Required of a payment connector are four methods; refunds, cancelling and settlements are
optional protocols beside them, announced in its ``Spec`` and checked when the registry is built.

A decline is a value. Exceptions say what is known about an outbound call:

=======================  =====================================================================
``ProviderUnavailable``  nothing was sent: may be repeated or moved to another provider
``ProviderRejected``     the provider answered and refused the request itself
``OutcomeUnknown``       it may have been done: ask with the same reference, never send again
``ProviderProtocolError``  an answer that does not follow the provider's document
``SignatureMismatch``    the message is not the provider's; nothing in it may be read
=======================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

# ------------------------------------------------------------------ errors


class ConnectorError(Exception):
    """Anything a connector may raise; carries no secret and no personal data."""


class ProviderUnavailable(ConnectorError):
    """The request never left: refused connection, failed name look-up, open breaker."""


class ProviderRejected(ConnectorError):
    """The provider refused the request itself (not the citizen's payment)."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class OutcomeUnknown(ConnectorError):
    """Sent, and no trustworthy answer: the provider may have done the work."""


class ProviderProtocolError(OutcomeUnknown):
    """An answer that cannot be understood; the work may have been done all the same."""


class SignatureMismatch(ConnectorError):
    """The signature does not hold against any active secret."""


class MisconfiguredAccount(ConnectorError):
    """The account's options are wrong; ``problems`` names every one of them at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


# ------------------------------------------------------------------ transport


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One outbound request. ``idempotent`` never changes the rule: only unsent calls repeat."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back, whatever the status; reading it is the connector's work."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Outbound HTTP with the four outcomes: a reply, or one of the two exceptions below."""

    async def send(self, request: HttpRequest) -> HttpReply:
        """Send once it can be sent.

        Raises:
            ProviderUnavailable: nothing was sent, after the transport's own repeats.
            OutcomeUnknown: it was sent, and the connection broke or timed out.
        """
        ...


class Clock(Protocol):
    """Injected time; ``now`` is aware and in UTC."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        ...


# ------------------------------------------------------------------ specification


class Kind(StrEnum):
    """What a connector is for."""

    PAYMENT = "payment"  # starts attempts
    NOTIFICATION = "notification"  # only reports money seen on a bank account
    POSTAL = "postal"
    RECEIPT = "receipt"


class Stage(StrEnum):
    """How sure we are of the protocol: said openly in ``motcua providers``."""

    VERIFIED = "verified"  # recomputed from published vectors
    DOCUMENTED = "documented"  # from the provider's documents, unproved
    SIMULATED = "simulated"  # shape agreed with our own simulator only


class Capability(StrEnum):
    """Optional verbs; each has its protocol below."""

    QUERY = "query"
    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    CANCEL = "cancel"
    SETTLEMENT = "settlement"
    BILL_LOOKUP = "bill_lookup"
    TRACKING_FEED = "tracking_feed"
    COLLECT_ON_DELIVERY = "collect_on_delivery"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Spec:
    """One connector's passport: printed by ``motcua providers``, checked at start.

    ``reference_charset`` is a regular-expression character class body, ``reference_max`` the
    longest reference in characters; ``amount_factor`` is what one đồng becomes on the wire;
    ``options`` and ``secrets`` are the account's required keys in the configuration file.
    """

    name: str
    title: str
    kind: Kind
    stage: Stage
    document: str
    version: str
    capabilities: frozenset[Capability] = frozenset()
    reference_charset: str = "A-Za-z0-9"
    reference_max: int = 40
    min_amount_vnd: int = 1
    max_amount_vnd: int = 10_000_000_000
    amount_factor: int = 1
    callback_legs: tuple[str, ...] = ("",)
    options: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    attempt_expires_s: int = 900


@dataclass(frozen=True, slots=True)
class Account:
    """One configured account of a provider: ``name`` is the ``{account}`` of its callbacks.

    Every secret is a tuple, newest first, so that a rotation overlaps; outgoing messages use
    the first, incoming ones are compared with each.
    """

    name: str
    provider: str
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


# ------------------------------------------------------------------ payments


class Meaning(StrEnum):
    """Our normal form of a provider's code for one attempt."""

    SUCCEEDED = "succeeded"  # money was taken, final
    PENDING = "pending"  # the provider is still working on it
    FAILED = "failed"  # final, no money taken
    CANCELLED = "cancelled"  # the citizen stopped; final, no money taken
    EXPIRED = "expired"  # the provider's own time ran out; final, no money taken
    REVIEW = "review"  # money taken, but the provider suspects something
    REVERSED = "reversed"  # money was taken and given back by the provider
    NOT_FOUND = "not_found"  # the provider does not know the reference
    UNKNOWN = "unknown"  # a code nobody knows: nothing follows from it, and an alert


class ActionType(StrEnum):
    """What the citizen has to do next."""

    REDIRECT = "redirect"
    QR = "qr"
    DEEPLINK = "deeplink"
    TRANSFER = "transfer"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt to be started. ``reference`` is derived and committed before this exists."""

    reference: str
    amount_vnd: int
    description: str
    created_at: datetime
    expires_at: datetime
    return_url: str
    callback_url: str
    client_ip: str = "127.0.0.1"
    locale: str = "vi"
    bank_code: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """How the citizen pays: a page to go to, a QR to scan or a transfer to make."""

    type: ActionType
    url: str | None = None
    qr_payload: str | None = None
    account_number: str | None = None
    account_name: str | None = None
    bank_bin: str | None = None
    memo: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A started attempt. ``state`` is kept with it and handed back for queries and refunds."""

    action: Action
    provider_transaction_id: str | None = None
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sought:
    """An attempt the gateway asks about: the same reference, never a new one."""

    reference: str
    amount_vnd: int
    description: str
    created_at: datetime
    provider_transaction_id: str | None = None
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider said about money, in our words.

    ``event_key`` is the provider's own identity of the fact: the same key is the same fact.
    ``reference`` is ours when the message names it; a bank notification has only a ``memo``.
    ``account_number`` is the credited account of a bank notification.
    """

    event_key: str
    meaning: Meaning
    code: str
    amount_vnd: int | None
    reference: str | None = None
    provider_transaction_id: str | None = None
    occurred_at: datetime | None = None
    memo: str | None = None
    account_number: str | None = None
    payer_hint: str | None = None  # last digits only
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine message that is not about money coming in (a test ping, an outgoing transfer)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A genuine message we cannot read: kept raw, alerted, changes nothing."""

    reason: str


Interpretation = Report | Ignored | Unrecognised


@dataclass(frozen=True, slots=True)
class Callback:
    """A provider's message exactly as it came: nothing decoded, nothing reordered."""

    method: str
    leg: str
    query: str  # raw query string, still encoded
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    received_at: datetime


class Receipt(StrEnum):
    """What became of a callback, to be told in the provider's own words."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    UNKNOWN_ORDER = "unknown_order"
    WRONG_AMOUNT = "wrong_amount"
    BAD_SIGNATURE = "bad_signature"
    UNREADABLE = "unreadable"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class CallbackReply:
    """The acknowledgement on the wire."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class PaymentConnector(Protocol):
    """What every payment connector can do."""

    spec: Spec

    async def create(self, order: Order) -> Start:
        """Start an attempt at the provider (or build it locally).

        Raises:
            ProviderUnavailable, ProviderRejected, OutcomeUnknown.
        """
        ...

    async def query(self, sought: Sought) -> Report:
        """Ask what became of an attempt.

        Raises:
            ProviderUnavailable, ProviderRejected, OutcomeUnknown, SignatureMismatch.
        """
        ...

    def read_callback(self, callback: Callback) -> tuple[Interpretation, ...]:
        """Verify the raw message and say what it reports; pure.

        Raises:
            SignatureMismatch: not the provider's, or not signed the way the document says.
            ProviderProtocolError: signed, and not readable at all (cut, oversized, not JSON).
        """
        ...

    def callback_reply(self, receipt: Receipt, callback: Callback) -> CallbackReply:
        """Say it the way this provider wants to hear it."""
        ...


@runtime_checkable
class NotificationConnector(Protocol):
    """Reads bank-transfer notifications; starts nothing."""

    spec: Spec

    def read_callback(self, callback: Callback) -> tuple[Interpretation, ...]:
        """As for payments; the reports carry memo and account number instead of a reference."""
        ...

    def callback_reply(self, receipt: Receipt, callback: Callback) -> CallbackReply:
        """Say it the way this provider wants to hear it."""
        ...


class RefundMeaning(StrEnum):
    """Our normal form of a provider's refund code."""

    SUCCEEDED = "succeeded"
    PROCESSING = "processing"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Money to give back; ``reference`` is this refund's own, committed before the call."""

    reference: str
    payment: Sought
    amount_vnd: int
    full: bool
    reason: str
    requested_by: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class RefundReport:
    """What the provider said about a refund."""

    meaning: RefundMeaning
    code: str
    provider_transaction_id: str | None = None
    detail: str = ""


@runtime_checkable
class Refunds(Protocol):
    """Connectors whose ``Spec`` names ``Capability.REFUND``."""

    async def refund(self, order: RefundOrder) -> RefundReport:
        """Ask for a refund once; ``OutcomeUnknown`` is resolved by ``query_refund`` only."""
        ...

    async def query_refund(self, order: RefundOrder) -> RefundReport:
        """Ask what became of it."""
        ...


# ------------------------------------------------------------------ parcels


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
    """A page of the carrier's event feed and the cursor to go on from."""

    events: tuple[ParcelEvent, ...]
    cursor: str
    more: bool


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
