"""Connector and VNPAY simulator over real sockets: every leg, and every fault."""

import asyncio
from types import SimpleNamespace

import aiohttp
import pytest
from yarl import URL

from connectors.contract import (
    Account,
    Meaning,
    OutcomeUnknown,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    Receipt,
    RefundMeaning,
)
from connectors.payment.vnpay.connector import VnpayConnector
from connectors.simulators.faults import Fault
from connectors.simulators.server import SimulatorServer
from connectors.simulators.vnpay import VnpaySimulator
from tests.connectors.payment.wires import (
    LoopbackTransport,
    StandingClock,
    keys_of,
    make_callback,
    make_order,
    make_refund,
    make_sought,
    receiver,
    until,
)


@pytest.fixture
async def world():
    """A simulator, a connector that talks to it, and a receiver of its IPN."""
    clock = StandingClock()
    simulator = VnpaySimulator(clock, retry_delays_s=(0.01,) * 3)
    async with (
        receiver() as ours,
        SimulatorServer([simulator]) as server,
        aiohttp.ClientSession() as browser,
    ):
        options, secrets = simulator.account_options(server.url_of("vnpay"))
        connector = VnpayConnector(
            Account("vnpay-main", "vnpay", options, secrets), LoopbackTransport(), clock
        )
        ours.connector = connector
        simulator.callback_url = ours.url
        yield SimpleNamespace(
            clock=clock,
            simulator=simulator,
            faults=simulator.faults,
            connector=connector,
            ours=ours,
            browser=browser,
            base=server.url_of("vnpay"),
        )


async def start(world, **changes):
    order = make_order(return_url=f"{world.ours.url}/return", **changes)
    started = await world.connector.create(order)
    return started, make_sought(
        reference=order.reference, amount_vnd=order.amount_vnd, state=started.state
    )


async def pay(world, started, **codes):
    asked = {"pay_url": started.action.url, **codes}
    async with world.browser.post(f"{world.base}/control/pay", json=asked) as reply:
        assert reply.status == 200, await reply.text()
        return (await reply.json())["return_url"]


async def paid(world, **changes):
    started, sought = await start(world, **changes)
    await pay(world, started)
    await until(lambda: world.simulator.transactions[sought.reference].finished)
    return sought


def calls(world):
    return [sending.answer for sending in world.simulator.callbacks.log]


async def test_a_citizen_pays_on_the_page_without_script(world):
    """Page, button, redirect back and IPN: what a browser does, step by step."""
    started, sought = await start(world)
    async with world.browser.get(URL(started.action.url, encoded=True)) as reply:
        page = await reply.text()
        assert reply.status == 200
    assert "MÔ PHỎNG" in page
    assert "21.000" in page
    assert "<script" not in page
    form = {"txn_ref": sought.reference, "code": "00"}
    async with world.browser.post(
        f"{world.base}/paymentv2/pay", data=form, allow_redirects=False
    ) as reply:
        assert reply.status == 303
        back = URL(reply.headers["location"], encoded=True)
    await until(lambda: world.ours.reports)
    (report,) = world.ours.reports
    assert (report.meaning, report.amount_vnd) == (Meaning.SUCCEEDED, 21_000)
    (returned,) = world.connector.read_callback(
        make_callback(leg="return", query=back.raw_query_string)
    )
    assert returned.event_key == report.event_key


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("24", Meaning.CANCELLED),
        ("51", Meaning.FAILED),
        ("11", Meaning.EXPIRED),
        ("07", Meaning.REVIEW),
        ("98", Meaning.UNKNOWN),
    ],
)
async def test_every_code_can_be_played(world, code, meaning):
    started, _ = await start(world)
    await pay(world, started, response_code=code)
    await until(lambda: world.ours.reports)
    assert world.ours.reports[0].meaning is meaning


async def test_a_page_address_with_a_wrong_hash_is_refused_by_vnpay(world):
    started, _ = await start(world)
    wrong = started.action.url.replace("vnp_Amount=2100000", "vnp_Amount=100")
    async with world.browser.get(URL(wrong, encoded=True)) as reply:
        assert reply.status == 400
        assert "70" in await reply.text()
    assert not world.simulator.transactions


async def test_an_expired_page_cannot_be_paid(world):
    started, sought = await start(world)
    world.clock.advance(16 * 60)
    async with world.browser.get(URL(started.action.url, encoded=True)) as reply:
        assert reply.status == 400
    report = await world.connector.query(sought)
    assert report.meaning is Meaning.FAILED


async def test_query_follows_the_transaction(world):
    started, sought = await start(world)
    assert (await world.connector.query(sought)).meaning is Meaning.NOT_FOUND
    async with world.browser.get(URL(started.action.url, encoded=True)):
        pass
    assert (await world.connector.query(sought)).meaning is Meaning.PENDING
    await pay(world, started)
    report = await world.connector.query(sought)
    assert (report.meaning, report.amount_vnd) == (Meaning.SUCCEEDED, 21_000)
    await until(lambda: world.ours.reports)
    assert keys_of(world.ours.reports) == [report.event_key]


