"""What whoever publishes a file does with the queue, as part of its own transaction.

Public: keepers queue what fell short, see what waits, and take out what is complete. The file's own
row is locked by the caller, before the queue's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.preservation import store
from gateway.preservation.levels import falls_short
from gateway.preservation.policy import PreservationPolicy
from gateway.preservation.rules import Kind, State


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A file that was published below the level that was wanted."""

    owner: str
    id: str
    tenant: str
    wanted: str
    reached: str
    reason: str
    until: datetime | None  # how long it is provable as it is


def raise_later(
    connection: Connection, short: Shortfall, policy: PreservationPolicy, now: datetime
) -> None:
    """Queue a file that was just signed below its level; whoever was told is told anew."""
    store.put(connection, _row(short, policy, now) | {"alarmed_at": None})


def raise_on(
    connection: Connection,
    short: Shortfall,
    policy: PreservationPolicy,
    now: datetime,
    *,
    lost: bool,
) -> None:
    """Queue what an extension left missing; ``lost``: nobody can add it any more, told at once."""
    row = _row(short, policy, now) | {"lease_until": None}
    if lost:
        row["alarm_at"] = now
    store.put(connection, row)
    if lost:
        fence = store.find(connection, short.id).fence
        store.change_if_held(connection, short.id, fence, state=State.GIVEN_UP, alarm_at=now)


def reached(connection: Connection, id_: str, wanted: str, level: str) -> None:
    """An extension is complete: nothing waits, unless more was asked for than ``wanted``."""
    queued = store.find(connection, id_)
    if queued is None:
        return
    if falls_short(queued.wanted, wanted):
        store.change_if_held(connection, id_, queued.fence, reached=level)
    else:
        store.remove(connection, id_)


def waiting_for_more(connection: Connection, id_: str) -> Any:
    """A file's row (``wanted``, ``reached``, ``reason``) while it waits to be raised, or None."""
    row = store.find(connection, id_)
    return row if row is not None and row.state == State.WAITING else None


def rows_of(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    """Id → its row in the queue, for answers."""
    return store.find_many(connection, ids)


def _row(short: Shortfall, policy: PreservationPolicy, now: datetime) -> dict[str, Any]:
    return {
        "owner": short.owner,
        "id": short.id,
        "tenant": short.tenant,
        "kind": Kind.RAISE,
        "wanted": short.wanted,
        "reached": short.reached,
        "reason": short.reason,
        "next_at": policy.next_try(now, 1),
        "alarm_at": policy.alarm_at(now, short.until),
        "created_at": now,
    }
