"""What happens to an event on its way to a portal: values and decisions, no I/O.

Owns the event types, which endpoint wants which event, where an endpoint may live, and what
follows from a receiver's answer: delivered, again later, given up, endpoint disabled. Time and
randomness are arguments. It leaves signing to ``signature``, addresses to
``gateway.foundation.addresses``, and all state to ``store``.

Follows Standard Webhooks 1.0.0 (schedule, 2xx only, 410, throttling, no redirects) and RFC 9110
§10.2.3 (Retry-After). Disabling after 120 hours of nothing but failures is Svix's habit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

# ------------------------------------------------------------------ what happened

TEST_EVENT: Final = "endpoint.test"
DISABLED_EVENT: Final = "endpoint.disabled"

EVENT_FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "payment": (
        "created",
        "processing",
        "paid",
        "partially_paid",
        "surplus",
        "expired",
        "cancelled",
        "settled",
    ),
    "refund": (
        "requested",
        "approved",
        "submitted",
        "processing",
        "succeeded",
        "rejected",
        "unknown",
    ),
    "receipt": ("issued", "replaced", "cancelled"),
    "document": (
        "signed",
        "rejected",
        "extended",
        "level_overdue",
        "hand_off_refused",
        "confirmation_ended",
        "decision_needed",
        "signing_failed",
        "signing_expired",
    ),
    "certification": ("issued", "revoked", "extended", "renewal_overdue"),
    "certificate": ("revoked", "cleared"),
    "shipment": (
        "registered",
        "picked_up",
        "in_transit",
        "out_for_delivery",
        "delivery_failed",
        "delivered",
        "returned",
        "exception",
        "fee_collected",
        "fee_remitted",
    ),
    "endpoint": ("test", "disabled"),
}
EVENT_TYPES: Final = frozenset(
    f"{family}.{name}" for family, names in EVENT_FAMILIES.items() for name in names
)
MAX_PATTERNS: Final = 50


def unknown_patterns(patterns: Iterable[str]) -> list[str]:
    """The subscriptions nothing will ever match: a typing error is told, not kept silent."""
    families = {f"{family}.*" for family in EVENT_FAMILIES}
    return [p for p in patterns if p != "*" and p not in families and p not in EVENT_TYPES]


def wants(patterns: Iterable[str], event_type: str) -> bool:
    """Whether an endpoint subscribed to ``*``, ``family.*`` or the exact type gets this event."""
    family = event_type.partition(".")[0] + ".*"
    return any(pattern in ("*", family, event_type) for pattern in patterns)


def wanted_types(patterns: Iterable[str]) -> list[str]:
    """The exact types behind subscriptions, without those that go to one endpoint only."""
    asked = tuple(patterns)
    return sorted(t for t in EVENT_TYPES if t != TEST_EVENT and wants(asked, t))


def is_addressed_to(
    endpoint_id: str, patterns: Iterable[str], event_type: str, subject: str
) -> bool:
    """Whether an endpoint of the event's tenant is to be told.

    A test goes to the endpoint it tests, whatever that subscribed to; news of a disabled endpoint
    goes to the others.
    """
    if event_type == TEST_EVENT:
        return subject == endpoint_id
    if event_type == DISABLED_EVENT and subject == endpoint_id:
        return False
    return wants(patterns, event_type)


# ------------------------------------------------------------------ where it may go

MAX_URL: Final = 2000
_WEB_PORTS: Final = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint's URL that passed ``read_target``; the address behind it is still unjudged."""

    url: str
    host: str
    port: int


class TargetRefused(ValueError):
    """The URL cannot be an endpoint; ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_target(url: str, *, test_mode: bool) -> Target:
    """Judge the form of an endpoint's URL.

    Args:
        url: as the portal wrote it.
        test_mode: plain http is allowed for test keys only.

    Raises:
        TargetRefused: with ``code`` ``url_invalid``, ``https_required`` or ``port_not_allowed``.
    """
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise TargetRefused("url_invalid", "URL is too long or holds characters no URL has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetRefused("url_invalid", "URL cannot be read") from error
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("http", "https") or not host or "\\" in url:
        raise TargetRefused("url_invalid", "URL needs http or https and a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise TargetRefused("url_invalid", "URL may not carry a user, a password or a fragment")
    if parts.scheme == "http" and not test_mode:
        raise TargetRefused("https_required", "live endpoints need https")
    if _is_disguised_number(host):
        raise TargetRefused("url_invalid", "host is a number in no canonical notation")
    port = (443 if parts.scheme == "https" else 80) if port is None else port
    if port < 1024 and port not in _WEB_PORTS:
        raise TargetRefused("port_not_allowed", "port belongs to another service")
    return Target(url=url, host=host, port=port)


def _is_disguised_number(host: str) -> bool:
    """``127.1``, ``0x7f000001``, ``2130706433``, ``0177.0.0.1``: what libc may take for IPv4."""
    if ":" in host:
        return False
    labels = host.lower().split(".")
    last = labels[-1]
    if not (last.isdigit() or last.startswith("0x")):
        return False
    canonical = [str(int(label)) for label in labels if label.isdigit() and len(label) <= 3]
    return len(labels) != 4 or canonical != labels


# ------------------------------------------------------------------ what the receiver said

RETRY_SCHEDULE_S: Final = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before each attempt, counted from the one before it."""

