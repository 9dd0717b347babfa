"""What a portal may ask for, and every sentence the payments speak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.contract import Meaning
from gateway.foundation.money import MAX_AMOUNT_VND
from gateway.payments import texts
from gateway.payments.opening import Draft, Flaw, Line, flaws_in, return_url_flaws
from gateway.payments.statuses import CallOutcome, Decision, RefundStep, ReviewReason
from tests.gateway.payments.payment_stories import (
    A,
    call,
    callback,
    came_back,
    cancel,
    counter,
    decide,
    refund,
    tick,
)

LINE = Line("CTBS", "Phí chứng thực bản sao", "fee", 3, 7_000)
GOOD = Draft("000.00.12.H55-261102-0001", "2.000815", "H55.12", (LINE,))


def codes(draft, **options):
    return [(flaw.pointer, flaw.code) for flaw in flaws_in(draft, **options)]


@pytest.mark.parametrize(
    ("reference", "procedure", "agency"),
    [
        ("000.00.12.H55-261102-0001", "2.000815", "H55.12"),
        ("G01.123-261104-0008", "1.004222", "G01.123"),
        ("38.98.H29-210519-0013", "2.000815.000.00.00.H55.02", "H29"),
        ("H49.12-251121-0007", "GCN-QSDD", "000.00.12.H55"),
        ("ho-so/2026/1", "LT-KARAOKE", "0"),
    ],
)
def test_real_identifiers_of_many_systems_are_taken(reference, procedure, agency):
    draft = replace(GOOD, reference=reference, procedure_code=procedure, agency_code=agency)
    assert codes(draft) == []
    assert draft.amount == 21_000


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"reference": ""}, ("/reference", "reference_invalid")),
        ({"reference": "hồ sơ 1"}, ("/reference", "reference_invalid")),
        ({"reference": "H55.12-261332-0001"}, ("/reference", "reference_date")),
        ({"procedure_code": "<b>"}, ("/procedure_code", "procedure_invalid")),
        ({"agency_code": "h55"}, ("/agency_code", "agency_invalid")),
        ({"agency_code": "H" * 36}, ("/agency_code", "agency_invalid")),
        ({"lines": ()}, ("/items", "items_required")),
        ({"lines": (LINE,) * 101}, ("/items", "too_many_items")),
        ({"lines": (replace(LINE, code="mã"),)}, ("/items/0/code", "code_invalid")),
        ({"lines": (replace(LINE, name=" "),)}, ("/items/0/name", "text_invalid")),
        ({"lines": (replace(LINE, name="a\u202eb"),)}, ("/items/0/name", "text_invalid")),
        ({"lines": (replace(LINE, kind="tip"),)}, ("/items/0/kind", "choice_invalid")),
        ({"lines": (replace(LINE, quantity=0),)}, ("/items/0/quantity", "too_small")),
        ({"lines": (replace(LINE, unit_amount=-1),)}, ("/items/0/unit_amount", "too_small")),
        ({"lines": (replace(LINE, unit_amount=7.0),)}, ("/items/0/unit_amount", "not_an_integer")),
        (
            {"lines": (replace(LINE, quantity=2, unit_amount=MAX_AMOUNT_VND),)},
            ("/items", "total_too_large"),
        ),
        ({"payer": {"name": "x" * 201}}, ("/payer/name", "text_invalid")),
        ({"payer": {"phone": "12345"}}, ("/payer/phone", "phone_invalid")),
        ({"payer": {"email": "an"}}, ("/payer/email", "email_invalid")),
        ({"payer": {"identity_number": "1"}}, ("/payer/identity_number", "identity_invalid")),
        ({"description": "a\x00b"}, ("/description", "text_invalid")),
        ({"method": "?"}, ("/method", "choice_invalid")),
        ({"channel": "fax"}, ("/channel", "choice_invalid")),
        ({"locale": "fr"}, ("/locale", "choice_invalid")),
        ({"expires_in": 1}, ("/expires_in", "too_small")),
        ({"metadata": {str(n): "" for n in range(51)}}, ("/metadata", "too_many_entries")),
        ({"metadata": {"a b": ""}}, ("/metadata", "metadata_invalid")),
        ({"metadata": {"a": "x" * 501}}, ("/metadata", "metadata_invalid")),
        ({"return_url": "javascript:alert(1)"}, ("/return_url", "url_invalid")),
    ],
)
def test_each_flaw_is_named_where_it_is(changes, flaw):
    assert flaw in codes(replace(GOOD, **changes))


def test_a_whole_payer_with_markup_in_the_name_is_taken():
    payer = {
        "name": 'Trần & Cộng <sự> "Đức"',
        "phone": "0912 345 678",
        "email": "an@example.vn",
        "identity_number": "001099012345",
    }
    assert codes(replace(GOOD, payer=payer, description="Le phi", metadata={"k": "v"})) == []
    assert codes(replace(GOOD, payer={"phone": "+84912345678"})) == []
    assert codes(replace(GOOD, payer=dict.fromkeys(payer))) == []


def test_nothing_to_pay_is_a_lawful_sum():
    free = replace(GOOD, lines=(replace(LINE, unit_amount=0),))
    assert (codes(free), free.amount) == ([], 0)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://portal.example/ho-so/1?x=1&y=2", None),
        ("http://portal.example/", "url_not_https"),
        ("https://a:b@portal.example/", "url_with_credentials"),
        ("https:///path", "url_invalid"),
        ("/relative", "url_invalid"),
        ("https://x.example:port/", "url_invalid"),
        ("https://[::1", "url_invalid"),
        ("https://cổng.example/", "url_invalid"),
        ("https://x.example/\r\nSet-Cookie:", "url_invalid"),
        ("https://x.example/a b", "url_invalid"),
        ("https://x.example/" + "a" * 2048, "url_invalid"),
    ],
)
def test_where_a_citizen_may_be_sent_back_to(url, code):
    assert list(return_url_flaws(url)) == ([Flaw("/return_url", code)] if code else [])


def test_plain_http_is_for_test_mode():
    assert codes(replace(GOOD, return_url="http://127.0.0.1:9/x"), insecure_urls=True) == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_flaw_has_words(language):
    for code in texts.FLAWS:
        assert texts.flaw_text(code, language).endswith(".")


TITLES = {"vnpay-main": "VNPAY", "counter": "Bộ phận một cửa"}


@pytest.mark.parametrize(
    ("piece", "vi", "en"),
    [
        (
            callback(),
            "VNPAY tự báo đã thu 21.000\u00a0đồng.",
            "VNPAY, by itself, reports VND\u00a021,000 taken.",
        ),
        (
            callback(Meaning.REVIEW, amount=None),
            "VNPAY tự báo đã trừ một khoản chưa rõ nhưng nghi ngờ giao dịch.",
            "VNPAY, by itself, reports an unnamed amount taken and suspects the transaction.",
        ),
        (
            came_back(says=Meaning.PENDING),
            "Trang quay về của VNPAY báo đang xử lý.",
            "The return page of VNPAY reports that it is still working on it.",
        ),
        (
            call(CallOutcome.UNKNOWN),
            "Chưa rõ VNPAY đã nhận yêu cầu hay chưa, đang hỏi lại.",
            "It is unknown whether VNPAY took the request; it is being asked.",
        ),
        (
            decide(Decision.ACCEPT, ReviewReason.LATE_PAYMENT, A),
            "Cán bộ chấp nhận: nộp muộn.",
            "An official accepted: paid late.",
        ),
        (cancel(), "Cơ quan hủy yêu cầu nộp.", "The agency cancelled the request."),
        (
            refund(RefundStep.SUBMITTED),
            "Đã gửi lệnh hoàn 21.000\u00a0đồng.",
            "A refund of VND\u00a021,000 was sent.",
        ),
        (tick(60), "Hết hạn nộp.", "The time to pay is over."),
        (
            tick(15, A),
            "Hết thời gian của lần nộp qua VNPAY.",
            "The attempt through VNPAY ran out.",
        ),
        (
            counter(),
            "Đã thu 21.000\u00a0đồng tiền mặt tại Bộ phận một cửa.",
            "VND\u00a021,000 was taken in cash at Bộ phận một cửa.",
        ),
    ],
)
def test_the_timeline_speaks_both_languages(piece, vi, en):
    assert texts.evidence_text(piece, "vi", TITLES) == vi
    assert texts.evidence_text(piece, "en", TITLES) == en