async def test_a_lost_callback_is_found_by_asking(world):
    world.faults.add(Fault.LOSE_CALLBACK)
    sought = await paid(world)
    await world.simulator.callbacks.settle()
    assert calls(world) == ["lost"]
    assert world.ours.reports == []
    assert (await world.connector.query(sought)).meaning is Meaning.SUCCEEDED


async def test_a_duplicated_callback_is_one_fact(world):
    world.faults.add(Fault.DUPLICATE_CALLBACK, times=1)
    await paid(world)
    await until(lambda: len(world.ours.reports) == 2)
    assert len(set(keys_of(world.ours.reports))) == 1
    await world.simulator.callbacks.settle()
    assert ['"02"' in answer for answer in calls(world)] == [False, True]


async def test_a_delayed_callback_comes_later(world):
    world.faults.add(Fault.DELAY_CALLBACK, seconds=0.15)
    await paid(world)
    await asyncio.sleep(0.05)
    assert world.ours.reports == []
    await until(lambda: world.ours.reports)


async def test_reordered_callbacks_change_places(world):
    world.faults.add(Fault.REORDER_CALLBACKS)
    await paid(world, reference="HSA")
    await paid(world, reference="HSB")
    await until(lambda: len(world.ours.reports) == 2)
    assert [report.reference for report in world.ours.reports] == ["HSB", "HSA"]


async def test_a_changed_amount_is_signed_and_told(world):
    world.faults.add(Fault.CHANGE_AMOUNT, amount_vnd=1_000)
    sought = await paid(world)
    await until(lambda: world.ours.reports)
    assert world.ours.reports[0].amount_vnd == 1_000
    assert (await world.connector.query(sought)).amount_vnd == 1_000


async def test_callbacks_are_repeated_until_00_or_02(world):
    world.ours.answers = [Receipt.INTERNAL_ERROR, Receipt.UNKNOWN_ORDER]
    await paid(world)
    await world.simulator.callbacks.settle()
    codes = [answer[12:14] for answer in calls(world)]
    assert codes == ["99", "01", "00"]


async def test_callbacks_end_after_the_last_repeat(world):
    world.ours.answers = [Receipt.WRONG_AMOUNT] * 9
    await paid(world)
    await world.simulator.callbacks.settle()
    assert len(calls(world)) == 4


async def test_a_receiver_that_is_down_is_tried_again(world):
    world.simulator.callback_url = "http://127.0.0.1:9/callbacks"
    await paid(world)
    await world.simulator.callbacks.settle()
    assert [sending.status for sending in world.simulator.callbacks.log] == [0] * 4


@pytest.mark.parametrize("fault", [Fault.TIMEOUT_BEFORE_WORK, Fault.TIMEOUT_AFTER_WORK])
async def test_a_silent_provider_leaves_the_outcome_unknown(world, fault):
    """The refund was or was not done: only asking with the same reference tells."""
    sought = await paid(world)
    order = make_refund(payment=sought)
    world.faults.add(fault, seconds=0.6)
    with pytest.raises(OutcomeUnknown):
        await world.connector.refund(order)
    found = await world.connector.query_refund(order)
    done = fault is Fault.TIMEOUT_AFTER_WORK
    assert found.meaning is (RefundMeaning.PROCESSING if done else RefundMeaning.UNKNOWN)
    assert len(world.simulator.transactions[sought.reference].refunds) == int(done)


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.GARBAGE])
async def test_errors_and_garbage_are_not_answers(world, fault):
    sought = await paid(world)
    world.faults.add(fault)
    with pytest.raises(ProviderProtocolError):
        await world.connector.query(sought)
    assert (await world.connector.query(sought)).meaning is Meaning.SUCCEEDED


async def test_a_refusal_is_a_refusal(world):
    sought = await paid(world)
    world.faults.add(Fault.REFUSE, code="94")
    with pytest.raises(ProviderRejected) as caught:
        await world.connector.query(sought)
    assert caught.value.code == "94"
    world.faults.add(Fault.REFUSE)
    started, _ = await start(world, reference="HSREFUSED")
    await pay(world, started)
    await until(lambda: len(world.ours.reports) == 2)
    assert world.ours.reports[1].meaning is Meaning.FAILED


async def test_a_provider_that_is_down_got_nothing(world):
    world.connector._api_url = "http://127.0.0.1:9/merchant_webapi"
    with pytest.raises(ProviderUnavailable):
        await world.connector.query(make_sought())


async def test_a_refund_goes_from_vnpay_to_the_bank_to_done(world):
    sought = await paid(world)
    order = make_refund(payment=sought)
    first = await world.connector.refund(order)
    assert (first.meaning, first.code) == (RefundMeaning.PROCESSING, "00/05")
    assert (await world.connector.query_refund(order)).code == "00/05"
    world.clock.advance(2)
    assert (await world.connector.query_refund(order)).code == "00/06"
    world.clock.advance(2)
    assert (await world.connector.query_refund(order)).meaning is RefundMeaning.SUCCEEDED


