"""Money at the door, told once to whoever keeps payments."""

from __future__ import annotations

from types import SimpleNamespace

import sqlalchemy as sa

from gateway.foundation.problems import not_found
from gateway.shipments.tables import feeds
from tests.gateway.shipments.desk import POST

PAYMENT = "pay_" + "0" * 26


async def collected_at_the_door(desk, payment_id=PAYMENT):
    shipment = await desk.ordered(collect={"payment_id": payment_id, "amount": 21_000})
    desk.post.parcels.advance(shipment["client_ref"], "delivered")
    await desk.poll()
    return shipment


def handler(desk, take):
    types, found = desk.another(collected=take).handlers["shipments.door_money"]
    assert types == ["shipment.fee_collected"]
    return found


async def test_a_collection_is_told_with_portal_payment_amount_and_number(both):
    told = []
    shipment = await collected_at_the_door(both)
    react = handler(both, lambda _, money: told.append(money))
    event = SimpleNamespace(subject=shipment["id"])
    await both.database.write(lambda c: react(c, event))
    money = told[-1]
    assert (money.tenant, money.payment_id, money.amount_vnd) == (
        "cong-dvc/test",
        PAYMENT,
        21_000,
    )
    assert money.receipt_number == f"{POST}:{shipment['client_ref']}"
    assert money.collected_by == both.carriers[POST].spec.title


async def test_money_for_no_payment_is_nobody_elses_business(desk):
    told = []
    shipment = await desk.ordered(collect={"amount": 21_000})
    desk.post.parcels.advance(shipment["client_ref"], "delivered")
    await desk.poll()
    react = handler(desk, lambda _, money: told.append(money))
    await desk.database.write(lambda c: react(c, SimpleNamespace(subject=shipment["id"])))
    assert told == []


async def test_money_that_cannot_be_placed_alerts_and_stops_nothing(both):
    """The payment is another portal's: what was written so far is undone, the rest goes on."""
    shipment = await collected_at_the_door(both)

    def refuse(connection, money):
        connection.execute(sa.update(feeds).values(cursor="half done"))
        raise not_found()

    react = handler(both, refuse)
    await both.database.write(lambda c: react(c, SimpleNamespace(subject=shipment["id"])))
    cursors = await both.database.read(lambda c: c.execute(sa.select(feeds.c.cursor)).all())
    assert "half done" not in {row.cursor for row in cursors}
    assert both.alerts("shipment_collection_not_placed") == 1


async def test_without_anybody_to_tell_nothing_is_subscribed(desk):
    assert desk.another().handlers == {}
