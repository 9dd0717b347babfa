"""What an act of signing has to do with levels that are raised later: queue, and let the seal wait.

Part of the acts' own transactions. Raising itself is ``preservation``'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents.preservation import store as preservation_store
from gateway.documents.preservation.rules import (
    UNKNOWN_REVOCATION,
    Kind,
    PreservationPolicy,
    State,
    falls_short,
    seal_must_wait,
)
from gateway.foundation.problems import Problem
from signing.contract import Provability, Signed


def note_shortfall(
    connection: Connection,
    request: Any,
    signed: Signed,
    provable: Provability | None,
    *,
    policy: PreservationPolicy,
    now: datetime,
) -> None:
    """Queue a document that was just published below its request's level (same transaction)."""
    if falls_short(request.level, signed.level):
        task = {
            "document_id": request.document_id,
            "kind": Kind.RAISE,
            "wanted": request.level,
            "reached": signed.level,
            "reason": signed.shortfall or UNKNOWN_REVOCATION,
            "next_at": policy.next_try(now, 1),
            "alarm_at": policy.alarm_at(now, provable.until if provable else None),
            "alarmed_at": None,
            "created_at": now,
        }
        preservation_store.put_task(connection, task)


def let_seal_wait(connection: Connection, document_id: str) -> None:
    """Refuse the agency's act while a person's signature is still to be raised.

    Raises:
        Problem: ``level_pending``.
    """
    task = preservation_store.find_task(connection, document_id)
    if task is None or task.state != State.WAITING or not seal_must_wait(task.reached):
        return
    raise Problem(
        "level_pending",
        f"Chữ ký của người có thẩm quyền mới đạt mức {task.reached}, đang chờ bổ sung bằng chứng"
        f" để đạt mức {task.wanted}; hệ thống tự làm khi dịch vụ hoạt động lại. Đóng dấu sau đó.",
        f"The person's signature is at {task.reached} and waits to be raised to {task.wanted}.",
        extra={"retryable": True, "reason": task.reason},
        headers={"Retry-After": "60"},
    )