async def test_a_refund_the_bank_refuses_ends_rejected(world):
    sought = await paid(world)
    order = make_refund(payment=sought)
    await world.connector.refund(order)
    asked = {"txn_ref": sought.reference, "status": "09"}
    async with world.browser.post(f"{world.base}/control/refunds", json=asked) as reply:
        assert reply.status == 200
    assert (await world.connector.query_refund(order)).meaning is RefundMeaning.REJECTED


async def test_refunds_never_exceed_what_was_paid(world):
    sought = await paid(world)
    full = make_refund(reference="ref_1", payment=sought, amount_vnd=21_000, full=True)
    assert (await world.connector.refund(full)).meaning is RefundMeaning.PROCESSING
    second = make_refund(reference="ref_2", payment=sought)
    assert (await world.connector.refund(second)).code == "94"
    world.clock.advance(10)
    third = make_refund(reference="ref_3", payment=sought)
    assert (await world.connector.refund(third)).meaning is RefundMeaning.REJECTED


async def test_a_refund_sent_twice_is_done_once(world):
    sought = await paid(world)
    order = make_refund(payment=sought)
    await world.connector.refund(order)
    again = await world.connector.refund(order)
    assert (again.code, again.meaning) == ("94", RefundMeaning.PROCESSING)
    assert len(world.simulator.transactions[sought.reference].refunds) == 1


async def test_a_failed_payment_cannot_be_refunded(world):
    started, sought = await start(world)
    await pay(world, started, response_code="51")
    report = await world.connector.refund(make_refund(payment=sought))
    assert (report.meaning, report.code) == (RefundMeaning.REJECTED, "95")


async def test_another_terminal_and_secret_are_refused_by_vnpay(world):
    options, secrets = world.simulator.account_options(world.base)
    wrong = [
        ({**options, "tmn_code": "OTHERTMN"}, secrets, "72"),
        (options, {"hash_secret": ("another",)}, "70"),
    ]
    for changed, keys, code in wrong:
        connector = VnpayConnector(
            Account("x", "vnpay", changed, keys), LoopbackTransport(), world.clock
        )
        started = await connector.create(make_order())
        async with world.browser.get(URL(started.action.url, encoded=True)) as reply:
            assert reply.status == 400
            assert code in await reply.text()


async def test_a_badly_signed_callback_is_answered_97_and_the_payment_is_found_by_asking(world):
    started, sought = await start(world)
    async with world.browser.get(URL(started.action.url, encoded=True)) as reply:
        assert "Thử lỗi" in await reply.text()
    form = {"txn_ref": sought.reference, "fault": "bad_signature"}
    async with world.browser.post(
        f"{world.base}/paymentv2/pay", data=form, allow_redirects=False
    ) as reply:
        assert reply.status == 303
    await world.simulator.callbacks.settle()
    assert world.ours.reports == []
    assert {answer[12:14] for answer in calls(world)} == {"97"}
    assert (await world.connector.query(sought)).meaning is Meaning.SUCCEEDED


async def test_a_paid_page_cannot_be_paid_again(world):
    started, sought = await start(world)
    await pay(world, started)
    async with world.browser.get(URL(started.action.url, encoded=True)) as reply:
        assert (reply.status, "01" in await reply.text()) == (400, True)
    form = {"txn_ref": sought.reference, "code": "24"}
    async with world.browser.post(
        f"{world.base}/paymentv2/pay", data=form, allow_redirects=False
    ) as reply:
        assert reply.status == 303
    assert (await world.connector.query(sought)).meaning is Meaning.SUCCEEDED


@pytest.mark.parametrize("path", ["pay", "resend", "refunds"])
async def test_control_of_what_is_not_there_is_refused(world, path):
    async with world.browser.post(
        f"{world.base}/control/{path}", json={"txn_ref": "NONE"}
    ) as reply:
        assert reply.status == 409
    async with world.browser.post(f"{world.base}/paymentv2/pay", data={"txn_ref": "x"}) as reply:
        assert reply.status == 404


async def test_the_api_refuses_what_is_not_json_and_breaks_when_told(world):
    url = f"{world.base}/merchant_webapi/api/transaction"
    async with world.browser.post(url, data=b"[") as reply:
        assert (await reply.json())["vnp_ResponseCode"] == "03"
    world.faults.add(Fault.SERVER_ERROR)
    started, _ = await start(world)
    async with world.browser.get(URL(started.action.url, encoded=True)) as reply:
        assert reply.status == 500


async def test_a_resent_callback_is_the_same_fact(world):
    sought = await paid(world)
    async with world.browser.post(
        f"{world.base}/control/resend", json={"txn_ref": sought.reference}
    ) as reply:
        assert reply.status == 200
    await until(lambda: len(world.ours.reports) == 2)
    assert len(set(keys_of(world.ours.reports))) == 1
    async with world.browser.get(f"{world.base}/control/transactions") as reply:
        (row,) = (await reply.json())["transactions"]
    assert row["vnp_TransactionStatus"] == "00"
