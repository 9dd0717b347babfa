"""What a provider's report about a ticket changes.

A pure fold (``confirmation_rules.fold``) over whatever arrives, in any order and any number; what
changed something is kept. An end without a signature gives every step under the ticket back, raw
signatures go to the acts that still wait for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.documents import request_store
from gateway.documents.confirmations import act_store, ticket_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.endings import (
    end_act,
    end_if_idle,
    is_held,
    tell_undecided,
)
from gateway.documents.confirmations.rules import UNDECIDED, ask_again_s, fold, sentence
from gateway.foundation.clock import Clock
from gateway.foundation.ids import new_id
from gateway.foundation.metrics import Metrics
from signing.contract import OUTCOME_UNKNOWN, RemoteState, Ticket

_log = structlog.get_logger(__name__)

_EMBEDDING_FOR = timedelta(days=1)
_WITHDRAWALS = 5
_NO_SIGNATURE = "Nhà cung cấp không trả chữ ký của văn bản này."


@dataclass(frozen=True, slots=True)
class Report:
    """What was heard about a ticket, and how."""

    channel: str  # start, ask, callback, cancel
    state: RemoteState
    provider_reference: str = ""
    detail: str = ""
    expires_at: datetime | None = None
    ask_after_s: float | None = None
    signatures: Mapping[str, bytes] = field(default_factory=dict)
    code: str = ""

    @classmethod
    def of(cls, channel: str, ticket: Ticket) -> Report:
        """A provider's answer to a call of ours."""
        return cls(
            channel,
            ticket.state,
            ticket.provider_reference,
            ticket.detail,
            ticket.expires_at,
            ticket.ask_after_s,
            ticket.signatures,
            ticket.code,
        )


class Hearing:
    """Takes reports in; each method is part of a unit of work on a locked ticket."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics

    def take(self, connection: Connection, row: Any, report: Report) -> None:
        """Fold one verified report into a ticket and the acts under it."""
        now = self._clock.now()
        known = RemoteState(row.state)
        told = report.state
        if report.code == OUTCOME_UNKNOWN and not known.is_final:
            self._leave_undecided(connection, row, report, now)
            return
        if told is RemoteState.DONE and not report.signatures:
            told = RemoteState.SIGNING  # the signatures themselves are still to be asked for
        state = fold(known, told)
        if known.is_final:
            if told.is_final and told is not known:
                self._metrics.alerts.labels("signing_contradicted").inc()
                _log.error("signing_contradicted", reference=row.reference, known=known, told=told)
            return
        detail = report.detail if report.detail and state is told else row.detail
        self._remember(connection, row, report, state, detail)
        ticket_store.change_ticket(
            connection, row.reference, **self._following(row, report, state, now), detail=detail
        )
        if state is RemoteState.DONE:
            self._arrive(connection, row, report.signatures, now)
        elif state.is_final:
            for act in act_store.acts_under(connection, row.reference, Stage.WAITING, lock=True):
                end_act(connection, act, state, self._clock, detail=detail)
        else:
            note_state(connection, row.reference, state, detail, report.expires_at)

    def _leave_undecided(
        self, connection: Connection, row: Any, report: Report, now: datetime
    ) -> None:
        """Nobody can be asked any more: the official decides. A callback may still tell."""
        self._remember(connection, row, report, RemoteState.UNKNOWN, UNDECIDED)
        self._metrics.alerts.labels("signing_outcome_unknown").inc()
        _log.error("signing_outcome_unknown", reference=row.reference, credential=row.credential)
        ticket_store.change_ticket(
            connection,
            row.reference,
            state=RemoteState.UNKNOWN,
            code=OUTCOME_UNKNOWN,
            detail=UNDECIDED,
            asked_at=now,
            due_at=None,
            lease_until=None,
        )
        acts = act_store.acts_under(connection, row.reference, Stage.WAITING, lock=True)
        values = {"state": RemoteState.UNKNOWN, "detail": UNDECIDED, "undecided_at": now}
        act_store.change_acts(connection, [act.id for act in acts], **values, confirm_by=None)
        for act in acts:
            if act.undecided_at is None:  # told once, however often it is heard
                tell_undecided(connection, act, self._clock)
        end_if_idle(connection, row.reference, now)

    def _following(
        self, row: Any, report: Report, state: RemoteState, now: datetime
    ) -> dict[str, Any]:
        """The ticket's columns after a report, with the next question's time."""
        after_s = report.ask_after_s or row.ask_after_s
        values: dict[str, Any] = {
            "state": state,
            "provider_reference": report.provider_reference or row.provider_reference,
            "expires_at": report.expires_at or row.expires_at,
            "code": report.code[:80] or row.code,
            "ask_after_s": after_s,
            "asks": row.asks + 1,
            "lease_until": None,
        }
        cancelled = report.channel == "cancel" and report.state is not RemoteState.UNKNOWN
        if report.channel != "callback":
            values["asked_at"] = now
        if state.is_final or cancelled or (row.withdrawn_at and row.asks >= _WITHDRAWALS):
            return values | {"ended_at": now, "due_at": None}
        wait_s = ask_again_s(after_s, now - row.created_at)
        if report.channel == "callback" and report.state is RemoteState.DONE:
            wait_s = 0.0
        return values | {"due_at": now + timedelta(seconds=wait_s)}

    def _remember(
        self, connection: Connection, row: Any, report: Report, state: RemoteState, detail: str
    ) -> None:
        """Keep what changed something; a question without news is not evidence."""
        if state == row.state and detail == row.detail and report.channel == "ask":
            return
        hashes = {item: hashlib.sha256(raw).hexdigest() for item, raw in report.signatures.items()}
        ticket_store.insert_report(
            connection,
            {
                "id": new_id("rpt", self._clock),
                "reference": row.reference,
                "channel": report.channel,
                "state": report.state,
                "provider_reference": report.provider_reference,
                "detail": report.detail,
                "signatures": hashes,
                "received_at": self._clock.now(),
            },
        )

    def _arrive(
        self, connection: Connection, row: Any, signatures: Mapping[str, bytes], now: datetime
    ) -> None:
        """Raw signatures go to the acts that still wait for them, and to no other."""
        for act in act_store.acts_under(connection, row.reference, Stage.WAITING, lock=True):
            raw = signatures.get(act.id)
            if raw is None:
                end_act(connection, act, RemoteState.ERROR, self._clock, detail=_NO_SIGNATURE)
            elif not is_held(connection, act, now):
                end_act(connection, act, RemoteState.EXPIRED, self._clock)
            else:
                request_store.renew_lease(
                    connection, act.request_id, act.fence, now + _EMBEDDING_FOR
                )
                act_store.change_act(
                    connection,
                    act.id,
                    stage=Stage.ARRIVED,
                    state=RemoteState.SIGNING,
                    detail=sentence(RemoteState.SIGNING, ""),
                    signature=raw,
                    undecided_at=None,
                    tries=0,
                    due_at=now,
                    lease_until=None,
                )


def note_state(
    connection: Connection,
    reference: str,
    state: RemoteState,
    detail: str = "",
    confirm_by: datetime | None = None,
) -> None:
    """Show the acts under a ticket what it is waiting for."""
    values: dict[str, Any] = {"state": state, "detail": sentence(state, detail)}
    if confirm_by is not None:
        values["confirm_by"] = confirm_by
    ids = [act.id for act in act_store.acts_under(connection, reference, Stage.WAITING)]
    act_store.change_acts(connection, ids, **values)
