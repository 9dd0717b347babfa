"""Lost callbacks, time-outs, crashes and deadlines: what the worker finds out by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa

from connectors.contract import OutcomeUnknown, ProviderRejected, ProviderUnavailable
from connectors.simulators.faults import Fault
from gateway.payments.tables import attempts
from tests.gateway.payments.desk import VIETQR, VNPAY

pytestmark = pytest.mark.long_on_postgresql

DAY = 86_400


async def started(desk, account=VNPAY, **changes):
    payment = await desk.open(**changes)
    return payment, await desk.try_paying(payment, account)


async def row_of(desk, attempt):
    query = sa.select(attempts).where(attempts.c.id == attempt["id"])
    return await desk.database.read(lambda c: c.execute(query).one())


def broken(desk, method, error, account=VNPAY):
    """The provider's connector fails from now on; gives back how to mend it."""
    connector = desk.payments.accounts.payment[account]

    async def fail(*_):
        raise error

    setattr(connector, method, fail)
    return lambda: delattr(connector, method)


async def test_a_lost_callback_is_found_by_asking(both):
    payment, attempt = await started(both)
    both.vnpay.faults.add(Fault.LOSE_CALLBACK)
    await both.pay_at_vnpay(attempt)
    assert (await both.read(payment))["status"] == "processing"
    assert await both.wait(60) == 0
    assert await both.wait(61) == 1
    after = await both.read(payment)
    assert (after["status"], after["amount_collected"], after["late"]) == ("paid", 21_000, False)
    assert (await row_of(both, attempt)).ask_at is None


async def test_the_callback_that_comes_after_the_answer_counts_no_second_time(both):
    payment, attempt = await started(both)
    both.vnpay.faults.add(Fault.LOSE_CALLBACK)
    await both.pay_at_vnpay(attempt)
    await both.wait(121)
    reference = {"txn_ref": attempt["provider_reference"]}
    async with both.session.post(f"{both.sim('vnpay')}/control/resend", json=reference):
        await both.vnpay.callbacks.settle()
    assert both.vnpay.callbacks.log[-1].answer.startswith('{"RspCode":"00"')
    after = await both.read(payment)
    assert (after["amount_collected"], after["review"]) == (21_000, [])
    assert (await both.event_types()).count("payment.paid") == 1


async def test_the_plan_of_asking(desk):
    _, attempt = await started(desk)
    seen = []
    for _ in range(14):
        due = (await row_of(desk, attempt)).ask_at
        if due is None:
            break
        seen.append(round((due - desk.clock.now()).total_seconds()))
        desk.clock.set(due)
        # VNPAY says every time that the citizen is still at it.
        broken(desk, "query", ProviderRejected("99"))
        await desk.worker.once()
    assert seen[:2] == [120, 180]
    assert all(wait <= 300 for wait in seen[2:])  # no answer: again after five minutes


async def test_an_abandoned_attempt_ends_when_its_own_window_closes(both):
    payment, attempt = await started(both)
    await both.wait(120)
    assert (await row_of(both, attempt)).status == "pending"  # not found is not final yet
    await both.wait(780)
    after = await both.read(payment)
    assert (after["status"], after["attempts"][0]["status"]) == ("pending", "failed")


async def test_a_code_nobody_paid_runs_out_and_late_money_is_still_taken(both):
    payment, attempt = await started(both, VIETQR)
    await both.wait(899)
    assert (await both.read(payment))["attempts"][0]["status"] == "pending"
    await both.wait(2)
    after = await both.read(payment)
    assert (after["status"], after["attempts"][0]["status"]) == ("pending", "expired")
    assert after["attempts"][0]["action"]["type"] == "none"
    await both.scan(attempt)
    assert (await both.read(payment))["status"] == "paid"


async def test_a_payment_expires_and_late_money_makes_it_paid(both):
    payment, attempt = await started(both, VIETQR, expires_in=600)
    await both.wait(601)
    await both.wait(61)
    expired = await both.read(payment)
    assert expired["status"] == "expired"
    both.clock.advance(3_600)
    await both.scan(attempt)
    late = await both.read(payment)
    assert (late["status"], late["late"], late["review"]) == ("paid", True, ["late_payment"])
    assert await both.event_types() == [
        "payment.created",
        "payment.processing",
        "payment.expired",
        "payment.paid",
    ]


