"""An edge with keys and a served application, for HTTP tests of one capability."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.foundation.access import Keys
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.edge import middleware
from gateway.foundation.limits import RateLimiter
from gateway.foundation.metrics import Metrics
from gateway.foundation.web import Edge, Page, Route, mount

PEPPER = b"p" * 32


@dataclass
class Portal:
    """A caller with a key; every POST gets a fresh idempotency key unless one is given."""

    session: aiohttp.ClientSession
    base: str
    secret: str
    _count: int = 0

    async def call(self, method: str, path: str, json=None, *, key: str | None = "", **more):
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        if method == "POST" and key is not None:
            self._count += 1
            headers["Idempotency-Key"] = key or f"key-{id(self)}-{self._count}"
        async with self.session.request(
            method, self.base + path, json=json, headers=headers, **more
        ) as response:
            raw = await response.read()
            body = await response.json(content_type=None) if raw else None
            return response.status, body, response.headers

    async def post(self, path: str, json=None, **more):
        return await self.call("POST", path, json, **more)

    async def get(self, path: str, **more):
        return await self.call("GET", path, **more)


def make_edge(database: Database, clock: Clock, *, per_second: int = 0) -> Edge:
    return Edge(
        clock, database, Keys(database, clock, PEPPER), RateLimiter(clock, None, per_second)
    )


async def serve(edge: Edge, routes: list[Route | Page]) -> TestServer:
    """A real server on loopback with the product's own middleware."""
    app = web.Application(middlewares=[middleware(edge.clock, Metrics())], client_max_size=2**26)
    mount(app, edge, routes)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    return server


async def portal(
    edge: Edge,
    server: TestServer,
    session: aiohttp.ClientSession,
    name: str = "cong-dvc",
    mode: str = "test",
    scopes: tuple[str, ...] = ("*",),
    official: str | None = None,
) -> Portal:
    made = await edge.keys.create(name, mode, scopes, official=official)
    return Portal(session, str(server.make_url("")).rstrip("/"), made.secret)
