"""The citizen's pages over HTTP: without JavaScript, in every state, against forgery."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from yarl import URL

from connectors.contract import OutcomeUnknown, ProviderUnavailable
from connectors.simulators.faults import Fault
from gateway.foundation.database import DatabaseUnavailable, _answer
from gateway.foundation.ids import new_token
from gateway.payments.money_line import LineKey, money_line
from gateway.payments.recording import state_of
from gateway.payments.store import find_payment
from tests.gateway.payments.desk import REQUEST, VIETQR, VNPAY
from tests.gateway.payments.test_payment_worker import broken

DAY = 86_400


class Browser:
    """A browser without JavaScript."""

    def __init__(self, desk, payment):
        self.desk = desk
        self.home = payment["checkout_url"].removeprefix(desk.base)
        self.status = 0
        self.path = self.html = ""
        self.headers = {}

    async def go(self, place="", **query):
        await self._ask("GET", f"{self.home}{place}", params=query)
        return self

    async def submit(self, place="", html=None, headers=None, **fields):
        """Post the page's form with its hidden fields, following the way on."""
        page = html or self.html
        for name in ("form_id", "proof"):
            found = re.search(f'name="{name}" value="([^"]+)"', page)
            fields.setdefault(name, found.group(1) if found else "")
        await self._ask("POST", f"{self.home}{place}", data=fields, headers=headers)
        return self

    async def _ask(self, method, path, **more):
        url = self.desk.base + path
        async with self.desk.session.request(method, url, **more) as answer:
            self.status, self.headers = answer.status, answer.headers
            self.path = answer.url.path.removeprefix(self.home)
            raw = await answer.read()
            text = answer.content_type.startswith("text/")
            self.html = raw.decode() if text else raw

    @property
    def money(self):
        return re.search(r'data-money="(M\d)"', self.html).group(1)

    @property
    def state(self):
        return re.search(r'data-state="([^"]+)"', self.html).group(1)


async def browse(desk, **changes):
    payment = await desk.open(**changes)
    return payment, await Browser(desk, payment).go()


async def test_a_citizen_pays_by_qr_without_javascript(desk):
    payment, browser = await browse(desk)
    assert (browser.status, browser.money) == (200, "M0")
    assert "Nộp 21.000\u00a0đồng cho hồ sơ" in browser.html
    assert payment["check_code"] in browser.html
    await browser.submit(method=VIETQR)
    assert (browser.status, browser.path, browser.money) == (200, "/qr", "M1")
    attempt = (await desk.read(payment))["attempts"][0]
    assert attempt["action"]["memo"] in browser.html
    page = browser.html
    await browser.submit("/check")
    assert (browser.path, browser.status) == ("/qr", 200)
    assert "Chưa thấy tiền về" in browser.html
    await desk.scan(attempt)
    await browser.submit("/check", page)
    assert (browser.path, browser.money, browser.state) == ("/result", "M3", "paid")
    await browser.go("/qr")
    assert browser.path == "/result"
    assert (await browser.go("/qr.png")).status == 404
    assert attempt["action"]["memo"] not in (await browser.go("/result")).html


async def test_a_citizen_pays_on_the_providers_page(desk):
    payment, browser = await browse(desk)
    await browser.submit(method=VNPAY)
    assert browser.path == "/handover"
    attempt = (await desk.read(payment))["attempts"][0]
    link = re.search(r'href="(http[^"]+vpcpay[^"]+)"', browser.html).group(1).replace("&amp;", "&")
    assert link == attempt["action"]["url"]
    desk.vnpay.faults.add(Fault.LOSE_CALLBACK)
    address = await desk.pay_at_vnpay(attempt)
    async with desk.session.get(address) as answer:
        browser.html, browser.path = await answer.text(), answer.url.path
    assert (browser.path, browser.money) == (f"{browser.home}/result", "M2")
    assert browser.state == "confirming"
    await browser.go()
    assert browser.path == "/result"  # nobody is asked to pay again
    desk.clock.advance(61)
    assert (await browser.go("/result")).state == "unknown"
    await desk.work()
    assert (await browser.go("/result")).state == "paid"


