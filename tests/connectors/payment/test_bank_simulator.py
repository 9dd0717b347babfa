"""VietQR, bank account and both notification services over real sockets, fault by fault."""

import asyncio
from types import SimpleNamespace

import aiohttp
import pytest

from connectors.contract import Account, Ignored, Meaning, Receipt
from connectors.payment.casso.connector import CassoConnector
from connectors.payment.sepay.connector import SepayConnector
from connectors.payment.vietqr.connector import VietqrConnector
from connectors.simulators.bank import BankSimulator
from connectors.simulators.faults import Fault
from connectors.simulators.server import SimulatorServer
from tests.connectors.payment.wires import (
    CannedTransport,
    StandingClock,
    keys_of,
    make_order,
    receiver,
    until,
)

CLASSES = {"casso": CassoConnector, "sepay": SepayConnector}


def connect(simulator, provider, base):
    options, secrets = simulator.account_options(base, provider)
    account = Account(f"{provider}-main", provider, options, secrets)
    maker = CLASSES.get(provider, VietqrConnector)
    return maker(account, CannedTransport(), StandingClock())


@pytest.fixture(params=["casso", "sepay"])
async def world(request):
    """A bank whose account is reported by one service to one receiver."""
    simulator = BankSimulator(
        StandingClock(), formats=(request.param,), retry_delays_s=(0.01, 0.01)
    )
    async with (
        receiver() as ours,
        SimulatorServer([simulator]) as server,
        aiohttp.ClientSession() as browser,
    ):
        base = server.url_of("bank")
        ours.connector = connect(simulator, request.param, base)
        simulator.callback_url = ours.url
        yield SimpleNamespace(
            simulator=simulator,
            faults=simulator.faults,
            vietqr=connect(simulator, "vietqr", base),
            ours=ours,
            browser=browser,
            base=base,
        )


async def transfer(world, status=201, **changes):
    asked = {
        "account": world.simulator.account_number,
        "amount": 21_000,
        "memo": "HS2026000123",
        **changes,
    }
    async with world.browser.post(f"{world.base}/transfers", json=asked) as reply:
        assert reply.status == status, await reply.text()
        return await reply.read()


async def test_a_scanned_qr_is_paid_and_reported(world):
    """Our QR is read by the bank's own reader; the memo comes back on the notification."""
    start = await world.vietqr.create(make_order())
    asked = {"payload": start.action.qr_payload}
    async with world.browser.post(f"{world.base}/scan", json=asked) as reply:
        assert reply.status == 201
    await until(lambda: world.ours.reports)
    (report,) = world.ours.reports
    assert report.meaning is Meaning.SUCCEEDED
    assert (report.amount_vnd, report.memo) == (21_000, "HS2026000123")
    assert report.account_number == start.action.account_number


async def test_a_person_pays_on_the_page_without_script(world):
    start = await world.vietqr.create(make_order())
    async with world.browser.post(
        f"{world.base}/scan", data={"payload": start.action.qr_payload}
    ) as reply:
        page = await reply.text()
    assert "MÔ PHỎNG" in page
    assert "UBND XA MO PHONG" in page
    assert "<script" not in page
    form = {"account": start.action.account_number, "amount": "21000", "memo": start.action.memo}
    async with world.browser.post(f"{world.base}/pay", data=form) as reply:
        assert reply.status == 200
    await until(lambda: world.ours.reports)
    async with world.browser.get(f"{world.base}/") as reply:
        assert "HS2026000123" in await reply.text()


async def test_a_broken_qr_is_not_paid(world):
    start = await world.vietqr.create(make_order())
    broken = start.action.qr_payload.replace("21000", "12000")
    for kind in ({"json": {"payload": broken}}, {"data": {"payload": broken}}):
        async with world.browser.post(f"{world.base}/scan", **kind) as reply:
            assert reply.status == 422
    assert world.simulator.statement == []


async def test_vietnamese_memos_survive(world):
    await transfer(world, memo="Nộp lệ phí hồ sơ 0123/H55")
    await until(lambda: world.ours.reports)
    assert world.ours.reports[0].memo == "Nộp lệ phí hồ sơ 0123/H55"


async def test_money_going_out_is_ignored(world):
    await transfer(world, direction="out")
    await until(lambda: world.ours.reports)
    assert isinstance(world.ours.reports[0], Ignored)