async def test_a_payment_nobody_tried_expires_on_its_day(both):
    payment = await both.open()
    await both.wait(DAY - 1)
    assert (await both.read(payment))["status"] == "pending"
    await both.wait(2)
    assert (await both.read(payment))["status"] == "expired"
    status, problem, _ = await both.portal.post(
        f"/v1/payments/{payment['id']}/attempts", {"account": VNPAY}
    )
    assert (status, problem["code"]) == (409, "payment_closed")


async def test_before_a_payment_expires_the_provider_is_asked(both):
    payment, attempt = await started(both, expires_in=600)
    both.vnpay.faults.add(Fault.LOSE_CALLBACK)
    await both.pay_at_vnpay(attempt)
    mend = broken(both, "query", ProviderUnavailable("away"))
    await both.wait(601)
    await both.wait(61)
    assert (await both.read(payment))["status"] == "processing"
    mend()
    await both.wait(301)
    after = await both.read(payment)
    assert (after["status"], after["late"]) == ("paid", False)


@pytest.mark.parametrize("error", [OutcomeUnknown("cut"), ProviderUnavailable("away")])
async def test_no_answer_changes_nothing_and_is_asked_for_again(desk, error):
    payment, attempt = await started(desk)
    mend = broken(desk, "query", error)
    for _ in range(4):
        await desk.wait(301)
    assert (await desk.read(payment))["status"] == "processing"
    mend()
    await desk.wait(301)
    assert (await desk.read(payment))["attempts"][0]["status"] == "failed"
    assert (await row_of(desk, attempt)).ask_at is None


async def test_a_forged_answer_is_an_alert_and_no_evidence(desk):
    payment, _ = await started(desk)
    desk.vnpay.api._secret = "another secret altogether 000000"
    await desk.wait(121)
    assert (await desk.read(payment))["status"] == "processing"
    assert desk.metrics.alerts.labels("forged_answer")._value.get() == 1


async def test_a_call_with_an_unknown_end_is_asked_about_and_never_repeated(both):
    payment = await both.open()
    mend = broken(both, "create", OutcomeUnknown("time-out"))
    attempt = await both.try_paying(payment)
    assert (attempt["status"], attempt["action"]["type"]) == ("unknown", "none")
    mend()
    after = await both.read(payment)
    assert (after["status"], len(after["attempts"])) == ("processing", 1)
    await both.wait(6)
    assert (await both.read(payment))["status"] == "processing"  # not found, but not for good
    await both.wait(900)
    after = await both.read(payment)
    assert (after["status"], after["attempts"][0]["status"]) == ("pending", "failed")


async def test_what_was_never_sent_may_be_tried_again_at_once(both):
    payment = await both.open()
    mend = broken(both, "create", ProviderUnavailable("refused connection"))
    path = f"/v1/payments/{payment['id']}/attempts"
    status, problem, _ = await both.portal.post(path, {"account": VNPAY}, key="again")
    assert (status, problem["code"]) == (503, "provider_unavailable")
    assert (problem["money_position"], problem["retryable"]) == ("none_taken", True)
    mend()
    status, attempt, _ = await both.portal.post(path, {"account": VNPAY}, key="again")
    assert (status, attempt["status"]) == (201, "pending")
    after = await both.read(payment)
    assert [a["status"] for a in after["attempts"]] == ["failed", "pending"]


async def test_a_refused_order_is_said_plainly(both):
    payment = await both.open()
    broken(both, "create", ProviderRejected("02", "terminal"))
    path = f"/v1/payments/{payment['id']}/attempts"
    status, problem, _ = await both.portal.post(path, {"account": VNPAY})
    assert (status, problem["code"]) == (422, "provider_rejected")
    assert problem["money_position"] == "none_taken"
    assert (await both.read(payment))["status"] == "pending"


