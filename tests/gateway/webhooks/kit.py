"""A gateway's webhooks on a test database, and receivers that answer as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import sqlalchemy as sa
from aiohttp import web
from standardwebhooks import Webhook

from gateway.foundation.addresses import AddressGuard, parse_subnets
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id
from gateway.foundation.metrics import Metrics
from gateway.foundation.secrets import SecretBox
from gateway.foundation.tasks import Tasks
from gateway.foundation.waker import Waker
from gateway.webhooks.assembly import Webhooks
from gateway.webhooks.delivery_store import attempts, deliveries
from gateway.webhooks.outbox import TOPIC, NewEvent, emit
from gateway.webhooks.worker import Options

TENANT = "cong-dvc/test"
LOOPBACK = AddressGuard(parse_subnets(["127.0.0.0/8", "::1/128"]))
MASTER = b"m" * 32


@dataclass
class Request:
    """One request as a receiver got it."""

    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self):
        return json.loads(self.body)

    def verified_by(self, secret: str):
        """What the public library makes of it; raises when it refuses."""
        return Webhook(secret).verify(self.body, self.headers)


Behaviour = Callable[[web.Request], "web.StreamResponse | asyncio.Future | object"]


@dataclass
class Receiver:
    """A portal's web server; ``answer`` may be changed at any time."""

    answer: Callable
    requests: list[Request] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [r.headers["webhook-id"] for r in self.requests]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {k.lower(): v for k, v in request.headers.items()}
        self.requests.append(Request(headers, body, time.monotonic()))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self.answer(request)
            return await answer if asyncio.iscoroutine(answer) else answer
        finally:
            self.in_flight -= 1


def status(code: int, **headers: str) -> Callable:
    """Answers with this status."""
    renamed = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: web.Response(status=code, headers=renamed, text=f"said {code}")


async def hang(_request: web.Request) -> web.Response:
    """Never answers."""
    await asyncio.sleep(3600)
    raise AssertionError


@contextlib.asynccontextmanager
async def receiving(answer: Callable | None = None) -> AsyncIterator[Receiver]:
    """A receiver on loopback, 204 unless told otherwise."""
    receiver = Receiver(answer or status(204))
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


class Kit:
    """Webhooks with everything around them."""

    def __init__(self, database: Database, clock: Clock, **more) -> None:
        self.database = database
        self.clock = clock
        self.metrics = Metrics()
        self.waker = more.pop("waker", None) or Waker()
        options = {"poll_s": 0.05, "drain_s": 1.0, **more.pop("options", {})}
        self.webhooks = Webhooks(
            database,
            clock,
            self.waker,
            self.metrics,
            SecretBox([MASTER]),
            public_url="https://motcua.example",
            guard=more.pop("guard", LOOPBACK),
            options=Options(**options),
            **more,
        )
        self._sequences = itertools.count(1)

    @contextlib.asynccontextmanager
    async def running(self, *names: str) -> AsyncIterator[None]:
        """The background work, or some of it."""
        died: list[BaseException] = []
        tasks = Tasks(on_death=lambda _name, error: died.append(error))
        for name, work in self.webhooks.tasks().items():
            if not names or name in names:
                tasks.start(name, work())
        try:
            yield
        finally:
            await tasks.close()
        assert not died

    async def endpoint(self, url: str, tenant: str = TENANT, **values):
        row = {
            "url": url,
            "events": ["*"],
            "description": "",
            "mode": "thin",
            "ordering": "none",
            **values,
        }
        return await self.database.write(lambda c: self.webhooks.endpoints.create(c, tenant, row))

    def new_event(self, subject: str = "", sequence: int = 1, **values) -> NewEvent:
        fields = {
            "tenant": TENANT,
            "type": "payment.paid",
            "reference": "000.00.12.H55-261102-0001",
            "at": self.clock.now(),
            **values,
        }
        subject = subject or new_id("pay", self.clock)
        return NewEvent(id=new_id("evt", self.clock), subject=subject, sequence=sequence, **fields)

    async def emit(self, *events: NewEvent) -> list[str]:
        new = events or (self.new_event(),)
        await self.database.write(lambda c: emit(c, new))
        self.waker.wake(TOPIC)
        return [event.id for event in new]

    async def emit_many(self, count: int, **values) -> list[str]:
        return await self.emit(*(self.new_event(**values) for _ in range(count)))

    async def states(self) -> list[str]:
        return await self.database.read(
            lambda c: list(
                c.execute(sa.select(deliveries.c.state).order_by(deliveries.c.number)).scalars()
            )
        )

    async def deliveries(self):
        return await self.database.read(
            lambda c: c.execute(sa.select(deliveries).order_by(deliveries.c.number)).all()
        )

    async def attempts(self):
        return await self.database.read(
            lambda c: c.execute(sa.select(attempts).order_by(attempts.c.number)).all()
        )

    async def read_endpoint(self, endpoint_id: str):
        return await self.database.read(
            lambda c: self.webhooks.endpoints.endpoint(c, TENANT, endpoint_id)
        )


async def until(condition: Callable, within_s: float = 60.0):
    """Wait for a condition, sync or async; the last value is returned."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
