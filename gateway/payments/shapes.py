"""What the payments API takes and gives, as types: OpenAPI is generated from these.

Owns the JSON shapes and nothing else; formats beyond types are judged in ``opening``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Short = Annotated[str, msgspec.Meta(max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=500)]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fee line: phí (fee), lệ phí (levy), cước (shipping)."""

    code: str
    name: str
    kind: Literal["fee", "levy", "shipping", "other"]
    unit_amount: Whole
    quantity: Whole = 1


class Payer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who owes the fee."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    identity_number: str | None = None


class PaymentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fee to be collected for a dossier."""

    reference: str
    procedure_code: str
    agency_code: str
    items: list[Item] = []
    payer: Payer = Payer()
    description: str = ""
    channel: Literal["online", "counter", "post"] = "online"
    method: str | None = None
    return_url: str | None = None
    expires_in: Whole | None = None
    locale: Literal["vi", "en"] = "vi"
    metadata: dict[str, str] = {}


class AttemptRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One try to pay, through one of the province's accounts."""

    account: Short
    bank_code: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{2,20}$")] | None = None
    return_url: str | None = None


class CancelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the agency cancels; shown to the citizen."""

    reason: Text = ""


class CounterReceiptRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cash taken at a counter or by the post."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=10_000_000_000)]
    receipt_number: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z][0-9A-Za-z./-]{0,39}$")]
    collected_by: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    collected_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    place: Literal["counter", "post"] = "counter"
    note: Text = ""


class RefundRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money to be given back."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=10_000_000_000)]
    reason: Literal["duplicate", "overpaid", "rejected_dossier", "other"]
    note: Text = ""
    destination: dict[str, Text] | None = None


class Action(msgspec.Struct, frozen=True):
    """What the citizen does next."""

    type: Literal["redirect", "qr", "deeplink", "transfer", "none"]
    url: str | None = None
    qr_payload: str | None = None
    qr_png_url: str | None = None
    account_number: str | None = None
    account_name: str | None = None
    bank_bin: str | None = None
    memo: str | None = None


class AttemptView(msgspec.Struct, frozen=True):
    """One try and how it stands."""

    id: str
    object: str
    status: str
    account: str
    provider: str
    provider_reference: str
    amount: int
    action: Action
    created_at: str
    expires_at: str


class RefundView(msgspec.Struct, frozen=True):
    """One refund and how far it has come."""

    id: str
    object: str
    payment: str
    status: str
    amount: int
    reason: str
    note: str
    account: str
    method: Literal["provider", "transfer"]
    provider_reference: str
    destination: dict[str, str] | None
    requested_by: str
    approved_by: str | None
    needs_approval: bool
    created_at: str
    sequence: int


class PaymentView(msgspec.Struct, frozen=True):
    """A payment as portals see it."""

    id: str
    object: str
    status: str
    reference: str
    procedure_code: str
    agency_code: str
    channel: str
    amount: int
    amount_collected: int
    amount_refunded: int
    amount_surplus: int
    currency: str
    items: list[dict[str, Any]]
    description: str
    checkout_url: str
    check_code: str  # shown by portal and page alike, so that a false page shows itself
    return_url: str | None
    expires_at: str
    paid_at: str | None
    settled_at: str | None
    late: bool
    review: list[str]
    attempts: list[AttemptView]
    refunds: list[RefundView]
    receipts: list[str]
    metadata: dict[str, str]
    created_at: str
    sequence: int


class PaymentList(msgspec.Struct, frozen=True):
    """A page of payments, newest first."""

    data: list[PaymentView]
    has_more: bool
    next: str | None


class TimelineEntry(msgspec.Struct, frozen=True):
    """One piece of evidence in words."""

    id: str
    channel: str
    says: str
    code: str
    account: str
    attempt: str | None
    amount: int | None
    actor: str
    occurred_at: str
    received_at: str
    text: dict[str, str]


class Timeline(msgspec.Struct, frozen=True):
    """Every piece of evidence, in the order in which we heard of it."""

    data: list[TimelineEntry]
