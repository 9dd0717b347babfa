"""The four outcomes over real sockets: only what was never sent is sent again."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.contract import HttpRequest, OutcomeUnknown, ProviderUnavailable
from gateway.foundation.clock import FakeClock, SystemClock
from gateway.foundation.metrics import Metrics
from gateway.foundation.outbound import Breaker, HttpTransport
from tests.support.postgres import free_port


class QuickClock(SystemClock):
    """Real time whose sleeps are noted and skipped."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def serve(handler) -> TestServer:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    return server


async def test_any_status_is_an_answer():
    """A 500 is a reply: the connector reads it, the transport does not judge."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500, text=await request.text(), headers={"X-A": "1"})

    server = await serve(handler)
    async with HttpTransport(QuickClock(), Metrics()) as transport:
        reply = await transport.send(
            HttpRequest("POST", str(server.make_url("/x")), {"Content-Type": "text/plain"}, b"hi")
        )
    assert (reply.status, reply.body, reply.headers["x-a"]) == (500, b"hi", "1")
    await server.close()


async def test_a_refused_connection_is_repeated_because_nothing_was_sent():
    """Three tries, then ProviderUnavailable."""
    clock = QuickClock()
    async with HttpTransport(clock, Metrics()) as transport:
        with pytest.raises(ProviderUnavailable):
            await transport.send(HttpRequest("POST", f"http://127.0.0.1:{free_port()}/", body=b"x"))
    assert len(clock.slept) == 2


@pytest.mark.parametrize("fault", ["hang", "drop", "cut"])
async def test_a_broken_exchange_is_unknown_and_never_repeated(fault):
    """Time-out, a dropped connection and a cut answer: the work may have been done."""
    calls = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        await request.read()
        if fault == "hang":
            await asyncio.sleep(5)
        if fault == "drop":
            request.transport.abort()
            return web.Response()
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        request.transport.abort()
        return response

    server = await serve(handler)
    async with HttpTransport(QuickClock(), Metrics()) as transport:
        for method in ("POST", "GET"):
            with pytest.raises(OutcomeUnknown):
                await transport.send(
                    HttpRequest(method, str(server.make_url("/")), body=b"x", timeout_s=0.4)
                )
    assert calls == 2
    await server.close()


async def test_redirects_are_not_followed():
    """A 302 is handed to the connector as it is."""

    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/elsewhere")

    server = await serve(handler)
    async with HttpTransport(QuickClock(), Metrics()) as transport:
        assert (await transport.send(HttpRequest("GET", str(server.make_url("/"))))).status == 302
    await server.close()


def test_the_breaker_opens_on_half_failures_and_probes_later():
    """Twenty calls, half of them failed: closed for thirty seconds."""
    clock = FakeClock()
    breaker = Breaker(clock)
    for number in range(19):
        breaker.note(ok=number % 2 == 0)
    assert breaker.allows()
    breaker.note(ok=False)
    assert not breaker.allows()
    clock.advance(30)
    assert breaker.allows()
    for _ in range(19):
        breaker.note(ok=False)
    clock.advance(61)
    breaker.note(ok=False)
    assert breaker.allows(), "old failures are forgotten"
