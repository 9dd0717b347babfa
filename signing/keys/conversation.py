"""How a remote signing service is spoken to: one request, one of three outcomes.

Owns the connection, the time limit, the size limit of an answer, and telling apart what was never
sent (``KeyUnavailable``), what was sent and not readably answered (``Unanswered``) and what was
answered, whatever it says (``Answer``). Never repeats a request, follows no redirect. Leaves the
messages to each provider.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from signing.keys.contract import KeyUnavailable

_MAX_ANSWER_BYTES = 1024 * 1024
_CONNECT_S = 10.0


class Unanswered(Exception):
    """The request left, and no readable answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the HTTP status and the JSON value, None when it was not JSON."""

    status: int
    body: object
    raw: bytes
    headers: Mapping[str, str]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object; empty when the answer is something else."""
        return self.body if isinstance(self.body, Mapping) else {}


class Conversation:
    """A connection to a service for one act; close it, or use it as an async context."""

    def __init__(self, timeout_s: float) -> None:
        limit = aiohttp.ClientTimeout(total=timeout_s, connect=min(_CONNECT_S, timeout_s))
        self._session = aiohttp.ClientSession(timeout=limit)

    async def __aenter__(self) -> Conversation:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self._session.close()

    async def post(self, url: str, **request: Any) -> Answer:
        """Ask once; ``request`` is aiohttp's (``json``, ``data``, ``headers``).

        Raises:
            KeyUnavailable: code ``signing_service_unreachable``; nothing was sent.
            Unanswered: anything may have happened.
        """
        try:
            async with self._session.post(url, allow_redirects=False, **request) as answer:
                raw = await _read_bounded(answer)
                return Answer(answer.status, _read_json(raw), raw, answer.headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise unreachable() from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unanswered(type(error).__name__) from error


async def _read_bounded(answer: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        data += chunk
        if len(data) > _MAX_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(data)


def _read_json(data: bytes) -> object:
    try:
        found: object = json.loads(data)
    except ValueError:
        return None
    return found


def unreachable() -> KeyUnavailable:
    """Nobody listens there: nothing was sent."""
    return KeyUnavailable(
        "signing_service_unreachable",
        "Không kết nối được dịch vụ ký số; văn bản chưa được ký.",
        "the remote signing service cannot be reached; nothing was sent",
    )


def silent() -> KeyUnavailable:
    """It gave no readable answer to something that signs nothing."""
    return KeyUnavailable(
        "signing_service_silent",
        "Dịch vụ ký số không trả lời hoặc trả lời không đọc được; văn bản chưa được ký.",
        "the remote signing service gave no readable answer; nothing was signed",
    )
