"""One payment through each provider, over sockets, on both databases."""

from __future__ import annotations

from tests.gateway.payments.desk import VIETQR


async def test_a_payment_is_opened_tried_paid_and_told(both):
    payment = await both.open()
    assert payment["status"] == "pending"
    attempt = await both.try_paying(payment)
    assert attempt["action"]["type"] == "redirect"
    await both.pay_at_vnpay(attempt)
    paid = await both.read(payment)
    assert (paid["status"], paid["amount_collected"], paid["review"]) == ("paid", 21_000, [])
    assert paid["attempts"][0]["status"] == "succeeded"
    assert both.vnpay.callbacks.log[0].answer == '{"RspCode":"00","Message":"Confirm Success"}'
    assert await both.events() == [
        ("payment.created", payment["id"], 1),
        ("payment.processing", payment["id"], 2),
        ("payment.paid", payment["id"], 3),
    ]


async def test_a_transfer_by_qr_pays_once_though_two_services_report_it(both):
    payment = await both.open()
    attempt = await both.try_paying(payment, VIETQR)
    assert attempt["action"]["type"] == "qr"
    await both.scan(attempt)
    paid = await both.read(payment)
    assert (paid["status"], paid["amount_collected"]) == ("paid", 21_000)
    assert [sent.status for sent in both.bank.callbacks.log] == [200, 200]
