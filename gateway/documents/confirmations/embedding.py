"""The second half of a remote act: a raw signature that arrived becomes a published revision.

Owns what the worker does with one claimed act: the signing service verifies and embeds, the next
part gets its own ticket, the last one is published like any signed step. Who lost the step by
then (sent back, expired, withdrawn) publishes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, steps
from gateway.documents.batches import store as batch_store
from gateway.documents.batches.store import ItemStatus
from gateway.documents.chancery import Chancery
from gateway.documents.confirmations import act_store, claims
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.endings import end_act, is_held
from gateway.documents.confirmations.large_acts import LargeRemoteActs
from gateway.documents.confirmations.rules import NOT_COMPLETED, again_after_s, sentence
from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.documents.confirmations.tickets import TOPIC, Tickets
from gateway.documents.steps import Intent, Result
from gateway.foundation.leases import kept_alive
from gateway.foundation.problems import CATALOGUE, Problem
from gateway.webhooks.outbox import TOPIC as EVENTS
from signing.contract import (
    CredentialRefused,
    Prepared,
    PreparedFile,
    RemoteSignatures,
    RemoteState,
    SigningError,
    SigningUnavailable,
)

_BEAT_S = 15.0


@dataclass(frozen=True, slots=True)
class Written:
    """A prepared file in the store."""

    prepared: Prepared | PreparedFile
    digest: str

    def columns(self) -> dict[str, Any]:
        """What the act remembers of it."""
        return {
            "part": self.prepared.part,
            "parts": self.prepared.parts,
            "prepared_sha256": self.digest,
            "prepared_state": self.prepared.state,
            "to_be_signed": self.prepared.to_be_signed,
            "digest": hashlib.sha256(self.prepared.to_be_signed).hexdigest(),
        }


class Embedding:
    """Finishes remote acts."""

    def __init__(
        self, office: Chancery, remote: RemoteSignatures, tickets: Tickets, places: SigningPlaces
    ) -> None:
        self._office = office
        self._database = office.database
        self._clock = office.clock
        self._remote = remote
        self._tickets = tickets
        self._places = places
        self._large = LargeRemoteActs(office)

    async def look_at(self, act: Any) -> None:
        """Embed a claimed act's raw signature."""
        intent = await self._database.write(lambda c: self._intent(c, act))
        if intent is None:
            return
        renew = self._database.write
        try:
            async with (
                kept_alive(self._clock, _BEAT_S, lambda: renew(self._renewal(act))),
                self._places.with_timestamps(intent.request.level),
            ):
                outcome = await self._finish(act)
        except SigningUnavailable:
            again = self._clock.now() + timedelta(seconds=again_after_s(act.tries))
            await self._leave(act, again)
        except SigningError as error:
            failure = error
            await self._database.write(lambda c: self._refuse(c, act, failure))
            self._office.count(intent, "failed")
        else:
            await self._go_on(act, intent, outcome)

    async def _finish(self, act: Any) -> Written | Result:
        files = self._office.files
        pdf = await files.get_small(act.prepared_sha256)
        if pdf is None:
            return await self._finish_large(act)
        prepared = Prepared(
            pdf=pdf,
            state=bytes(act.prepared_state),
            to_be_signed=bytes(act.to_be_signed),
            part=act.part,
            parts=act.parts,
        )
        outcome = await self._remote.finish(prepared, bytes(act.signature))
        before = await files.get(act.input_sha256)
        if isinstance(outcome, Prepared):
            steps.check_incremental(before, outcome.pdf)
            return Written(outcome, await files.put(outcome.pdf))
        return await self._office.keep(before, outcome, act.tenant)

    async def _finish_large(self, act: Any) -> Written | Result:
        prepared = PreparedFile(
            sha256=act.prepared_sha256,
            state=bytes(act.prepared_state),
            to_be_signed=bytes(act.to_be_signed),
            part=act.part,
            parts=act.parts,
        )
        made = await self._large.finish(prepared, act)
        return Written(made, made.sha256) if isinstance(made, PreparedFile) else made

    async def _go_on(self, act: Any, intent: Intent, outcome: Written | Result) -> None:
        if isinstance(outcome, Written):
            reference = await self._database.write(lambda c: self._next_part(c, act, outcome))
            if reference is not None:
                await self._tickets.send(reference, 1)
            return
        result = outcome
        try:
            published = await self._database.write(lambda c: self._publish(c, act, result))
        except Problem as problem:  # the mandate ended between the confirmation and now
            reason = str(problem.extra.get("reason", problem.code))
            refusal = SigningError(reason, problem.detail_vi or CATALOGUE[problem.code].vi)
            await self._database.write(lambda c: self._refuse(c, act, refusal))
            return
        if published:
            self._office.count(intent, "signed")
            self._office.waker.wake(EVENTS)
            self._office.waker.wake(TOPIC)

    # -------------------------------------------------------------- units of work

    def _held(self, connection: Connection, claimed: Any) -> Any:
        """The act, locked, while it is this worker's to embed and its request waits for it."""
        now = self._clock.now()
        request_held = is_held(connection, claimed, now)
        act = act_store.find_act(connection, claimed.id, lock=True)
        if act.stage != Stage.ARRIVED or act.lease_fence != claimed.lease_fence:
            return None
        if not request_held:
            end_act(connection, act, RemoteState.EXPIRED, self._clock, detail=NOT_COMPLETED)
            return None
        return act

    def _intent(self, connection: Connection, claimed: Any) -> Intent | None:
        if self._held(connection, claimed) is None:
            return None
        row = request_store.find_request(connection, claimed.tenant, claimed.request_id)
        found = request_store.steps_of(connection, [row.id])[row.id]
        return steps.read_intent(connection, row, found, claimed.fence)

    def _next_part(self, connection: Connection, claimed: Any, written: Written) -> str | None:
        """The next signature of the same act needs its own confirmation."""
        act = self._held(connection, claimed)
        if act is None:
            return None
        values = written.columns() | {"signature": None, "stage": Stage.PREPARED, "tries": 0}
        values |= {"state": RemoteState.REQUESTED, "lease_until": None, "due_at": act.expires_at}
        act_store.change_act(connection, act.id, **values)
        if act.batch_id is not None:
            batch_store.look_again(connection, act.batch_id, self._clock.now())
            return None
        return self._tickets.form(connection, [act_store.find_act(connection, act.id)])

    def _publish(self, connection: Connection, claimed: Any, result: Result) -> bool:
        act = self._held(connection, claimed)
        if act is None:
            return False
        intent = self._intent(connection, act)
        assert intent is not None
        self._office.publish(connection, intent, result)
        now = self._clock.now()
        act_store.change_act(
            connection,
            act.id,
            stage=Stage.PUBLISHED,
            state=RemoteState.DONE,
            detail=sentence(RemoteState.DONE, ""),
            ended_at=now,
            due_at=None,
            lease_until=None,
        )
        if act.batch_id is not None:
            signed = {"status": ItemStatus.SIGNED, "output_sha256": result.digest}
            batch_store.close_item(connection, act.batch_id, act.request_id, now, **signed)
        return True

    def _refuse(self, connection: Connection, claimed: Any, error: SigningError) -> None:
        act = self._held(connection, claimed)
        if act is None:
            return
        invalid = isinstance(error, CredentialRefused) and error.code != "bad_signature"
        state = RemoteState.CERTIFICATE_INVALID if invalid else RemoteState.ERROR
        end_act(connection, act, state, self._clock, detail=error.message_vi, error=error)

    async def _leave(self, act: Any, due_at: datetime) -> None:
        """Put a claimed act down until later."""

        def unit(connection: Connection) -> None:
            fresh = act_store.find_act(connection, act.id, lock=True)
            if fresh.lease_fence == act.lease_fence:
                values = {"due_at": due_at, "lease_until": None, "tries": fresh.tries + 1}
                act_store.change_act(connection, act.id, **values)

        await self._database.write(unit)

    def _renewal(self, act: Any) -> Callable[[Connection], bool]:
        until = self._clock.now() + claims.LEASE
        table = act_store.remote_acts
        return lambda c: claims.renew(c, table, act.id, act.lease_fence, until)
