"""The simulators' server: index, fault scripts, and waiting for what is pending."""

import aiohttp
import pytest

from connectors.contract import CallbackReply
from connectors.simulators.bank import BankSimulator
from connectors.simulators.faults import Fault, FaultScript
from connectors.simulators.server import SimulatorServer
from connectors.simulators.vnpay import VnpaySimulator
from tests.connectors.payment.wires import StandingClock, receiver


@pytest.fixture
async def server():
    clock = StandingClock()
    async with SimulatorServer([VnpaySimulator(clock), BankSimulator(clock)]) as started:
        yield started


async def fetch(url, **options):
    async with aiohttp.ClientSession() as session, session.get(url, **options) as reply:
        return reply.status, await reply.text()


async def test_the_index_links_to_every_simulator_and_its_page_answers(server):
    status, text = await fetch(server.base_url + "/")
    assert status == 200
    assert "MÔ PHỎNG" in text
    assert '<html lang="vi">' in text
    for name in ("vnpay", "bank"):
        assert f'href="/sim/{name}/"' in text
        status, page = await fetch(server.url_of(name) + "/")
        assert (status, "MÔ PHỎNG" in page) == (200, True)


async def test_faults_are_scripted_by_json_and_by_form(server):
    url = server.url_of("bank") + "/_faults"
    asked = {"fault": "change_amount", "times": 2, "arguments": {"amount_vnd": 5}}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=asked) as reply:
            assert (reply.status, await reply.json()) == (201, {"pending": {"change_amount": 2}})
        form = {"fault": "lose_callback", "times": "1"}
        async with session.post(url, data=form, headers={"accept": "text/html"}) as reply:
            assert reply.status == 200
        async with session.post(url, json={"fault": "set_on_fire"}) as reply:
            assert reply.status == 422
        async with session.post(url, json={"fault": "refuse", "times": "x"}) as reply:
            assert reply.status == 422
    bank = server.simulators["bank"]
    assert bank.faults.take(Fault.CHANGE_AMOUNT) == {"amount_vnd": 5}
    assert bank.faults.pending() == {"change_amount": 1, "lose_callback": 1}
    assert server.simulators["vnpay"].faults.pending() == {}
    _, page = await fetch(url, headers={"accept": "text/html"})
    assert "lose_callback: 1" in page


async def test_closing_waits_for_pending_callbacks():
    """A notification that is on its way (or held back) still arrives."""
    bank = BankSimulator(StandingClock())
    bank.faults.add(Fault.DELAY_CALLBACK, seconds=0.1)
    server = SimulatorServer([bank])
    async with receiver() as ours:
        await server.start()
        bank.callback_url = ours.url
        ours.connector = _Taker()
        bank.transfer(1_000, "A")
        bank.faults.add(Fault.REORDER_CALLBACKS)
        bank.transfer(2_000, "B")
        assert bank.callbacks.log == []
        await server.close()
        assert [sending.status for sending in bank.callbacks.log] == [200, 200]
    with pytest.raises(aiohttp.ClientConnectorError):
        await fetch(server.base_url + "/")


async def test_closing_does_not_wait_for_ever():
    bank = BankSimulator(StandingClock(), retry_delays_s=(60.0,))
    async with receiver() as ours:
        bank.callback_url = ours.url + "/nowhere/at/all"
        bank.transfer(1_000, "A")
        await bank.callbacks.close(patience_s=0.1)
    assert len(bank.callbacks.log) == 1


async def test_without_an_address_a_callback_is_lost_and_said_so():
    bank = BankSimulator(StandingClock())
    bank.transfer(1_000, "A")
    await bank.close()
    assert [sending.answer for sending in bank.callbacks.log] == ["no address"]


def test_a_fault_is_used_up_in_order():
    script = FaultScript()
    script.add(Fault.REFUSE, code="1")
    script.add(Fault.REFUSE, times=2, code="2")
    codes = [script.take(Fault.REFUSE) for _ in range(4)]
    assert codes == [{"code": "1"}, {"code": "2"}, {"code": "2"}, None]
    script.add(Fault.GARBAGE)
    script.clear()
    assert script.pending() == {}


class _Taker:
    """Takes whatever comes."""

    def read_callback(self, callback):
        return ()

    def callback_reply(self, receipt, callback):
        return CallbackReply(200, "application/json", b'{"success":true}')