MAX_BODY: Final = 20_000
"""Bytes, of what we send and of what we read back (Standard Webhooks advises 20 kB)."""

ROTATION_OVERLAP: Final = timedelta(hours=24)
MAX_SECRETS: Final = 3
MAX_ENDPOINTS: Final = 50  # of one tenant
RECOVERY_WINDOW: Final = timedelta(days=14)
JITTER: Final = 0.2
MAX_RETRY_AFTER_S: Final = 86_400
THROTTLE_S: Final = 60
FAILING_LIMIT: Final = timedelta(hours=120)
_THROTTLING: Final = frozenset({429, 502, 504})


class DeliveryState(StrEnum):
    """Where one event stands with one endpoint."""

    PENDING = "pending"  # due now or later
    DELIVERED = "delivered"
    FAILED = "failed"  # every attempt was used; resend and recover bring it back
    HELD = "held"  # the endpoint is disabled; goes on when it is enabled


class DisabledReason(StrEnum):
    """Why an endpoint takes nothing at the moment."""

    MANUAL = "manual"
    GONE = "gone"  # it answered 410
    FAILING = "failing"  # nothing but failures for 120 hours


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one sending.

    ``status`` is None when no answer came, ``error`` then says why in one word
    (``timeout``, ``connection``, ``address_blocked``, ``tls``, ``protocol``).
    """

    status: int | None
    error: str | None = None
    retry_after: str | None = None

    @property
    def accepted(self) -> bool:
        """2xx and nothing else: a redirect is a failure."""
        return self.status is not None and 200 <= self.status <= 299


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for the delivery and its endpoint.

    ``next_at`` is set only while pending; ``failing_since`` is the endpoint's
    new value (None = healthy); ``throttled_until`` holds back all its deliveries.
    """

    state: DeliveryState
    next_at: datetime | None = None
    failing_since: datetime | None = None
    disable: DisabledReason | None = None
    throttled_until: datetime | None = None


def judge(
    answer: Answer,
    *,
    attempt: int,
    failing_since: datetime | None,
    now: datetime,
    jitter: float,
    schedule: Sequence[float] = RETRY_SCHEDULE_S,
) -> Verdict:
    """Decide after one attempt.

    Args:
        answer: what came back.
        attempt: its number, from 1.
        failing_since: the endpoint's first failure since its last success.
        now: when the answer came.
        jitter: a random number in [0, 1).
        schedule: seconds before each attempt; its length is the number of attempts.
    """
    if answer.accepted:
        return Verdict(DeliveryState.DELIVERED)
    since = _failing_since(failing_since, now)
    if answer.status == 410:
        return Verdict(DeliveryState.HELD, failing_since=since, disable=DisabledReason.GONE)
    if now - since >= FAILING_LIMIT:
        return Verdict(DeliveryState.HELD, failing_since=since, disable=DisabledReason.FAILING)
    asked = read_retry_after(answer.retry_after, now)
    throttle = _throttle(answer.status, asked)
    throttled_until = now + timedelta(seconds=throttle) if throttle else None
    delay = retry_delay_s(attempt, jitter, schedule)
    if delay is None:
        return Verdict(DeliveryState.FAILED, failing_since=since, throttled_until=throttled_until)
    wait = max(delay, asked or 0, throttle)
    return Verdict(
        DeliveryState.PENDING,
        next_at=now + timedelta(seconds=wait),
        failing_since=since,
        throttled_until=throttled_until,
    )


def retry_delay_s(
    attempt: int, jitter: float, schedule: Sequence[float] = RETRY_SCHEDULE_S
) -> float | None:
    """Seconds from failed attempt ``attempt`` (from 1) to the next, ±20 %; None = no more."""
    if attempt >= len(schedule):
        return None
    return schedule[attempt] * (1 - JITTER + 2 * JITTER * jitter)


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds asked for by a Retry-After header, within 0 and one day; None when unreadable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # Only the length is looked at first: int() refuses absurdly long digits.
        return float(MAX_RETRY_AFTER_S if len(text) > 6 else min(int(text), MAX_RETRY_AFTER_S))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), float(MAX_RETRY_AFTER_S))


def _throttle(status: int | None, asked: float | None) -> float:
    """Seconds in which the whole endpoint is left alone."""
    if status in _THROTTLING:
        return max(float(THROTTLE_S), asked or 0)
    if status == 503 and asked:
        return asked
    return 0.0


def _failing_since(failing_since: datetime | None, now: datetime) -> datetime:
    """The start of the failing stretch; one older than twice the limit is two stretches.

    An endpoint that gets one event a month would otherwise be disabled by its second failure.
    """
    if failing_since is None or now - failing_since > 2 * FAILING_LIMIT:
        return now
    return failing_since


def in_flight_cap(per_endpoint: int, failing_since: datetime | None) -> int:
    """How many deliveries one endpoint may occupy at once.

    A failing one gets fewer, so that several hanging endpoints cannot starve the healthy ones.
    """
    return per_endpoint if failing_since is None else min(2, per_endpoint)
