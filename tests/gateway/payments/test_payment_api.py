"""The payments API as a portal uses it: what it answers, refuses and repeats."""

from __future__ import annotations

import asyncio

import pytest

from connectors.contract import OutcomeUnknown
from connectors.simulators.faults import Fault
from gateway.foundation.problems import Problem
from tests.gateway.payments.desk import REQUEST, VIETQR, VNPAY, request_of
from tests.gateway.payments.test_payment_worker import broken


async def test_a_new_payment_says_everything_about_itself(both):
    status, body, _ = await both.portal.post("/v1/payments", REQUEST)
    assert status == 201
    assert body["id"].startswith("pay_")
    assert body["checkout_url"].startswith(f"{both.base}/pay/")
    assert body["created_at"] == "2026-11-02T09:00:00+07:00"
    assert body["expires_at"] == "2026-11-03T09:00:00+07:00"
    assert body["items"][0]["amount"] == 21_000
    told = {k: body[k] for k in ("status", "amount", "amount_collected", "currency", "sequence")}
    assert told == {
        "status": "pending",
        "amount": 21_000,
        "amount_collected": 0,
        "currency": "VND",
        "sequence": 1,
    }
    assert (await both.read(body)) == body


async def test_nothing_to_pay_is_not_due_and_never_sent_anywhere(both):
    payment = await both.open(0)
    assert payment["status"] == "not_due"
    path = f"/v1/payments/{payment['id']}/attempts"
    status, problem, _ = await both.portal.post(path, {"account": VNPAY})
    assert (status, problem["code"]) == (409, "payment_closed")
    assert problem["money_position"] == "none_taken"
    assert await both.event_types() == ["payment.created"]


async def test_the_same_key_is_the_same_payment_byte_by_byte(both):
    first = await both.portal.post("/v1/payments", REQUEST, key="k-1")
    again = await both.portal.post("/v1/payments", REQUEST, key="k-1")
    assert again[:2] == first[:2]
    assert again[2]["Idempotent-Replayed"] == "true"
    assert await both.event_types() == ["payment.created"]
    status, problem, _ = await both.portal.post("/v1/payments", request_of(1), key="k-1")
    assert (status, problem["code"]) == (422, "idempotency_key_reused")


async def test_the_same_key_at_the_same_moment_opens_one_payment(both):
    calls = [both.portal.post("/v1/payments", REQUEST, key="k-2") for _ in range(8)]
    calls += [both.portal.post("/v1/payments", request_of(5_000 + n)) for n in range(8)]
    answers = await asyncio.gather(*calls)
    assert {status for status, _, _ in answers} == {201}
    assert len({body["id"] for _, body, _ in answers[:8]}) == 1
    assert len({body["id"] for _, body, _ in answers}) == 9
    assert len(await both.events()) == 9


async def test_a_key_is_needed(desk):
    status, problem, _ = await desk.portal.post("/v1/payments", REQUEST, key=None)
    assert (status, problem["code"]) == (400, "idempotency_key_required")


BAD = [
    ({"items": [{**REQUEST["items"][0], "unit_amount": 7000.0}]}, "/items/0/unit_amount"),
    ({"items": [{**REQUEST["items"][0], "unit_amount": 7000.5}]}, "/items/0/unit_amount"),
    ({"items": [{**REQUEST["items"][0], "unit_amount": "7000"}]}, "/items/0/unit_amount"),
    ({"items": [{**REQUEST["items"][0], "unit_amount": -1}]}, "/items/0/unit_amount"),
    ({"items": [{**REQUEST["items"][0], "unit_amount": 10**40}]}, "/items/0/unit_amount"),
    ({"items": [{**REQUEST["items"][0], "unit_amount": 10**15}]}, "/items/0/unit_amount"),
    ({"items": [{**REQUEST["items"][0], "quantity": True}]}, "/items/0/quantity"),
    ({"items": [{**REQUEST["items"][0], "kind": "tip"}]}, "/items/0/kind"),
    ({"items": []}, "/items"),
    ({"reference": "hồ sơ"}, "/reference"),
    ({"reference": None}, "/reference"),
    ({"agency_code": "h55"}, "/agency_code"),
    ({"surprise": 1}, "/surprise"),
    ({"return_url": "http://portal.example/x y"}, "/return_url"),
    ({"method": "momo"}, "/method"),
    ({"expires_in": 0}, "/expires_in"),
    ({"description": "a\u0000b"}, "/description"),
    ({"payer": {"name": "x\u202ey"}}, "/payer/name"),
]


