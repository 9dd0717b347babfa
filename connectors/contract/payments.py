"""Collecting and giving back money: orders, reports, callbacks, the protocols to implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from connectors.contract.accounts import Spec


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
    ``account_number`` is the credited account of a bank notification. ``answer`` is the body of
    the answer that was read, byte for byte, when the gateway had asked; a callback's bytes are
    the gateway's own already.
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
    answer: bytes = field(default=b"", repr=False)


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
    """What the provider said about a refund; ``answer`` is the body that said it."""

    meaning: RefundMeaning
    code: str
    provider_transaction_id: str | None = None
    detail: str = ""
    answer: bytes = field(default=b"", repr=False)


@runtime_checkable
class Refunds(Protocol):
    """Connectors whose ``Spec`` names ``Capability.REFUND``."""

    async def refund(self, order: RefundOrder) -> RefundReport:
        """Ask for a refund once; ``OutcomeUnknown`` is resolved by ``query_refund`` only."""
        ...

    async def query_refund(self, order: RefundOrder) -> RefundReport:
        """Ask what became of it."""
        ...
