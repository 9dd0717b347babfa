"""Issuing a certified copy: one number, two signatures, one transaction.

The number is printed on the page that must be signed before it is entered, so it cannot simply be
taken at the end. Instead the *register* is held while signing: a durable lease on the row of
(mode, agency, book, year) with a fence, under which ``last + 1`` is printed and signed. The issuing
transaction checks that the fence still holds and ``last`` is unchanged, then enters the number.
Whatever fails before (a refused key, a crash, a lost lease) gives the lease back or lets it run
out, and the same number goes to the next one: no gap, no double, with any number of processes.
Where a service may have signed the page that names the number, nobody repeats that by itself: the
same idempotency key gets the same answer, a person's new one signs under the register's next
number, which still is this one unless another copy took it.

The price: signings into one register stand in line, some 1–2 s each, and a process that dies
while signing blocks that register until its lease runs out (30 s; on SQLite until the next start).
Other registers do not wait.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.certification import store
from gateway.certification.answers import CertificationAnswer, Shower
from gateway.certification.attestation import Templates
from gateway.certification.copies import LEVEL, AgencyRefused, Copy, CopyMaker, Hold
from gateway.certification.orders import (
    IssueOrder,
    check,
    check_secrets,
    refusal_of,
    was_issued_under_this_key,
)
from gateway.certification.rules import SUBJECT, Offices, RegisterKey, Status
from gateway.documents.evidence.log import KeptFile
from gateway.documents.evidence.refused_acts import key_of
from gateway.documents.evidence.witness import Signer, Subject, Witness, Witnessed
from gateway.foundation import idempotency
from gateway.foundation.clock import Clock, in_vietnam, vietnam_day
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.idempotency import Answer
from gateway.foundation.ids import new_id
from gateway.foundation.leases import kept_alive
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.signing_problems import may_have_signed, problem_of
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC, NewEvent, emit
from signing.contract import SigningError

LEASE = timedelta(seconds=30)
_BEAT_S = 8.0
_PATIENCE_S = 30.0
_LOOK_AGAIN_S = 0.2
_FREED = "register"  # the waker's topic for a register given back


class Issuing:
    """Signs drafts into their registers."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        maker: CopyMaker,
        waker: Waker,
        offices: Offices,
        templates: Templates,
        shower: Shower,
        metrics: Metrics,
        witness: Witness,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._database = database
        self._clock = clock
        self._maker = maker
        self._waker = waker
        self._offices = offices
        self._templates = templates
        self._shower = shower
        self._metrics = metrics
        self._witness = witness
        self._patience_s = patience_s
        self._lines: dict[tuple[str, str, str], asyncio.Lock] = {}

    async def sign(self, order: IssueOrder) -> CertificationAnswer:
        """Number, attest, sign twice, enter.

        Raises:
            Problem: who may not, what state forbids it, ``register_busy``, or what the signing
                service refused; the number is then still free.
        """
        row = await self._database.read(lambda c: self._find(c, order))
        try:
            return await self._sign(order, row)
        except Exception as error:
            await self._note_refusal(order, row, error)
            if isinstance(error, SigningError):
                raise refusal_of(error) from error
            raise

    async def _sign(self, order: IssueOrder, row: Any) -> CertificationAnswer:
        if not was_issued_under_this_key(row, order):
            check(row, order)
            check_secrets(row, order, self._offices)
        async with self._in_line(order.mode, row):
            hold = await self._hold(order)
            if isinstance(hold, CertificationAnswer):
                return hold
            try:
                async with kept_alive(self._clock, _BEAT_S, lambda: self._renew(hold)):
                    copy = await self._maker.make(hold, order.secrets)
                answer = await self._database.write(lambda c: self._enter(c, hold, copy, order))
            except Exception:
                await self._failed(hold)
                raise
            self._waker.wake(_FREED)
        self._metrics.signatures.labels(LEVEL.value, "certified").inc()
        self._waker.wake(TOPIC)
        return answer

    async def take_over(self) -> None:
        """Free what a dead process holds, at the start, before anything is signed.

        On SQLite only one process works, so whoever holds a register has died. Elsewhere the
        lease has to run out.
        """
        if self._database.dialect == "sqlite":
            await self._database.write(store.release_all)

    # -------------------------------------------------------------- standing in line

    @contextlib.asynccontextmanager
    async def _in_line(self, mode: str, row: Any) -> AsyncIterator[None]:
        """Order within this process; between processes the lease decides."""
        line = self._lines.setdefault((mode, row.agency_code, row.book), asyncio.Lock())
        try:
            await asyncio.wait_for(line.acquire(), self._patience_s)
        except TimeoutError:
            raise _busy() from None
        try:
            yield
        finally:
            line.release()

    async def _hold(self, order: IssueOrder) -> Hold | CertificationAnswer:
        for _ in range(max(1, round(self._patience_s / _LOOK_AGAIN_S))):
            taken = await self._database.write(lambda c: self._take(c, order))
            if taken is not None:
                return taken
            await self._waker.wait(_FREED, _LOOK_AGAIN_S)
        raise _busy()

    def _find(self, connection: Connection, order: IssueOrder) -> Any:
        row = store.find(connection, order.tenant, order.certification_id)
        if row is None:
            raise not_found("bản chứng thực này")
        return row

    def _take(self, connection: Connection, order: IssueOrder) -> Hold | CertificationAnswer | None:
        """Take the register's lease, or None while somebody else has it."""
        now = self._clock.now()
        row = store.find(connection, order.tenant, order.certification_id, lock=True)
        if was_issued_under_this_key(row, order):
            return self._answer(connection, order)
        check(row, order)
        broken_off = order.lease is not None and order.lease.left(row.id)
        if broken_off and self._offices.call_service(row.certifier, row.agency_code):
            raise problem_of(may_have_signed())
        template = self._templates.find(row.kind, row.book, vietnam_day(now))
        if template is None:
            raise Problem("attestation_missing")
        key = RegisterKey(order.mode, row.agency_code, row.book, in_vietnam(now).year)
        register = store.lock_register(connection, key)
        state = store.state_of(register)
        if state.is_held(now):
            return None
        certifier, _ = self._signers(row, order)
        ruling = self._witness.allow(connection, _subject(row), certifier, now)
        fence = state.fence + 1
        store.take_lease(connection, key, fence, now + LEASE)
        if order.lease is not None:
            idempotency.remember(connection, order.lease, row.id)
        return Hold(
            row=row,
            key=key,
            fence=fence,
            number=state.last + 1,
            volume=register.volume,
            begun=now,
            template=template,
            certifier=self._offices.certifiers[row.certifier],
            agency=self._offices.agencies[row.agency_code],
            bindings=ruling.bindings,
            at_service=self._offices.at_service,
        )

    def _signers(self, row: Any, order: IssueOrder) -> tuple[Signer, Signer]:
        """Both signatures are the certifier's one act: with their own key, then the agency's."""
        person = self._offices.certifiers[row.certifier]
        agency = self._offices.agencies[row.agency_code]
        by, key = row.certifier, order.principal
        return (
            Signer(by, key, "certifier", person.title, person.credential),
            Signer(by, key, "agency", None, agency.credential),
        )

    async def _renew(self, hold: Hold) -> bool:
        until = self._clock.now() + LEASE
        return await self._database.write(
            lambda c: store.renew_lease(c, hold.key, hold.fence, until)
        )

    async def _failed(self, hold: Hold) -> None:
        self._metrics.signatures.labels(LEVEL.value, "failed").inc()
        with contextlib.suppress(DatabaseUnavailable):  # then the lease runs out by itself
            await self._database.write(lambda c: store.release_lease(c, hold.key, hold.fence))
            self._waker.wake(_FREED)

    async def _note_refusal(self, order: IssueOrder, row: Any, error: Exception) -> None:
        person, role = self._offices.certifiers.get(row.certifier), "certifier"
        credential = person.credential if person is not None else ""
        if isinstance(error, AgencyRefused):
            credential, role = self._offices.agencies[row.agency_code].credential, "agency"
        signer = Signer(order.official or "", order.principal, role, None, credential)
        now = self._clock.now()
        with contextlib.suppress(DatabaseUnavailable):
            await self._database.write(
                lambda c: self._witness.refuse(
                    c,
                    _subject(row),
                    signer,
                    error,
                    input_sha256=row.source_sha256,
                    key=key_of(order.lease),
                    now=now,
                )
            )

    # -------------------------------------------------------------- the entry

    def _enter(
        self, connection: Connection, hold: Hold, copy: Copy, order: IssueOrder
    ) -> CertificationAnswer:
        now = self._clock.now()
        row = store.find(connection, hold.row.tenant, hold.row.id, lock=True)
        register = store.state_of(store.lock_register(connection, hold.key))
        if row.status != Status.DRAFT or not register.allows(hold.fence, hold.number):
            raise Problem("signing_interrupted")
        if vietnam_day(now) != vietnam_day(hold.begun):
            raise Problem("day_changed", extra={"retryable": True})
        entry = {
            "number": hold.number,
            "volume": hold.volume,
            "certification_id": row.id,
            "issued_at": now,
        }
        file = {
            "certification_id": row.id,
            "sha256": copy.digest,
            "size": copy.signed.size,
            "signature_fields": list(copy.signature_fields),
            "created_at": now,
        }
        store.enter(connection, hold.key, entry, file)
        self._record(connection, hold, copy, order, now)
        sequence = store.change(connection, row.id, **_issued(hold, copy, now))
        event_id, type_ = new_id("evt", self._clock), "certification.issued"
        event = NewEvent(event_id, row.tenant, type_, row.id, sequence, row.reference, now)
        emit(connection, [event])
        return self._answer(connection, order)

    def _record(
        self, connection: Connection, hold: Hold, copy: Copy, order: IssueOrder, now: datetime
    ) -> None:
        """Both signatures in the evidence log; the issued file belongs to the second."""
        signers = self._signers(hold.row, order)
        acts = [
            Witnessed(signer, one.result, one.kept, position, one.input_sha256)
            for position, (signer, one) in enumerate(zip(signers, copy.signatures, strict=True))
        ]
        acts[-1] = replace(acts[-1], kept=[*acts[-1].kept, KeptFile("result", copy.digest)])
        self._witness.record(connection, _subject(hold.row), acts, confirmed_at=hold.begun, now=now)

    def _answer(self, connection: Connection, order: IssueOrder) -> CertificationAnswer:
        """The certification as it stands, stored under the key unless another try took it."""
        row = store.find(connection, order.tenant, order.certification_id)
        answer = self._shower.show(row)
        if order.lease is not None:
            with contextlib.suppress(Problem):
                idempotency.finish(
                    connection, order.lease, Answer(200, msgspec.json.encode(answer))
                )
        return answer


def _subject(row: Any) -> Subject:
    return Subject(row.tenant, row.id, row.reference, SUBJECT, row.agency_code)


def _issued(hold: Hold, copy: Copy, now: datetime) -> dict[str, Any]:
    return {
        "status": Status.ISSUED,
        "year": hold.key.year,
        "number": hold.number,
        "volume": hold.volume,
        "issued_at": now,
        "agency_name": hold.agency.name,
        "certifier_name": hold.certifier.name,
        "certifier_title": hold.certifier.title,
        "legal_basis": hold.template.legal_basis,
        "pages": copy.pages,
        "sha256": copy.digest,
        "size": copy.signed.size,
    }


def _busy() -> Problem:
    return Problem("register_busy", extra={"retryable": True}, headers={"Retry-After": "2"})
