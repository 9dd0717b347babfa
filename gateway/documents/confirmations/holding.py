"""Holding a step for an official who confirms elsewhere: the start of every remote act.

Owns one unit: the request's lease becomes as long as our patience (never longer than its
deadline), and the act gets its row. What kind of act it is, is the caller's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store
from gateway.documents.acts import Act
from gateway.documents.confirmations import act_store
from gateway.documents.confirmations.rules import gives_up_at
from gateway.documents.rules import Authority
from gateway.documents.steps import Intent
from gateway.foundation.clock import Clock
from gateway.foundation.problems import Problem
from signing.contract import SignOrder


def hold_step(
    connection: Connection,
    clock: Clock,
    keys: Authority,
    *,
    begun: tuple[Intent, SignOrder, Act],
    wait: timedelta,
    **columns: Any,
) -> Any:
    """Hold the step and store its act, with ``id`` and other columns; its row (a unit of work).

    Raises:
        Problem: ``signing_interrupted`` when somebody else has the step by now.
    """
    intent, order, act = begun
    now, row = clock.now(), intent.request
    until = gives_up_at(now, wait, row.deadline)
    if not request_store.change_if_held(connection, row.id, intent.fence, lease_until=until):
        raise Problem("signing_interrupted")
    common = {
        "tenant": row.tenant,
        "request_id": row.id,
        "position": intent.step.position,
        "fence": intent.fence,
        "batch_id": act.batch,
        "credential": order.credential,
        "provider": keys.use_of(intent.step.signer).provider,
        "official": act.actor.official,
        "input_sha256": row.current_sha256,
        "downloads": 0,
        "created_at": now,
        "expires_at": until,
        "tries": 0,
        "due_at": until,
        "lease_fence": 0,
    }
    act_store.insert_act(connection, common | columns)
    return act_store.find_act(connection, columns["id"])
