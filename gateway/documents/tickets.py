"""Tickets: asking a provider for a confirmation once, and hearing what became of it.

Owns the one sending of a ticket, the questions and callbacks about it, and what a report changes:
a pure fold (``confirmation_rules.fold``) over whatever arrives, in any order and any number.
Leaves embedding to ``remote_acts`` and the loop to ``confirmation_worker``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.documents import act_store, request_store, ticket_store
from gateway.documents.act_store import Stage
from gateway.documents.claims import LEASE
from gateway.documents.confirmation_rules import again_after_s, ask_again_s, fold, sentence
from gateway.documents.endings import end_act, is_held
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from signing.contract import (
    RemoteItem,
    RemoteSignatures,
    RemoteState,
    SigningError,
    SigningUnavailable,
    Ticket,
)

_log = structlog.get_logger(__name__)

TOPIC = "documents.confirmations"
# A signer process that was lost in the middle of sending: nobody knows what left the house.
_MAYBE_SENT = ("signer_died", "signer_timeout", "outcome_unknown")
_SENDING_FOR = timedelta(hours=1)
_EMBEDDING_FOR = timedelta(days=1)
_WITHDRAWALS = 5
_NO_SIGNATURE = "Nhà cung cấp không trả chữ ký của văn bản này."
_NOT_SENT = "Chưa gửi được yêu cầu tới nhà cung cấp; hệ thống sẽ gửi lại."


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
        )


class Tickets:
    """The tickets of every portal."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        remote: RemoteSignatures,
        per_provider: int = 4,
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._metrics = metrics
        self._remote = remote
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(per_provider)
        )

    # -------------------------------------------------------------- making and sending

    def form(self, connection: Connection, acts: Sequence[Any]) -> str:
        """One ticket over prepared acts of one key (a unit of work); leased to the caller.

        Returns its reference; ``send`` it under fence 1 after the commit. If nobody does, the
        worker does once the lease has run out.
        """
        now = self._clock.now()
        reference = new_id("tkt", self._clock)
        first = acts[0]
        ticket_store.insert_ticket(
            connection,
            {
                "reference": reference,
                "tenant": first.tenant,
                "credential": first.credential,
                "provider": first.provider,
                "batch_id": first.batch_id,
                "state": RemoteState.REQUESTED,
                "provider_reference": "",
                "detail": "",
                "ask_after_s": 5.0,
                "asks": 0,
                "created_at": now,
                "due_at": now,
                "lease_until": now + LEASE,
                "lease_fence": 1,
            },
        )
        act_store.change_acts(
            connection,
            [act.id for act in acts],
            stage=Stage.WAITING,
            state=RemoteState.REQUESTED,
            detail=sentence(RemoteState.REQUESTED, ""),
            reference=reference,
            confirm_by=None,
            lease_until=None,
            due_at=first.expires_at,
        )
        return reference

    async def send(self, reference: str, fence: int) -> None:
        """Ask the provider for the confirmation, at most once whatever crashes."""
        ticket = await self._database.read(lambda c: ticket_store.find_ticket(c, reference))
        async with self._gates[ticket.provider]:
            items = await self._database.write(lambda c: self._sending(c, reference, fence))
            if not items:
                return
            try:
                started = await self._remote.start(ticket.credential, reference, items)
                report = Report.of("start", started)
            except SigningUnavailable as error:
                if error.code not in _MAYBE_SENT:
                    await self._database.write(lambda c: self._not_sent(c, reference))
                    return
                report = Report("start", RemoteState.UNKNOWN)
            except SigningError as error:
                report = Report("start", RemoteState.ERROR, detail=error.message_vi)
        await self.hear(reference, report)

    def _sending(
        self, connection: Connection, reference: str, fence: int
    ) -> tuple[RemoteItem, ...]:
        """From here on the outcome is unknown until somebody says otherwise."""
        now = self._clock.now()
        if not ticket_store.begin_sending(connection, reference, fence, now):
            return ()
        acts = act_store.acts_under(connection, reference, Stage.WAITING, lock=True)
        held = []
        for act in acts:
            if is_held(connection, act, now):
                held.append(act)
            else:
                end_act(connection, act, RemoteState.EXPIRED, now)
        if not held:
            ticket_store.change_ticket(connection, reference, ended_at=now, due_at=None)
            return ()
        ticket_store.change_ticket(connection, reference, state=RemoteState.UNKNOWN)
        _note_state(connection, reference, RemoteState.UNKNOWN)
        return tuple(RemoteItem(act.id, bytes(act.to_be_signed), act.title) for act in held)

    def _not_sent(self, connection: Connection, reference: str) -> None:
        """Nothing left the house: it may be sent later, under the same reference."""
        now = self._clock.now()
        row = _locked(connection, reference)
        if row.state != RemoteState.UNKNOWN:
            return  # somebody heard of it after all
        if now - row.created_at > _SENDING_FOR:
            unsent = Report("start", RemoteState.ERROR, detail="Không gửi được tới nhà cung cấp.")
            self._take(connection, row, unsent)
            return
        again = timedelta(seconds=again_after_s(row.asks))
        ticket_store.change_ticket(
            connection,
            reference,
            state=RemoteState.REQUESTED,
            sending_at=None,
            asks=row.asks + 1,
            due_at=now + again,
            lease_until=None,
        )
        _note_state(connection, reference, RemoteState.REQUESTED, _NOT_SENT)

    # -------------------------------------------------------------- asking and hearing

    async def look_at(self, row: Any) -> None:
        """What is due about a claimed ticket: send it, ask about it, or withdraw it."""
        if row.sending_at is None:
            await self.send(row.reference, row.lease_fence)
            return
        withdrawn = row.withdrawn_at is not None
        call = self._remote.cancel if withdrawn else self._remote.ask
        channel = "cancel" if withdrawn else "ask"
        try:
            async with self._gates[row.provider]:
                report = Report.of(channel, await call(_ticket(row)))
        except SigningError as error:
            _log.info("no_answer", credential=row.credential, reason=error.code)
            report = Report(channel, RemoteState.UNKNOWN)
        await self.hear(row.reference, report)

    async def hear(self, reference: str, report: Report) -> None:
        """Take in what a provider answered."""

        def unit(connection: Connection) -> None:
            self._take(connection, _locked(connection, reference), report)

        await self._database.write(unit)
        self._waker.wake(TOPIC)

    async def told(self, credential: str, reference: str, report: Report) -> bool:
        """Take in a verified callback; False when that credential has no such ticket.

        Its state counts when it is an end; an open one only makes us ask sooner.
        """

        def unit(connection: Connection) -> bool:
            theirs = report.provider_reference
            found = ticket_store.ticket_told(connection, credential, reference, theirs)
            if found is None:
                return False
            row = _locked(connection, found)
            if report.state.is_final:
                self._take(connection, row, report)
            elif row.due_at is not None and row.sending_at is not None:
                spaced = (row.asked_at or row.sending_at) + timedelta(seconds=row.ask_after_s)
                soon = min(row.due_at, max(spaced, self._clock.now()))
                ticket_store.change_ticket(connection, found, due_at=soon)
            return True

        known = await self._database.write(unit)
        self._waker.wake(TOPIC)
        return known

    def _take(self, connection: Connection, row: Any, report: Report) -> None:
        now = self._clock.now()
        known = RemoteState(row.state)
        told = report.state
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
                end_act(connection, act, state, now, detail=detail)
        else:
            _note_state(connection, row.reference, state, detail, report.expires_at)

    def _following(
        self, row: Any, report: Report, state: RemoteState, now: datetime
    ) -> dict[str, Any]:
        """The ticket's columns after a report, with the next question's time."""
        after_s = report.ask_after_s or row.ask_after_s
        values: dict[str, Any] = {
            "state": state,
            "provider_reference": report.provider_reference or row.provider_reference,
            "expires_at": report.expires_at or row.expires_at,
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
                end_act(connection, act, RemoteState.ERROR, now, detail=_NO_SIGNATURE)
            elif not is_held(connection, act, now):
                end_act(connection, act, RemoteState.EXPIRED, now)
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
                    tries=0,
                    due_at=now,
                    lease_until=None,
                )


def _note_state(
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


def _locked(connection: Connection, reference: str) -> Any:
    return ticket_store.find_ticket(connection, reference, lock=True)


def _ticket(row: Any) -> Ticket:
    return Ticket(
        credential=row.credential,
        reference=row.reference,
        state=RemoteState(row.state),
        provider_reference=row.provider_reference,
        detail=row.detail,
        expires_at=row.expires_at,
        ask_after_s=row.ask_after_s,
    )