@pytest.mark.parametrize(
    ("account", "local", "resumed"),
    [(VNPAY, True, "pending"), (VIETQR, True, "pending"), (VNPAY, False, "unknown")],
)
async def test_a_crash_between_commit_and_call_is_resumed_by_the_same_key(
    both, account, local, resumed
):
    """Built again where starting sends nothing; asked about, never sent again, elsewhere."""
    payment = await both.open()
    connector = both.payments.accounts.payment[account]
    connector.spec = replace(connector.spec, starts_locally=local)
    entered = asyncio.Event()

    async def hang(_order):
        entered.set()
        await asyncio.Event().wait()

    connector.create = hang
    path = f"/v1/payments/{payment['id']}/attempts"
    dying = asyncio.ensure_future(both.portal.post(path, {"account": account}, key="c"))
    await entered.wait()
    status, problem, _ = await both.portal.post(path, {"account": account}, key="c")
    assert (status, problem["code"]) == (409, "idempotency_in_progress")
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    del connector.create
    both.clock.advance(61)
    status, attempt, _ = await both.portal.post(path, {"account": account}, key="c")
    assert (status, attempt["status"]) == (201, resumed)
    after = await both.read(payment)
    assert [a["id"] for a in after["attempts"]] == [attempt["id"]]


@pytest.mark.parametrize(
    ("account", "local", "found"),
    [(VNPAY, True, "failed"), (VIETQR, True, "failed"), (VNPAY, False, "unknown")],
)
async def test_a_crash_that_nobody_resumes_is_found_by_the_worker(both, account, local, found):
    """Nobody was shown anything of an attempt that starts locally: the citizen may try again."""
    payment = await both.open()
    connector = both.payments.accounts.payment[account]
    connector.spec = replace(connector.spec, starts_locally=local)

    async def die(_order):
        raise RuntimeError("the process dies here")

    connector.create = die
    path = f"/v1/payments/{payment['id']}/attempts"
    assert (await both.portal.post(path, {"account": account}))[0] == 500
    del connector.create
    assert (await both.read(payment))["attempts"][0]["status"] == "created"
    await both.wait(61)
    assert (await both.read(payment))["attempts"][0]["status"] == found
    await both.wait(900)
    after = await both.read(payment)
    assert (after["status"], after["attempts"][0]["status"]) == ("pending", "failed")


async def test_two_workers_do_not_ask_twice(both):
    _, attempt = await started(both)
    asked = []
    connector = both.payments.accounts.payment[VNPAY]
    query = connector.query

    async def count(sought):
        asked.append(sought.reference)
        return await query(sought)

    connector.query = count
    both.clock.advance(121)
    await asyncio.gather(both.worker.once(), both.worker.once())
    assert asked == [attempt["provider_reference"]]


async def test_one_thing_that_fails_harms_no_other(desk):
    first, _ = await started(desk)
    second, attempt = await started(desk)
    look_at, seen = desk.asking.look_at, []

    async def stumble(row):
        seen.append(row.id)
        if row.payment_id == first["id"]:
            raise RuntimeError("stumbled")
        await look_at(row)

    desk.asking.look_at = stumble
    desk.vnpay.faults.add(Fault.LOSE_CALLBACK)
    await desk.pay_at_vnpay(attempt)
    await desk.wait(121)
    assert len(seen) == 2
    assert (await desk.read(second))["status"] == "paid"
    desk.asking.look_at = look_at
    await desk.wait(61)
    assert (await desk.read(first))["status"] == "processing"


async def test_the_worker_runs_until_it_is_stopped_and_wakes_up_at_once(desk):
    payment, attempt = await started(desk)
    desk.vnpay.faults.add(Fault.LOSE_CALLBACK)
    await desk.pay_at_vnpay(attempt)
    running = asyncio.ensure_future(desk.worker.run())
    await desk.asking.hurry(payment["id"])
    for _ in range(100):
        if (await desk.read(payment))["status"] == "paid":
            break
        await asyncio.sleep(0.02)
    assert (await desk.read(payment))["status"] == "paid"
    assert not await desk.asking.hurry(payment["id"])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
