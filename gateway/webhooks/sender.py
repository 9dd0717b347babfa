"""One POST to one endpoint, through the address guard.

Owns the HTTP side of sending: keep-alive, time limits, no redirects, no proxies, no cookies, a
bounded answer. Whatever goes wrong becomes an ``Answer``; nothing is raised but cancellation.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp

from gateway.foundation.addresses import AddressGuard
from gateway.foundation.clock import Clock
from gateway.foundation.outbound import open_session
from gateway.webhooks.rules import MAX_BODY, Answer

_AGENT: Final = "Motcua-Webhooks/1"
_KEPT_CHARACTERS: Final = 1000
_CONNECT_S: Final = 10.0
_READ_ANSWER_S: Final = 5.0
_AT_ONCE_S: Final = 1.0

_STALE: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError)
"""How a kept-alive connection fails that the receiver had closed in the same moment."""

_WORDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...]] = (
    (TimeoutError, "timeout"),  # most particular first
    ((aiohttp.ClientSSLError, ssl.SSLError), "tls"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientConnectorError, "connection"),
    ((aiohttp.InvalidURL, ValueError), "url"),
    ((aiohttp.ClientPayloadError, aiohttp.ClientResponseError), "protocol"),
)


@dataclass(frozen=True, slots=True)
class Received:
    """The answer, how long it took, and the beginning of its text for the delivery log."""

    answer: Answer
    latency_ms: int
    text: str = ""


class Sender:
    """An HTTP client for strangers' addresses.

    Args:
        guard: judges every address at the moment of dialling.
        clock: measures latency.
        timeout_s: for connecting, sending and the status line together.
        tls: the trust for https endpoints; None = the machine's own.
    """

    def __init__(
        self,
        guard: AddressGuard,
        clock: Clock,
        *,
        timeout_s: float = 15.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_s, sock_connect=min(_CONNECT_S, timeout_s)
        )
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        connector = aiohttp.TCPConnector(
            limit=0,  # the worker bounds what is in flight
            ssl=self._tls or True,
            socket_factory=self._guard.socket_factory,
        )
        self._session = open_session(
            connector,
            auto_decompress=False,  # a small answer must not grow
            timeout=self._timeout,
            headers={
                "User-Agent": _AGENT,
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
        )
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

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Received:
        """POST; a kept-alive connection that the receiver had just closed is replaced once."""
        started = self._clock.monotonic()
        try:
            answer, text = await self._post_or_again(url, headers, body, started)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answer, text = Answer(None, _word(error)), ""
        latency = round((self._clock.monotonic() - started) * 1000)
        return Received(answer, latency, text)

    async def _post_or_again(
        self, url: str, headers: Mapping[str, str], body: bytes, started: float
    ) -> tuple[Answer, str]:
        try:
            return await self._post(url, headers, body)
        except _STALE as error:
            late = self._clock.monotonic() - started > _AT_ONCE_S
            if late or isinstance(error, aiohttp.ClientConnectorError):
                raise
        return await self._post(url, headers, body)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[Answer, str]:
        if self._session is None:
            raise RuntimeError("the sender is not open")
        async with self._session.post(
            url, data=body, headers=dict(headers), allow_redirects=False
        ) as response:
            text = await _read(response)
            retry_after = response.headers.get("Retry-After")
            return Answer(response.status, retry_after=retry_after), text


async def _read(response: aiohttp.ClientResponse) -> str:
    """The beginning of the answer; the status counts even if the rest never comes."""
    received = b""
    try:
        async with asyncio.timeout(_READ_ANSWER_S):
            while len(received) < MAX_BODY:
                chunk = await response.content.read(MAX_BODY - len(received))
                if not chunk:
                    break
                received += chunk
    except (TimeoutError, aiohttp.ClientError):
        pass
    if not response.content.at_eof():
        response.close()
    return received.decode(errors="replace").replace("\x00", "\ufffd")[:_KEPT_CHARACTERS]


def _word(error: Exception) -> str:
    """What went wrong, in one word of the delivery log."""
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno == errno.EACCES:
        return "address_blocked"
    return next((word for kinds, word in _WORDS if isinstance(error, kinds)), "connection")
