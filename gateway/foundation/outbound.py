"""Outbound HTTP with the four outcomes; only what was never sent is sent again.

============  ==========================================================
a reply       whatever its status: the connector reads it
``not_sent``  ``ProviderUnavailable``: name, connection or TLS failed, or the breaker is open;
              repeated here (tenacity), because nothing left the machine
``unknown``   ``OutcomeUnknown``: sent, then time-out, reset or a cut answer; never repeated
============  ==========================================================
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from connectors.contract import HttpReply, HttpRequest, OutcomeUnknown, ProviderUnavailable
from gateway.foundation.clock import Clock
from gateway.foundation.metrics import Metrics

_log = structlog.get_logger(__name__)

_MAX_REPLY = 8 * 1024 * 1024
_NOT_SENT = (
    aiohttp.ClientConnectorError,  # refused, name not found, TLS refused
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    ssl.SSLError,
)


@dataclass
class Breaker:
    """Opens for a host when half of the last calls in a minute were never answered."""

    clock: Clock
    window_s: float = 60.0
    least: int = 20
    share: float = 0.5
    open_s: float = 30.0
    calls: deque[tuple[float, bool]] = field(default_factory=deque)
    open_until: float = 0.0

    def allows(self) -> bool:
        """Whether a call may be tried now; after ``open_s`` one may probe."""
        return self.clock.monotonic() >= self.open_until

    def note(self, *, ok: bool) -> None:
        """Count a call's end."""
        now = self.clock.monotonic()
        self.calls.append((now, ok))
        while self.calls and self.calls[0][0] < now - self.window_s:
            self.calls.popleft()
        failed = sum(not was_ok for _, was_ok in self.calls)
        if not ok and len(self.calls) >= self.least and failed >= self.share * len(self.calls):
            self.open_until = now + self.open_s
            self.calls.clear()


def open_session(
    connector: aiohttp.TCPConnector, *, auto_decompress: bool, **more: Any
) -> aiohttp.ClientSession:
    """A client session that remembers nothing, obeys no proxy variable and repeats nothing."""
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=auto_decompress,
        **more,
    )
    # aiohttp would send a GET again by itself when a kept-alive connection drops; the second
    # outcome of our rule forbids that, and the library offers no public switch.
    session._retry_connection = False  # noqa: SLF001 - no public switch
    return session


class HttpTransport:
    """The ``connectors.contract.Transport`` of the gateway."""

    def __init__(self, clock: Clock, metrics: Metrics, *, tries: int = 3) -> None:
        self._clock = clock
        self._metrics = metrics
        self._tries = tries
        self._breakers: dict[str, Breaker] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        connector = aiohttp.TCPConnector(limit=200, limit_per_host=40)
        self._session = open_session(connector, auto_decompress=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: HttpRequest) -> HttpReply:
        """Send; see the module's table for what may be raised."""
        host = urlsplit(request.url).netloc
        breaker = self._breakers.setdefault(host, Breaker(self._clock))
        if not breaker.allows():
            self._count(host, "not_sent")
            raise ProviderUnavailable(f"{host}: circuit open")
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(ProviderUnavailable),
                stop=stop_after_attempt(self._tries),
                wait=wait_exponential_jitter(multiplier=0.1, max=2.0),
                sleep=self._clock.sleep,
                reraise=True,
            ):
                with attempt:
                    reply = await self._send_once(request, host)
        except ProviderUnavailable:
            breaker.note(ok=False)
            self._count(host, "not_sent")
            raise
        except OutcomeUnknown:
            breaker.note(ok=False)
            self._count(host, "unknown")
            raise
        breaker.note(ok=reply.status < 500)
        self._count(host, "answered")
        return reply

    async def _send_once(self, request: HttpRequest, host: str) -> HttpReply:
        if self._session is None:
            raise ProviderUnavailable("transport is closed")
        timeout = aiohttp.ClientTimeout(
            total=request.timeout_s, sock_connect=min(10.0, request.timeout_s)
        )
        try:
            async with self._session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers=dict(request.headers),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(_MAX_REPLY + 1)
                while len(body) <= _MAX_REPLY and not response.content.at_eof():
                    body += await response.content.read(_MAX_REPLY + 1 - len(body))
                headers = {k.lower(): v for k, v in response.headers.items()}
                status = response.status
        except _NOT_SENT as error:
            raise ProviderUnavailable(f"{host}: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise OutcomeUnknown(f"{host}: {type(error).__name__}") from error
        if len(body) > _MAX_REPLY:
            raise OutcomeUnknown(f"{host}: reply too large")
        return HttpReply(status, headers, body)

    def _count(self, host: str, outcome: str) -> None:
        self._metrics.outbound.labels(host=host, outcome=outcome).inc()
