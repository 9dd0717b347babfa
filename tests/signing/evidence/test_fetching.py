"""How services are asked: nothing remembered between questions but the connection."""

from __future__ import annotations

import dataclasses

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signing.contract import SignerConfig
from signing.evidence import fetching
from signing.evidence.fetching import Fetcher, FetchFailed


@pytest.fixture
async def told():
    """A server that repeats which headers and over which connection it was asked."""
    seen = []

    async def answer(request):
        seen.append((dict(request.headers), request.transport.get_extra_info("peername")))
        response = web.StreamResponse(headers={"Set-Cookie": "a=b; Path=/"})
        size = int(request.query.get("size", 3))
        if "chunked" not in request.query:
            response.content_length = size
        await response.prepare(request)
        await response.write(b"x" * size)
        return response

    application = web.Application()
    application.router.add_route("*", "/", answer)
    async with TestServer(application) as server:
        yield server, seen


@pytest.fixture
async def fetcher():
    async with Fetcher(SignerConfig(allow_loopback=True)) as made:
        yield made


async def test_one_connection_without_cookies_or_wishes_for_compression(told, fetcher):
    server, seen = told
    for _ in range(3):
        assert await fetcher.post(str(server.make_url("/")), b"?", {"Accept": "a/b"}, 5) == b"xxx"
    assert len({peer for _, peer in seen}) == 1
    for headers, _ in seen:
        assert headers["Accept"] == "a/b"
        assert not {"Cookie", "Accept-Encoding"} & set(headers)


@pytest.mark.parametrize("how", ["", "&chunked=1"])
async def test_an_answer_that_is_too_large_is_refused(told, fetcher, monkeypatch, how):
    """Announced or not."""
    server, _ = told
    monkeypatch.setattr(fetching, "MAX_ANSWER_BYTES", 1000)
    assert len(await fetcher.get(str(server.make_url("/")) + "?size=1000" + how, 5)) == 1000
    with pytest.raises(FetchFailed):
        await fetcher.get(str(server.make_url("/")) + "?size=1001" + how, 5)


async def test_a_forbidden_address_is_refused_every_time():
    """Only what was allowed is remembered, and only so much of it."""
    config = SignerConfig(fetch_hosts=("ocsp.example",))
    async with Fetcher(config) as fetcher:
        for _ in range(2):
            with pytest.raises(FetchFailed, match="allow-list"):
                await fetcher.get("http://127.0.0.1:1/", 1)
        assert not fetcher._targets
        for number in range(fetching._KEPT_TARGETS + 5):
            fetcher._allowed(f"http://ocsp.example/{number}")
        assert len(fetcher._targets) <= fetching._KEPT_TARGETS


async def test_an_allowed_address_is_asked_under_its_other_name(told):
    server, seen = told
    rewrites = (("ocsp.ca.ptc", f"127.0.0.1:{server.port}"),)
    config = dataclasses.replace(SignerConfig(allow_loopback=True), rewrite_hosts=rewrites)
    async with Fetcher(config) as fetcher:
        for _ in range(2):
            assert await fetcher.get("http://ocsp.ca.ptc/", 5) == b"xxx"
    assert len(seen) == 2
