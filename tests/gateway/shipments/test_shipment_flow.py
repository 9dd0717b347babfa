"""A parcel's way over sockets, on both databases: ordered, followed, paid for, told."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from connectors.simulators.faults import Fault
from gateway.foundation.clock import VIETNAM
from gateway.shipments.law import load_law

pytestmark = pytest.mark.long_on_postgresql


async def test_a_result_is_ordered_followed_and_delivered(both):
    opened = await both.open()
    assert (opened["movement"], opened["tracking_number"]) == ("draft", None)
    await both.work()
    registered = await both.read(opened)
    assert registered["movement"] == "registered"
    assert registered["client_ref"] == opened["client_ref"]
    parcel = both.post.parcels.by_number[opened["client_ref"]]
    assert registered["tracking_number"] == parcel.item_code
    both.post.parcels.advance(parcel.number, "delivered")
    assert await both.poll() == 7
    delivered = await both.read(opened)
    assert (delivered["movement"], delivered["papers"]) == ("delivered", "delivered")
    assert delivered["due_at"] == "2026-11-04T23:59:59+07:00"  # J + 2 working days
    assert [e["movement"] for e in delivered["events"]] == [
        *("registered", "pickup_assigned", "picked_up", "in_transit"),
        *("at_delivery_office", "out_for_delivery", "delivered"),
    ]
    assert await both.events() == [
        ("shipment.registered", 1),
        ("shipment.picked_up", 2),
        ("shipment.in_transit", 3),
        ("shipment.out_for_delivery", 4),
        ("shipment.delivered", 5),
    ]


async def test_each_step_is_told_once_however_often_it_is_read(both):
    shipment = await both.ordered()
    number = shipment["client_ref"]
    both.post.faults.add(Fault.DUPLICATE_CALLBACK, times=8)
    for _ in range(6):
        both.post.parcels.advance(number)
        await both.poll()
        await both.poll()
    told = await both.types()
    assert told == ["registered", "picked_up", "in_transit", "out_for_delivery", "delivered"]
    assert (await both.read(shipment))["sequence"] == 5


async def test_events_out_of_order_end_in_the_same_state(both):
    shipment = await both.ordered()
    both.post.faults.add(Fault.REORDER_CALLBACKS, times=3)
    both.post.parcels.advance(shipment["client_ref"], "delivered")
    await both.poll()
    assert (await both.read(shipment))["movement"] == "delivered"


async def test_an_older_event_that_comes_later_announces_nothing(both):
    shipment = await both.ordered()
    number, before = shipment["client_ref"], both.clock.now()
    both.clock.advance(3600)
    both.post.parcels.advance(number, "delivered")
    await both.poll()
    told = await both.types()
    both.post.parcels.report(number, 3, before)
    await both.poll()
    assert await both.types() == told
    assert (await both.read(shipment))["movement"] == "delivered"


async def test_the_money_at_the_door_is_a_lane_of_its_own(both):
    shipment = await both.ordered(collect={"amount": 21_000})
    assert shipment["money"] == "due"
    number = shipment["client_ref"]
    both.post.parcels.advance(number, "out_for_delivery")
    both.post.parcels.collect(number)
    await both.poll()
    collected = await both.read(shipment)
    assert (collected["movement"], collected["money"]) == ("out_for_delivery", "collected")
    assert collected["collect"]["collected"] == 21_000
    both.post.parcels.remit(number)
    await both.poll()
    assert (await both.read(shipment))["money"] == "remitted"
    assert (await both.types())[-2:] == ["fee_collected", "fee_remitted"]


async def test_failed_deliveries_and_the_way_back_are_told(both):
    shipment = await both.ordered()
    both.post.parcels.fail(shipment["client_ref"])
    both.post.parcels.send_back(shipment["client_ref"])
    await both.poll()
    returned = await both.read(shipment)
    assert (returned["movement"], returned["failed_attempts"]) == ("returned", 1)
    assert "returned_too_early" in {alert["code"] for alert in returned["alerts"]}
    assert (await both.types())[-2:] == ["delivery_failed", "returned"]


async def test_a_code_nobody_knows_is_kept_and_moves_nothing(both):
    shipment = await both.ordered()
    both.post.parcels.report(shipment["client_ref"], 999, both.clock.now(), "Lạ")
    await both.poll()
    seen = await both.read(shipment)
    assert seen["movement"] == "registered"
    assert [alert["code"] for alert in seen["alerts"]] == ["unknown_code"]
    assert (seen["events"][-1]["code"], seen["events"][-1]["movement"]) == ("999", None)
    assert both.alerts("shipment_unknown_code") == 1


async def test_events_of_parcels_we_do_not_know_are_kept_as_orphans(both):
    shipment = await both.ordered()
    both.post.parcels.accept("SOMEBODY-ELSES", {})
    await both.poll()
    await both.poll()
    orphans = [row for row in await both.stored() if row.shipment_id is None]
    assert [row.client_ref for row in orphans] == ["SOMEBODY-ELSES"]
    assert both.alerts("shipment_unknown_item") == 1
    assert (await both.read(shipment))["movement"] == "registered"


@pytest.mark.parametrize(("days", "alerts"), [(31, 0), (29, 1)])
async def test_holidays_that_end_soon_are_an_alert_at_the_start(desk, days, alerts):
    """Later due dates would be counted by weekends alone."""
    last = load_law().working.known_until
    now = desk.clock.now().astimezone(VIETNAM).date()
    desk.clock.advance(((last - now).days - days) * 86_400)
    running = asyncio.ensure_future(desk.shipments.worker.run())
    await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert desk.alerts("shipment_holidays_end") == alerts
