"""The act of signing one step, safe against crashes, doubles and slow keys.

1. The *intent* (step, official, hash of the bytes, fence, lease) is committed.
2. The key signs those bytes in a signer process; the lease is kept alive meanwhile.
3. The result goes to the file store; then one transaction, which must still hold the fence, adds
   the revision, advances the step, emits the event and stores the idempotent answer.

A crash between 2 and 3 leaves a file nobody refers to, and a step that is signed again from the
same frozen bytes once the lease has run out. Signing is not undone, but only one result a step
is ever published. The PIN lives in the call and nowhere else. A key whose owner confirms
elsewhere is handed over after 1 (``Elsewhere``); what closes any act is ``steps``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import structlog
from sqlalchemy import Connection

from gateway.documents import request_store, steps
from gateway.documents.answers import RequestAnswer, show_requests
from gateway.documents.authority import steps as step_authority
from gateway.documents.chancery import Chancery
from gateway.documents.confirmations import act_store
from gateway.documents.evidence.refused_acts import key_of, record_refused
from gateway.documents.key_limits import refuse_place, refuse_secrets
from gateway.documents.large import LargeDocuments
from gateway.documents.preservation.shortfalls import let_seal_wait
from gateway.documents.requests import Actor, check_actor
from gateway.documents.rules import RequestStatus, StepStatus
from gateway.documents.steps import Intent, Result
from gateway.foundation import idempotency
from gateway.foundation.database import DatabaseUnavailable
from gateway.foundation.idempotency import Answer, Lease
from gateway.foundation.leases import kept_alive
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.signing_problems import doubting, may_have_signed, problem_of
from gateway.webhooks.outbox import TOPIC
from signing.contract import (
    Confirmation,
    SigningError,
    SignOrder,
    Validation,
)

_log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
_BEAT_S = 15.0


@dataclass(frozen=True, slots=True)
class Act:
    """One official's order to sign a request's present step.

    ``batch``: the batch it belongs to, if any. ``noted`` runs in the transaction that publishes
    and undoes it by raising.
    """

    actor: Actor
    request_id: str
    pin: str | None = field(default=None, repr=False)
    seen_sha256: str | None = None  # the hash the official was shown, if the caller says it
    lease: Lease | None = None  # the idempotency key this act runs under
    batch: str | None = None
    otp: str | None = field(default=None, repr=False)  # a remote service's one-time code
    noted: Callable[[Connection, str], None] | None = field(default=None, repr=False)

    @property
    def subject(self) -> str | None:
        """What an earlier try with the same idempotency key left behind."""
        return self.lease.subject if self.lease is not None else None


class Elsewhere(Protocol):
    """Takes over a step whose key is not ours to use."""

    async def take_over(self, intent: Intent, order: SignOrder, act: Act) -> None:
        """Store all that is needed to go on after a restart; the step is held for it from here.

        Raises:
            SigningError, Problem: nothing was stored.
        """
        ...

    async def follow(self, act: Act) -> RequestAnswer:
        """Go on with a stored act as far as that is possible now; also a later try's answer."""
        ...


@dataclass(frozen=True, slots=True)
class _Pending:
    """An earlier try with this idempotency key is waiting for its official elsewhere."""

    confirmation: Confirmation


