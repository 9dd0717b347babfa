"""Headers of pages, and forms that only we can have issued."""

from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.frame.security import (
    FormGuard,
    FormVerdict,
    comes_from_elsewhere,
    page_headers,
    page_response,
)

NOW = datetime(2026, 11, 5, 9, 45, tzinfo=UTC)
GUARD = FormGuard(b"k" * 32)


async def test_a_page_carries_every_protective_header(aiohttp_client):
    """No inline script, no frame, no cache, no referrer, no index."""

    async def page(_request):
        return page_response("<p>Ẩn</p>", status=410, secure=True)

    app = web.Application()
    app.router.add_get("/", page)
    answer = await (await aiohttp_client(app)).get("/", headers={"Accept-Encoding": "gzip"})
    assert (answer.status, await answer.text()) == (410, "<p>Ẩn</p>")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy


def test_plain_http_does_not_promise_https():
    """A development server must not lock browsers out."""
    assert "Strict-Transport-Security" not in page_headers()


def test_our_own_form_is_genuine_until_it_is_stale():
    """A form left open overnight is told so, not called forged."""
    ticket = GUARD.issue("/pay/t", NOW)
    late = NOW + timedelta(hours=12, seconds=2)
    assert GUARD.check("/pay/t", ticket.form_id, ticket.proof, NOW) is FormVerdict.GENUINE
    assert GUARD.check("/pay/t", ticket.form_id, ticket.proof, late) is FormVerdict.STALE


@pytest.mark.parametrize(
    ("scope", "form_id", "proof"),
    [
        ("/pay/other", None, None),
        ("/pay/t", "6547a9d8-x", None),
        ("/pay/t", None, "0" * 64),
        ("/pay/t", None, ""),
        ("/pay/t", "", ""),
        ("/pay/t", "không", "ẩ"),
        ("/pay/t", "\udc80", None),
    ],
)
def test_any_other_form_is_forged(scope, form_id, proof):
    """One field changed, or a form of another page, proves nothing."""
    ticket = GUARD.issue("/pay/t", NOW)
    verdict = GUARD.check(
        scope,
        ticket.form_id if form_id is None else form_id,
        ticket.proof if proof is None else proof,
        NOW,
    )
    assert verdict is FormVerdict.FORGED


def test_scope_and_id_cannot_be_shifted_into_each_other():
    """The boundary between the two is part of what is proven."""
    ticket = GUARD.issue("/pay/t", NOW)
    moved = GUARD.check("/pay/t" + ticket.form_id[:1], ticket.form_id[1:], ticket.proof, NOW)
    assert moved is FormVerdict.FORGED


def test_no_two_forms_are_alike():
    """The id is the idempotency key of the sending."""
    assert len({GUARD.issue("/pay/t", NOW).form_id for _ in range(100)}) == 100


def test_a_short_secret_is_refused():
    """A guessable secret is no secret."""
    with pytest.raises(ValueError, match="32"):
        FormGuard(b"short")


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Host": "a.example", "Origin": "https://a.example"}, False),
        ({"Host": "a.example", "Origin": "https://b.example"}, True),
        ({"Host": "a.example", "Origin": "null"}, False),
        ({"Host": "a.example"}, False),
    ],
)
def test_a_form_sent_by_another_site_is_recognised(headers, elsewhere):
    """Browsers say where a form came from; our no-referrer policy makes our own origin null."""
    assert comes_from_elsewhere(make_mocked_request("POST", "/", headers=headers)) is elsewhere
