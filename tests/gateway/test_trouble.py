"""Trouble shown to a browser as a page, and to everybody else as a problem."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from gateway.foundation.clock import FakeClock
from gateway.foundation.database import DatabaseUnavailable
from gateway.foundation.edge import middleware
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.foundation.web import Edge, Page, mount
from gateway.frame.catalog import words
from gateway.frame.layout import Frame, asked_language
from gateway.frame.security import own_path
from gateway.frame.trouble import Trouble, TroubleView, render_trouble
from gateway.trouble import TroublePages

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
TOKEN = "7f3k9qxm2htd7f3k9qxm2htd00"
RAISED = {
    "away": DatabaseUnavailable("away"),
    "broken": RuntimeError("password=hunter2"),
    "fast": Problem("rate_limited", headers={"Retry-After": "7"}),
    "large": Problem("body_too_large"),
    "forged": Problem("forbidden", "Biểu mẫu không phải của trang này.", "Not our form."),
}


def frame_of(request: web.Request) -> Frame:
    lang = asked_language(request.query)
    return Frame(path=own_path(request), agency="UBND phường Mẫu", lang=lang)


def of_payments(_request: web.Request, problem: Problem, trace: str) -> web.Response:
    return web.Response(text=f"payments say {problem.code} {trace}", status=problem.status)


async def fail(request: web.Request) -> web.StreamResponse:
    raise RAISED[request.match_info["how"]]


@pytest.fixture
async def browse():
    """Ask a served application for a path."""
    pages = TroublePages(frame_of, of_payments, secure=True)
    app = web.Application(middlewares=[middleware(FakeClock(), Metrics(), pages)])
    routes = [
        Page(method, path, fail, 100)
        for path in ("/p/{how}", "/pay/{token}/{how}", "/v1/{how}")
        for method in ("GET", "POST")
    ]
    mount(app, Edge(None, None, None, None), routes)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    async with aiohttp.ClientSession() as session:

        async def ask(path, headers=HTML, method="GET", **more):
            url = URL(f"http://127.0.0.1:{server.port}{path}", encoded=True)
            async with session.request(method, url, headers=headers, **more) as answer:
                return answer.status, await answer.text(), answer.headers

        yield ask
    await server.close()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nowhere", 404, "Không tìm thấy trang này"),
        ("/p/away", 503, "Hệ thống tạm thời chưa phục vụ được"),
        ("/p/broken", 500, "Hệ thống đang gặp sự cố"),
        ("/p/fast", 429, "Thử lại sau 7 giây"),
        ("/p/large", 413, "Nội dung gửi lên quá lớn"),
        ("/p/forged", 403, "Biểu mẫu không phải của trang này. Hãy quay lại trang trước"),
    ],
)
async def test_a_browser_gets_a_page_with_the_incident_code(browse, path, status, said):
    """In words, with the headers of a page and the same code as the log."""
    found, page, headers = await browse(path, {**HTML, "X-Request-Id": "case-17"})
    assert (found, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert said in page
    assert "Mã sự cố: case-17" in page
    assert headers["X-Request-Id"] == "case-17"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["X-Robots-Tag"]) == ("no-store", "noindex")
    assert "Strict-Transport-Security" in headers
    assert "hunter2" not in page
    assert "trừ" not in page
    _, page, _ = await browse(path + "?lang=en")
    assert '<html lang="en">' in page
    assert "Incident code:" in page


async def test_a_program_gets_a_problem_whatever_the_route(browse):
    """JSON stays RFC 9457, and so does the API when a browser looks at it."""
    for path, headers in (("/p/broken", {}), ("/p/away", {"Accept": "*/*"}), ("/v1/broken", HTML)):
        status, body, found = await browse(path, headers)
        assert status >= 500
        assert found["Content-Type"] == "application/problem+json"
        assert "trace_id" in body


async def test_when_to_come_back_is_said_to_machines_too(browse):
    assert (await browse("/p/away"))[2]["Retry-After"] == "2"
    assert (await browse("/p/fast"))[2]["Retry-After"] == "7"


async def test_what_touches_money_is_said_by_the_payments_own_pages(browse):
    """Trouble of ours and dead links there; the rest leads back to the payment."""
    for how, status in (("away", 503), ("broken", 500)):
        found, page, _ = await browse(f"/pay/{TOKEN}/{how}")
        assert (found, page[:12]) == (status, "payments say")
    assert (await browse("/pay/x"))[1].startswith("payments say not_found")
    for how in ("fast", "large", "forged"):
        _, page, _ = await browse(f"/pay/{TOKEN}/{how}")
        assert f'href="/pay/{TOKEN}"' in page
        assert "Xem khoản nộp" in page


async def test_a_body_that_is_too_large_is_refused_with_a_page(browse):
    status, page, _ = await browse("/p/x", method="POST", data=b"x" * 101)
    assert (status, "Chưa có gì được lưu" in page) == (413, True)


async def test_only_what_was_asked_without_changing_anything_is_offered_again(browse):
    assert 'class="button" href="/p/away"' in (await browse("/p/away"))[1]
    assert 'class="button"' not in (await browse("/p/away", method="POST"))[1]
    assert 'class="button"' not in (await browse("/nowhere"))[1]


@pytest.mark.parametrize("path", ["//evil.example/x", "/%5C%5Cevil.example/x", "/%2F%2Fevil/x"])
async def test_no_address_makes_the_page_lead_elsewhere(browse, path):
    """The language link repeats the path that was typed; never as another host."""
    status, page, _ = await browse(path)
    assert status == 404
    link = page.partition('class="lang" href="')[2].partition('"')[0]
    assert link.startswith("/")
    assert link[1] not in "/\\"


def test_every_trouble_is_a_whole_page_in_both_languages():
    for lang in ("vi", "en"):
        for trouble in Trouble:
            frame = Frame(path="/x", agency="UBND phường Mẫu", phone="0209 000 001", lang=lang)
            view = TroubleView(frame=frame, trouble=trouble, incident="ab", reason="Vì thế.")
            page = render_trouble(view)
            assert words().text(lang, f"trouble.{trouble}_h1") in page
            assert page.count("<h1>") == 1
