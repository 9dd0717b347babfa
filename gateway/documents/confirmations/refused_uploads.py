"""A file that a desktop program brought back and that was not taken: kept, and told.

The program reads the reason in its own answer and shows it to whoever sits there; here it becomes
what the request shows, a report beside those of providers, and an event of the document. The step
goes on waiting for the right file.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store
from gateway.documents.confirmations import act_store, ticket_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.news import emit_about
from gateway.foundation.clock import VIETNAM, Clock
from gateway.foundation.ids import new_id
from gateway.foundation.problems import CATALOGUE, Problem
from signing.contract import RemoteState, SigningError

WAITING = "Chờ người ký ký trên máy của mình và gửi lại văn bản."
CHANNEL = "upload"


def reason_of(error: SigningError | Problem) -> str:
    """Why, as people read it."""
    if isinstance(error, SigningError):
        return error.message_vi
    return error.detail_vi or CATALOGUE[error.code].vi


def note_refused_upload(
    connection: Connection, clock: Clock, act: Any, digest: str, reason: str
) -> str:
    """Record one refused file (a unit of work); the level that its request asks for.

    Args:
        connection: of the transaction.
        clock: when it came.
        act: the hand-off it came for.
        digest: SHA-256 of the file, which the file store keeps.
        reason: why, in Vietnamese.
    """
    now = clock.now()
    at = now.astimezone(VIETNAM).strftime("%H:%M %d/%m/%Y")
    fresh = act_store.find_act(connection, act.id, lock=True)
    if fresh.stage == Stage.WAITING:
        told = f"Tệp gửi lại lúc {at} không được nhận: {reason} {WAITING}"
        act_store.change_act(connection, act.id, detail=told)
    ticket_store.insert_report(
        connection,
        {
            "id": new_id("rpt", clock),
            "reference": act.id,
            "channel": CHANNEL,
            "state": RemoteState.WAITING_USER,
            "provider_reference": "",
            "detail": reason,
            "signatures": {"file": digest},
            "received_at": now,
        },
    )
    row = request_store.find_request(connection, act.tenant, act.request_id)
    emit_about(connection, "document.hand_off_refused", row, now, clock)
    return str(row.level)
