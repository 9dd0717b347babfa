"""Callbacks as they come in real life: twice, late, wrong, forged, cut, unknown."""

from __future__ import annotations

import asyncio
import json

import pytest
import sqlalchemy as sa
from yarl import URL

from connectors.simulators import bank_wire, vnpay_wire
from connectors.simulators.faults import Fault
from gateway.foundation.database import DatabaseUnavailable, _answer
from gateway.foundation.problems import Problem
from gateway.payments.tables import evidence, ledger_entries, messages, orphans
from tests.gateway.payments.desk import CASSO, SEPAY, VIETQR, VNPAY, open_desk

OK = {"RspCode": "00", "Message": "Confirm Success"}
SECRET = "SIMULATEDVNPAYHASHSECRET00000000"


async def count(desk, table, *where):
    query = sa.select(sa.func.count()).select_from(table).where(*where)
    return await desk.database.read(lambda c: c.execute(query).scalar())


async def totals(desk):
    """Everything that a message must not change."""
    return [await count(desk, t) for t in (evidence, messages, orphans, ledger_entries)]


def ipn(reference, amount=21_000, code="00", status="00", number="14500001", **changes):
    fields = {
        "vnp_TmnCode": "MOTCUA01",
        "vnp_Amount": str(amount * 100),
        "vnp_BankCode": "NCB",
        "vnp_PayDate": "20261102090500",
        "vnp_OrderInfo": "Le phi ho so 0001",
        "vnp_TransactionNo": number,
        "vnp_ResponseCode": code,
        "vnp_TransactionStatus": status,
        "vnp_TxnRef": reference,
    }
    return vnpay_wire.signed_query({**fields, **changes}, SECRET)


async def send(desk, query, leg=""):
    url = URL(f"{desk.base}/callbacks/{VNPAY}{leg}?{query}", encoded=True)
    async with desk.session.get(url, allow_redirects=False) as answer:
        is_json = answer.content_type.endswith("json")
        return answer.status, await answer.json(content_type=None) if is_json else None


