"""Tickets: asking a provider for a confirmation once, and hearing what became of it.

Owns the one sending of a ticket and the questions and callbacks about it. Leaves what a report
changes to ``hearing``, embedding to ``embedding`` and the loop to ``confirmation_worker``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.documents.chancery import Chancery
from gateway.documents.confirmations import act_store, ticket_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.claims import LEASE
from gateway.documents.confirmations.endings import end_act, is_held
from gateway.documents.confirmations.hearing import Hearing, Report, note_state
from gateway.documents.confirmations.rules import SOONEST_S, again_after_s, sentence
from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.foundation.ids import new_id
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
_NOT_SENT = "Chưa gửi được yêu cầu tới nhà cung cấp; hệ thống sẽ gửi lại."


class Tickets:
    """The tickets of every portal."""

    def __init__(
        self, office: Chancery, remote: RemoteSignatures, places: SigningPlaces, per_provider: int
    ) -> None:
        self._database = office.database
        self._clock = office.clock
        self._waker = office.waker
        self._hearing = Hearing(office.clock, office.metrics)
        self._remote = remote
        self._places = places
        self._per_provider = per_provider

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
                "code": "",
                "items": [],
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
        async with self._places.with_provider(ticket.provider, self._per_provider):
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
                end_act(connection, act, RemoteState.EXPIRED, self._clock)
        if not held:
            ticket_store.change_ticket(connection, reference, ended_at=now, due_at=None)
            return ()
        names = [act.id for act in held]
        ticket_store.change_ticket(connection, reference, state=RemoteState.UNKNOWN, items=names)
        note_state(connection, reference, RemoteState.UNKNOWN)
        return tuple(RemoteItem(act.id, bytes(act.to_be_signed), act.title) for act in held)

    def _not_sent(self, connection: Connection, reference: str) -> None:
        """Nothing left the house: it may be sent later, under the same reference."""
        now = self._clock.now()
        row = _locked(connection, reference)
        if row.state != RemoteState.UNKNOWN:
            return  # somebody heard of it after all
        if now - row.created_at > _SENDING_FOR:
            unsent = Report("start", RemoteState.ERROR, detail="Không gửi được tới nhà cung cấp.")
            self._hearing.take(connection, row, unsent)
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
        note_state(connection, reference, RemoteState.REQUESTED, _NOT_SENT)

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
            async with self._places.with_provider(row.provider, self._per_provider):
                report = Report.of(channel, await call(_ticket(row)))
        except SigningError as error:
            _log.info("no_answer", credential=row.credential, reason=error.code)
            report = Report(channel, RemoteState.UNKNOWN)
        await self.hear(row.reference, report)

    async def hear(self, reference: str, report: Report) -> None:
        """Take in what a provider answered."""

        def unit(connection: Connection) -> None:
            self._hearing.take(connection, _locked(connection, reference), report)

        await self._database.write(unit)
        self._waker.wake(TOPIC)

    async def told(self, credential: str, reference: str, report: Report) -> bool:
        """Take in a verified callback; False when that credential has no such ticket.

        Its state counts when it is an end; an open one makes us ask at once, though never more than
        once a second: not everybody who calls has proven anything. A provider's own name for a
        ticket whose sending was never answered is learned from either.
        """

        def unit(connection: Connection) -> bool:
            theirs = report.provider_reference
            found = ticket_store.ticket_told(connection, credential, reference, theirs)
            if found is None:
                return False
            row = _locked(connection, found)
            if report.state.is_final:
                self._hearing.take(connection, row, report)
            elif row.sending_at is not None and _may_be_asked(row, theirs):
                spaced = (row.asked_at or row.sending_at) + timedelta(seconds=SOONEST_S)
                soon = min(row.due_at or spaced, max(spaced, self._clock.now()))
                theirs = row.provider_reference or theirs
                ticket_store.change_ticket(
                    connection, found, due_at=soon, provider_reference=theirs
                )
            return True

        known = await self._database.write(unit)
        self._waker.wake(TOPIC)
        return known


def _locked(connection: Connection, reference: str) -> Any:
    return ticket_store.find_ticket(connection, reference, lock=True)


def _may_be_asked(row: Any, theirs: str) -> bool:
    """While it is asked about anyway; later only once its provider's name for it is learned."""
    learned = bool(theirs) and not row.provider_reference
    return row.due_at is not None or (row.ended_at is None and learned)


def _ticket(row: Any) -> Ticket:
    return Ticket(
        credential=row.credential,
        reference=row.reference,
        state=RemoteState(row.state),
        provider_reference=row.provider_reference,
        detail=row.detail,
        expires_at=row.expires_at,
        ask_after_s=row.ask_after_s,
        code=row.code,
        items=tuple(row.items),
    )