async def test_the_same_form_sent_twice_starts_one_attempt(desk):
    payment, browser = await browse(desk)
    page = browser.html
    twice = [Browser(desk, payment), Browser(desk, payment)]
    await asyncio.gather(*(one.submit(html=page, method=VIETQR) for one in twice))
    await browser.submit(html=page, method=VIETQR)
    assert browser.path == "/qr"
    assert len((await desk.read(payment))["attempts"]) == 1
    await browser.submit(html=page, method=VNPAY)  # the old form, another choice
    assert (browser.status, browser.path) == (422, "")
    assert len((await desk.read(payment))["attempts"]) == 1


async def test_forms_that_are_not_ours_are_refused(desk):
    payment, browser = await browse(desk)
    page = browser.html
    for forged in (
        {"form_id": "x", "proof": "y"},
        {"proof": "0" * 64},
        {"form_id": "", "proof": ""},
    ):
        await browser.submit(html=page, method=VIETQR, **forged)
        assert browser.status == 403
    other = await Browser(desk, await desk.open()).go()
    await browser.submit(html=other.html, method=VIETQR)
    assert browser.status == 403
    await browser.submit(html=page, method=VIETQR, headers={"Sec-Fetch-Site": "cross-site"})
    assert browser.status == 403
    assert (await desk.read(payment))["attempts"] == []


async def test_an_old_form_is_given_back_to_be_sent_again(desk):
    _, browser = await browse(desk, expires_in=3 * DAY)
    desk.clock.advance(DAY)
    await browser.submit(method=VIETQR)
    assert browser.status == 422
    assert "Trang đã mở quá lâu" in browser.html
    await browser.submit(method=VIETQR)
    assert browser.path == "/qr"


async def test_choosing_nothing_is_said_at_the_question(desk):
    _, browser = await browse(desk)
    await browser.submit()
    assert browser.status == 422
    assert "Hãy chọn một cách nộp" in browser.html
    await browser.submit(method="../../etc")
    assert browser.status == 422


async def test_a_provider_that_is_away_is_said_and_another_can_be_chosen(desk):
    payment, browser = await browse(desk)
    broken(desk, "create", ProviderUnavailable("away"))
    await browser.submit(method=VNPAY)
    assert browser.status == 422
    assert "VNPAY đang tạm dừng" in browser.html
    await browser.submit(method=VIETQR)
    assert browser.path == "/qr"
    assert len((await desk.read(payment))["attempts"]) == 2


async def test_an_unknown_end_leads_to_the_result_and_not_to_paying_again(desk):
    _, browser = await browse(desk)
    broken(desk, "create", OutcomeUnknown("time-out"))
    await browser.submit(method=VNPAY)
    assert (browser.path, browser.money) == ("/result", "M2")
    page = (await browser.go()).path
    assert page == "/result"


async def test_a_link_with_a_nul_looks_like_every_other_that_leads_nowhere(both):
    """PostgreSQL refuses to look for it."""
    pages = []
    for token in ("%00", "x", new_token()):
        url = URL(f"{both.base}/pay/{token}", encoded=True)
        async with both.session.get(url) as answer:
            assert answer.status == 404
            pages.append((await answer.text()).replace(url.path, "").replace(url.raw_path, ""))
    assert pages[0] == pages[1] == pages[2]


async def test_links_that_lead_nowhere_all_look_the_same(desk):
    payment = await desk.open()
    lost = Browser(desk, {**payment, "checkout_url": f"{desk.base}/pay/{'0' * 26}"})
    malformed = Browser(desk, {**payment, "checkout_url": f"{desk.base}/pay/%3Cb%3E"})
    pages = []
    for place in ("", "/qr", "/result", "/handover", "/receipt", "/events", "/qr.png", "/qr.svg"):
        for browser in (lost, malformed):
            await browser.go(place)
            assert browser.status == 404, place
            pages.append(re.sub(r"/pay/[^\"?]*", "", browser.html))
    assert len(set(pages)) == 1
    for place in ("", "/check"):
        assert (await lost.submit(place)).status == 404


async def test_every_page_is_protected_and_tells_nobody(desk):
    _, browser = await browse(desk)
    for place in ("", "/result", "/qr", "/receipt"):
        await browser.go(place)
        assert browser.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert browser.headers["Cache-Control"] == "no-store"
        assert browser.headers["Referrer-Policy"] == "no-referrer"
        assert browser.headers["X-Robots-Tag"] == "noindex"