@pytest.mark.parametrize("changes", [{"account": "999"}, {"amount": 0}, {"amount": "21000"}])
async def test_transfers_the_bank_cannot_make_are_refused(world, changes):
    await transfer(world, status=422, **changes)
    assert world.simulator.statement == []


async def test_a_lost_notification_leaves_the_statement(world):
    world.faults.add(Fault.LOSE_CALLBACK)
    await transfer(world)
    await world.simulator.callbacks.settle()
    assert world.ours.reports == []
    async with world.browser.get(f"{world.base}/statement") as reply:
        (line,) = (await reply.json())["lines"]
    assert (line["amount"], line["memo"]) == (21_000, "HS2026000123")


async def test_a_duplicated_notification_is_one_fact(world):
    world.faults.add(Fault.DUPLICATE_CALLBACK, times=1)
    await transfer(world)
    await until(lambda: len(world.ours.reports) == 2)
    assert len(set(keys_of(world.ours.reports))) == 1


async def test_a_delayed_notification_comes_later(world):
    world.faults.add(Fault.DELAY_CALLBACK, seconds=0.15)
    await transfer(world)
    await asyncio.sleep(0.05)
    assert world.ours.reports == []
    await until(lambda: world.ours.reports)


async def test_reordered_notifications_change_places(world):
    world.faults.add(Fault.REORDER_CALLBACKS)
    await transfer(world, memo="A")
    await transfer(world, memo="B")
    await until(lambda: len(world.ours.reports) == 2)
    assert [report.memo for report in world.ours.reports] == ["B", "A"]


async def test_a_changed_amount_is_what_arrived(world):
    world.faults.add(Fault.CHANGE_AMOUNT, amount_vnd=20_999)
    await transfer(world)
    await until(lambda: world.ours.reports)
    assert world.ours.reports[0].amount_vnd == 20_999


async def test_notifications_are_repeated_until_success(world):
    world.ours.answers = [Receipt.INTERNAL_ERROR]
    await transfer(world)
    await world.simulator.callbacks.settle()
    assert [sending.status for sending in world.simulator.callbacks.log] == [500, 200]
    assert len(world.ours.reports) == 1


@pytest.mark.parametrize(
    ("fault", "lines"), [("timeout_before_work", 0), ("timeout_after_work", 1)]
)
async def test_a_silent_bank_did_or_did_not_do_it(world, fault, lines):
    world.faults.add(Fault(fault), seconds=0.5)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await transfer(world)
    await asyncio.sleep(0)
    assert len(world.simulator.statement) == lines


async def test_the_bank_can_refuse_break_and_babble(world):
    world.faults.add(Fault.REFUSE, code="limit")
    world.faults.add(Fault.SERVER_ERROR)
    world.faults.add(Fault.GARBAGE)
    assert b"Internal" in await transfer(world, status=500)
    assert b"limit" in await transfer(world, status=422)
    assert b"<html>" in await transfer(world, status=200)


async def test_a_wrong_key_is_refused_and_nothing_is_stored(world):
    world.simulator._keys = dict.fromkeys(world.simulator._keys, "another-key")
    await transfer(world)
    await world.simulator.callbacks.settle()
    assert world.ours.reports == []
    assert world.ours.refused == 3
    assert {sending.status for sending in world.simulator.callbacks.log} == {401}


async def test_a_badly_signed_notification_is_refused_and_its_repeats_too(world):
    world.faults.add(Fault.BAD_SIGNATURE)
    await transfer(world)
    await world.simulator.callbacks.settle()
    assert (world.ours.refused, world.ours.reports) == (3, [])
    await transfer(world)
    await until(lambda: len(world.ours.reports) == 1)


async def test_both_services_can_report_one_account():
    simulator = BankSimulator(StandingClock(), formats=("casso", "sepay"))
    async with receiver() as first, receiver() as second, SimulatorServer([simulator]) as server:
        for ours, name in ((first, "casso"), (second, "sepay")):
            ours.connector = connect(simulator, name, server.url_of("bank"))
            simulator.callback_urls[name] = ours.url
        simulator.transfer(21_000, "HS1")
        await until(lambda: first.reports and second.reports)
    assert [r.memo for r in (*first.reports, *second.reports)] == ["HS1", "HS1"]
