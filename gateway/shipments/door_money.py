"""Money the carrier took at the door, told to whoever keeps payments.

Owns the reaction to ``shipment.fee_collected``: it runs in the transaction of its cursor, so a
collection is told once; its receipt number is the order as the carrier knows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from gateway.foundation.problems import Problem
from gateway.shipments import store
from gateway.shipments.news import News
from gateway.shipments.recording import Recorder
from gateway.shipments.rules import ShipmentState

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DoorMoney:
    """One collection: ``receipt_number`` identifies it, ``collected_by`` is the carrier."""

    tenant: str
    payment_id: str
    shipment_id: str
    amount_vnd: int
    receipt_number: str
    collected_at: datetime
    collected_by: str


Collected = Callable[[Connection, DoorMoney], None]
"""Takes the money in, inside the given transaction; a ``Problem`` means that it cannot."""


class DoorMoneyHandler:
    """A handler for ``Webhooks.subscribe``."""

    def __init__(
        self, recorder: Recorder, news: News, title: Callable[[str], str], collected: Collected
    ) -> None:
        self._recorder = recorder
        self._news = news
        self._title = title
        self._collected = collected

    def __call__(self, connection: Connection, event: Row[Any]) -> None:
        """React to one ``shipment.fee_collected``."""
        rows = store.shipments_by_id(connection, [event.subject])
        if not rows or not rows[0].payment_id:
            return
        state, _ = self._recorder.state_of(connection, rows[0])
        if not state.collected_vnd or state.collected_at is None:
            return
        savepoint = connection.begin_nested()
        try:
            self._collected(connection, self._money(rows[0], state, state.collected_at))
        except Problem as problem:
            # The payment is not this portal's, or is gone: a person has to place the money.
            savepoint.rollback()
            self._news.alert("collection_not_placed")
            _log.error("collection_not_placed", id=rows[0].id, code=problem.code)
        else:
            savepoint.commit()

    def _money(self, row: Row[Any], state: ShipmentState, at: datetime) -> DoorMoney:
        return DoorMoney(
            tenant=row.tenant,
            payment_id=row.payment_id,
            shipment_id=row.id,
            amount_vnd=state.collected_vnd,
            receipt_number=f"{row.carrier}:{row.client_ref}",
            collected_at=at,
            collected_by=self._title(row.carrier),
        )