async def post(desk, account, body, headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{desk.base}/callbacks/{account}"
    headers = {"Content-Type": "application/json", **headers}
    async with desk.session.post(url, data=raw, headers=headers) as answer:
        return answer.status, await answer.json()


async def started(desk, account=VNPAY, amount=21_000):
    payment = await desk.open(amount)
    return payment, await desk.try_paying(payment, account)


async def test_a_repeated_callback_is_told_to_be_known_and_changes_nothing(both):
    payment, attempt = await started(both)
    query = ipn(attempt["provider_reference"])
    assert await send(both, query) == (200, OK)
    before = await totals(both), await both.events()
    for _ in range(3):
        assert (await send(both, query))[1]["RspCode"] == "02"
    assert (await totals(both), await both.events()) == before
    assert (await both.read(payment))["amount_collected"] == 21_000


async def test_the_same_callback_many_times_at_once_counts_once(both):
    payment, attempt = await started(both)
    query = ipn(attempt["provider_reference"])
    answers = await asyncio.gather(*(send(both, query) for _ in range(12)))
    assert sorted(body["RspCode"] for _, body in answers) == ["00"] + ["02"] * 11
    assert (await both.read(payment))["amount_collected"] == 21_000
    assert (await both.event_types()).count("payment.paid") == 1


async def test_callbacks_of_many_payments_share_a_commit(both):
    opened = [await started(both) for _ in range(10)]
    queries = [
        ipn(a["provider_reference"], number=str(9_000 + n)) for n, (_, a) in enumerate(opened)
    ]
    before = both.database.commits
    answers = await asyncio.gather(*(send(both, query) for query in queries))
    assert all(body == OK for _, body in answers)
    assert both.database.commits - before < 10
    for payment, _ in opened:
        assert (await both.read(payment))["status"] == "paid"


async def test_a_callback_for_a_declined_payment_is_confirmed_too(both):
    payment, attempt = await started(both)
    assert await send(both, ipn(attempt["provider_reference"], code="51", status="02")) == (200, OK)
    after = await both.read(payment)
    assert (after["status"], after["attempts"][0]["status"]) == ("pending", "failed")


async def test_forged_callbacks_are_counted_and_leave_no_trace(both):
    _, attempt = await started(both)
    good = ipn(attempt["provider_reference"])
    before = await totals(both), await both.events()
    forged = [
        good.replace("vnp_Amount=2100000", "vnp_Amount=2100001"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good + "&vnp_Amount=2100000",
        good + "&vnp_TxnRef=x",
        good.partition("&vnp_SecureHash")[0],
        good[: len(good) // 2],
        "",
        "vnp_SecureHash=" + "0" * 128,
        "a[]=1&" + good,
        "%FF=%FE&" + good,
    ]
    for query in forged:
        assert (await send(both, query))[1]["RspCode"] == "97", query
    assert (await totals(both), await both.events()) == before
    counted = both.metrics.callbacks.labels(VNPAY, "bad_signature")
    assert counted._value.get() == len(forged)


async def test_parameters_that_are_not_vnpays_are_ignored(both):
    payment, attempt = await started(both)
    good = ipn(attempt["provider_reference"])
    assert await send(both, f"{good}&utm_source=x") == (200, OK)
    assert (await both.read(payment))["status"] == "paid"


async def test_another_terminals_message_is_kept_raw_and_changes_no_payment(both):
    payment, attempt = await started(both)
    query = ipn(attempt["provider_reference"], vnp_TmnCode="ANOTHER1")
    assert (await send(both, query))[1]["RspCode"] == "99"
    assert await totals(both) == [1, 1, 0, 0]  # the call's own evidence, the raw message
    assert (await both.read(payment))["status"] == "processing"


async def test_oversized_callbacks_are_refused(desk):
    _, attempt = await started(desk)
    before = await totals(desk)
    body, headers = b"x" * 70_000, {"Authorization": "Apikey simulated-sepay-key-0000000000000000"}
    url = f"{desk.base}/callbacks/{SEPAY}"
    async with desk.session.post(url, data=body, headers=headers) as answer:
        assert answer.status == 413
    status, _ = await send(desk, ipn(attempt["provider_reference"]) + "&x=" + "y" * 9_000)
    assert status == 400
    assert await totals(desk) == before


async def test_a_wrong_amount_is_told_and_the_money_is_still_counted(both):
    payment, attempt = await started(both)
    query = ipn(attempt["provider_reference"], amount=10_000)
    assert (await send(both, query))[1]["RspCode"] == "04"
    assert (await send(both, query))[1]["RspCode"] == "04"
    after = await both.read(payment)
    assert (after["status"], after["amount_collected"]) == ("partially_paid", 10_000)
    assert after["review"] == ["amount_mismatch"]


async def test_another_amount_under_the_same_event_is_an_alarm_not_a_replay(both):
    payment, attempt = await started(both)
    await send(both, ipn(attempt["provider_reference"]))
    answer = await send(both, ipn(attempt["provider_reference"], amount=1_000))
    assert answer[1]["RspCode"] == "04"
    after = await both.read(payment)
    assert (after["amount_collected"], after["review"]) == (21_000, ["amount_mismatch"])


async def test_money_for_an_unknown_order_is_kept_for_the_finance_desk(both):
    query = ipn("MCNOBODYKNOWS99")
    assert (await send(both, query))[1]["RspCode"] == "01"
    assert (await send(both, query))[1]["RspCode"] == "01"
    assert await count(both, orphans) == 1
    assert (await send(both, ipn("MCNOBODYKNOWS98", code="24", status="02")))[1]["RspCode"] == "01"
    assert await count(both, orphans) == 1


async def test_an_attempt_of_another_account_is_an_unknown_order(both):
    payment, attempt = await started(both, VIETQR)
    assert (await send(both, ipn(attempt["provider_reference"])))[1]["RspCode"] == "01"
    assert (await both.read(payment))["amount_collected"] == 0


async def test_an_unknown_code_leaves_the_payment_processing(both):
    payment, attempt = await started(both)
    assert await send(both, ipn(attempt["provider_reference"], code="88", status="88")) == (200, OK)
    after = await both.read(payment)
    assert (after["status"], after["attempts"][0]["status"]) == ("processing", "unknown")
    assert both.metrics.alerts.labels("unknown_code")._value.get() == 1


async def test_suspicious_money_waits_for_an_official(both):
    payment, attempt = await started(both)
    await send(both, ipn(attempt["provider_reference"], code="07", status="07"))
    held = await both.read(payment)
    assert (held["status"], held["review"]) == ("processing", ["provider_suspects_fraud"])
    view = await both.payments.decide(
        "cong-dvc/test",
        payment["id"],
        *("provider_suspects_fraud", "accept"),
        actor="official:ke.toan",
    )
    assert (view.status, view.review, view.amount_collected) == ("paid", [], 21_000)


async def test_unknown_accounts_and_legs_do_not_exist(desk):
    for path in ("/callbacks/nobody", f"/callbacks/{VNPAY}/verify", f"/callbacks/{VIETQR}"):
        async with desk.session.get(desk.base + path) as answer:
            assert answer.status == 404


async def test_the_browsers_return_is_no_money_and_leads_to_the_result(both):
    payment, attempt = await started(both)
    both.vnpay.faults.add(Fault.LOSE_CALLBACK)
    address = await both.pay_at_vnpay(attempt)
    async with both.session.get(URL(address, encoded=True), allow_redirects=False) as answer:
        assert answer.status == 303
        token = payment["checkout_url"].rpartition("/")[2]
        assert answer.headers["Location"] == f"/pay/{token}/result"
    assert (await both.read(payment))["status"] == "processing"
    await both.work()  # the return is a reason to ask at once
    assert (await both.read(payment))["status"] == "paid"


async def test_a_forged_return_leads_nowhere_and_changes_nothing(both):
    _, attempt = await started(both)
    before = await totals(both)
    query = ipn(attempt["provider_reference"])[:-2] + "zz"
    status, _ = await send(both, query, "/return")
    assert status == 404
    assert await totals(both) == before


# ------------------------------------------------------------------ bank notifications


def casso(desk, amount, memo, number=900, **changes):
    line = bank_wire.Transfer(number, desk.bank.account_number, amount, memo, desk.clock.now())
    body = bank_wire.casso_body(line, ("Vietcombank", "VCB"))
    body["data"] |= changes
    header = bank_wire.casso_header(body, desk.clock.now(), "simulated-casso-key-0000000000000000")
    return body, {"X-Casso-Signature": header}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda memo: memo,
        lambda memo: memo.lower(),
        lambda memo: f"{memo[:4]} {memo[4:9]}.{memo[9:]}",
        lambda memo: f"CT DEN:0123456 {memo} Nguyễn Văn An nộp lệ phí",
        lambda memo: f"{memo}-GD 123456"[:25],
    ],
)
async def test_a_transfer_is_known_by_its_memo_however_the_bank_spoiled_it(desk, spoil):
    payment, attempt = await started(desk, VIETQR)
    memo = spoil(attempt["action"]["memo"])
    assert (await post(desk, CASSO, *casso(desk, 21_000, memo)))[0] == 200
    assert (await desk.read(payment))["status"] == "paid"


async def test_transfers_nobody_can_be_named_for_are_kept_and_attached_by_a_person(both):
    payment, attempt = await started(both, VIETQR)
    reference = attempt["action"]["memo"]
    wrong = reference[:-1] + ("2" if reference[-1] != "2" else "3")
    two = await started(both, VIETQR)
    memos = ["nop phi", wrong, f"{reference} {two[1]['action']['memo']}"]
    for number, memo in enumerate(memos):
        answer = await post(both, CASSO, *casso(both, 21_000, memo, 100 + number))
        assert answer == (200, {"success": True})
    other = casso(both, 21_000, reference, 200, accountNumber="999999")
    assert (await post(both, CASSO, *other))[0] == 200
    query = sa.select(orphans).order_by(orphans.c.id)
    kept = await both.database.read(lambda c: c.execute(query).all())
    reasons = ["no_reference", "no_reference", "several_references", "other_account"]
    assert [row.reason for row in kept] == reasons
    assert (await both.read(payment))["amount_collected"] == 0
    attach = both.payments.attach_orphan
    view = await attach("cong-dvc/test", kept[0].id, payment["id"], "official:ke.toan")
    assert (view.status, view.amount_collected) == ("paid", 21_000)
    with pytest.raises(Problem):
        await attach("cong-dvc/test", kept[0].id, payment["id"], "official:ke.toan")
    assert (await post(both, CASSO, *casso(both, 21_000, memos[0], 100)))[0] == 200
    assert (await both.read(payment))["amount_collected"] == 21_000


def sepay(desk, amount, memo, reference):
    body = {
        "id": 77,
        "gateway": "Vietcombank",
        "transactionDate": "2026-11-02 09:00:00",
        "accountNumber": desk.bank.account_number,
        "transferType": "in",
        "transferAmount": amount,
        "content": memo,
        "referenceCode": reference,
    }
    return body, {"Authorization": "Apikey simulated-sepay-key-0000000000000000"}


async def test_a_transfer_reported_by_two_services_is_one_orphan_and_attached_once(both):
    payment, other = await both.open(), await both.open()
    body, headers = casso(both, 21_000, "nop phi")
    assert (await post(both, CASSO, body, headers))[0] == 200
    twin = sepay(both, 21_000, "nop phi", body["data"]["reference"])
    assert (await post(both, SEPAY, *twin))[0] == 200
    assert await count(both, orphans) == 2
    (orphan,) = await both.payments.orphans()
    attach = both.payments.attach_orphan
    assert (await attach("cong-dvc/test", orphan.id, payment["id"], "official:kt")).status == "paid"
    assert await both.payments.orphans() == []
    rows = await both.database.read(lambda c: c.execute(sa.select(orphans.c.id)).scalars().all())
    for orphan_id in rows:
        with pytest.raises(Problem):
            await attach("cong-dvc/test", orphan_id, other["id"], "official:kt")


async def test_a_spoiled_report_of_money_that_is_counted_is_no_orphan(both):
    payment, attempt = await started(both, VIETQR)
    body, headers = casso(both, 21_000, "memo lost")
    assert (await post(both, CASSO, body, headers))[0] == 200
    whole = sepay(both, 21_000, attempt["action"]["memo"], body["data"]["reference"])
    assert (await post(both, SEPAY, *whole))[0] == 200
    assert (await both.read(payment))["status"] == "paid"
    assert await both.payments.orphans() == []
    other = await both.open()
    kept = await both.database.read(lambda c: c.execute(sa.select(orphans.c.id)).scalar())
    with pytest.raises(Problem):
        await both.payments.attach_orphan("cong-dvc/test", kept, other["id"], "official:kt")


async def test_bank_notifications_that_are_not_genuine_change_nothing(both):
    _, attempt = await started(both, VIETQR)
    before = await totals(both)
    body, headers = casso(both, 21_000, attempt["action"]["memo"])
    good = headers["X-Casso-Signature"]
    spoiled = good[:-1] + ("0" if good[-1] != "0" else "1")
    assert (await post(both, CASSO, {**body, "x": 1}, headers))[0] == 401
    assert (await post(both, CASSO, body, {}))[0] == 401
    assert (await post(both, CASSO, body, {"X-Casso-Signature": spoiled}))[0] == 401
    assert (await post(both, CASSO, json.dumps(body).encode()[:-5], headers))[0] == 401
    doubled = json.dumps(body)[:-1] + ', "error": 0}'
    assert (await post(both, CASSO, doubled.encode(), headers))[0] == 401
    assert (await post(both, SEPAY, {}, {"Authorization": "Apikey wrong"}))[0] == 401
    sepay = {"Authorization": "Apikey simulated-sepay-key-0000000000000000"}
    assert (await post(both, SEPAY, b"{not json", sepay))[0] == 400
    assert await totals(both) == before


async def test_outgoing_transfers_are_heard_and_forgotten(both):
    both.bank.transfer(5_000, "chi tien", incoming=False)
    await both.bank.callbacks.settle()
    assert [sent.status for sent in both.bank.callbacks.log] == [200, 200]
    assert await count(both, orphans) == 0


async def test_text_that_no_database_holds_is_made_to_fit(both):
    payment, attempt = await started(both, VIETQR)
    memo = f"{attempt['action']['memo']}\u0000 " + "x" * 9_000
    body, headers = casso(both, 21_000, memo, reference="R" * 500)
    assert (await post(both, CASSO, body, headers))[0] == 200
    assert (await both.read(payment))["status"] == "paid"
    orphan = casso(both, 21_000, "\u0000", 901, reference="R" * 500, accountNumber="9" * 200)
    assert (await post(both, CASSO, *orphan))[0] == 200
    assert await count(both, orphans) == 1


async def test_bytes_that_break_a_reader_are_answered_in_the_providers_words(both):
    _, headers = casso(both, 21_000, "x")
    before = await totals(both)
    for raw in (b'{"data":{"description":"\\ud800"}}', b"[" * 5_000, b'{"a":1e999}', b"\xff"):
        status, body = await post(both, CASSO, raw, headers)
        assert (status in (400, 401, 500), body) == (True, {"success": False}), raw
    assert await totals(both) == before


async def test_a_database_that_is_away_makes_the_provider_come_again(sqlite, clock):
    async with open_desk(sqlite, clock) as desk:
        payment, attempt = await started(desk)
        query = ipn(attempt["provider_reference"])
        run = desk.database._commit
        desk.database._commit = desk_is_away
        status, body = await send(desk, query)
        assert (status, body["RspCode"]) == (200, "99")
        desk.database._commit = run
        assert (await send(desk, query))[1] == OK
        assert (await desk.read(payment))["status"] == "paid"


def desk_is_away(jobs):
    for job in jobs:
        job.outcome, job.failed = DatabaseUnavailable("away"), True
    _answer(jobs)


async def test_a_reference_or_an_account_with_nul_is_nobodys(both):
    """Signed well and odd all the same: kept for people, acknowledged as unknown."""
    assert (await send(both, ipn("MC\x00AAAAAAAAAA")))[1]["RspCode"] == "01"
    assert await count(both, orphans) == 1
