"""Outbound HTTP and time, as connectors need them; the gateway brings both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


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