async def test_personal_data_stays_off_the_page_of_a_helper(desk):
    payer = {"name": "Nguyễn Văn An", "phone": "0912345678", "identity_number": "001099012345"}
    _, browser = await browse(desk, payer=payer)
    for query in ({}, {"helper": "1"}):
        await browser.go(**query)
        assert "0912345678" not in browser.html
        assert "001099012345" not in browser.html
        assert "Nguyễn Văn An" not in browser.html
    assert REQUEST["reference"] not in browser.html


async def test_english_stays_english_along_the_way(desk):
    _, browser = await browse(desk)
    await browser.go(lang="en")
    assert "Choose how to pay" in browser.html
    assert '<html lang="en"' in browser.html
    action = re.search(r'<form method="post" action="([^"]+)"', browser.html).group(1)
    await browser.submit(action.removeprefix(browser.home), method=VIETQR)
    assert "Scan to pay" in browser.html
    assert "Do not change the amount" in (await browser.go("/qr", lang="en")).html


async def test_nothing_to_pay_is_said_without_methods(desk):
    _, browser = await browse(desk, amount=0)
    assert "không phải nộp" in browser.html
    assert 'name="method"' not in browser.html


async def test_the_code_can_be_saved_while_it_can_be_used(desk):
    _, browser = await browse(desk)
    await browser.submit(method=VIETQR)
    await browser.go("/qr.png")
    assert (browser.status, browser.html[:4]) == (200, b"\x89PNG")
    await browser.go("/qr.svg")
    assert browser.html.startswith(b'<svg xmlns="http://www.w3.org/2000/svg"')
    await desk.wait(901)
    assert (await browser.go("/qr.png")).status == 404
    await browser.go("/qr")
    assert "Mã QR đã hết hạn" in browser.html
    await browser.submit(method=VIETQR)
    assert "Quét mã QR" in browser.html


async def test_the_confirmation_is_for_what_is_paid(desk):
    payment, browser = await browse(desk)
    for place in ("/receipt", "/receipt.pdf"):
        assert (await browser.go(place)).path == ""
    await browser.go()
    await browser.submit(method=VIETQR)
    await desk.scan((await desk.read(payment))["attempts"][0])
    await browser.go("/receipt")
    assert "Giấy xác nhận thanh toán" in browser.html
    await browser.go("/receipt.pdf")
    assert (browser.headers["Content-Type"], browser.html[:5]) == ("application/pdf", b"%PDF-")


async def test_the_rest_of_a_part_is_asked_for(desk):
    payment, browser = await browse(desk)
    await browser.submit(method=VIETQR)
    await desk.scan((await desk.read(payment))["attempts"][0], 20_000)
    await browser.go("/result")
    assert (browser.state, browser.money) == ("partial", "M4")
    await browser.go()
    assert "Nộp 1.000\u00a0đồng" in browser.html
    await browser.submit(method=VIETQR)
    attempt = (await desk.read(payment))["attempts"][1]
    assert attempt["amount"] == 1_000
    await desk.scan(attempt)
    assert (await browser.go("/result")).state == "paid"
    assert (await desk.read(payment))["review"] == []


