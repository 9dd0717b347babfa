"""Signing in two halves: prepared now, embedded when the official's confirmation has arrived.

1. ``take_over``: the prepared file is in the file store; the act and its ticket are committed
   with the step's lease, which now lasts until our patience or the request's deadline ends.
2. ``follow``: the ticket is sent, once. Any time and any number of restarts may pass.
3. The worker embeds what arrived (``embedding``).
"""

from __future__ import annotations

import contextlib
from datetime import timedelta

import msgspec
from sqlalchemy import Connection

from gateway.documents import request_store, steps, store
from gateway.documents.acts import Act
from gateway.documents.answers import RequestAnswer, show_requests
from gateway.documents.chancery import Chancery
from gateway.documents.confirmations import act_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.embedding import Written
from gateway.documents.confirmations.holding import hold_step
from gateway.documents.confirmations.large_acts import LargeRemoteActs
from gateway.documents.confirmations.rules import sentence
from gateway.documents.confirmations.tickets import Tickets
from gateway.documents.rules import RequestStatus
from gateway.documents.steps import Intent
from gateway.foundation import idempotency
from gateway.foundation.idempotency import Answer
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem
from signing.contract import Confirmation, RemoteSignatures, RemoteState, SignOrder


class RemoteActs:
    """Steps whose owners confirm in a provider's own application."""

    def __init__(
        self, office: Chancery, remote: RemoteSignatures, tickets: Tickets, wait: timedelta
    ) -> None:
        self._office = office
        self._database = office.database
        self._clock = office.clock
        self._remote = remote
        self._tickets = tickets
        self._wait = wait
        self._large = LargeRemoteActs(office)

    async def take_over(self, intent: Intent, order: SignOrder, act: Act) -> None:
        """Prepare the first part and store everything before anybody is asked to confirm.

        Raises:
            SigningError: the document or the key is refused. Problem: ``signing_interrupted``.
        """
        written = await self._prepare(intent, order)
        await self._database.write(lambda c: self._store(c, intent, order, act, written))

    async def _prepare(self, intent: Intent, order: SignOrder) -> Written:
        if not order.pdf:
            made = await self._large.prepare(order, intent.request.current_sha256)
            return Written(made, made.sha256)
        prepared = await self._remote.prepare(order)
        steps.check_incremental(order.pdf, prepared.pdf)
        return Written(prepared, await self._office.files.put(prepared.pdf))

    def _store(
        self, connection: Connection, intent: Intent, order: SignOrder, act: Act, written: Written
    ) -> None:
        row = intent.request
        document = store.find_document(connection, row.tenant, row.document_id)
        stored = hold_step(
            connection,
            self._clock,
            self._office.authority,
            begun=(intent, order, act),
            wait=self._wait,
            id=new_id("act", self._clock),
            confirmation=Confirmation.ELSEWHERE,
            title=f"{row.reference} {document.name}".strip()[:255],
            stage=Stage.PREPARED,
            state=RemoteState.REQUESTED,
            detail=sentence(RemoteState.REQUESTED, ""),
            **written.columns(),
        )
        if act.batch is None:
            self._tickets.form(connection, [stored])

    async def follow(self, act: Act) -> RequestAnswer:
        """Send the ticket unless that was done before; the request as it stands then."""
        tenant, request_id = act.actor.tenant, act.request_id

        def reference(connection: Connection) -> str | None:
            row = request_store.find_request(connection, tenant, request_id)
            live = act_store.live_act(connection, request_id, row.fence)
            return live.reference if live is not None and live.batch_id is None else None

        found = await self._database.read(reference)
        if found is not None:
            await self._tickets.send(found, 1)
        return await self._database.write(lambda c: self._answer(c, act))

    def _answer(self, connection: Connection, act: Act) -> RequestAnswer:
        row = request_store.find_request(connection, act.actor.tenant, act.request_id)
        answer = show_requests(connection, [row], self._clock.now())[0]
        if act.lease is not None:
            with contextlib.suppress(Problem):
                status = 202 if answer.status == RequestStatus.SIGNING else 200
                stored = Answer(status, msgspec.json.encode(answer))
                idempotency.finish(connection, act.lease, stored)
        return answer
