"""VNPost HCC connector and simulator against each other, over real HTTP on this machine."""

import asyncio
import re
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.contract import (
    Account,
    CancelOutcome,
    HttpReply,
    MoneyLane,
    Movement,
    OutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from connectors.postal.item_numbers import find_problem
from connectors.registry import build_postal
from connectors.simulators.faults import Fault
from connectors.simulators.vnpost_hcc import VNPostHccSimulator
from tests.connectors.postal.parcels import START, SteppedClock, make_order

REF = "H38.17-260901-0001"


class LoopbackTransport:
    """The four outcomes over aiohttp; a busy machine is no time-out."""

    def __init__(self, session):
        self.session = session

    async def send(self, request):
        try:
            async with self.session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                timeout=aiohttp.ClientTimeout(total=30),
                allow_redirects=False,
            ) as answer:
                return HttpReply(answer.status, dict(answer.headers), await answer.read())
        except aiohttp.ClientConnectorError as error:
            raise ProviderUnavailable("connection refused") from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise OutcomeUnknown("no answer") from error


class Carrier:
    """The simulator mounted as the simulators' server mounts it, and a connector on it."""

    def __init__(self, simulator, server, session, clock):
        self.simulator, self.session, self.clock = simulator, session, clock
        self.base = str(server.make_url("/sim/vnpost_hcc"))
        self.connector = self.connect(*simulator.account_options(self.base))

    def connect(self, options, secrets):
        account = Account("vnpost", "vnpost_hcc", options, secrets)
        return build_postal(account, LoopbackTransport(self.session), self.clock)

    async def press(self, button, number=REF, **fields):
        url = f"{self.base}/_{button}"
        async with self.session.post(url, data={"number": number, **fields}) as answer:
            return answer.status

    async def events(self, cursor=""):
        found, more = [], True
        while more:
            feed = await self.connector.events_since(cursor)
            found, cursor, more = [*found, *feed.events], feed.cursor, feed.more
        return found


@pytest.fixture
async def carrier():
    clock = SteppedClock()
    simulator = VNPostHccSimulator(clock)
    outer = web.Application()
    outer.add_subapp("/sim/vnpost_hcc/", simulator.app())
    async with TestServer(outer) as server, aiohttp.ClientSession() as session:
        yield Carrier(simulator, server, session, clock)
    await simulator.close()


def order(**changes):
    """Ours, between two provinces the simulator maps."""
    plain = make_order()
    address = type(plain.recipient.address)("Số 1", "30307", "91")
    recipient = type(plain.recipient)(plain.recipient.name, plain.recipient.phone, address)
    return make_order(**{"recipient": recipient, **changes})


async def test_a_parcel_travels_from_order_to_delivery_and_its_money_after_it(carrier):
    """The whole way, as the feed tells it, in order."""
    accepted = await carrier.connector.submit(order())
    assert await carrier.press("advance", to="delivered") == 200
    assert await carrier.press("remit") == 200
    events = await carrier.events()
    assert [event.movement for event in events if event.movement] == [
        Movement.REGISTERED,
        Movement.PICKUP_ASSIGNED,
        Movement.PICKED_UP,
        Movement.IN_TRANSIT,
        Movement.AT_DELIVERY_OFFICE,
        Movement.OUT_FOR_DELIVERY,
        Movement.DELIVERED,
    ]
    assert [e.money for e in events if e.money] == [MoneyLane.COLLECTED, MoneyLane.REMITTED]
    assert {event.client_ref for event in events} == {accepted.carrier_order_id}
    assert find_problem(events[0].item_code) is None
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert len({event.event_key for event in events}) == len(events)


async def test_failed_deliveries_and_a_return_are_told(carrier):
    """Twice nobody at home, then back to the agency."""
    await carrier.connector.submit(order())
    for _ in range(2):
        await carrier.press("fail")
        carrier.clock.advance(days=2)
    await carrier.press("return")
    movements = [event.movement for event in await carrier.events()]
    assert movements.count(Movement.DELIVERY_FAILED) == 2
    assert movements[-3:] == [Movement.RETURN_PENDING, Movement.RETURNING, Movement.RETURNED]


async def test_the_same_order_again_is_the_same_parcel(carrier):
    """Whatever repeats it."""
    await carrier.connector.submit(order())
    again = await carrier.connector.submit(order())
    assert again.state["status"] == "101"
    assert len(carrier.simulator.parcels.by_number) == 1


async def test_an_order_that_timed_out_after_the_work_is_found(carrier):
    """One parcel, found by our own reference, never created again."""
    carrier.simulator.faults.add(Fault.TIMEOUT_AFTER_WORK, seconds=1)
    with pytest.raises(OutcomeUnknown):
        await carrier.connector.submit(order())
    found = await carrier.connector.find(REF, START)
    assert found is not None
    assert found.carrier_order_id == REF
    assert found.item_code == carrier.simulator.parcels.by_number[REF].item_code


@pytest.mark.long
async def test_an_order_that_timed_out_before_the_work_is_known_to_be_absent(carrier):
    """This simulator's feed lists every order, as its account says."""
    carrier.simulator.faults.add(Fault.TIMEOUT_BEFORE_WORK, seconds=1)
    with pytest.raises(OutcomeUnknown):
        await carrier.connector.submit(order())
    assert await carrier.connector.find(REF, START) is None


