"""Calling a parcel back: asked once, answered by the carrier, perhaps days later.

Owns the request and the one call. What never reached a carrier is cancelled here; otherwise the
carrier decides: accepted, waiting for its approval (the feed tells the end) or refused. A call
whose outcome is unknown is not repeated: the request stays open until the carrier speaks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from connectors.contract import (
    CancelOutcome,
    Movement,
    ParcelAccepted,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.shipments import problems, store
from gateway.shipments.carriers import Carriers
from gateway.shipments.evidence import of_cancel
from gateway.shipments.facts import CancelFact, Fact, last_call
from gateway.shipments.news import News
from gateway.shipments.orders import accepted
from gateway.shipments.recording import Recorder, Recording
from gateway.shipments.rules import ShipmentState, may_order
from gateway.shipments.statuses import CallStep, CancelState

_log = structlog.get_logger(__name__)

_AGAIN: Final = timedelta(seconds=30)
_ASKED: Final = frozenset({CancelState.REQUESTED, CancelState.WAITING, CancelState.ACCEPTED})
_NOT_THERE: Final = frozenset({Movement.DRAFT, Movement.SUBMITTING, Movement.EXCEPTION})


class Cancelling:
    """Cancels shipments."""

    def __init__(
        self, database: Database, clock: Clock, carriers: Carriers, recorder: Recorder, news: News
    ) -> None:
        self._database = database
        self._clock = clock
        self._carriers = carriers
        self._recorder = recorder
        self._news = news

    async def request(self, tenant: str, shipment_id: str, actor: str, reason: str) -> None:
        """Note the wish and ask the carrier; twice is once.

        Raises:
            Problem: ``shipment_closed``; ``shipment_in_doubt`` while an order is under way.
        """

        def unit(connection: Connection) -> Recording | None:
            row = store.find_shipment(connection, tenant, shipment_id, lock=True)
            return self._request(connection, row, actor, reason)

        self._news.tell(await self._database.write(unit))
        await self.look_at(shipment_id)

    def _request(
        self, connection: Connection, row: Row[Any], actor: str, reason: str
    ) -> Recording | None:
        state, facts = self._recorder.state_of(connection, row)
        if state.cancel in _ASKED:
            return None
        if state.is_over:
            raise problems.closed(state.movement.value)
        now, number = self._clock.now(), _requests(facts) + 1
        new = [of_cancel(row.id, number, CancelFact(now), actor)]
        never_there = _never_reached(state, facts)
        if never_there:
            new.append(of_cancel(row.id, number, CancelFact(now, CancelOutcome.ACCEPTED), actor))
        elif state.movement in {Movement.SUBMITTING, Movement.UNKNOWN_OUTCOME}:
            raise problems.in_doubt()
        _, recording = self._recorder.record_one(connection, row.id, *new)
        next_at = None if never_there else now + _AGAIN
        store.change_shipment(
            connection, row.id, next_at=next_at, cancel_sent=False, cancel_reason=reason
        )
        return recording

    async def look_at(self, shipment_id: str) -> None:
        """Ask the carrier, if that is still to be done."""
        call = await self._database.write(lambda c: self._begin(c, shipment_id))
        if call is None:
            return
        carrier, parcel, reason = call
        connector = self._carriers.get(carrier)
        if connector is None:
            await self._not_sent(shipment_id)
            return
        try:
            outcome = await connector.cancel(parcel, reason)
        except ProviderUnavailable:
            await self._not_sent(shipment_id)
        except ProviderRejected as refusal:
            _log.info("cancel_refused", id=shipment_id, code=refusal.code)
            await self._note(shipment_id, CancelOutcome.REFUSED)
        except Exception as error:
            # It may have been done. The feed will say; asking again could undo a redelivery.
            _log.warning("cancel_outcome_unknown", id=shipment_id, error=type(error).__name__)
            self._news.alert("cancel_outcome_unknown")
        else:
            await self._note(shipment_id, outcome)

    def _begin(
        self, connection: Connection, shipment_id: str
    ) -> tuple[str, ParcelAccepted, str] | None:
        """From this commit on the request may have been sent; nobody else sends it."""
        row = store.lock_shipments(connection, [shipment_id])[shipment_id]
        if row.cancel != CancelState.REQUESTED or row.cancel_sent:
            return None
        store.change_shipment(connection, row.id, cancel_sent=True, next_at=None)
        return row.carrier, accepted(row), row.cancel_reason

    async def _not_sent(self, shipment_id: str) -> None:
        at = self._clock.now() + _AGAIN
        await self._database.write(
            lambda c: store.change_shipment(c, shipment_id, cancel_sent=False, next_at=at)
        )

    async def _note(self, shipment_id: str, outcome: CancelOutcome) -> None:
        fact = CancelFact(self._clock.now(), outcome)

        def unit(connection: Connection) -> Recording:
            row = store.lock_shipments(connection, [shipment_id])[shipment_id]
            _, facts = self._recorder.state_of(connection, row)
            new = of_cancel(shipment_id, _requests(facts), fact)
            return self._recorder.record_one(connection, shipment_id, new)[1]

        self._news.tell(await self._database.write(unit))


def _requests(facts: list[Fact]) -> int:
    return sum(isinstance(fact, CancelFact) and fact.outcome is None for fact in facts)


def _never_reached(state: ShipmentState, facts: list[Fact]) -> bool:
    """Whether the carrier certainly has no such order."""
    last = last_call(facts)
    refused = last is not None and last.step is CallStep.REFUSED
    silent = not state.distinct_events and state.movement in _NOT_THERE
    return silent and (may_order(facts) or refused)
