"""The whole gateway and its parcels: money at the door, a restart on the way, many parcels."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.development import World, listen
from gateway.foundation.clock import SystemClock

ADDRESS = {"line": "Số 5 ngõ 7", "ward_code": "01654", "province_code": "04"}
REFERENCE = "000.00.12.H55-261102-0007"


class Province:
    """One gateway process after another in one world, and a portal that calls it."""

    def __init__(self, world: World, socket, session: aiohttp.ClientSession) -> None:
        self.world = world
        self.session = session
        self.socket = socket
        self.key = ""
        self.gateway: Gateway | None = None

    async def start(self) -> None:
        settings = self.world.settings(shipments={"poll_s": 0.2})
        self.gateway = Gateway(settings, self.world.clock)
        await self.gateway.start(socket=self.socket.dup())
        if not self.key:
            self.key = (await self.gateway.keys.create("cong-dvc", "test", ["*"])).secret

    async def stop(self) -> None:
        if self.gateway is not None:
            await self.gateway.stop()
        self.gateway = None

    async def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}"}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(8)
        url = self.world.gateway_url + path
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            found = await answer.json()
            assert answer.status < 300, found
            return found

    async def until(self, path, within_s=60.0, **wanted):
        """Ask until the object is as wanted."""
        deadline = time.monotonic() + within_s
        while True:
            found = await self.call("GET", path)
            if all(found[name] == value for name, value in wanted.items()):
                return found
            assert time.monotonic() < deadline, {name: found[name] for name in wanted}
            await asyncio.sleep(0.05)

    async def ship(self, **changes):
        party = {"name": "Nguyễn Văn An", "phone": "0912345678", "address": ADDRESS}
        order = {
            "reference": REFERENCE,
            "kind": "result_delivery",
            "sender": {**party, "name": "UBND phường Mẫu"},
            "recipient": party,
            "contents": [{"title": "Quyết định", "form": "original"}],
            "weight_g": 50,
        }
        return await self.call("POST", "/v1/shipments", {**order, **changes})

    async def told(self, subject):
        """Types of the events about a subject, in order."""
        page = await self.call("GET", "/v1/events?limit=100")
        return [event["type"] for event in page["data"] if event["subject"] == subject]

    async def has_told(self, subject, *types, within_s=60.0):
        """Wait until exactly these were told."""
        deadline = time.monotonic() + within_s
        while (found := await self.told(subject)) != list(types):
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)


@pytest.fixture
async def province(tmp_path):
    socket = listen()
    world = World(tmp_path, f"http://127.0.0.1:{socket.getsockname()[1]}", SystemClock())
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await world.start()
        stack.push_async_callback(world.close)
        made = Province(world, socket, session)
        stack.push_async_callback(made.stop)
        stack.callback(socket.close)
        await made.start()
        yield made


async def test_money_taken_at_the_door_pays_the_fee_once(province):
    """Collected by the postman, told to the portal as shipment and as payment."""
    item = {"code": "LP", "name": "Lệ phí", "kind": "levy", "quantity": 1, "unit_amount": 21_000}
    payment = await province.call(
        "POST",
        "/v1/payments",
        {
            "reference": REFERENCE,
            "procedure_code": "2.000815",
            "agency_code": "H55.12",
            "items": [item],
            "payer": {"name": "Nguyễn Văn An"},
            "description": "Le phi",
            "channel": "post",
        },
    )
    shipment = await province.ship(collect={"payment_id": payment["id"], "amount": 21_000})
    path = f"/v1/shipments/{shipment['id']}"
    await province.until(path, movement="registered")
    province.world.vnpost.parcels.advance(shipment["client_ref"], "delivered")
    delivered = await province.until(path, movement="delivered", money="collected")
    assert delivered["collect"]["collected"] == 21_000
    paid = await province.until(f"/v1/payments/{payment['id']}", status="paid")
    assert (paid["amount_collected"], paid["amount_surplus"], paid["review"]) == (21_000, 0, [])
    assert "shipment.fee_collected" in await province.told(shipment["id"])
    await province.has_told(payment["id"], "payment.created", "payment.paid")


async def test_a_parcel_collects_only_for_a_payment_of_its_own_portal(province):
    """An unknown payment is named before anything is ordered."""
    stranger = {"payment_id": "pay_" + "0" * 26, "amount": 21_000}
    with pytest.raises(AssertionError, match="validation_failed"):
        await province.ship(collect=stranger)
    assert province.world.vnpost.parcels.by_number == {}


async def test_a_restart_on_the_way_loses_and_repeats_nothing(province):
    """What the carrier said while nobody listened is read afterwards, each step once."""
    shipment = await province.ship()
    path, number = f"/v1/shipments/{shipment['id']}", shipment["client_ref"]
    await province.until(path, movement="registered")
    province.world.vnpost.parcels.advance(number, "in_transit")
    await province.until(path, movement="in_transit")
    await province.stop()
    province.world.vnpost.parcels.advance(number, "delivered")
    await province.start()
    await province.until(path, movement="delivered")
    await province.has_told(
        shipment["id"],
        *("shipment.registered", "shipment.picked_up", "shipment.in_transit"),
        *("shipment.out_for_delivery", "shipment.delivered"),
    )
    assert list(province.world.vnpost.parcels.by_number) == [number]


async def test_an_order_taken_just_before_a_stop_is_sent_by_the_next_process(province):
    shipments = await asyncio.gather(*(province.ship(reference=f"H55-{n}") for n in range(5)))
    await province.stop()
    await province.start()
    for shipment in shipments:
        await province.until(f"/v1/shipments/{shipment['id']}", movement="registered")
    numbers = sorted(shipment["client_ref"] for shipment in shipments)
    assert sorted(province.world.vnpost.parcels.by_number) == numbers
