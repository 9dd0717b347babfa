"""What became of a sending that nobody can be asked about: the official looks, and decides.

Where a provider knows only its own transactions, a lost answer can never be resolved by asking, and
nothing is sent a second time by itself. The act stays unknown; its official looks into the
provider's application and says what stands there. Either answer frees the step; nothing is embedded
for it, and signing again is a new act with a sending of its own. Who decided what is appended to
the tenant's evidence log.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, store
from gateway.documents.answers import RequestAnswer, show_requests
from gateway.documents.confirmations import act_store, ticket_store
from gateway.documents.confirmations.endings import end_act, end_if_idle
from gateway.documents.confirmations.withdrawals import why_not_owner
from gateway.documents.evidence.log import append, moment
from gateway.documents.requests import Actor
from gateway.documents.rules import Authority
from gateway.foundation.clock import Clock
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem, not_found
from signing.contract import RemoteState

DECISION = "decision"


class Finding(StrEnum):
    """What the official saw in the provider's application."""

    NOT_THERE = "not_there"  # it shows no such request: nothing was signed
    SIGNED_BUT_LOST = "signed_but_lost"  # it was confirmed there; the signature never came


_WORDS = {
    Finding.NOT_THERE: "Người ký xác định: ứng dụng ký số không có yêu cầu này.",
    Finding.SIGNED_BUT_LOST: "Người ký xác định: đã ký trên ứng dụng nhưng chữ ký không về được.",
}
_FREE = " Không có chữ ký nào được đưa vào văn bản; có thể ký lại."


@dataclass(frozen=True, slots=True)
class Decision:
    """What was found, in a word and in the official's own."""

    finding: Finding
    note: str


class Decisions:
    """Ends acts whose outcome only a person can tell."""

    def __init__(self, clock: Clock, authority: Authority) -> None:
        self._clock = clock
        self._authority = authority

    def decide(
        self, connection: Connection, actor: Actor, request_id: str, decision: Decision
    ) -> RequestAnswer:
        """Free the step and record who decided (a unit of work).

        Raises:
            Problem: ``not_found``, ``official_required``, ``not_your_step``,
                ``nothing_to_decide`` while its provider is still being asked, or told.
        """
        row = request_store.find_request(connection, actor.tenant, request_id, lock=True)
        if row is None:
            raise not_found("yêu cầu ký này")
        code = why_not_owner(row, actor, self._authority)
        if code is not None:
            raise Problem(code)
        live = act_store.live_act(connection, row.id, row.fence, lock=True)
        if live is None or live.undecided_at is None:
            raise Problem("nothing_to_decide")
        now = self._clock.now()
        self._record(connection, row, live, actor, decision)
        words = _WORDS[decision.finding] + _FREE
        end_act(connection, live, RemoteState.UNKNOWN, self._clock, detail=words)
        end_if_idle(connection, live.reference, now)
        fresh = request_store.find_request(connection, actor.tenant, request_id)
        return show_requests(connection, [fresh], now)[0]

    def _record(
        self, connection: Connection, row: Any, act: Any, actor: Actor, decision: Decision
    ) -> None:
        now = self._clock.now()
        document = store.find_document(connection, row.tenant, row.document_id)
        step = request_store.steps_of(connection, [row.id])[row.id][act.position]
        ticket = ticket_store.find_ticket(connection, act.reference)
        content = {
            "kind": DECISION,
            "document": {
                "id": document.id, "reference": document.reference, "kind": document.kind,
            },
            "step": {"request": row.id, "position": act.position, "role": step.role},
            "decision": {
                "finding": decision.finding,
                "note": decision.note,
                "official": actor.official,
                "principal": actor.principal,
                "channel": actor.channel,
                "decided_at": moment(now),
            },
            "sending": {
                "reference": act.reference,
                "provider": act.provider,
                "credential": act.credential,
                "digest": act.digest,
                "input_sha256": act.input_sha256,
                "sent_at": moment(ticket.sending_at),
                "unknown_since": moment(act.undecided_at),
            },
        }  # fmt: skip
        append(connection, row.tenant, content, now)
        ticket_store.insert_report(
            connection,
            {
                "id": new_id("rpt", self._clock),
                "reference": act.reference,
                "channel": DECISION,
                "state": RemoteState.UNKNOWN,
                "provider_reference": ticket.provider_reference,
                "detail": f"{decision.finding}: {decision.note}",
                "signatures": {},
                "received_at": now,
            },
        )
