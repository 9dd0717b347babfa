"""Ordering at the carrier: one call under one reference, its outcome resolved by asking.

Owns the steps between a shipment that waits and the carrier's yes. A call is committed as begun
before it leaves; what was not sent goes out again later, what is unknown is only looked up by
the same reference, what was refused stays refused. Whoever takes over after a crash reads the
evidence and goes on: a call that began and never ended is unknown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from connectors.contract import (
    Capability,
    ConnectorError,
    Movement,
    OutcomeUnknown,
    ParcelAccepted,
    ParcelOrder,
    PostalConnector,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.shipments import store
from gateway.shipments.carriers import Carriers
from gateway.shipments.evidence import of_call
from gateway.shipments.facts import CallFact, Fact
from gateway.shipments.news import News
from gateway.shipments.orders import parcel_order
from gateway.shipments.recording import Recorder, Recording
from gateway.shipments.rules import may_order, must_look_up
from gateway.shipments.statuses import CallStep, CancelState

_log = structlog.get_logger(__name__)

PATIENCE: Final = timedelta(minutes=3)
"""After so long a call that began has ended, one way or the other: longer than any time-out."""

_PAUSES_S: Final = (5, 15, 60, 300, 900, 1_800)
_WAITING: Final = frozenset({Movement.DRAFT, Movement.SUBMITTING, Movement.UNKNOWN_OUTCOME})


@dataclass(frozen=True, slots=True)
class _Step:
    """What is to be done now: order it (``order``), or look it up."""

    shipment_id: str
    carrier: str
    client_ref: str
    attempt: int
    begun_at: datetime
    tries: int
    order: ParcelOrder | None = None


class Ordering:
    """Brings waiting shipments to their carriers."""

    def __init__(
        self, database: Database, clock: Clock, carriers: Carriers, recorder: Recorder, news: News
    ) -> None:
        self._database = database
        self._clock = clock
        self._carriers = carriers
        self._recorder = recorder
        self._news = news

    async def look_at(self, shipment_id: str) -> None:
        """Do the next step of one shipment that waits, if there is one."""
        decision = asyncio.ensure_future(
            self._database.write(lambda c: self._next_step(c, shipment_id))
        )
        try:
            step, recording = await asyncio.shield(decision)
        except asyncio.CancelledError:
            await self._put_down(*await decision)  # it commits whether or not we wait for it
            raise
        self._news.tell(recording)
        if step is None:
            return
        connector = self._carriers.get(step.carrier)
        if connector is None:
            self._news.alert("carrier_not_configured")
            await self._later(step)
        elif step.order is not None:
            await self._submit(connector, step, step.order)
        else:
            await self._look_up(connector, step)

    # -------------------------------------------------------------- deciding

    def _next_step(
        self, connection: Connection, shipment_id: str
    ) -> tuple[_Step | None, Recording | None]:
        row = store.lock_shipments(connection, [shipment_id])[shipment_id]
        state, facts = self._recorder.state_of(connection, row)
        now = self._clock.now()
        if state.movement not in _WAITING:
            to_cancel = row.cancel == CancelState.REQUESTED and not row.cancel_sent
            if row.next_at is not None and not to_cancel:
                store.change_shipment(connection, row.id, next_at=None)
            return None, None
        if may_order(facts) and not state.distinct_events:
            return self._begin(connection, row, facts, now)
        if must_look_up(facts, now, PATIENCE):
            return self._step(row, facts), None
        store.change_shipment(connection, row.id, next_at=now + PATIENCE)
        return None, None

    def _begin(
        self, connection: Connection, row: Row[Any], facts: list[Fact], now: datetime
    ) -> tuple[_Step | None, Recording | None]:
        """From this commit on the call may have been sent."""
        if self._carriers.get(row.carrier) is None:
            return self._step(row, facts), None
        fact = CallFact(now, CallStep.BEGUN, len(_begun(facts)) + 1)
        _, recording = self._recorder.record_one(connection, row.id, of_call(row.id, fact))
        store.change_shipment(connection, row.id, next_at=now + PATIENCE, tries=row.tries + 1)
        return self._step(row, [*facts, fact], parcel_order(row)), recording

    def _step(self, row: Row[Any], facts: list[Fact], order: ParcelOrder | None = None) -> _Step:
        calls = _begun(facts)
        begun_at = max((call.at for call in calls), default=row.created_at)
        return _Step(row.id, row.carrier, row.client_ref, len(calls), begun_at, row.tries, order)

    async def _put_down(self, step: _Step | None, recording: Recording | None) -> None:
        """This process stops between the decision and the call: nothing was sent."""
        self._news.tell(recording)
        if step is not None and step.order is not None:
            await self._note(step, CallStep.NOT_SENT, next_at=self._clock.now())

    # -------------------------------------------------------------- calling

    async def _submit(self, connector: PostalConnector, step: _Step, order: ParcelOrder) -> None:
        try:
            accepted = await connector.submit(order)
        except ProviderUnavailable:
            await self._note(step, CallStep.NOT_SENT, next_at=self._after(step))
        except ProviderRejected as refusal:
            _log.warning("order_refused", id=step.shipment_id, code=refusal.code)
            await self._note(step, CallStep.REFUSED, next_at=None, refusal=refusal.code[:120])
        except asyncio.CancelledError:
            # This process stops: let the next one ask at once.
            await self._note(step, CallStep.UNKNOWN, next_at=self._clock.now())
            raise
        except Exception as error:
            # Whatever went wrong went wrong after the call may have left: it is to be asked for.
            known = isinstance(error, OutcomeUnknown)
            _log.warning("order_outcome_unknown", id=step.shipment_id, error=type(error).__name__)
            self._news.alert("order_outcome_unknown" if known else "order_failed_unexpectedly")
            await self._note(step, CallStep.UNKNOWN, next_at=self._after(step))
        else:
            await self._accept(step, await self._with_number(connector, step, accepted))

    async def _with_number(
        self, connector: PostalConnector, step: _Step, accepted: ParcelAccepted
    ) -> ParcelAccepted:
        """The item number, when the carrier has it already but its answer does not say it."""
        if accepted.item_code or Capability.QUERY not in connector.spec.capabilities:
            return accepted
        try:
            found = await connector.find(step.client_ref, step.begun_at)
        except ConnectorError:
            return accepted  # the feed will tell
        return replace(accepted, item_code=found.item_code) if found else accepted

    async def _look_up(self, connector: PostalConnector, step: _Step) -> None:
        try:
            found = await connector.find(step.client_ref, step.begun_at)
        except Exception as error:
            # It stays unknown; only the carrier's word, by feed or by look-up, can change that.
            _log.info("order_not_found_yet", id=step.shipment_id, error=type(error).__name__)
            await self._note(
                step, CallStep.UNKNOWN, next_at=self._after(step), tries=step.tries + 1
            )
            return
        if found is None:
            await self._note(step, CallStep.ABSENT, next_at=self._clock.now())
        else:
            await self._accept(step, found)

    async def _accept(self, step: _Step, accepted: ParcelAccepted) -> None:
        await self._note(
            step,
            CallStep.ACCEPTED,
            item_code=accepted.item_code,
            next_at=None,
            tries=0,
            carrier_order_id=accepted.carrier_order_id[:120],
            carrier_state=dict(accepted.state),
            postage_vnd=accepted.postage_vnd,
        )

    async def _note(
        self, step: _Step, how: CallStep, *, item_code: str | None = None, **columns: Any
    ) -> None:
        fact = CallFact(self._clock.now(), how, step.attempt, item_code)

        def unit(connection: Connection) -> Recording:
            new = of_call(step.shipment_id, fact)
            _, recording = self._recorder.record_one(connection, step.shipment_id, new)
            store.change_shipment(connection, step.shipment_id, **columns)
            return recording

        self._news.tell(await self._database.write(unit))
        if columns.get("next_at") is not None:
            self._news.wake_worker()

    async def _later(self, step: _Step) -> None:
        tries, at = step.tries + 1, self._after(step)
        await self._database.write(
            lambda c: store.change_shipment(c, step.shipment_id, next_at=at, tries=tries)
        )

    def _after(self, step: _Step) -> datetime:
        pause = _PAUSES_S[min(step.tries, len(_PAUSES_S) - 1)]
        return self._clock.now() + timedelta(seconds=pause)


def _begun(facts: list[Fact]) -> list[CallFact]:
    return [f for f in facts if isinstance(f, CallFact) and f.step is CallStep.BEGUN]