class SigningActs:
    """Signs steps of signature requests."""

    def __init__(
        self, office: Chancery, elsewhere: Mapping[Confirmation, Elsewhere] | None = None
    ) -> None:
        self._office = office
        self._database = office.database
        self._clock = office.clock
        self._large = LargeDocuments(office.files, office.signatures, office.doubts)
        self._authority = office.authority
        self._elsewhere = elsewhere or {}

    async def sign(self, act: Act) -> RequestAnswer:
        """Sign the present step with the official's key, or have it confirmed elsewhere.

        Raises:
            Problem: who may not, what state forbids it, or what the signing service refused.
        """
        try:
            intent = await self._database.write(lambda c: self._intend(c, act))
        except Problem as problem:
            refusal = problem
            await self._database.write(lambda c: self._note_refusal(c, act, refusal))
            raise
        if isinstance(intent, RequestAnswer):
            return intent
        if isinstance(intent, _Pending):
            return await self._elsewhere[intent.confirmation].follow(act)
        confirmation = self._authority.use_of(intent.step.signer).confirmation
        try:
            async with kept_alive(self._clock, _BEAT_S, lambda: self._renew(intent)):
                order = await self._ready(intent, act)
                if confirmation is not Confirmation.HERE:
                    await self._hand_over(confirmation, intent, order, act)
                else:
                    async with self._office.with_timestamps(order.level):
                        result = await self._make(intent, order)
            if confirmation is Confirmation.HERE:
                return await self._close(intent, result, act)
        except Exception as error:
            await self._failed(intent, error, act)
            if isinstance(error, SigningError):
                raise problem_of(error) from error
            raise
        return await self._elsewhere[confirmation].follow(act)

    async def _close(self, intent: Intent, result: Result, act: Act) -> RequestAnswer:
        answer = await self._database.write(lambda c: self._publish(c, intent, result, act))
        self._office.count(intent, "signed")
        if intent.is_last:
            self._office.waker.wake(TOPIC)
        return answer

    # -------------------------------------------------------------- units of work

    def _intend(self, connection: Connection, act: Act) -> Intent | RequestAnswer | _Pending:
        now = self._clock.now()
        row = request_store.find_request(connection, act.actor.tenant, act.request_id, lock=True)
        if row is None:
            raise not_found("yêu cầu ký này")
        found = request_store.steps_of(connection, [row.id])[row.id]
        if _signed_under_this_key(found, act):
            return self._answer(connection, row, act)
        if _pending_under_this_key(connection, row, act):
            return _Pending(self._authority.use_of(row.signer).confirmation)
        check_actor(row, act.actor, self._authority, now)
        use = self._authority.use_of(row.signer)
        refuse_secrets(use, pin=act.pin, otp=act.otp)
        refuse_place(found[row.current_step], use)
        if _broken_off(row, act) and use.at_service:
            raise problem_of(may_have_signed())
        if found[row.current_step].role == "agency":
            let_seal_wait(connection, row.document_id)
        if act.seen_sha256 is not None and act.seen_sha256 != row.current_sha256:
            raise Problem("document_changed", extra={"current_sha256": row.current_sha256})
        official = act.actor.official or ""
        ruling = step_authority.require_step(connection, row, official, self._authority, now)
        fence = self._commit_intent(connection, row, act, now)
        return steps.read_intent(connection, row, found, fence, ruling.bindings)

    def _commit_intent(self, connection: Connection, row: Any, act: Act, now: datetime) -> int:
        fence = int(row.fence) + 1
        request_store.change_request(
            connection, row.id, status=RequestStatus.SIGNING, fence=fence, lease_until=now + LEASE
        )
        request_store.change_step(
            connection,
            row.id,
            row.current_step,
            intent_at=now,
            intent_fence=fence,
            intent_official=act.actor.official,
            input_sha256=row.current_sha256,
            confirmation=act.actor.confirmation(act.seen_sha256),
        )
        if act.lease is not None:
            idempotency.remember(connection, act.lease, f"{row.id}:{row.current_step}")
        return fence

    def _publish(
        self, connection: Connection, intent: Intent, result: Result, act: Act
    ) -> RequestAnswer:
        self._office.publish(connection, intent, result)
        if act.noted is not None:
            act.noted(connection, result.digest)
        return self._answer(connection, intent.request, act)

    async def _failed(self, intent: Intent, error: Exception, act: Act) -> None:
        self._office.count(intent, "failed")

        def unit(connection: Connection) -> None:
            self._note_refusal(connection, act, error)
            steps.give_back(connection, intent.request, intent.fence, self._clock, error)

        with contextlib.suppress(DatabaseUnavailable):  # then the lease runs out by itself
            await self._database.write(unit)
            self._office.waker.wake(TOPIC)  # it may have ended the request

    def _note_refusal(self, connection: Connection, act: Act, error: Exception) -> None:
        actor = act.actor
        who = {
            "official": actor.official,
            "key": key_of(act.lease),
            **actor.confirmation(act.seen_sha256),
        }
        of, now = (actor.tenant, act.request_id), self._clock.now()
        record_refused(connection, of, who, error, now=now, keys=self._authority.keys)

    async def _renew(self, intent: Intent) -> bool:
        until = self._clock.now() + LEASE
        return await self._database.write(
            lambda c: request_store.renew_lease(c, intent.request.id, intent.fence, until)
        )

    def _answer(self, connection: Connection, row: Any, act: Act) -> RequestAnswer:
        """The request as it stands, stored as the key's answer unless another try took the key."""
        fresh = request_store.find_request(connection, row.tenant, row.id)
        answer = show_requests(connection, [fresh], self._clock.now())[0]
        if act.lease is not None:
            with contextlib.suppress(Problem):
                body = msgspec.json.encode(answer)
                idempotency.finish(connection, act.lease, Answer(200, body))
        return answer

    # -------------------------------------------------------------- outside of the database

    async def _ready(self, intent: Intent, act: Act) -> SignOrder:
        """The order; without its document when that is large."""
        pdf = await self._document_of(intent)
        if intent.step.role == "agency":
            steps.check_person(intent, await self._judge(intent, pdf))
        key = self._authority.keys[intent.step.signer]
        return steps.order_of(intent, pdf or b"", key, act.pin, act.otp)

    async def _judge(self, intent: Intent, pdf: bytes | None) -> Validation:
        if pdf is None:
            return await self._large.validate(intent.request.current_sha256)
        return await self._office.signatures.validate(pdf)

    async def _document_of(self, intent: Intent) -> bytes | None:
        """The frozen bytes; None when they are many."""
        return await self._office.files.get_small(intent.request.current_sha256)

    async def _make(self, intent: Intent, order: SignOrder) -> Result:
        tenant = intent.request.tenant
        with doubting(at_service=self._authority.use_of(intent.step.signer).at_service):
            if not order.pdf:
                return await self._large.sign(order, intent.request.current_sha256, tenant)
            signed = await self._office.signatures.sign(order)
            return await self._office.keep(order.pdf, signed, tenant)

    async def _hand_over(
        self, confirmation: Confirmation, intent: Intent, order: SignOrder, act: Act
    ) -> None:
        other = self._elsewhere.get(confirmation)
        if other is None:
            raise Problem("signing_unavailable", "Chưa nối với dịch vụ giữ khóa này.")
        await other.take_over(intent, order, act)


def _broken_off(row: Any, act: Act) -> bool:
    """Whether an earlier try with this idempotency key died over the present step."""
    return act.lease is not None and act.lease.left(f"{row.id}:{row.current_step}")


def _signed_under_this_key(found: list[Any], act: Act) -> bool:
    """Whether an earlier try with this idempotency key signed its step after all."""
    if act.subject is None:
        return False
    position = act.subject.partition(":")[2]
    return any(
        str(s.position) == position
        and s.status == StepStatus.SIGNED
        and s.intent_official == act.actor.official
        for s in found
    )


def _pending_under_this_key(connection: Connection, row: Any, act: Act) -> bool:
    """Whether an earlier try with this key handed the present step over to be confirmed."""
    if row.status != RequestStatus.SIGNING or act.subject != f"{row.id}:{row.current_step}":
        return False
    live = act_store.live_act(connection, row.id, row.fence)
    return live is not None and live.official == act.actor.official
