"""One whole gateway in this process, with its own signer processes, and everything around it.

The product as ``gateway.app`` assembles it, on a clock that runs and can be moved on, so that what
a provider wants minutes of patience for takes none. Simulators of every signing service, the
development PKI and a portal's web server stand on loopback beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from gateway.app import Gateway
from gateway.development import AGENCY, AGENCY_CODE, CLERK, World, listen
from gateway.documents.confirmations.tickets import TOPIC
from signing.contract import BreakerState
from tests.scenarios.business import subscribe
from tests.support.receiver import Receiver, receiving
from tests.support.town import Client

LARGE_FROM = 600_000  # bytes; the decision of these tests has fewer, its heavy edition has more
_STEP_S = 0.4  # of real time between two steps of the town's clock
PASSWORD_AS_PIN = "phat-trien"
TEMPLATES = """[[template]]
name = "giay-phep"
version = "1"
fields = ["SoTien"]
pages = 1
valid_from = 2025-07-01
legal_basis = "Quyết định 2"
"""
SEALS = {"smartca": "smartca", "mysign": "mysign", "hook": "hook", "csc": "csc-v1", "vgca": "vgca"}


class MovableClock:
    """The machine's time and what it was moved on by; sleepers wake when it is moved."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead.total_seconds()

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)
        self._moved.set()
        self._moved = asyncio.Event()


class PatientReceiver(Receiver):
    """A portal that believes what arrives: the town's clock is ahead of what signatures allow."""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.arrivals.append((request.headers["webhook-id"], await request.json()))
        return web.Response(status=204)


def agency_at(name: str) -> str:
    """The agency whose seal is kept at one of the services."""
    return f"agency:H55.{name}"


@dataclass
class Town:
    """A running gateway and who is around it."""

    world: World
    gateway: Gateway
    clock: MovableClock
    session: aiohttp.ClientSession
    receiver: Receiver
    portal: str = "cong-dvc"  # whose documents a test works on
    clients: dict[tuple[str, str | None], Client] = field(default_factory=dict)
    _moved_at: float = 0.0

    @property
    def pki(self) -> Any:
        return self.world.pki

    @property
    def services(self) -> Any:
        return self.world.services

    @property
    def base(self) -> str:
        return self.world.gateway_url

    async def client(self, official: str | None = None) -> Client:
        """The portal, or an official with a personal token; one key each."""
        who = (self.portal, official)
        if who not in self.clients:
            scopes = ("documents:sign", "certifications:write") if official else ("*",)
            made = await self.gateway.keys.create(self.portal, "test", scopes, official=official)
            self.clients[who] = Client(self.session, self.base, made.secret)
        return self.clients[who]

    def later(self, seconds: float = 6.0) -> None:
        """Time passes, and workers look at once.

        No faster than the machine works: what is patient for minutes would otherwise run out while
        a busy machine starts a process.
        """
        now = asyncio.get_running_loop().time()
        if now - self._moved_at >= _STEP_S:
            self._moved_at = now
            self.clock.advance(seconds)
        self.gateway.waker.wake(TOPIC)


async def until(condition: Any, town: Town | None = None, within_s: float = 60.0) -> Any:
    """Wait for an awaited condition; with a town, time passes there meanwhile."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        found = await condition()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, condition
        if town is not None:
            town.later()
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def living(
    folder: Path,
    more_keys: dict[str, Any] | None = None,
    of_an_act: str = "each",
    **sections: Any,
) -> AsyncIterator[Town]:
    """A town that serves; ``more_keys`` are keys beside those of the services."""
    socket = listen()
    world = World(folder, f"http://127.0.0.1:{socket.getsockname()[1]}", remote_keys=True)
    await world.start()
    made = msgspec.to_builtins(world.settings())["signing"]
    keys = made["keys"] | keys_of(made["keys"]) | (more_keys or {})
    signing = {
        "keys": keys,
        "preservation": {"retry_s": [60]},
        "templates": str(folder / "templates.toml"),
        "timestamps": {
            **made["timestamps"],
            "slots_folder": str(folder / "slots"),
            "of_an_act": of_an_act,
        },
        **sections.pop("signing", {}),
    }
    (folder / "slots").mkdir()
    (folder / "templates.toml").write_text(TEMPLATES, "utf-8")
    settings = world.settings(
        signing=signing,
        files={"large_from": LARGE_FROM},
        server={"public_url": world.gateway_url, "mode": "test", "requests_per_second": 0},
        webhooks={"allowed_networks": ["127.0.0.0/8"], "retry_s": [0, 1, 1, 1]},
        **sections,
    )
    clock = MovableClock()
    gateway = Gateway(settings, clock)
    async with receiving(PatientReceiver()) as receiver, aiohttp.ClientSession() as session:
        await gateway.start(socket=socket)
        town = Town(world, gateway, clock, session, receiver)
        try:
            await subscribe(await town.client(), receiver)
            yield town
        finally:
            await gateway.stop()
            await world.simulators.close()
            await world.pki.close()


def keys_of(base: dict[str, Any]) -> dict[str, Any]:
    """Local keys that leave the fast lane or want a PIN, and seals kept at each service."""
    for key in base.values():  # whoever signs may also be asked to certify copies
        if not key["holder"].startswith("agency:"):
            key["certifies"] = [AGENCY_CODE, *(f"H55.{name}" for name in SEALS)]
    person = base["official-rsa"]
    made = {
        "sha384": {**person, "holder": "official:seams.sha384", "digest": "sha384"},
        "pin": {**person, "holder": "official:seams.pin", "password": ""},
    }
    for name, key in SEALS.items():
        seal = {"holder": agency_at(name), "clerks": [CLERK], "certifies": []}
        made[f"seal-{name}"] = {**base[key], **seal, "name": "UBND phường Mẫu", "title": ""}
    return made


@contextlib.contextmanager
def environment(**values: str) -> Any:
    """Variables that signer processes are started with."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def calm(town: Town) -> None:
    """No service misbehaves any more."""
    for faults in (town.pki.faults, *(s.faults for s in town.services.simulators())):
        for one in dataclasses.fields(faults):
            if one.name.startswith("_") or one.default is dataclasses.MISSING:
                continue
            setattr(faults, one.name, one.default)
    for breaker in (town.world.folder / "slots").glob("*breaker*"):
        # signer processes keep the machine's time: without this they would rest
        breaker.write_text(json.dumps(dataclasses.asdict(BreakerState())), "utf-8")


__all__ = ["AGENCY", "CLERK", "Town", "calm", "living", "until"]
