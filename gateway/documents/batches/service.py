"""Signing batches: many documents under one confirmation, each with its own outcome.

Owns opening (every document is judged before any is signed), confirming again and cancelling.
What one confirmation covered, request and hash by request and hash, is stored with the hash over
the list. Leaves signing to ``batch_runs`` (keys that open here) and ``batch_preparation``
(elsewhere).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, rules
from gateway.documents.batches import store as batch_store
from gateway.documents.batches.answers import BatchAnswer, BatchList, show_batch, show_batches
from gateway.documents.batches.store import BatchStatus, ItemStatus
from gateway.documents.confirmations import act_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.claims import LEASE
from gateway.documents.confirmations.endings import end_act, refuse_in_batch, withdraw_if_idle
from gateway.documents.confirmations.rules import (
    CANCELLED,
    WITHDRAWN,
    Covered,
    code_of,
    root_hash,
)
from gateway.documents.key_limits import refuse_secrets
from gateway.documents.requests import Actor
from gateway.documents.rules import Authority, RequestStatus
from gateway.foundation import listing
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id
from gateway.foundation.problems import CATALOGUE, Problem, not_found
from signing.contract import Confirmation

MOST = 500


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A batch that an official has just confirmed; ``fence``: under which it may be signed."""

    answer: BatchAnswer
    fence: int

    @property
    def is_here(self) -> bool:
        """Whether this process has to sign it, with what the official typed."""
        here = self.answer.confirmation == Confirmation.HERE
        return here and self.answer.status == BatchStatus.SIGNING


