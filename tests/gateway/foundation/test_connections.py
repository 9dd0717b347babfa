"""What is no request at all, over real sockets: our problems, and a log that quotes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from gateway.foundation.bodies import read_limited
from gateway.foundation.clock import FakeClock
from gateway.foundation.connections import Runner
from gateway.foundation.edge import middleware
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import CATALOGUE

SECRET = "mc_test_thisisnobodyskey"
KEY = f"Authorization: Bearer {SECRET}\r\n"
POST = f"POST /x HTTP/1.1\r\nHost: a\r\n{KEY}"
CHUNKED = f"{POST}Transfer-Encoding: chunked\r\n\r\n"
LONG = "a" * 9000
MANY = "".join(f"X-{i}: b\r\n" for i in range(5000))
NO_REQUESTS = {
    "address": (f"GET /{LONG} HTTP/1.1\r\nHost: a\r\n\r\n", 414, "address_too_long"),
    "query": (f"GET /x?q={LONG} HTTP/1.1\r\nHost: a\r\n\r\n", 414, "address_too_long"),
    "header": (f"GET /x HTTP/1.1\r\n{KEY}X: {LONG}\r\n\r\n", 431, "headers_too_large"),
    "key": (f"GET /x HTTP/1.1\r\n{KEY.strip()}{LONG}\r\n\r\n", 431, "headers_too_large"),
    "header's name": (f"GET /x HTTP/1.1\r\n{LONG}: x\r\n\r\n", 431, "headers_too_large"),
    "many headers": (f"GET /x HTTP/1.1\r\n{KEY}{MANY}\r\n", 431, "headers_too_large"),
    "one word": ("GET\r\n\r\n", 400, "invalid_request"),
    "tls": ("\x16\x03\x01\x00\xa5\r\n\r\n", 400, "invalid_request"),
    "other version": (f"GET /x HTTP/9.7\r\n{KEY}\r\n", 400, "invalid_request"),
    "space in the address": (f"GET /a {SECRET} HTTP/1.1\r\n\r\n", 400, "invalid_request"),
    "address of no host": ("GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_request"),
    "no host": (f"GET /x HTTP/1.1\r\n{KEY}\r\n", 400, "invalid_request"),
    "length in words": (f"{POST}Content-Length: {SECRET}\r\n\r\n", 400, "invalid_request"),
    "two lengths": (f"{POST}Content-Length: 1\r\n{CHUNKED[len(POST) :]}", 400, "invalid_request"),
    "no chunk": (f"{CHUNKED}{SECRET}\r\nabc\r\n0\r\n\r\n", 400, "invalid_request"),
    "chunk without end": (f"{CHUNKED}3\r\nabc{SECRET}\r\n0\r\n\r\n", 400, "invalid_request"),
    "expectation": (f"{POST}Expect: {SECRET}\r\n\r\n", 417, "expectation_failed"),
}


async def hold(request: web.Request) -> web.Response:
    if request.path == "/broken":
        raise Broken
    return web.Response(body=await read_limited(request, 1000))


class Broken(BaseException):
    """What the middleware does not catch, and aiohttp must not show."""


@web.middleware
async def break_outside(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Broken:
        raise RuntimeError(SECRET) from None


@pytest.fixture
async def port():
    inner = middleware(FakeClock(), Metrics())
    application = web.Application(middlewares=[break_outside, inner])
    application.router.add_route("*", "/{any:.*}", hold)
    runner = Runner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def send(port: int, *pieces: str) -> tuple[int, dict[str, str], bytes]:
    """Send bytes, the pieces apart; status, headers and body of the answer to all of them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        for piece in pieces:
            writer.write(piece.encode("latin-1"))
            await writer.drain()
            await asyncio.sleep(0.02)
        async with asyncio.timeout(10):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:])
            body = await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split()[1]), headers, body


@pytest.mark.parametrize("name", NO_REQUESTS)
async def test_what_is_no_request_is_refused_in_our_words(port, caplog, name):
    """A problem in Vietnamese with its code; nothing of what was sent, no traceback in the log."""
    raw, status, code = NO_REQUESTS[name]
    with capture_logs() as ours:
        answered, headers, body = await send(port, raw)
    problem = json.loads(body)
    assert (answered, problem["status"], problem["code"]) == (status, status, code)
    assert problem["title"] == CATALOGUE[code].vi
    assert headers["content-type"].startswith("application/problem+json")
    assert (headers["x-request-id"], headers["server"]) == (problem["trace_id"], "motcua")
    assert not caplog.records
    assert not any("exc_info" in entry for entry in ours)
    assert not any(sent in f"{ours}{problem}" for sent in (SECRET, "aaaa"))


async def test_a_body_that_goes_wrong_on_its_way_is_refused_once(port, caplog):
    """The handler waits for it already."""
    with capture_logs() as ours:
        status, headers, body = await send(port, f"{CHUNKED}3\r\nabc\r\n", f"{SECRET}\r\n")
    assert (status, json.loads(body)["code"]) == (400, "invalid_request")
    assert headers["content-type"].startswith("application/problem+json")
    assert not caplog.records
    assert SECRET not in str(ours)


async def test_a_line_within_the_limits_is_served(port):
    """As long as may be: the limit refuses nothing that it allows."""
    status, _, body = await send(port, f"{POST}X: {'a' * 8000}\r\nContent-Length: 3\r\n\r\nabc")
    assert (status, body) == (200, b"abc")


async def test_a_fault_behind_the_middleware_is_ours_and_says_nothing(port, caplog):
    """aiohttp would answer English text."""
    with capture_logs() as ours:
        status, headers, body = await send(port, "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (status, json.loads(body)["code"]) == (500, "internal_error")
    assert headers["content-type"].startswith("application/problem+json")
    assert SECRET not in body.decode()
    assert [entry["event"] for entry in ours] == ["unhandled"]
    assert not caplog.records
