"""A portal's web server: takes webhooks and verifies each with the public ``standardwebhooks``."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """What arrived, delivery by delivery: ``arrivals`` are verified webhook ids with bodies."""

    url: str = ""
    secret: str = ""
    arrivals: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: int = 0
    behaviour: Behaviour | None = None

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """The latest body of each event."""
        return dict(self.arrivals)

    @property
    def counts(self) -> Counter[str]:
        """How often each event came."""
        return Counter(event_id for event_id, _ in self.arrivals)

    async def take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        headers = {k.lower(): v for k, v in request.headers.items()}
        try:
            body = Webhook(self.secret).verify(raw, headers)
        except (WebhookVerificationError, ValueError):
            self.refused += 1
            return web.Response(status=401)
        self.arrivals.append((headers["webhook-id"], body))
        if self.behaviour is not None:
            return await self.behaviour(request)
        return web.Response(status=204)


@contextlib.asynccontextmanager
async def receiving(receiver: Receiver | None = None) -> AsyncIterator[Receiver]:
    """A receiver on loopback that answers 204."""
    receiver = receiver or Receiver()
    app = web.Application()
    app.router.add_post("/webhooks", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def answering(status: int, **headers: str) -> Behaviour:
    """Always this status."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


async def hanging(_request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.sleep(3600)
    raise AssertionError