class Batches:
    """The signing batches of every portal."""

    def __init__(self, database: Database, clock: Clock, authority: Authority) -> None:
        self._database = database
        self._clock = clock
        self._authority = authority

    # -------------------------------------------------------------- reading

    async def get(self, tenant: str, batch_id: str) -> BatchAnswer:
        """One batch.

        Raises:
            Problem: ``not_found``.
        """
        return await self._database.read(lambda c: show_batch(c, self._find(c, tenant, batch_id)))

    async def page(self, tenant: str, window: listing.Window) -> BatchList:
        """A page of a portal's batches."""
        table = batch_store.signing_batches

        def query(connection: Connection) -> BatchList:
            found = listing.fetch(connection, table, window, table.c.tenant == tenant)
            return BatchList(show_batches(connection, found.rows), found.has_more, found.next)

        return await self._database.read(query)

    @staticmethod
    def _find(connection: Connection, tenant: str, batch_id: str, *, lock: bool = False) -> Any:
        row = batch_store.find_batch(connection, tenant, batch_id, lock=lock)
        if row is None:
            raise not_found("lô ký này")
        return row

    # -------------------------------------------------------------- opening

    def open(
        self,
        connection: Connection,
        actor: Actor,
        request_ids: Sequence[str],
        pin: str | None = None,
    ) -> Confirmed:
        """Judge every document, then store what the official confirms (a unit of work).

        ``pin`` is only looked at: a key that takes none refuses it.

        Raises:
            Problem: ``official_required``; ``validation_failed`` at ``/pin``.
        """
        if actor.official is None:
            raise Problem("official_required")
        now = self._clock.now()
        batch_id = new_id("bat", self._clock)
        signer, items = self._judge(connection, batch_id, actor, request_ids)
        waiting = [item for item in items if item["status"] == ItemStatus.WAITING]
        use = self._authority.use_of(signer)
        refuse_secrets(use, pin=pin)
        row = {
            "id": batch_id,
            "tenant": actor.tenant,
            "official": actor.official,
            "principal": actor.principal,
            "signer": signer,
            "confirmation": use.confirmation,
            "status": BatchStatus.SIGNING if waiting else BatchStatus.DONE,
            "total": len(items),
            "events": 0,
            "created_at": now,
            "completed_at": None if waiting else now,
            **self._queue(use.confirmation, now, 1 if waiting else 0),
        }
        batch_store.insert_batch(connection, row, items)
        if waiting:
            covered = [Covered(item["request_id"], item["sha256"]) for item in waiting]
            self._confirm(connection, batch_id, actor.official, covered)
        for item in batch_store.items_of(connection, batch_id, ItemStatus.REFUSED):
            batch_store.add_event(
                connection, batch_id, "document", batch_store.item_data(item), now
            )
        if not waiting:
            batch_store.add_event(connection, batch_id, "done", {"refused": len(items)}, now)
        fresh = self._find(connection, actor.tenant, batch_id)
        return Confirmed(show_batch(connection, fresh), 1)

    @staticmethod
    def _queue(confirmation: Confirmation, now: datetime, fence: int) -> dict[str, Any]:
        """Leased to this process when the key opens here; else the worker's at once."""
        if not fence:
            return {"due_at": None, "lease_until": None, "lease_fence": 0}
        here = confirmation is Confirmation.HERE
        return {
            "due_at": now,
            "lease_until": now + LEASE if here else None,
            "lease_fence": fence if here else 0,
        }

    def _judge(
        self, connection: Connection, batch_id: str, actor: Actor, request_ids: Sequence[str]
    ) -> tuple[str, list[dict[str, Any]]]:
        """The one signer of the batch, and an item for each document, refused or waiting."""
        rows = {
            row.id: row
            for row in request_store.requests_by_id(connection, sorted(set(request_ids)))
            if row.tenant == actor.tenant
        }
        signer, items = "", []
        seen: set[str] = set()
        for position, request_id in enumerate(request_ids):
            row = rows.get(request_id)
            code = "batch_duplicate" if request_id in seen else self._why_not(row, actor, signer)
            seen.add(request_id)
            item = {"batch_id": batch_id, "position": position, "request_id": request_id}
            if code is None and row is not None:
                signer = signer or row.signer
                item |= {"status": ItemStatus.WAITING, "sha256": row.current_sha256}
                item |= {"reason": None, "closed_at": None}
            else:
                item |= {"status": ItemStatus.REFUSED, "sha256": None}
                item |= {"reason": _reason(code or ""), "closed_at": self._clock.now()}
            items.append(item)
        return signer, items

    def _why_not(self, row: Any, actor: Actor, signer: str) -> str | None:
        """Why a document cannot be part of the batch, judged before anything is signed."""
        if row is None:
            return "not_found"
        now = self._clock.now()
        status = rules.visible_status(RequestStatus(row.status), row.lease_until, row.deadline, now)
        code = rules.why_not_act(status, row.signer, actor.official, self._authority)
        if code is not None:
            return code
        if self._authority.use_of(row.signer).confirmation is Confirmation.HAND_OFF:
            return "hand_off_alone"
        return "mixed_credentials" if signer and row.signer != signer else None

    def _confirm(
        self, connection: Connection, batch_id: str, official: str, covered: Sequence[Covered]
    ) -> None:
        now = self._clock.now()
        number = len(batch_store.confirmations_of(connection, batch_id)) + 1
        root = root_hash(covered)
        batch_store.insert_confirmation(
            connection,
            {
                "batch_id": batch_id,
                "number": number,
                "official": official,
                "root_sha256": root,
                "covered": [[document.request_id, document.sha256] for document in covered],
                "created_at": now,
            },
        )
        data = {"number": number, "root_sha256": root, "documents": len(covered)}
        batch_store.add_event(connection, batch_id, "confirmed", data, now)

    # -------------------------------------------------------------- going on, or not

    def confirm(
        self, connection: Connection, actor: Actor, batch_id: str, pin: str | None = None
    ) -> Confirmed:
        """Go on with what is left of a batch that stopped (a unit of work); ``pin`` as above.

        Raises:
            Problem: ``not_found``, ``official_required``, ``not_your_step``, ``batch_running``,
                ``batch_closed``; ``validation_failed`` at ``/pin``.
        """
        row = self._mine(connection, actor, batch_id)
        refuse_secrets(self._authority.use_of(row.signer), pin=pin)
        if row.status == BatchStatus.SIGNING:
            raise Problem("batch_running", headers={"Retry-After": "5"})
        now, fence = self._clock.now(), row.lease_fence + 1
        waiting = batch_store.items_of(connection, batch_id, ItemStatus.WAITING)
        batch_store.change_batch(
            connection,
            batch_id,
            status=BatchStatus.SIGNING,
            reason=None,
            **self._queue(Confirmation.HERE, now, fence),
        )
        covered = [Covered(item.request_id, item.sha256) for item in waiting]
        self._confirm(connection, batch_id, row.official, covered)
        return Confirmed(show_batch(connection, self._find(connection, row.tenant, row.id)), fence)

    def cancel(self, connection: Connection, actor: Actor, batch_id: str) -> BatchAnswer:
        """Sign no more of a batch; what is signed stays signed (a unit of work).

        Raises:
            Problem: ``not_found``, ``official_required``, ``not_your_step``, ``batch_closed``.
        """
        row = self._mine(connection, actor, batch_id)
        now = self._clock.now()
        batch_store.change_batch(
            connection,
            batch_id,
            status=BatchStatus.CANCELLED,
            reason=None,
            completed_at=now,
            due_at=None,
            lease_until=None,
            lease_fence=row.lease_fence + 1,
        )
        acts = act_store.acts_of_batch(connection, batch_id, *act_store.LIVE)
        for act in acts:
            if act.stage != Stage.ARRIVED:  # what the official already signed is published
                end_act(connection, act, CANCELLED, self._clock, detail=WITHDRAWN)
        for reference in sorted({act.reference for act in acts if act.reference}):
            withdraw_if_idle(connection, reference, now)
        arrived = {act.request_id for act in acts if act.stage == Stage.ARRIVED}
        reason = {"code": code_of(CANCELLED, confirmed=False), "detail": WITHDRAWN}
        of = (row.tenant, batch_id)
        for item in batch_store.items_of(connection, batch_id, ItemStatus.WAITING):
            if item.request_id not in arrived:
                refuse_in_batch(connection, of, item.request_id, reason, self._clock)
        batch_store.add_event(connection, batch_id, "cancelled", {}, now)
        return show_batch(connection, self._find(connection, row.tenant, row.id))

    def _mine(self, connection: Connection, actor: Actor, batch_id: str) -> Any:
        row = self._find(connection, actor.tenant, batch_id, lock=True)
        if actor.official is None:
            raise Problem("official_required")
        if actor.official != row.official:
            raise Problem("not_your_step")
        if row.completed_at is not None:
            raise Problem("batch_closed")
        return row


def _reason(code: str) -> dict[str, str]:
    return {"code": code, "detail": CATALOGUE[code].vi}
