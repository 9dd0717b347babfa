"""What an act of signing has to do with levels that are raised later: queue, and let the seal wait.

Part of the acts' own transactions. Raising itself is ``preservation``'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents.preservation.rules import UNKNOWN_REVOCATION, seal_must_wait
from gateway.foundation.problems import Problem
from gateway.preservation import queue
from gateway.preservation.levels import falls_short
from gateway.preservation.policy import PreservationPolicy
from signing.contract import Provability, Signed

OWNER = "document"  # in the queue


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
        short = queue.Shortfall(
            owner=OWNER,
            id=request.document_id,
            tenant=request.tenant,
            wanted=request.level,
            reached=signed.level,
            reason=signed.shortfall or UNKNOWN_REVOCATION,
            until=provable.until if provable else None,
        )
        queue.raise_later(connection, short, policy, now)


def let_seal_wait(connection: Connection, document_id: str) -> None:
    """Refuse the agency's act while a person's signature is still to be raised.

    Raises:
        Problem: ``level_pending``.
    """
    task = queue.waiting_for_more(connection, document_id)
    if task is None or not seal_must_wait(task.reached):
        return
    raise Problem(
        "level_pending",
        f"Chữ ký của người có thẩm quyền mới đạt mức {task.reached}, đang chờ bổ sung bằng chứng"
        f" để đạt mức {task.wanted}; hệ thống tự làm khi dịch vụ hoạt động lại. Đóng dấu sau đó.",
        f"The person's signature is at {task.reached} and waits to be raised to {task.wanted}.",
        extra={"retryable": True, "reason": task.reason},
        headers={"Retry-After": "60"},
    )
