"""What the API takes and shows of endpoints, events and deliveries: types and their filling-in.

The types are the contract (OpenAPI is generated from them). Owns no decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import Row

from gateway.foundation.clock import iso
from gateway.webhooks import rules

Mode = Literal["thin", "full"]
Ordering = Literal["none", "per_reference"]
Patterns = Annotated[list[str], Meta(min_length=1, max_length=rules.MAX_PATTERNS)]
Description = Annotated[str, Meta(max_length=500)]
Address = Annotated[str, Meta(max_length=rules.MAX_URL)]


class NewEndpoint(msgspec.Struct, kw_only=True):
    """``POST /v1/webhook-endpoints``."""

    url: Address
    events: Patterns = msgspec.field(default_factory=lambda: ["*"])
    description: Description = ""
    mode: Mode = "thin"
    ordering: Ordering = "none"


class EndpointChanges(msgspec.Struct, kw_only=True):
    """``PATCH /v1/webhook-endpoints/{id}``: what is left out stays."""

    url: Address | UnsetType = UNSET
    events: Patterns | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    ordering: Ordering | UnsetType = UNSET


class Recovery(msgspec.Struct):
    """``POST …/recover``: from when on."""

    since: datetime


class EndpointView(msgspec.Struct, kw_only=True):
    """An endpoint; ``public_keys`` are those in force, newest first."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    url: str
    events: list[str]
    description: str
    mode: Mode
    ordering: Ordering
    status: Literal["enabled", "disabled"]
    disabled_reason: str | None
    failing_since: str | None
    public_key: str
    public_keys: list[str]
    created_at: str


class EndpointWithSecret(EndpointView, kw_only=True):
    """An endpoint and its new secret, shown this once; earlier secrets end then."""

    secret: str
    previous_secrets_expire_at: str | None = None


class EndpointList(msgspec.Struct):
    """Newest first."""

    data: list[EndpointView]
    has_more: bool
    next: str | None


class EventView(msgspec.Struct):
    """An event, as it is sent."""

    id: str
    type: str
    timestamp: str
    reference: str
    subject: str
    sequence: int
    data: dict[str, Any]


class EventList(msgspec.Struct):
    """Oldest first, without gaps; ask again with ``after=next``, also when nothing came."""

    data: list[EventView]
    has_more: bool
    next: str | None


class AttemptView(msgspec.Struct):
    """One sending: status or error, and the beginning of the answer."""

    at: str
    status: int | None
    error: str | None
    latency_ms: int
    answer: str


class DeliveryView(msgspec.Struct):
    """Where one event stands with one endpoint."""

    event: str
    type: str
    reference: str
    endpoint: str
    status: Literal["pending", "delivered", "failed", "held"]
    attempts: list[AttemptView]
    next_attempt_at: str | None
    created_at: str
    finished_at: str | None


class DeliveryList(msgspec.Struct):
    """Newest event first."""

    data: list[DeliveryView]
    has_more: bool
    next: str | None


class Requeued(msgspec.Struct):
    """How many deliveries were queued again."""

    count: int


class PublishedKey(msgspec.Struct):
    """An Ed25519 key as JWK (RFC 8037), with its ``whpk_`` form and the endpoint it signs for."""

    kty: str
    crv: str
    alg: str
    use: str
    kid: str
    x: str
    public_key: str
    endpoint: str
    expires_at: str | None


class PublishedKeys(msgspec.Struct):
    """The document at ``/.well-known/motcua/webhook-keys.json``."""

    keys: list[PublishedKey]


def view_endpoint(row: Row[Any], secrets: Sequence[Row[Any]]) -> EndpointView:
    """An endpoint with its public keys."""
    return EndpointView(**endpoint_fields(row, secrets))


def endpoint_fields(row: Row[Any], secrets: Sequence[Row[Any]]) -> dict[str, Any]:
    """The fields of ``EndpointView``."""
    public_keys = [secret.public_key for secret in secrets]
    return {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "description": row.description,
        "mode": row.mode,
        "ordering": row.ordering,
        "status": row.status,
        "disabled_reason": row.disabled_reason,
        "failing_since": moment(row.failing_since),
        "public_key": public_keys[0] if public_keys else "",
        "public_keys": public_keys,
        "created_at": iso(row.created_at),
    }


def view_delivery(row: Row[Any], attempts: Sequence[Row[Any]]) -> DeliveryView:
    """A delivery with its sendings."""
    return DeliveryView(
        event=row.event_id,
        type=row.event_type,
        reference=row.reference,
        endpoint=row.endpoint_id,
        status=row.state,
        attempts=[
            AttemptView(iso(a.at), a.status, a.error, a.latency_ms, a.answer) for a in attempts
        ],
        # While it is being sent the stored moment is the end of the lease: not a promise.
        next_attempt_at=moment(row.next_at) if row.leased_by is None else None,
        created_at=iso(row.created_at),
        finished_at=moment(row.finished_at),
    )


def moment(value: datetime | None) -> str | None:
    """RFC 3339, or None."""
    return None if value is None else iso(value)
