"""How an act that waited for an official elsewhere ends without a result.

Owns one unit: the act is closed with a reason that people read, its step is free again, its place
in a batch is refused, and an event tells the portal. Whether the step still was the act's is the
fence's business. An act that only its official can end is told of as well, and so is a place in a
batch that ended before there was an act.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, rules, steps
from gateway.documents.batches import store as batch_store
from gateway.documents.batches.store import ItemStatus
from gateway.documents.confirmations import act_store, ticket_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.rules import CANCELLED, UNDECIDED, code_of, sentence
from gateway.documents.evidence.refused_acts import record_refused
from gateway.documents.news import emit_about
from gateway.documents.rules import RequestStatus
from gateway.foundation.clock import Clock, iso
from signing.contract import OUTCOME_UNKNOWN, CredentialRefused, RemoteState

ENDED = "document.confirmation_ended"
DECISION_NEEDED = "document.decision_needed"


def is_held(connection: Connection, act: Any, now: datetime) -> bool:
    """Whether the request still waits for this act (locks the request)."""
    row = request_store.find_request(connection, act.tenant, act.request_id, lock=True)
    if row is None or row.fence != act.fence:
        return False
    status = rules.visible_status(RequestStatus(row.status), row.lease_until, row.deadline, now)
    return status is RequestStatus.SIGNING


def end_act(
    connection: Connection,
    act: Any,
    state: str,
    clock: Clock,
    *,
    detail: str = "",
    error: Exception | None = None,
) -> None:
    """Close an act, give its step back and tell the portal, once for each act that was live.

    ``error`` may end the request (``steps.give_back``).
    """
    now = clock.now()
    words = detail if state == CANCELLED else sentence(RemoteState(state), detail)
    act_store.change_act(
        connection,
        act.id,
        stage=Stage.ENDED,
        state=state,
        detail=words,
        ended_at=now,
        due_at=None,
        lease_until=None,
    )
    if error is None and state == RemoteState.CERTIFICATE_INVALID:
        error = CredentialRefused("certificate_invalid", words)
    if error is not None:  # what a check refused, here or at the provider, is recorded
        who = {"official": act.official, "credential": act.credential, "channel": "elsewhere"}
        record_refused(connection, (act.tenant, act.request_id), who, error, now=now)
    code = code_of(state, confirmed=act.signature is not None)
    _tell(connection, act, ENDED, {"code": code}, clock)
    row = request_store.find_request(connection, act.tenant, act.request_id)
    steps.give_back(connection, row, act.fence, clock, error)
    if act.batch_id is not None:
        reason = {"code": code, "detail": words}
        refused = ItemStatus.REFUSED
        batch_store.close_item(
            connection, act.batch_id, act.request_id, now, status=refused, reason=reason
        )


def tell_undecided(connection: Connection, act: Any, clock: Clock) -> None:
    """Tell the portal that an act waits for its official's decision, what to do, and until when."""
    facts = {
        "code": OUTCOME_UNKNOWN,
        "official": act.official,
        "decide_path": f"/v1/signature-requests/{act.request_id}/decide-signing",
        "decide_by": iso(act.expires_at),
        "instruction": UNDECIDED,
    }
    _tell(connection, act, DECISION_NEEDED, facts, clock)


def refuse_in_batch(
    connection: Connection,
    of: tuple[str, str],
    request_id: str,
    reason: dict[str, str],
    clock: Clock,
) -> None:
    """Close a document's place in a batch that has no act to end, and tell the portal, once.

    ``of``: the batch's tenant and id. Whoever opened the batch has had their answer long ago.
    """
    tenant, batch_id = of
    refused = {"status": ItemStatus.REFUSED, "reason": reason}
    if not batch_store.close_item(connection, batch_id, request_id, clock.now(), **refused):
        return
    row = request_store.find_request(connection, tenant, request_id)
    if row is not None:
        facts = {"code": reason["code"], "batch": batch_id}
        _tell_about(connection, row, ENDED, facts, clock)


def _tell(
    connection: Connection, act: Any, type_: str, facts: dict[str, Any], clock: Clock
) -> None:
    """An event of the document: which request, and what its step's confirmation came to."""
    row = request_store.find_request(connection, act.tenant, act.request_id)
    _tell_about(connection, row, type_, facts, clock)


def _tell_about(
    connection: Connection, row: Any, type_: str, facts: dict[str, Any], clock: Clock
) -> None:
    facts = {"signature_request": row.id, **facts}
    emit_about(connection, type_, row, clock.now(), clock, facts=facts)


def end_if_idle(connection: Connection, reference: str, now: datetime) -> None:
    """Close a ticket under which nothing waits any more and about which nobody can be asked."""
    if not act_store.acts_under(connection, reference, Stage.WAITING):
        ticket_store.change_ticket(connection, reference, ended_at=now, due_at=None)


def withdraw_if_idle(connection: Connection, reference: str | None, now: datetime) -> None:
    """Withdraw a ticket under which nothing waits any more; what was never sent just ends."""
    if reference is None or act_store.acts_under(connection, reference, Stage.WAITING):
        return
    ticket = ticket_store.find_ticket(connection, reference, lock=True)
    if ticket is None or ticket.ended_at is not None or ticket.withdrawn_at is not None:
        return
    values: dict[str, Any] = {"withdrawn_at": now, "due_at": now, "asks": 0}
    if ticket.sending_at is None:
        values |= {"ended_at": now, "due_at": None}
    ticket_store.change_ticket(connection, reference, **values)