@pytest.mark.parametrize(
    ("fault", "arguments", "error"),
    [
        (Fault.REFUSE, {}, ProviderRejected),
        (Fault.REFUSE, {"code": "777"}, OutcomeUnknown),
        (Fault.SERVER_ERROR, {}, OutcomeUnknown),
        (Fault.GARBAGE, {}, OutcomeUnknown),
    ],
)
async def test_each_fault_is_heard_as_what_it_is(carrier, fault, arguments, error):
    """A refusal, an unknown word, a breakdown, rubbish."""
    carrier.simulator.faults.add(fault, **arguments)
    with pytest.raises(error):
        await carrier.connector.submit(order())


async def test_an_expired_token_is_renewed_on_the_way(carrier):
    """Even when the carrier shortens its life behind our back."""
    await carrier.connector.submit(order())
    carrier.simulator._tokens.clear()
    await carrier.connector.submit(order(client_ref="another"))
    carrier.clock.advance(hours=2)
    assert len(await carrier.events()) == 2


async def test_cancelling_is_at_once_before_the_pickup_and_waits_after_it(carrier):
    """Then somebody at the post approves, and the feed says so."""
    early = await carrier.connector.submit(order(client_ref="early"))
    late = await carrier.connector.submit(order())
    await carrier.press("advance", to="in_transit")
    assert await carrier.connector.cancel(early, "") is CancelOutcome.ACCEPTED
    assert await carrier.connector.cancel(late, "") is CancelOutcome.WAITING
    assert await carrier.connector.cancel(early, "") is CancelOutcome.REFUSED
    assert [e.movement for e in await carrier.events()].count(Movement.CANCELLED) == 1
    await carrier.press("approve")
    assert [e.movement for e in await carrier.events()].count(Movement.CANCELLED) == 2


async def test_the_feed_repeats_delays_and_invents_and_is_still_read(carrier):
    """Duplicated documents, one that arrives after its successor, a code nobody knows."""
    carrier.simulator.faults.add(Fault.DUPLICATE_CALLBACK)
    await carrier.connector.submit(order())
    carrier.simulator.faults.add(Fault.REORDER_CALLBACKS)
    await carrier.press("advance")
    await carrier.press("advance")
    carrier.simulator.parcels.report(REF, 99, START - timedelta(days=1), "Lạ")
    events = await carrier.events()
    assert [event.code for event in events] == ["0", "0", "1", "2", "99"]
    assert events[0].at == events[1].at
    assert events[2].at > events[3].at
    assert (events[4].movement, events[4].at) == (None, START - timedelta(days=1))


async def test_the_feed_is_read_page_by_page(carrier):
    """Small pages, nothing lost, nothing twice."""
    options, secrets = carrier.simulator.account_options(carrier.base)
    carrier.connector = carrier.connect({**options, "page_size": 3}, secrets)
    await asyncio.gather(*(carrier.connector.submit(order(client_ref=f"r{n}")) for n in range(10)))
    events = await carrier.events()
    assert sorted(event.client_ref for event in events) == [f"r{n}" for n in range(10)]


async def test_a_provincial_bus_takes_item_numbers_and_tells_prices(carrier):
    """The other variant, with its fixed token."""
    lgsp = carrier.connect(*carrier.simulator.lgsp_account_options(carrier.base))
    accepted = await lgsp.submit(order(item_code="EA123456785VN"))
    assert accepted.item_code == "EA123456785VN"
    assert carrier.simulator.parcels.by_number[REF].item_code == "EA123456785VN"
    sent = order()
    assert await lgsp.quote(sent.sender.address, sent.recipient.address, 50) == 30_000
    assert await lgsp.quote(sent.sender.address, sent.sender.address, 50) == 20_000


async def test_strangers_are_not_let_in(carrier):
    """Wrong secret, no token, unknown customer."""
    options, _ = carrier.simulator.account_options(carrier.base)
    stranger = carrier.connect(options, {"secret_key": ("wrong",)})
    with pytest.raises(ProviderUnavailable):
        await stranger.submit(order())
    async with carrier.session.get(f"{carrier.base}/apiVNPostNGSP/p1.0/order/tracking") as answer:
        assert answer.status == 401
    _, secrets = carrier.simulator.account_options(carrier.base)
    other = carrier.connect({**options, "customer_code": "other"}, secrets)
    with pytest.raises(ProviderRejected, match="400"):
        await other.submit(order())


async def test_the_testers_page_shows_parcels_and_what_was_said(carrier):
    """Escaped, with a button for each thing that can happen, and the way back after a press."""
    await carrier.connector.submit(order())
    carrier.simulator.parcels.report(REF, 99, START, "<script>")
    async with carrier.session.get(f"{carrier.base}/") as answer:
        text = await answer.text()
    assert REF in text
    assert "50.000" in text
    assert "<script>" not in text
    assert set(re.findall(r'action="_(\w+)"', text)) == {
        *("advance", "fail", "return", "collect", "remit", "approve", "lose")
    }
    async with carrier.session.post(
        f"{carrier.base}/_advance", data={"number": REF}, headers={"Accept": "text/html"}
    ) as answer:
        assert (answer.status, answer.url.path) == (200, "/sim/vnpost_hcc/")
    assert await carrier.press("advance", number="nobody") == 404