@pytest.mark.parametrize(("change", "pointer"), BAD)
async def test_bad_requests_are_refused_by_field_and_change_nothing(desk, change, pointer):
    status, problem, _ = await desk.portal.post("/v1/payments", {**REQUEST, **change}, key="bad")
    assert (status, problem["code"]) == (422, "validation_failed")
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert await desk.events() == []
    status, _, _ = await desk.portal.post("/v1/payments", REQUEST, key="bad")
    assert status == 201


async def test_problems_speak_the_language_that_was_asked_for(desk):
    wrong = {**REQUEST, "agency_code": "?"}
    _, problem, _ = await desk.portal.post("/v1/payments", wrong)
    assert problem["errors"][0]["detail"].startswith("Mã cơ quan")
    english = {"Accept-Language": "en"}
    _, problem, _ = await desk.portal.post("/v1/payments", wrong, headers=english)
    assert problem["errors"][0]["detail"].startswith("An agency code")


async def test_live_keys_need_https_to_come_back_to(desk):
    live = await desk.another_portal(mode="live")
    wanted = {**REQUEST, "return_url": "http://portal.example/"}
    assert (await desk.portal.post("/v1/payments", wanted))[0] == 201
    status, problem, _ = await live.post("/v1/payments", wanted)
    assert (status, problem["errors"][0]["code"]) == (422, "url_not_https")


async def test_vietnamese_is_kept_composed_and_markup_is_only_text(both):
    name = 'Tra\u0302\u0300n & Co\u0323\u0302ng <sư\u0323> "Đức"'
    payment = await both.open(payer={"name": name}, metadata={"ghi-chu": "<b>&</b>"})
    assert (await both.read(payment))["metadata"] == {"ghi-chu": "<b>&</b>"}
    items = [{**REQUEST["items"][0], "name": "Phi\u0301"}]
    _, body, _ = await both.portal.post("/v1/payments", {**REQUEST, "items": items})
    assert body["items"][0]["name"] == "Phí"


async def test_another_tenants_payment_does_not_exist(both):
    payment = await both.open()
    attempt = await both.try_paying(payment, VIETQR)
    for other in (await both.another_portal(), await both.another_portal("cong-dvc", "live")):
        for method, path in (
            ("GET", ""),
            ("GET", "/timeline"),
            ("POST", "/cancel"),
            ("POST", "/attempts"),
            ("POST", "/counter-receipts"),
            ("POST", "/refunds"),
        ):
            bodies = {
                "/attempts": {"account": VNPAY},
                "/counter-receipts": {
                    "amount": 1,
                    "receipt_number": "1",
                    "collected_by": "x",
                },
                "/refunds": {"amount": 1, "reason": "other"},
            }
            address = f"/v1/payments/{payment['id']}{path}"
            status, problem, _ = await other.call(method, address, bodies.get(path))
            assert (status, problem["code"]) == (404, "not_found"), path
    assert (await both.read(payment))["attempts"][0]["id"] == attempt["id"]


async def test_keys_without_the_scope_are_refused(desk):
    reader = await desk.another_portal(scopes=("payments:read",))
    status, problem, _ = await reader.post("/v1/payments", REQUEST)
    assert (status, problem["code"]) == (403, "missing_scope")
    writer = await desk.another_portal("cong-ba", scopes=("payments:write",))
    _, payment, _ = await writer.post("/v1/payments", REQUEST)
    for path, body in (
        ("counter-receipts", {"amount": 1, "receipt_number": "1", "collected_by": "x"}),
        ("refunds", {"amount": 1, "reason": "other"}),
    ):
        status, _, _ = await writer.post(f"/v1/payments/{payment['id']}/{path}", body)
        assert status == 403


