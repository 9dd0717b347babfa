"""How waiting for an official stops: the official withdraws, or our patience ends.

Owns both units and who may withdraw. Telling the provider is the ticket's next due work; a
signature that arrives all the same is embedded nowhere.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store
from gateway.documents.answers import RequestAnswer, show_requests
from gateway.documents.confirmations import act_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.endings import end_act, withdraw_if_idle
from gateway.documents.confirmations.rules import CANCELLED, NEVER_DECIDED, WITHDRAWN
from gateway.documents.confirmations.tickets import TOPIC
from gateway.documents.requests import Actor
from gateway.documents.rules import Authority
from gateway.foundation.clock import Clock
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.waker import Waker
from signing.contract import RemoteState


class Withdrawals:
    """Ends acts that nobody confirmed."""

    def __init__(self, clock: Clock, waker: Waker, authority: Authority) -> None:
        self._clock = clock
        self._waker = waker
        self._authority = authority

    def withdraw(self, connection: Connection, actor: Actor, request_id: str) -> RequestAnswer:
        """Free the step; a signature that arrives later is embedded nowhere (a unit of work).

        Raises:
            Problem: ``not_found``, ``official_required``, ``not_your_step``,
                ``nothing_to_cancel``, ``act_of_batch``, ``signing_in_progress``.
        """
        row = request_store.find_request(connection, actor.tenant, request_id, lock=True)
        if row is None:
            raise not_found("yêu cầu ký này")
        live = act_store.live_act(connection, row.id, row.fence, lock=True)
        code = self._why_not_withdraw(row, live, actor)
        if code is not None:
            raise Problem(code)
        end_act(connection, live, CANCELLED, self._clock, detail=WITHDRAWN)
        withdraw_if_idle(connection, live.reference, self._clock.now())
        fresh = request_store.find_request(connection, actor.tenant, request_id)
        return show_requests(connection, [fresh], self._clock.now())[0]

    def _why_not_withdraw(self, row: Any, live: Any, actor: Actor) -> str | None:
        code = why_not_owner(row, actor, self._authority)
        if code is not None:
            return code
        if live is None:
            return "nothing_to_cancel"
        if live.batch_id is not None:
            return "act_of_batch"
        return "signing_in_progress" if live.stage == Stage.ARRIVED else None

    def announce(self) -> None:
        """Have the worker tell the provider of a withdrawal now."""
        self._waker.wake(TOPIC)

    def give_up(self, connection: Connection, act_id: str) -> None:
        """End an act whose time is over; one whose signature has arrived goes on."""
        now = self._clock.now()
        act = act_store.find_act(connection, act_id, lock=True)
        if act.stage not in (Stage.PREPARED, Stage.WAITING):
            return
        if now < act.expires_at:
            act_store.change_act(connection, act_id, due_at=act.expires_at, lease_until=None)
            return
        if act.undecided_at is None:
            end_act(connection, act, RemoteState.EXPIRED, self._clock)
        else:  # it may have been signed: that it was not, nobody has said
            end_act(connection, act, RemoteState.UNKNOWN, self._clock, detail=NEVER_DECIDED)
        withdraw_if_idle(connection, act.reference, now)


def why_not_owner(row: Any, actor: Actor, authority: Authority) -> str | None:
    """Why somebody may not say what becomes of a request's present step, as a problem code."""
    if actor.official is None:
        return "official_required"
    if row.signer is not None and not authority.may_act(actor.official, row.signer):
        return "not_your_step"
    return None