async def everything(desk):
    """Payments brought to every end, with the state and money line their page must have."""
    over = await desk.open()
    await desk.scan(await desk.try_paying(over, VIETQR), 30_000)
    yield over, "over", "M5"
    review = await desk.open()
    await desk.pay_at_vnpay(await desk.try_paying(review), "07")
    yield review, "review", "M2"
    declined = await desk.open()
    await desk.pay_at_vnpay(await desk.try_paying(declined), "51")
    yield declined, "declined", "M8"
    stopped = await desk.open()
    await desk.pay_at_vnpay(await desk.try_paying(stopped), "24")
    yield stopped, "cancelled_by_payer", "M8"
    cancelled = await desk.open()
    await desk.portal.post(f"/v1/payments/{cancelled['id']}/cancel", {"reason": "đã rút"})
    yield cancelled, "cancelled_by_agency", "M0"
    refunded = await desk.open()
    await desk.pay_at_vnpay(await desk.try_paying(refunded))
    back = {"amount": 21_000, "reason": "other"}
    await desk.portal.post(f"/v1/payments/{refunded['id']}/refunds", back)
    await desk.work()
    yield refunded, "refunding", "M6"
    await desk.wait(61)
    yield refunded, "refunded", "M7"
    expired = await desk.open(expires_in=600)
    await desk.wait(601)
    yield expired, "expired", "M0"
    late = await desk.open(expires_in=600)
    attempt = await desk.try_paying(late, VIETQR)
    await desk.wait(601)
    await desk.wait(61)
    yield late, "expired", "M1"
    await desk.scan(attempt)
    yield late, "paid_late", "M3"


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_every_end_has_its_page_and_its_money_line(desk, lang):
    async for payment, state, money in everything(desk):
        browser = await Browser(desk, payment).go("/result", lang=lang)
        assert (browser.status, browser.state, browser.money) == (200, state, money), state
        row, folded = await desk.database.read(lambda c, p=payment: look(c, p))
        assert money_line(folded).key == LineKey(money)
        assert row.reference in browser.html


def look(connection, payment):
    row = find_payment(connection, "cong-dvc/test", payment["id"])
    return row, state_of(connection, row)


async def test_a_page_with_nothing_to_tell_leads_to_paying(desk):
    _, browser = await browse(desk)
    for place in ("/result", "/qr", "/handover"):
        assert (await browser.go(place)).path == "", place
    await browser.go()
    await browser.submit(method=VIETQR)
    assert (await browser.go("/result")).path == "/qr"


async def test_trouble_of_ours_never_says_that_no_money_was_taken(desk):
    _, browser = await browse(desk)
    headers = {"Accept": "text/html"}
    page = browser.html
    desk.database._commit = away
    await browser.submit(html=page, method=VIETQR, headers=headers)
    assert (browser.status, browser.money) == (503, "M2")
    assert "Hệ thống đang gặp sự cố" in browser.html
    await browser.submit(html=page, method=VIETQR, form_id="x", headers=headers)
    assert browser.status == 403
    assert "Liên kết này không còn dùng được" in browser.html
    async with desk.session.get(f"{desk.base}/nowhere", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")


def away(jobs):
    for job in jobs:
        job.outcome, job.failed = DatabaseUnavailable("away"), True
    _answer(jobs)


# ------------------------------------------------------------------ live status


async def read_news(answer, count):
    """The next ``count`` messages of a stream."""
    found = []
    async for line in answer.content:
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:]))
            if len(found) == count:
                break
    return found


async def test_a_watcher_hears_at_once_and_is_led_to_the_result(desk):
    payment, browser = await browse(desk)
    await browser.submit(method=VIETQR)
    async with desk.session.get(f"{desk.base}{browser.home}/events") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        first = await read_news(answer, 1)
        assert first == [{"state": "waiting", "text": "Đang chờ kết quả.", "next": None}]
        await desk.scan((await desk.read(payment))["attempts"][0])
        async with asyncio.timeout(12):  # before the stream would look by itself
            (news,) = await read_news(answer, 1)
    assert (news["state"], news["next"]) == ("paid", f"{browser.home}/result")


async def test_a_final_state_is_said_and_the_stream_ends(desk):
    payment, browser = await browse(desk)
    await desk.portal.post(f"/v1/payments/{payment['id']}/cancel")
    async with desk.session.get(f"{desk.base}{browser.home}/events?lang=en") as answer:
        text = (await answer.read()).decode()
    news = json.loads(text.partition("data: ")[2])
    assert news["state"] == "cancelled_by_agency"
    assert news["next"] == f"{browser.home}/result?lang=en"


async def test_watchers_are_limited_and_sent_away_at_shutdown(desk):
    _, browser = await browse(desk)
    live = desk.payments.live
    async with desk.session.get(f"{desk.base}{browser.home}/events") as answer:
        await read_news(answer, 1)
        live._most = 1
        assert (await browser.go("/events")).status == 503
        desk.capability.close()
        async with asyncio.timeout(60):
            await answer.read()
    assert (await browser.go("/events")).status == 503
