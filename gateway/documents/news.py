"""What portals are told about documents: one event, in the transaction of its cause.

Owns the one way in which a request's document becomes an event's subject. Leaves what is told, and
when, to whoever changes the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents import store
from gateway.foundation.clock import Clock
from gateway.foundation.ids import new_id
from gateway.webhooks.outbox import NewEvent, emit


def emit_about(
    connection: Connection,
    type_: str,
    row: Any,
    now: datetime,
    clock: Clock,
    *,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """One event whose subject is the request's document; ``facts`` are no part of its state."""
    sequence = store.next_sequence(connection, row.document_id)
    about = (row.tenant, type_, row.document_id, sequence, row.reference, now, facts)
    emit(connection, [NewEvent(new_id("evt", clock), *about)])