async def test_lists_go_from_the_newest_and_can_be_narrowed(both):
    made = []
    for number in range(5):
        reference = f"000.00.12.H55-261102-000{number + 1}"
        made.append(await both.open(10_000, reference=reference))
        both.clock.advance(60)
    _, page, _ = await both.portal.get("/v1/payments?limit=2")
    assert [p["id"] for p in page["data"]] == [made[4]["id"], made[3]["id"]]
    assert page["has_more"]
    _, rest, _ = await both.portal.get(f"/v1/payments?limit=3&after={page['next']}")
    assert [p["id"] for p in rest["data"]] == [made[2]["id"], made[1]["id"], made[0]["id"]]
    assert (rest["has_more"], len(rest["data"])) == (False, 3)
    for query, expected in (
        (f"reference={made[1]['reference']}", [made[1]]),
        ("status=paid", []),
        ("agency_code=H55.12&limit=1", [made[4]]),
        (
            "created_from=2026-11-02T09:01:00%2B07:00&created_to=2026-11-02T09:03:00%2B07:00",
            [made[2], made[1]],
        ),
    ):
        _, found, _ = await both.portal.get(f"/v1/payments?{query}")
        assert [p["id"] for p in found["data"]] == [p["id"] for p in expected], query


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "status=lost", "created_from=yesterday"]
)
async def test_lists_refuse_nonsense(desk, query):
    status, problem, _ = await desk.portal.get(f"/v1/payments?{query}")
    assert (status, problem["code"]) == (422, "validation_failed")


async def test_cancelling_twice_is_cancelling_once(both):
    payment = await both.open()
    path = f"/v1/payments/{payment['id']}/cancel"
    status, body, _ = await both.portal.post(path, {"reason": "hồ sơ đã rút"})
    assert (status, body["status"]) == (200, "cancelled")
    status, body, _ = await both.portal.post(path)
    assert (status, body["status"], body["sequence"]) == (200, "cancelled", 2)
    assert await both.event_types() == ["payment.created", "payment.cancelled"]


async def test_what_is_paid_cannot_be_cancelled(desk):
    payment = await desk.open()
    await desk.scan(await desk.try_paying(payment, VIETQR))
    status, problem, _ = await desk.portal.post(f"/v1/payments/{payment['id']}/cancel")
    assert (status, problem["code"]) == (409, "payment_closed")
    assert (problem["money_position"], problem["retryable"]) == ("taken", False)


async def test_money_for_a_cancelled_payment_is_surplus(both):
    payment = await both.open()
    attempt = await both.try_paying(payment)
    await both.portal.post(f"/v1/payments/{payment['id']}/cancel")
    await both.pay_at_vnpay(attempt)
    after = await both.read(payment)
    assert (after["status"], after["amount_surplus"]) == ("cancelled", 21_000)
    assert after["review"] == ["paid_after_cancel"]
    assert (await both.event_types())[-1] == "payment.surplus"


async def test_cash_at_the_counter_pays_and_a_number_stands_for_one_amount(both):
    payment = await both.open()
    path = f"/v1/payments/{payment['id']}/counter-receipts"
    cash = {
        "amount": 21_000,
        "receipt_number": "0001/BL",
        "collected_by": "Trần Thị Bình",
        "collected_at": "2026-11-02T08:30:00+07:00",
    }
    status, body, _ = await both.portal.post(path, cash)
    assert (status, body["status"]) == (201, "paid")
    assert body["paid_at"] == "2026-11-02T08:30:00+07:00"
    status, body, _ = await both.portal.post(path, cash)
    assert (status, body["amount_collected"]) == (201, 21_000)
    status, problem, _ = await both.portal.post(path, {**cash, "amount": 20_000})
    assert (status, problem["code"]) == (409, "receipt_number_used")
    future = {**cash, "collected_at": "2026-11-03T08:30:00+07:00"}
    assert (await both.portal.post(path, future))[0] == 422


async def test_the_timeline_tells_every_piece_of_evidence_in_words(both):
    payment = await both.open()
    attempt = await both.try_paying(payment)
    await both.pay_at_vnpay(attempt)
    _, body, _ = await both.portal.get(f"/v1/payments/{payment['id']}/timeline")
    assert [entry["channel"] for entry in body["data"]] == ["call", "callback"]
    assert body["data"][0]["text"]["vi"] == "Đã mở lần nộp qua VNPAY."
    assert body["data"][1]["text"] == {
        "vi": "VNPAY tự báo đã thu 21.000\u00a0đồng.",
        "en": "VNPAY, by itself, reports VND\u00a021,000 taken.",
    }


