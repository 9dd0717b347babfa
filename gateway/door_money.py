"""Where shipments and payments meet: money taken at the door becomes a payment's evidence.

Belongs to the composition root, for neither capability knows the other.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.payments.cash import Cash
from gateway.payments.service import Payments
from gateway.shipments.door_money import Collected, DoorMoney


def post_cash(payments: Payments) -> Collected:
    """Record what the post collected as cash, under the order's number."""

    def take_in(connection: Connection, money: DoorMoney) -> None:
        cash = Cash(
            amount=money.amount_vnd,
            receipt_number=money.receipt_number,
            collected_by=money.collected_by,
            collected_at=money.collected_at,
            place="post",
        )
        actor = f"shipment:{money.shipment_id}"
        payments.take_cash(connection, money.tenant, money.payment_id, cash, actor)

    return take_in
