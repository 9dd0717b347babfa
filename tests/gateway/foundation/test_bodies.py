"""Bodies and methods as strangers send them: odd encodings, lengths, verbs; never a 500."""

from __future__ import annotations

import gzip

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gateway.foundation.bodies import read_form
from gateway.foundation.decode import normalised
from gateway.foundation.problems import Problem
from gateway.foundation.web import Page
from tests.gateway.foundation.test_edge import Desk
from tests.support.edge import make_edge, portal, serve

LIMIT = 1024
FORM = "application/x-www-form-urlencoded"


async def show(request):
    return web.Response(text="trang")


async def take(request):
    return web.json_response(dict(await read_form(request, LIMIT)))


@pytest.fixture
async def site(sqlite, clock):
    """A form, a page, a page that does something, and one API route."""
    edge, desk = make_edge(sqlite, clock), Desk()
    pages = [
        Page("POST", "/form", take, LIMIT),
        Page("GET", "/page", show),
        Page("GET", "/callback", show, looked_at=False),
        Page("GET", "/callbacks/x", show, looked_at=False),
    ]
    server = await serve(edge, [*pages, *desk.routes()])
    async with aiohttp.ClientSession() as session:
        site = await portal(edge, server, session)
        yield site
    await server.close()


async def send(site, body, kind=FORM, **headers):
    headers = {"Content-Type": kind, **headers}
    async with site.session.post(f"{site.base}/form", data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def chunked(body):
    for start in range(0, len(body), 512):
        yield body[start : start + 512]


async def test_a_form_is_read_as_it_was_filled_in(site):
    body = b"method=vietqr&note=Nguy%E1%BB%85n+An&note=hai&empty="
    expected = {"method": "vietqr", "note": "hai", "empty": ""}
    assert await send(site, body) == (200, expected)
    assert await send(site, chunked(body)) == (200, expected)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"\xff=1", FORM, 400),
        (b"a=%ff", FORM, 400),
        (b"&".join(b"a=1" for _ in range(101)), FORM, 400),
        (b"a=1", "multipart/form-data", 415),
        (b"{}", "application/json", 415),
        (b"a=" + b"x" * LIMIT, FORM, 413),
    ],
    ids=["not utf-8", "escaped not utf-8", "many fields", "multipart", "json", "too large"],
)
async def test_forms_that_cannot_be_read_are_refused_in_words(site, body, kind, status):
    assert (await send(site, body, kind))[0] == status


async def test_a_charset_nobody_knows_changes_nothing(site):
    assert await send(site, b"a=1", f"{FORM}; charset=bogus") == (200, {"a": "1"})


async def test_a_length_that_is_not_announced_is_counted_all_the_same(site):
    """Chunked, and packed small: what counts is what arrives."""
    large = b"a=" + b"x" * (4 * LIMIT)
    assert (await send(site, chunked(large)))[0] == 413
    packed = gzip.compress(large)
    assert len(packed) < LIMIT
    headers = {"Content-Encoding": "gzip"}
    assert (await send(site, packed, **headers))[0] == 413


async def test_a_body_that_cannot_be_unpacked_is_the_senders_problem(site):
    status, problem, _ = await site.call(
        "POST",
        "/v1/echoes",
        data=b"not gzip at all",
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert (status, problem["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(("path", "status"), [("/page", 200), ("/callback", 405)])
async def test_whatever_only_shows_something_answers_head(site, path, status):
    async with site.session.head(site.base + path) as answer:
        assert (answer.status, await answer.read()) == (status, b"")


async def test_a_method_that_is_not_allowed_hears_which_are(site):
    for method in ("PUT", "OPTIONS", "PROPFIND"):
        status, problem, headers = await site.call(method, "/v1/echoes")
        assert (status, problem["code"], headers["Allow"]) == (405, "method_not_allowed", "POST")
        assert "aiohttp" not in headers["Server"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/echoes%00", 404),
        ("/page?after=%00", 400),
        ("/page?after=%2500", 200),
        ("/callbacks/x?a=%00", 200),
    ],
)
async def test_an_address_with_nul_in_it_leads_nowhere(site, address, status):
    """No database holds that character; PostgreSQL refuses to look for it."""
    async with site.session.get(URL(site.base + address, encoded=True)) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (r'{"reference": "H55\u0000"}', 422, "validation_failed"),
        (r'{"H55\u0000": 1}', 422, "validation_failed"),
        (r'{"reference": "H55\ud800"}', 400, "invalid_json"),
        (r'{"\ud800": 1}', 400, "invalid_json"),
    ],
)
async def test_json_with_text_no_database_holds_is_refused(site, raw, status, code):
    headers = {"Content-Type": "application/json"}
    found, problem, _ = await site.call("POST", "/v1/echoes", data=raw.encode(), headers=headers)
    assert (found, problem["code"]) == (status, code)


def test_names_that_are_one_name_when_composed_are_a_repeated_name():
    with pytest.raises(Problem) as refused:
        normalised({"Hóa": 1, "Ho\u0301a": 2})
    assert refused.value.code == "invalid_json"
