"""New evidence in, state out: store, fold, write the derived columns, emit; one transaction.

Owns the order of these steps and the identity of what is announced. Evidence is never refused:
what cannot be folded is stored all the same and asks for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from gateway.foundation.clock import VIETNAM, Clock
from gateway.foundation.ids import new_id
from gateway.shipments import store
from gateway.shipments.deadlines import PostalLaw
from gateway.shipments.evidence import NewEvidence, fact_of, row_of
from gateway.shipments.facts import CarrierFact, Fact, Terms
from gateway.shipments.rules import ShipmentState, announce, fold
from gateway.shipments.statuses import ShipmentKind
from gateway.webhooks.outbox import NewEvent, emit

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Recording:
    """What came of it: states by shipment, and the kinds of alerts that are new."""

    states: dict[str, ShipmentState] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    emitted: int = 0


class Recorder:
    """Folds by one law; its methods run inside somebody's unit of work."""

    def __init__(self, clock: Clock, law: PostalLaw) -> None:
        self._clock = clock
        self._law = law

    def record(
        self, connection: Connection, news: Mapping[str, Sequence[NewEvidence]]
    ) -> Recording:
        """Store new facts of some shipments and let everything follow from them."""
        recording = Recording()
        rows = store.lock_shipments(connection, news)
        known = store.evidence_of(connection, rows)
        stored = [
            row_of(row.carrier, row.id, item) for row in rows.values() for item in news[row.id]
        ]
        fresh = store.insert_evidence(connection, stored)
        for row in rows.values():
            added = [item.fact for item in news[row.id] if (row.carrier, item.key) in fresh]
            facts = [fact_of(piece) for piece in known[row.id]]
            try:
                self._follow(connection, recording, row, facts, added)
            except (ValueError, TypeError, KeyError, ArithmeticError) as error:
                recording.alerts.append("shipment_not_folded")
                _log.error("shipment_not_folded", id=row.id, error=type(error).__name__)
        return recording

    def record_one(
        self, connection: Connection, shipment_id: str, *new: NewEvidence
    ) -> tuple[ShipmentState, Recording]:
        """The same for one shipment."""
        recording = self.record(connection, {shipment_id: new})
        return recording.states[shipment_id], recording

    def state_of(self, connection: Connection, row: Row[Any]) -> tuple[ShipmentState, list[Fact]]:
        """The state as it follows from the evidence, and that evidence."""
        facts = [fact_of(piece) for piece in store.evidence_of(connection, [row.id])[row.id]]
        return fold(terms_of(row), facts, self._law), facts

    def _follow(
        self,
        connection: Connection,
        recording: Recording,
        row: Row[Any],
        facts: list[Fact],
        added: Sequence[Fact],
    ) -> None:
        terms = terms_of(row)
        before = fold(terms, facts, self._law)
        state, told = before, list[str]()
        # In the order in which things happened, so that each step of a page of news is told.
        for fact in sorted(added, key=_moment):
            facts.append(fact)
            previous, state = state, fold(terms, facts, self._law)
            told += announce(previous, state)
        if state.item_code and state.item_code != row.tracking_number:
            adopted = store.adopt_orphans(connection, row.carrier, state.item_code, row.id)
            for piece in sorted(adopted, key=lambda piece: (piece.at, piece.number)):
                facts.append(fact_of(piece))
                previous, state = state, fold(terms, facts, self._law)
                told += announce(previous, state)
        asked = {question.id for question in before.questions}
        recording.alerts += [q.kind.value for q in state.questions if q.id not in asked]
        recording.states[row.id] = state
        recording.emitted += len(told)
        values = derived(state)
        store.change_shipment(connection, row.id, **values, sequence=row.sequence + len(told))
        emit(connection, self._events(row, told))

    def _events(self, row: Row[Any], told: Sequence[str]) -> list[NewEvent]:
        return [
            NewEvent(
                id=new_id("evt", self._clock),
                tenant=row.tenant,
                type=kind,
                subject=row.id,
                sequence=row.sequence + count,
                reference=row.reference,
                at=self._clock.now(),
            )
            for count, kind in enumerate(told, 1)
        ]


def terms_of(row: Row[Any]) -> Terms:
    """What was agreed when it was ordered."""
    return Terms(
        kind=ShipmentKind(row.kind),
        collect_vnd=row.collect_vnd,
        scope=row.scope,
        withdraw=bool(row.withdraw),
    )


def derived(state: ShipmentState) -> dict[str, Any]:
    """The columns that follow from the evidence."""
    due = datetime.combine(state.due_on, time(23, 59, 59), VIETNAM) if state.due_on else None
    return {
        "movement": state.movement.value,
        "money": state.money.value,
        "papers": state.papers.value,
        "cancel": state.cancel.value,
        "questions": [{"kind": q.kind.value, "subject": q.subject} for q in state.questions],
        "failed_attempts": state.failed_attempts,
        "collected_vnd": state.collected_vnd,
        "remitted_vnd": state.remitted_vnd,
        "tracking_number": state.item_code,
        "accepted_at": state.accepted_at.astimezone(UTC) if state.accepted_at else None,
        "due_at": due,
    }


def _moment(fact: Fact) -> tuple[datetime, str]:
    return (fact.event.at, fact.event.event_key) if isinstance(fact, CarrierFact) else (fact.at, "")
