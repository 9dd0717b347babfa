"""Ordering under faults: whatever happens, the carrier gets one parcel or none."""

from __future__ import annotations

import asyncio

import pytest

from connectors.contract import OutcomeUnknown
from connectors.simulators.faults import Fault
from gateway.shipments.ordering import PATIENCE
from tests.gateway.shipments.desk import MANUAL, POST, SILENT

pytestmark = pytest.mark.long_on_postgresql


async def test_an_order_that_timed_out_after_the_work_is_found_not_repeated(both):
    both.post.faults.add(Fault.SERVER_ERROR)  # the answer that proves nothing
    shipment = await both.ordered()
    assert shipment["movement"] == "unknown_outcome"
    assert both.alerts("shipment_order_outcome_unknown") == 1
    # The carrier did the work all the same.
    row = await both.row(shipment)
    both.post.parcels.accept(shipment["client_ref"], {"CODAmount": 0})
    await both.work(5)
    found = await both.read(shipment)
    assert (found["movement"], found["client_ref"]) == ("registered", row.client_ref)
    assert list(both.post.parcels.by_number) == [shipment["client_ref"]]
    assert await both.types() == ["registered"]


async def test_a_time_out_after_the_work_leaves_one_parcel(desk, monkeypatch):
    """The real thing: the simulator does the work and then says nothing."""
    _lose_the_answer(desk, monkeypatch)
    shipment = await desk.ordered()
    assert shipment["movement"] == "unknown_outcome"
    for _ in range(3):
        await desk.work(60)
    assert (await desk.read(shipment))["movement"] == "registered"
    assert len(desk.post.parcels.by_number) == 1
    assert desk.carriers[POST].submitted == 1


async def test_an_order_that_never_arrived_goes_out_again_under_the_same_number(desk):
    desk.post.faults.add(Fault.SERVER_ERROR)
    shipment = await desk.ordered()
    assert shipment["movement"] == "unknown_outcome"
    await desk.work(5)  # looked up: the feed proves that it is not there
    await desk.work()
    assert (await desk.read(shipment))["movement"] == "registered"
    assert list(desk.post.parcels.by_number) == [shipment["client_ref"]]


async def test_while_a_look_up_proves_nothing_nothing_is_sent(desk, monkeypatch):
    desk.post.faults.add(Fault.SERVER_ERROR)
    shipment = await desk.ordered()

    async def knows_nothing(*_):
        raise OutcomeUnknown("the feed proves nothing")

    monkeypatch.setattr(desk.carriers[POST], "find", knows_nothing)
    for _ in range(8):
        await desk.work(1_800)
    assert (await desk.read(shipment))["movement"] == "unknown_outcome"
    assert desk.post.parcels.by_number == {}


async def test_the_feed_resolves_what_no_look_up_could(desk, monkeypatch):
    desk.post.faults.add(Fault.SERVER_ERROR)
    shipment = await desk.ordered()
    desk.post.parcels.accept(shipment["client_ref"], {})
    await desk.poll()
    resolved = await desk.read(shipment)
    assert resolved["movement"] == "registered"
    assert resolved["tracking_number"]
    await desk.work(5)
    assert (await desk.row(shipment)).next_at is None
    assert len(desk.post.parcels.by_number) == 1


async def test_a_carrier_that_is_away_is_tried_later_and_nothing_was_sent(both):
    shipment = await both.ordered(carrier=SILENT)
    assert shipment["movement"] == "submitting"
    assert await both.types() == []
    assert await both.work() == 0  # not at once
    assert await both.work(5) == 1
    # The line is repaired.
    both.carriers[SILENT]._options = both.carriers[POST]._options
    await both.work(15)
    assert (await both.read(shipment))["movement"] == "registered"
    assert list(both.post.parcels.by_number) == [shipment["client_ref"]]


async def test_a_refusal_is_told_and_kept_and_not_tried_again(both):
    both.post.faults.add(Fault.REFUSE)
    shipment = await both.ordered()
    assert (shipment["movement"], shipment["refusal"]) == ("exception", "400")
    assert [alert["code"] for alert in shipment["alerts"]] == ["refused_by_carrier"]
    assert await both.types() == ["exception"]
    for _ in range(3):
        await both.work(3_600)
    assert both.post.parcels.by_number == {}


