"""Money going back: reserved, approved, sent once, asked about, or handed to a person."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from connectors.contract import OutcomeUnknown, ProviderRejected, ProviderUnavailable
from connectors.simulators.faults import Fault
from gateway.foundation.problems import Problem
from gateway.payments.store import LEASE, claim_refunds
from gateway.payments.tables import ledger_entries
from tests.gateway.payments.desk import VIETQR, VNPAY, open_desk
from tests.gateway.payments.test_payment_worker import broken
from tests.support.edge import portal

pytestmark = pytest.mark.long_on_postgresql

TENANT = "cong-dvc/test"


async def paid(desk, account=VNPAY, amount=21_000):
    payment = await desk.open(amount)
    attempt = await desk.try_paying(payment, account)
    await (desk.pay_at_vnpay(attempt) if account == VNPAY else desk.scan(attempt))
    return payment


async def ask_back(desk, payment, amount, reason="rejected_dossier", who=None, **more):
    path = f"/v1/payments/{payment['id']}/refunds"
    body = {"amount": amount, "reason": reason, **more}
    return await (who or desk.portal).post(path, body)


async def refund_of(desk, refund):
    _, body, _ = await desk.portal.get(f"/v1/refunds/{refund['id']}")
    return body


async def balances(desk):
    query = sa.select(ledger_entries.c.account, sa.func.sum(ledger_entries.c.amount))
    rows = await desk.database.read(
        lambda c: c.execute(query.group_by(ledger_entries.c.account)).all()
    )
    return {account: int(amount) for account, amount in rows if amount}


async def test_a_refund_goes_its_way_and_only_its_confirmation_counts(both):
    payment = await paid(both)
    status, refund, _ = await ask_back(both, payment, 21_000)
    assert (status, refund["status"], refund["method"]) == (201, "approved", "provider")
    await both.work()
    assert (await refund_of(both, refund))["status"] == "processing"
    assert (await both.read(payment))["amount_refunded"] == 0
    assert await balances(both) == {"clearing:vnpay-main": 21_000, "refunding:vnpay-main": -21_000}
    await both.wait(61)
    done = await refund_of(both, refund)
    assert done["status"] == "succeeded"
    after = await both.read(payment)
    assert (after["status"], after["amount_refunded"]) == ("paid", 21_000)
    assert after["refunds"][0] == done
    assert await balances(both) == {}
    told = [event for event in await both.events() if event[1] == refund["id"]]
    names = ["refund.requested", "refund.approved", "refund.processing", "refund.succeeded"]
    assert told == [(name, refund["id"], place) for place, name in enumerate(names, start=1)]


async def test_a_part_can_go_back_and_then_the_rest(both):
    payment = await paid(both)
    for amount in (7_000, 14_000):
        _, refund, _ = await ask_back(both, payment, amount)
        await both.work()
        await both.wait(61)
        assert (await refund_of(both, refund))["status"] == "succeeded"
    assert (await both.read(payment))["amount_refunded"] == 21_000
    assert [r.kind for r in both.vnpay.transactions.popitem()[1].refunds] == ["03", "03"]


async def test_refunds_never_exceed_what_was_collected_even_at_once(both):
    payment = await paid(both)
    answers = await asyncio.gather(*(ask_back(both, payment, 10_000) for _ in range(5)))
    assert sorted(status for status, _, _ in answers) == [201, 201, 409, 409, 409]
    status, problem, _ = await ask_back(both, payment, 1_001)
    assert (status, problem["code"], problem["amount_refundable"]) == (409, "not_refundable", 1_000)


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 0, "reason": "other"},
        {"amount": -1, "reason": "other"},
        {"amount": 7000.0, "reason": "other"},
        {"amount": 7000, "reason": "because"},
        {"amount": 7000},
        {"amount": 7000, "reason": "other", "note": "a\u0000"},
        {"amount": 7000, "reason": "other", "destination": {"bank": "\u202e"}},
    ],
)
async def test_refunds_that_cannot_be_read_are_refused(desk, body):
    payment = await paid(desk)
    status, problem, _ = await desk.portal.post(f"/v1/payments/{payment['id']}/refunds", body)
    assert (status, problem["code"]) == (422, "validation_failed")
    assert (await desk.read(payment))["refunds"] == []


async def test_nothing_collected_is_nothing_to_give_back(desk):
    status, problem, _ = await ask_back(desk, await desk.open(), 1)
    assert (status, problem["money_position"]) == (409, "none_taken")


async def test_a_large_refund_needs_a_second_person(sqlite, clock):
    async with open_desk(sqlite, clock, refund_approval_above=10_000) as desk:
        payment = await paid(desk)
        status, refund, _ = await ask_back(desk, payment, 21_000)
        assert (status, refund["status"], refund["needs_approval"]) == (201, "requested", True)
        await desk.wait(3_600)
        assert (await refund_of(desk, refund))["status"] == "requested"
        path = f"/v1/refunds/{refund['id']}/approve"
        status, problem, _ = await desk.portal.post(path)
        assert (status, problem["code"]) == (403, "second_person_needed")
        second = await portal(desk.edge, desk.server, desk.session, official="official:b")
        status, body, _ = await second.post(path)
        assert (status, body["status"], body["approved_by"]) == (200, "approved", "official:b")
        assert (await second.post(path))[0] == 200
        await desk.work()
        assert (await refund_of(desk, refund))["status"] == "processing"
        third = await portal(desk.edge, desk.server, desk.session, official="official:c")
        assert (await third.post(path))[0] == 409


async def test_another_tenants_refund_does_not_exist(desk):
    payment = await paid(desk)
    _, refund, _ = await ask_back(desk, payment, 1_000)
    other = await desk.another_portal()
    assert (await other.get(f"/v1/refunds/{refund['id']}"))[0] == 404
    assert (await other.post(f"/v1/refunds/{refund['id']}/approve"))[0] == 404
    assert (await other.get("/v1/refunds/ref_nobody"))[0] == 404


async def test_where_a_provider_cannot_give_back_a_person_transfers(both):
    payment = await paid(both, VIETQR)
    account = {"bank": "VCB", "account_number": "0123456789", "name": "NGUYEN VAN AN"}
    status, refund, _ = await ask_back(both, payment, 21_000, destination=account)
    assert (status, refund["status"], refund["method"]) == (201, "requested", "transfer")
    assert refund["destination"] == account
    await both.wait(3_600)
    assert (await refund_of(both, refund))["status"] == "requested"
    close = both.refunds.close_by_hand
    view = await close(TENANT, refund["id"], "official:kt", paid=True, bank_reference="FT99")
    assert view.status == "succeeded"
    assert (await both.read(payment))["amount_refunded"] == 21_000
    with pytest.raises(Problem):
        await close(TENANT, refund["id"], "official:kt", paid=False)


async def test_a_large_transfer_by_hand_needs_the_second_person_first(sqlite, clock):
    async with open_desk(sqlite, clock, refund_approval_above=10_000) as desk:
        payment = await paid(desk, VIETQR)
        _, refund, _ = await ask_back(desk, payment, 21_000)
        close = desk.refunds.close_by_hand
        with pytest.raises(Problem):
            await close(TENANT, refund["id"], "official:kt", paid=True)
        await desk.refunds.approve(TENANT, refund["id"], "official:sep")
        assert (await close(TENANT, refund["id"], "official:kt", paid=True)).status == "succeeded"


async def test_the_duplicate_goes_back_the_way_it_came(both):
    payment = await both.open()
    first, second = await both.try_paying(payment), await both.try_paying(payment)
    await both.pay_at_vnpay(first)
    both.clock.advance(60)
    await both.pay_at_vnpay(second)
    assert (await both.read(payment))["review"] == ["duplicate_payment"]
    _, refund, _ = await ask_back(both, payment, 21_000, "duplicate")
    await both.work()
    await both.wait(61)
    after = await both.read(payment)
    assert (after["review"], after["amount_surplus"], after["status"]) == ([], 0, "paid")
    assert both.vnpay.transactions[second["provider_reference"]].refunds
    assert not both.vnpay.transactions[first["provider_reference"]].refunds
    _, refund, _ = await ask_back(both, payment, 21_000)
    await both.work()
    assert both.vnpay.transactions[first["provider_reference"]].refunds
    assert (await refund_of(both, refund))["method"] == "provider"


async def test_a_refund_whose_end_is_unknown_is_asked_about_and_never_sent_again(both):
    payment = await paid(both)
    mend = broken(both, "refund", OutcomeUnknown("time-out"))
    _, refund, _ = await ask_back(both, payment, 21_000)
    await both.work()
    assert (await refund_of(both, refund))["status"] == "unknown"
    mend()
    for _ in range(3):
        await both.wait(4_000)
    assert (await refund_of(both, refund))["status"] == "unknown"
    assert not next(iter(both.vnpay.transactions.values())).refunds
    status, problem, _ = await ask_back(both, payment, 1)
    assert (status, problem["code"]) == (409, "not_refundable")  # still reserved
    close = both.refunds.close_by_hand
    assert (await close(TENANT, refund["id"], "official:kt", paid=False)).status == "rejected"
    assert (await ask_back(both, payment, 21_000))[0] == 201


async def test_a_time_out_after_the_work_is_found_by_asking(both):
    payment = await paid(both)
    _, refund, _ = await ask_back(both, payment, 21_000)
    connector = both.payments.accounts.payment[VNPAY]
    send = connector.refund

    async def lose_the_answer(order):
        await send(order)
        raise OutcomeUnknown("time-out")

    connector.refund = lose_the_answer
    await both.work()
    assert (await refund_of(both, refund))["status"] == "unknown"
    await both.wait(61)
    assert (await refund_of(both, refund))["status"] == "succeeded"
    assert len(next(iter(both.vnpay.transactions.values())).refunds) == 1


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.SERVER_ERROR])
async def test_an_unreadable_answer_about_a_refund_is_an_unknown_end(desk, fault):
    payment = await paid(desk)
    desk.vnpay.faults.add(fault)
    _, refund, _ = await ask_back(desk, payment, 21_000)
    await desk.work()
    assert (await refund_of(desk, refund))["status"] == "unknown"
    desk.vnpay.faults.add(fault)
    await desk.wait(61)
    assert (await refund_of(desk, refund))["status"] == "unknown"


async def test_a_refund_that_was_never_sent_is_sent_later(both):
    payment = await paid(both)
    mend = broken(both, "refund", ProviderUnavailable("refused connection"))
    _, refund, _ = await ask_back(both, payment, 21_000)
    await both.work()
    assert (await refund_of(both, refund))["status"] == "approved"
    mend()
    await both.wait(61)
    assert (await refund_of(both, refund))["status"] == "processing"


@pytest.mark.parametrize("fault", ["rejected", "answer"])
async def test_a_refused_refund_gives_the_reservation_back(desk, fault):
    payment = await paid(desk)
    if fault == "rejected":
        broken(desk, "refund", ProviderRejected("02"))
    else:
        desk.vnpay.faults.add(Fault.REFUSE, code="95")
    _, refund, _ = await ask_back(desk, payment, 21_000)
    await desk.work()
    assert (await refund_of(desk, refund))["status"] == "rejected"
    assert (await ask_back(desk, payment, 21_000))[0] == 201


async def test_a_crash_between_commit_and_sending_is_asked_about(desk):
    payment = await paid(desk)
    _, refund, _ = await ask_back(desk, payment, 21_000)
    sent = []

    async def die(order):
        sent.append(order.reference)
        raise RuntimeError("the process dies here")

    connector = desk.payments.accounts.payment[VNPAY]
    connector.refund = die
    await desk.work()
    for _ in range(3):
        await desk.wait(61)
    assert sent == [refund["provider_reference"]]
    assert (await refund_of(desk, refund))["status"] == "unknown"


async def test_no_answer_about_a_refund_is_asked_for_again(desk):
    payment = await paid(desk)
    _, refund, _ = await ask_back(desk, payment, 21_000)
    await desk.work()
    mend = broken(desk, "query_refund", ProviderUnavailable("away"))
    await desk.wait(61)
    assert (await refund_of(desk, refund))["status"] == "processing"
    mend()
    secret, desk.vnpay.api._secret = desk.vnpay.api._secret, "another secret altogether 0000000"
    await desk.wait(600)
    assert (await refund_of(desk, refund))["status"] == "processing"
    desk.vnpay.api._secret = secret
    await desk.wait(600)
    assert (await refund_of(desk, refund))["status"] == "succeeded"


async def test_a_worker_that_slept_past_its_lease_sends_no_second_refund(both):
    payment = await paid(both)
    await ask_back(both, payment, 21_000)
    connector = both.payments.accounts.payment[VNPAY]
    send, orders = connector.refund, []

    async def note_and_send(order):
        orders.append(order.reference)
        return await send(order)

    connector.refund = note_and_send
    now = both.clock.now()
    asleep = (await both.database.write(lambda c: claim_refunds(c, now, 50)))[0]
    await both.wait(LEASE.total_seconds() + 1)  # another one claims it and sends it
    assert len(orders) == 1
    await both.refunds.look_at(asleep)
    assert len(orders) == 1
