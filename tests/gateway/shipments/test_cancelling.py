"""Calling parcels back: accepted, waiting, refused, and what is not known."""

from __future__ import annotations

import asyncio

import pytest

from connectors.contract import OutcomeUnknown, ProviderUnavailable
from connectors.simulators.faults import Fault
from tests.gateway.shipments.desk import MANUAL, POST, SILENT

pytestmark = pytest.mark.long_on_postgresql


async def cancel(desk, shipment, status=200, **more):
    path = f"/v1/shipments/{shipment['id']}/cancel"
    got, body, _ = await desk.portal.post(path, {"reason": "Nộp trực tiếp"}, **more)
    assert got == status, body
    return body


async def test_before_pickup_the_carrier_accepts_at_once(both):
    shipment = await both.ordered()
    cancelled = await cancel(both, shipment)
    assert (cancelled["cancel"], cancelled["movement"]) == ("accepted", "cancelled")
    await both.poll()
    assert (await both.read(shipment))["movement"] == "cancelled"


async def test_on_its_way_the_cancellation_waits_until_the_post_approves(both):
    shipment = await both.ordered()
    number = shipment["client_ref"]
    both.post.parcels.advance(number, "in_transit")
    await both.poll()
    waiting = await cancel(both, shipment)
    assert (waiting["cancel"], waiting["movement"]) == ("waiting", "in_transit")
    both.clock.advance(60)
    both.post.parcels.approve_cancel(number)
    await both.poll()
    ended = await both.read(shipment)
    assert (ended["cancel"], ended["movement"]) == ("accepted", "cancelled")


async def test_a_finished_parcel_the_carrier_refuses(desk):
    """The feed has not told us yet that it was delivered."""
    shipment = await desk.ordered()
    desk.post.parcels.advance(shipment["client_ref"], "delivered")
    refused = await cancel(desk, shipment)
    assert (refused["cancel"], refused["movement"]) == ("refused", "registered")
    await desk.poll()
    problem = await cancel(desk, shipment, 409)
    assert problem["code"] == "shipment_closed"


async def test_a_shipment_the_carrier_never_got_is_cancelled_here(both):
    away = await both.ordered(carrier=SILENT)
    both.post.faults.add(Fault.REFUSE)
    refused = await both.ordered(reference="H55-2")
    waiting = await both.open()
    for shipment in (waiting, away, refused):
        cancelled = await cancel(both, shipment)
        assert (cancelled["cancel"], cancelled["movement"]) == ("accepted", "cancelled")
    for _ in range(3):
        await both.work(3_600)
    assert (await both.read(away))["movement"] == "cancelled"
    assert both.post.parcels.by_number == {}


async def test_cancelling_twice_asks_once(desk, monkeypatch):
    shipment = await desk.ordered()
    desk.post.parcels.advance(shipment["client_ref"], "in_transit")
    await desk.poll()
    asked = count_calls(desk, monkeypatch)
    path = f"/v1/shipments/{shipment['id']}/cancel"
    answers = await asyncio.gather(*(desk.portal.post(path, {}) for _ in range(3)))
    assert {status for status, _, _ in answers} == {200}
    assert len(asked) == 1
    assert (await cancel(desk, shipment))["cancel"] == "waiting"
    assert len(asked) == 1


async def test_a_cancellation_nobody_answered_is_never_repeated(desk, monkeypatch):
    shipment = await desk.ordered()
    asked = count_calls(desk, monkeypatch, OutcomeUnknown("timed out"))
    requested = await cancel(desk, shipment)
    assert requested["cancel"] == "requested"
    for _ in range(4):
        await desk.work(3_600)
    await cancel(desk, shipment)
    assert len(asked) == 1
    assert desk.alerts("shipment_cancel_outcome_unknown") == 1
    # The feed has the last word: it had been done.
    desk.post.parcels.cancel(shipment["client_ref"])
    await desk.poll()
    assert (await desk.read(shipment))["cancel"] == "accepted"


async def test_a_cancellation_that_was_not_sent_goes_out_later(both, monkeypatch):
    shipment = await both.ordered()
    asked = count_calls(both, monkeypatch, ProviderUnavailable("refused"))
    assert (await cancel(both, shipment))["cancel"] == "requested"
    await both.work(30)
    assert len(asked) == 2
    monkeypatch.undo()
    await both.work(30)
    assert (await both.read(shipment))["cancel"] == "accepted"


async def test_an_order_in_doubt_cannot_be_cancelled_yet(desk):
    desk.post.faults.add(Fault.SERVER_ERROR)
    shipment = await desk.ordered()
    problem = await cancel(desk, shipment, 409)
    assert (problem["code"], problem["retryable"]) == ("shipment_in_doubt", True)


async def test_a_parcel_handed_over_by_people_is_simply_kept(desk):
    shipment = await desk.ordered(carrier=MANUAL)
    assert (await cancel(desk, shipment))["movement"] == "cancelled"


def count_calls(desk, monkeypatch, error=None):
    """Count the calls to the carrier's cancel; with ``error`` they end so."""
    connector, asked = desk.carriers[POST], []
    real = connector.cancel

    async def counted(accepted, reason):
        asked.append(accepted.carrier_order_id)
        if error is not None:
            raise error
        return await real(accepted, reason)

    monkeypatch.setattr(connector, "cancel", counted)
    return asked