async def test_a_province_the_carrier_does_not_serve_is_refused_before_anything_is_sent(desk):
    address = {"line": "Số 1", "ward_code": "01654", "province_code": "99"}
    recipient = {"name": "An", "phone": "0912345678", "address": address}
    shipment = await desk.ordered(recipient=recipient)
    assert shipment["refusal"] == "province_not_mapped"


async def test_a_crash_between_commit_and_call_is_resumed_by_another_process(both, monkeypatch):
    """The order is committed as begun, then the process dies: unknown, so looked up first."""
    shipment = await both.open()
    died = asyncio.Event()

    async def die(order):
        died.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(both.carriers[POST], "submit", die)
    working = asyncio.ensure_future(both.shipments.worker.once())
    await died.wait()
    monkeypatch.undo()
    assert (await both.read(shipment))["movement"] == "submitting"
    successor = both.another()
    assert await successor.worker.once() == 0  # the call may still be under way
    both.clock.advance(PATIENCE.total_seconds())
    await successor.worker.once()  # looked up: not there
    await successor.worker.once()
    assert (await both.read(shipment))["movement"] == "registered"
    assert list(both.post.parcels.by_number) == [shipment["client_ref"]]
    await stop(working)


async def test_a_crash_after_the_carrier_said_yes_is_found_by_another_process(both, monkeypatch):
    shipment = await both.open()
    submit = both.carriers[POST].submit
    done = asyncio.Event()

    async def die_afterwards(order):
        await submit(order)
        done.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(both.carriers[POST], "submit", die_afterwards)
    working = asyncio.ensure_future(both.shipments.worker.once())
    await done.wait()
    successor = both.another()
    both.clock.advance(PATIENCE.total_seconds())
    await successor.worker.once()
    assert (await both.read(shipment))["movement"] == "registered"
    assert len(both.post.parcels.by_number) == 1
    assert await both.types() == ["registered"]
    await stop(working)


async def test_a_process_that_stops_in_the_middle_leaves_word_for_the_next(both, monkeypatch):
    """Stopped, not killed: what was claimed is given back, what was begun is looked up at once."""
    opened = [await both.open(reference=f"H55-{n}") for n in range(10)]
    begun = asyncio.Event()

    async def hang(order):
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(both.carriers[POST], "submit", hang)
    working = asyncio.ensure_future(both.shipments.worker.once())
    await begun.wait()
    await stop(working)
    monkeypatch.undo()
    for _ in range(4):
        await both.another().worker.once()
        both.clock.advance(5)  # long before a crash would be noticed
    assert {(await both.read(s))["movement"] for s in opened} == {"registered"}
    assert len(both.post.parcels.by_number) == 10


async def test_two_workers_order_each_parcel_once(both):
    opened = [await both.open(reference=f"H55-{n}") for n in range(6)]
    others = both.another()
    await asyncio.gather(both.shipments.worker.once(), others.worker.once())
    assert sorted(both.post.parcels.by_number) == sorted(s["client_ref"] for s in opened)
    assert {(await both.read(s))["movement"] for s in opened} == {"registered"}
    begun = [row for row in await both.stored() if row.body.get("step") == "begun"]
    assert len(begun) == 6


async def test_a_bug_in_a_connector_harms_no_other_order(desk, monkeypatch):
    async def broken(order):
        raise RuntimeError("a bug")

    monkeypatch.setattr(desk.carriers[POST], "submit", broken)
    bad = await desk.open()
    good = await desk.open(carrier=MANUAL)
    await desk.work()
    assert (await desk.read(bad))["movement"] == "unknown_outcome"
    assert (await desk.read(good))["movement"] == "registered"


async def test_an_account_that_left_the_configuration_waits(desk):
    shipment = await desk.open()
    del desk.carriers[POST]
    await desk.work()
    assert (await desk.read(shipment))["movement"] == "draft"
    assert desk.alerts("shipment_carrier_not_configured") == 1
    assert (await desk.row(shipment)).next_at is not None


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.SERVER_ERROR])
async def test_an_answer_nobody_can_read_is_unknown_not_failed(desk, fault):
    desk.post.faults.add(fault)
    shipment = await desk.ordered()
    assert shipment["movement"] == "unknown_outcome"


async def stop(working):
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


def _lose_the_answer(desk, monkeypatch):
    """The order arrives; its answer does not."""
    connector = desk.carriers[POST]
    submit = connector.submit
    connector.submitted = 0

    async def lost(order):
        connector.submitted += 1
        await submit(order)
        raise OutcomeUnknown("timed out")

    monkeypatch.setattr(connector, "submit", lost)
