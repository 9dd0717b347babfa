"""A whole town around real gateway processes: providers, PKI, a portal, officials, a receiver."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.development import World
from gateway.foundation.access import Keys
from gateway.foundation.clock import SystemClock
from gateway.foundation.database import Database
from gateway.foundation.engines import make_engine
from gateway.migrations import run as migrations
from gateway.settings import Settings
from gateway.wiring import pepper
from tests.support.postgres import free_port
from tests.support.process import GatewayProcess, write_config

PATIENCE = (0.1, 0.2, *(0.4,) * 120)  # simulators repeat until a restarted gateway answers
_BUSY = ("idempotency_in_progress", "register_busy")
FAST = (0, 1, 1, 1, 2, 2, 5, 5, 5, 10)  # webhook retries


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The problem's code; empty when it is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return ""
        return str(self.json["code"])


@dataclass
class Client:
    """Calls the API with one key, as patiently as a portal should."""

    session: aiohttp.ClientSession
    base: str
    secret: str

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = "", **more: Any
    ) -> Answer:
        """One request; ``key=""`` makes a fresh idempotency key, None sends none."""
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        headers |= more.pop("headers", {})
        if method == "POST" and key is not None:
            headers["Idempotency-Key"] = key or secrets.token_hex(12)
        if body is not None:
            more["json"] = body
        url = self.base + path
        async with self.session.request(method, url, headers=headers, **more) as response:
            found = {k.lower(): v for k, v in response.headers.items()}
            return Answer(response.status, found, await response.read())

    def at(self, base: str) -> Client:
        """The same key at another gateway."""
        return Client(self.session, base, self.secret)

    async def get(self, path: str) -> Any:
        """A GET that must succeed."""
        answer = await self.call("GET", path)
        assert answer.status == 200, (path, answer.status, answer.raw[:500])
        return answer.json

    async def post(self, path: str, body: Any = None, *, status: int = 201, **more: Any) -> Any:
        """A POST that must succeed."""
        answer = await self.call("POST", path, body if body is not None else {}, **more)
        assert answer.status == status, (path, answer.status, answer.raw[:500])
        return answer.json

    async def insist(self, path: str, body: Any = None, *, key: str, **more: Any) -> Answer:
        """POST under one key until it is answered, whatever happens to the gateway meanwhile."""
        deadline = time.monotonic() + 60
        make = more.pop("form", None)
        last = None
        while True:
            if make is not None:
                more["data"] = make()
            with contextlib.suppress(aiohttp.ClientError, OSError):
                last = await self.call("POST", path, body, key=key, **more)
                if last.status < 500 and last.code not in _BUSY:
                    return last
            assert time.monotonic() < deadline, (path, last)
            await asyncio.sleep(0.1)

    async def every(self, path: str) -> list[Any]:
        """All pages of a list."""
        found: list[Any] = []
        after = ""
        joint = "&" if "?" in path else "?"
        while True:
            page = await self.get(f"{path}{joint}limit=100{after}")
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&after={page['next']}"


@dataclass
class Town:
    """One database, one or more gateways on it, everything around them."""

    world: World
    settings: Settings
    gateways: list[GatewayProcess]
    session: aiohttp.ClientSession
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def gateway(self) -> GatewayProcess:
        return self.gateways[0]

    async def key(
        self,
        portal: str = "cong-dvc",
        scopes: tuple[str, ...] = ("*",),
        official: str | None = None,
        mode: str = "test",
    ) -> Client:
        """A caller with a new key."""
        database = Database(self.settings.database.url)
        try:
            keys = Keys(database, SystemClock(), pepper(self.settings))
            made = await keys.create(portal, mode, list(scopes), official=official)
        finally:
            await database.close()
        return Client(self.session, self.gateway.base_url, made.secret)

    async def start(self) -> None:
        for gateway in self.gateways:
            gateway.start()
        await asyncio.gather(*(gateway.ready() for gateway in self.gateways))

    async def crash(self) -> None:
        """``kill -9``, and start again after every lease has run out."""
        self.gateway.kill()
        self.gateway.later_s += 65
        self.gateway.start()
        await self.gateway.ready()

    async def at_simulator(self, path: str, body: dict[str, Any]) -> Any:
        """Do something at a provider's side."""
        url = f"{self.world.simulators.base_url}/sim/{path}"
        async with self.session.post(url, json=body) as response:
            assert response.status < 300, (path, response.status, await response.text())
            return await response.json()


@contextlib.asynccontextmanager
async def living(
    folder: Path, *, count: int = 1, remote_keys: bool = False, **sections: Any
) -> AsyncIterator[Town]:
    """A town whose gateways are configured and migrated, but not yet started."""
    ports = [free_port() for _ in range(count)]
    bases = [f"http://127.0.0.1:{port}" for port in ports]
    world = World(folder, bases[0], remote_keys=remote_keys)
    for simulator in (world.vnpay, world.bank):
        simulator.callbacks.delays_s = PATIENCE
    await world.start()
    sections = {"webhooks": {"retry_s": FAST}, "log": {"level": "warning"}, **sections}
    settings = world.settings(**sections)
    engine = make_engine(settings.database.url)
    await asyncio.to_thread(migrations.upgrade, engine)
    engine.dispose()
    gateways = [
        GatewayProcess(write_config(folder / f"gateway-{port}.toml", settings, port=port), base)
        for port, base in zip(ports, bases, strict=True)
    ]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        try:
            yield Town(world, settings, gateways, session)
        finally:
            for gateway in gateways:
                gateway.end()
            for simulator in (world.vnpay, world.bank):
                simulator.callbacks.delays_s = ()
            await world.simulators.close()
            await world.pki.close()


async def until(condition: Callable[[], Any], within_s: float = 60.0, every_s: float = 0.05) -> Any:
    """Wait for a condition, sync or async; its value is returned."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, inspect.getsource(condition)
        await asyncio.sleep(every_s)