async def test_attempts_are_answered_once_for_a_key(both):
    payment = await both.open()
    path = f"/v1/payments/{payment['id']}/attempts"
    first = await both.portal.post(path, {"account": VIETQR}, key="a-1")
    again = await both.portal.post(path, {"account": VIETQR}, key="a-1")
    assert first[:2] == again[:2]
    assert first[1]["action"]["qr_png_url"] == f"{payment['checkout_url']}/qr.png"
    assert len((await both.read(payment))["attempts"]) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"account": "nobody"}, 422),
        ({"account": "casso-main"}, 422),
        ({}, 422),
        ({"account": VNPAY, "bank_code": "<x>"}, 422),
        ({"account": VNPAY, "return_url": "ftp://x.example"}, 422),
        ([], 422),
    ],
)
async def test_attempts_that_cannot_be_started(desk, body, status):
    payment = await desk.open()
    answer = await desk.portal.post(f"/v1/payments/{payment['id']}/attempts", body)
    assert answer[0] == status, answer[1]
    assert (await desk.read(payment))["attempts"] == []


async def test_another_way_may_be_chosen_while_nothing_is_in_doubt(desk):
    payment = await desk.open()
    await desk.try_paying(payment, VIETQR)
    await desk.try_paying(payment, VNPAY)
    assert len((await desk.read(payment))["attempts"]) == 2


async def test_no_second_attempt_while_the_first_is_in_doubt(both):
    payment = await both.open()
    attempt = await both.try_paying(payment)
    both.vnpay.faults.add(Fault.LOSE_CALLBACK)
    address = await both.pay_at_vnpay(attempt)
    async with both.session.get(address, allow_redirects=False) as answer:
        assert answer.status == 303
    path = f"/v1/payments/{payment['id']}/attempts"
    status, problem, headers = await both.portal.post(path, {"account": VIETQR})
    assert (status, problem["code"]) == (409, "attempt_in_doubt")
    assert (problem["money_position"], problem["retryable"]) == ("may_be_taken", True)
    assert headers["Retry-After"] == "30"
    status, problem, _ = await both.portal.post(f"/v1/payments/{payment['id']}/cancel")
    assert status == 200  # the citizen only came back; the agency may still withdraw


async def test_a_payment_does_not_take_attempts_without_end(desk):
    payment = await desk.open()
    for _ in range(50):
        await desk.try_paying(payment, VIETQR)
    path = f"/v1/payments/{payment['id']}/attempts"
    status, problem, _ = await desk.portal.post(path, {"account": VIETQR})
    assert (status, problem["code"]) == (409, "too_many_attempts")


async def test_webhooks_carry_the_same_view_as_the_api(both):
    payment = await both.open()
    await both.pay_at_vnpay(await both.try_paying(payment))
    path = f"/v1/payments/{payment['id']}/refunds"
    _, refund, _ = await both.portal.post(path, {"amount": 1_000, "reason": "other"})
    shown = both.capability.renderers
    told = await both.database.read(
        lambda c: shown["pay"](c, [payment["id"], "pay_unknown"]) | shown["ref"](c, [refund["id"]])
    )
    assert told == {payment["id"]: await both.read(payment), refund["id"]: refund}


async def test_a_question_that_nobody_asked_cannot_be_answered(desk):
    payment = await desk.open()
    with pytest.raises(Problem):
        await desk.payments.decide(
            "cong-dvc/test", payment["id"], "overpaid", "accept", actor="official:kt"
        )


async def test_while_a_call_has_no_known_end_the_agency_cannot_cancel(desk):
    payment = await desk.open()
    broken(desk, "create", OutcomeUnknown("time-out"))
    await desk.try_paying(payment)
    status, problem, _ = await desk.portal.post(f"/v1/payments/{payment['id']}/cancel")
    assert (status, problem["code"]) == (409, "attempt_in_doubt")


@pytest.mark.parametrize("after", ["zzz", "evt_cr8xgzs9q74689f61ew34gedsr"])
async def test_a_page_begins_after_a_payment_and_after_nothing_else(desk, after):
    """A cursor of another list would begin anew or end at once, and nobody would notice."""
    status, problem, _ = await desk.portal.get("/v1/payments", params={"after": after})
    assert (status, [e["pointer"] for e in problem["errors"]]) == (422, ["/after"])


async def test_a_moment_at_the_edge_of_the_calendar_can_be_shown(both):
    payment = await both.open()
    cash = {
        "amount": 21_000,
        "receipt_number": "A1",
        "place": "counter",
        "collected_by": "Trần Thị Thử",
        "collected_at": "0001-01-01T00:00:00+14:00",
    }
    path = f"/v1/payments/{payment['id']}"
    assert (await both.portal.post(f"{path}/counter-receipts", cash))[0] == 201
    assert (await both.portal.get(f"{path}/timeline"))[0] == 200
