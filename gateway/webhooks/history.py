"""The event log and the delivery log as a portal sees them, and sending again.

Owns the use cases of reading on, looking back, resending and recovering; each method is one unit
of work (or one question) on a ``Connection``. Another tenant's id is not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row

from gateway.foundation.clock import Clock
from gateway.foundation.problems import Problem, not_found
from gateway.webhooks import delivery_store, event_store, recovery_store, rules, store, views
from gateway.webhooks.bodies import Bodies
from gateway.webhooks.dispatch import new_delivery
from gateway.webhooks.rules import DeliveryState
from gateway.webhooks.service import find_enabled, find_endpoint

_RECOVERY_BATCH: Final = 1000


class History:
    """Events and deliveries of all tenants."""

    def __init__(self, clock: Clock, bodies: Bodies) -> None:
        self.clock = clock
        self.bodies = bodies

    # -------------------------------------------------------------- events

    def events(
        self,
        connection: Connection,
        tenant: str,
        *,
        after: str | None,
        limit: int,
        full: bool,
        types: Sequence[str] | None = None,
        reference: str | None = None,
    ) -> views.EventList:
        """The tenant's events behind ``after``, oldest first and without gaps."""
        position = 0
        if after is not None:
            last = event_store.find_event(connection, tenant, after)
            if last is None:
                raise Problem("invalid_request", "Không có sự kiện này.", "No such event: after.")
            if last.position is None:
                return views.EventList([], has_more=False, next=after)
            position = last.position
        rows = event_store.events_after(
            connection, position, limit=limit + 1, tenant=tenant, types=types, reference=reference
        )
        data = self._view_events(connection, rows[:limit], full=full)
        return views.EventList(data, len(rows) > limit, data[-1].id if data else after)

    def event(
        self, connection: Connection, tenant: str, event_id: str, *, full: bool = False
    ) -> views.EventView:
        """One event."""
        row = self._event(connection, tenant, event_id)
        return self._view_events(connection, [row], full=full)[0]

    def resend(
        self, connection: Connection, tenant: str, event_id: str, endpoint_id: str | None
    ) -> views.Requeued:
        """Send an event again to one endpoint, or to all that want it; the schedule starts anew."""
        event = self._event(connection, tenant, event_id)
        if event.position is None:
            return views.Requeued(0)  # it is about to be sent for the first time
        if endpoint_id is not None:
            chosen = [find_enabled(connection, tenant, endpoint_id)]
        else:
            chosen = [
                row
                for row in store.endpoints_of(connection, [tenant]).get(tenant, ())
                if row.status == store.ENABLED
                and rules.is_addressed_to(row.id, row.events, event.type, event.subject)
            ]
        now = self.clock.now()
        recovery_store.resend(connection, event.position, [row.id for row in chosen], now)
        missing = [new_delivery(event, row, now) for row in chosen]
        delivery_store.insert_deliveries(connection, missing)
        return views.Requeued(len(chosen))

    # -------------------------------------------------------------- deliveries

    def deliveries(
        self,
        connection: Connection,
        tenant: str,
        endpoint_id: str,
        *,
        limit: int,
        after: str | None,
        state: str | None,
    ) -> views.DeliveryList:
        """An endpoint's deliveries with every attempt, newest event first."""
        row = find_endpoint(connection, tenant, endpoint_id)
        before = None
        if after is not None:
            before = self._event(connection, tenant, after).position or None
        rows = delivery_store.list_deliveries(
            connection, row.id, limit=limit + 1, before=before, state=state
        )
        shown = rows[:limit]
        attempts = delivery_store.attempts_of(connection, [r.number for r in shown])
        data = [views.view_delivery(r, attempts.get(r.number, ())) for r in shown]
        more = len(rows) > limit
        return views.DeliveryList(data, more, data[-1].event if more else None)

    def recover(
        self, connection: Connection, tenant: str, endpoint_id: str, since: datetime
    ) -> views.Requeued:
        """Queue again what failed since then, and what this endpoint never got."""
        row = find_enabled(connection, tenant, endpoint_id)
        now = self.clock.now()
        if now - since > rules.RECOVERY_WINDOW + timedelta(minutes=1):
            raise Problem(
                "invalid_request", "Chỉ gửi lại được trong 14 ngày.", "At most 14 days back."
            )
        failed = [DeliveryState.FAILED]
        count = recovery_store.revive(connection, row.id, now, states=failed, since=since)
        types = rules.wanted_types(row.events)
        while True:
            missing = recovery_store.missing_events(
                connection, row.id, tenant, since=since, types=types, limit=_RECOVERY_BATCH
            )
            rows = [new_delivery(event, row, now) for event in missing]
            delivery_store.insert_deliveries(connection, rows)
            count += len(rows)
            if len(rows) < _RECOVERY_BATCH:
                return views.Requeued(count)

    # -------------------------------------------------------------- parts

    def _event(self, connection: Connection, tenant: str, event_id: str) -> Row[Any]:
        row = event_store.find_event(connection, tenant, event_id)
        if row is None:
            raise not_found("sự kiện này")
        return row

    def _view_events(
        self, connection: Connection, rows: Sequence[Row[Any]], *, full: bool
    ) -> list[views.EventView]:
        states = self.bodies.views(connection, {row.subject for row in rows})
        return [
            views.EventView(**self.bodies.envelope(row, states.get(row.subject), full=full))
            for row in rows
        ]
