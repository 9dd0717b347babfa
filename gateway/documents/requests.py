"""Signature requests: who signs a document, in which order; opening, showing, sending back.

Owns a request's life except the act of signing, which is ``acts``. The document is frozen when
the request is opened: its hash then is the hash that the first signer signs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, rules, store
from gateway.documents.agency_acts import confirmations_of, parts_of
from gateway.documents.answers import RequestAnswer, RequestList, show_requests
from gateway.documents.authority import steps as step_authority
from gateway.documents.evidence.refused_acts import record_refused_opening
from gateway.documents.key_limits import errors_of_places
from gateway.documents.preservation.rules import REFUSE
from gateway.documents.request_endings import as_expired, as_rejected, end_request
from gateway.documents.rules import Authority, RequestStatus, StepStatus
from gateway.foundation import listing
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id
from gateway.foundation.problems import FieldError, Problem, invalid, not_found
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC
from signing.contract import Severity


@dataclass(frozen=True, slots=True)
class NewStep:
    """One signer's part, as asked."""

    role: str
    signer: str
    capacity: str | None = None
    title: str | None = None
    placement: Mapping[str, Any] | None = None
    parts: Sequence[str] | None = None  # of an agency's act: all four, or the seal alone


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A signature request, as asked."""

    tenant: str
    document_id: str
    steps: Sequence[NewStep]
    reference: str | None = None
    level: str = "B-LTA"
    deadline: datetime | None = None
    document_number: Mapping[str, Any] | None = None
    agency_code: str | None = None  # default: of the agency that seals
    when_unavailable: str | None = None  # the operator's choice when left out


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose token calls, in which portal, and which way the confirmation came."""

    tenant: str
    official: str | None
    principal: str | None = None  # the key's id
    channel: str = "api"

    def confirmation(self, shown_sha256: str | None) -> dict[str, str | None]:
        """What the step keeps of how it was confirmed, for the evidence log."""
        return {
            "principal": self.principal,
            "channel": self.channel,
            "shown_sha256": shown_sha256,
        }


class SignatureRequests:
    """The signature requests of every portal."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        authority: Authority,
        when_unavailable: str = REFUSE,
    ) -> None:
        self._when_unavailable = when_unavailable
        self._database = database
        self._clock = clock
        self._waker = waker
        self._authority = authority

    def open(self, connection: Connection, new: NewRequest) -> RequestAnswer:
        """Freeze the document and wait for the first signer (a unit of work).

        Raises:
            Problem: ``not_found``, ``validation_failed`` (order, signers, deadline),
                ``document_blocked``, ``document_in_signing``.
        """
        now = self._clock.now()
        self._check(new, now)
        document = store.find_document(connection, new.tenant, new.document_id, lock=True)
        if document is None:
            raise not_found("văn bản này")
        if any(f["severity"] == Severity.BLOCK for f in document.findings):
            raise Problem("document_blocked", extra={"findings": document.findings})
        if request_store.has_open_request(connection, document.id, now):
            raise Problem("document_in_signing")
        self._check_authority(connection, new, document.kind, now)
        row = self._row(new, document, now)
        steps = [self._step_row(row["id"], new, position) for position in range(len(new.steps))]
        request_store.insert_request(connection, row, steps)
        return self._shown(connection, new.tenant, row["id"])

    async def note_refused_opening(
        self, new: NewRequest, principal: str | None, key: str | None, problem: Problem
    ) -> None:
        """Keep in the evidence log that inspection or register did not let a document in."""
        of, now = (new.tenant, new.document_id), self._clock.now()
        await self._database.write(
            lambda c: record_refused_opening(c, of, principal, key, problem, now=now)
        )

    async def get(self, tenant: str, request_id: str) -> RequestAnswer:
        """One request.

        Raises:
            Problem: ``not_found``.
        """
        return await self._database.read(lambda c: self._shown(c, tenant, request_id))

    async def page(self, tenant: str, window: listing.Window) -> RequestList:
        """A page of a portal's requests; ``status`` filters by the visible status."""
        table = request_store.signature_requests
        equal = dict(window.equal)
        conditions = [table.c.tenant == tenant]
        status = equal.pop("status", None)
        if status is not None:
            if status not in list(RequestStatus):
                raise invalid([FieldError("/status", "invalid", "Trạng thái lạ.")])
            now = self._clock.now()
            conditions.append(request_store.status_is(RequestStatus(status), now))
        window = replace(window, equal=equal)

        def query(connection: Connection) -> RequestList:
            found = listing.fetch(connection, table, window, *conditions)
            shown = show_requests(connection, found.rows, self._clock.now())
            return RequestList(shown, found.has_more, found.next)

        return await self._database.read(query)

    def reject(
        self, connection: Connection, actor: Actor, request_id: str, reason: str
    ) -> RequestAnswer:
        """Send the document back (a unit of work); ends the request.

        Raises:
            Problem: ``not_found`` and whatever ``rules.why_not_act`` says.
        """
        now = self._clock.now()
        row = request_store.find_request(connection, actor.tenant, request_id, lock=True)
        if row is None:
            raise not_found("yêu cầu ký này")
        check_actor(row, actor, self._authority, now)
        rejection = {
            "reason": reason,
            "by": actor.official,
            "at": iso(now),
            "position": row.current_step,
        }
        request_store.change_step(connection, row.id, row.current_step, status=StepStatus.REJECTED)
        end_request(connection, row, as_rejected(rejection), self._clock)
        return self._shown(connection, actor.tenant, row.id)

    def announce(self) -> None:
        """Wake the deliveries after a commit that emitted."""
        self._waker.wake(TOPIC)

    async def expire_overdue(self, limit: int = 100) -> int:
        """Close requests whose deadline has passed, ``limit`` in a transaction; how many."""
        ended = 0
        while True:
            found = await self._database.write(lambda c: self.end_overdue(c, limit))
            ended += found
            if found:
                self.announce()
            if found < limit:
                return ended

    def end_overdue(self, connection: Connection, limit: int = 100) -> int:
        """The same, one transaction's worth (a unit of work)."""
        rows = request_store.overdue(connection, self._clock.now(), limit)
        return sum(end_request(connection, row, as_expired(), self._clock) for row in rows)

    def _check(self, new: NewRequest, now: datetime) -> None:
        errors = [
            FieldError(f"/steps/{position}/signer", "unknown_signer", "Chưa cấu hình khóa ký.")
            for position, step in enumerate(new.steps)
            if step.signer not in self._authority.keys
        ]
        try:
            order = [(s.role, s.signer) for s in new.steps]
            rules.check_order(order, numbered=new.document_number is not None)
        except ValueError as error:
            errors.append(FieldError("/steps", "invalid_order", str(error)))
        errors += _errors_of_parts(new)
        errors += errors_of_places(new.steps, self._authority)
        sealing = step_authority.agency_of([s.signer for s in new.steps])
        if new.agency_code is not None and sealing not in (None, new.agency_code):
            sentence = "Khác với cơ quan đóng dấu trong các bước ký."
            errors.append(FieldError("/agency_code", "invalid", sentence))
        if rules.is_unprovable(new.level, [s.role for s in new.steps]):
            sentence = "Có bước đóng dấu thì cần mức B-LT hoặc B-LTA để kiểm tra chữ ký trước đó."
            errors.append(FieldError("/level", "level_too_low", sentence))
        if new.deadline is not None and new.deadline <= now:
            errors.append(FieldError("/deadline", "invalid", "Hạn ký phải ở tương lai."))
        if errors:
            raise invalid(errors)

    def _check_authority(
        self, connection: Connection, new: NewRequest, kind: str, now: datetime
    ) -> None:
        office = step_authority.Office(new.tenant, _agency(new), kind)
        errors = step_authority.errors_when_opening(
            connection, office, new.steps, self._authority, now
        )
        if errors:
            raise invalid(errors)

    def _row(self, new: NewRequest, document: Any, now: datetime) -> dict[str, Any]:
        return {
            "id": new_id("sig", self._clock),
            "tenant": new.tenant,
            "document_id": document.id,
            "reference": new.reference or document.reference,
            "status": RequestStatus.WAITING,
            "level": new.level,
            "when_unavailable": new.when_unavailable or self._when_unavailable,
            "deadline": new.deadline,
            "document_number": new.document_number,
            "agency_code": _agency(new),
            "frozen_sha256": document.sha256,
            "current_sha256": document.sha256,
            "current_step": 0,
            "signer": new.steps[0].signer,
            "fence": 0,
            "created_at": now,
        }

    def _step_row(self, request_id: str, new: NewRequest, position: int) -> dict[str, Any]:
        step = new.steps[position]
        parts = _parts(new, step)
        return {
            "request_id": request_id,
            "position": position,
            "role": step.role,
            "signer": step.signer,
            "capacity": step.capacity,
            "title": step.title,
            "placement": step.placement,
            "parts": list(parts) if parts is not None else None,
            "confirmations": confirmations_of(self._authority.use_of(step.signer), parts),
            "status": StepStatus.WAITING,
        }

    def _shown(self, connection: Connection, tenant: str, request_id: str) -> RequestAnswer:
        row = request_store.find_request(connection, tenant, request_id)
        if row is None:
            raise not_found("yêu cầu ký này")
        return show_requests(connection, [row], self._clock.now())[0]


def check_actor(row: Any, actor: Actor, authority: Authority, now: datetime) -> None:
    """Refuse unless this official may act on this request's present step now.

    Raises:
        Problem: what ``rules.why_not_act`` says.
    """
    status = rules.visible_status(RequestStatus(row.status), row.lease_until, row.deadline, now)
    code = rules.why_not_act(status, row.signer, actor.official, authority)
    if code is not None:
        headers = {"Retry-After": "2"} if code == "signing_in_progress" else {}
        raise Problem(code, headers=headers)


def _agency(new: NewRequest) -> str | None:
    return step_authority.agency_of([s.signer for s in new.steps], new.agency_code)


def _parts(new: NewRequest, step: NewStep) -> tuple[str, ...] | None:
    return parts_of(step.role, step.parts, numbered=new.document_number is not None)


def _errors_of_parts(new: NewRequest) -> list[FieldError]:
    errors = []
    for position, step in enumerate(new.steps):
        try:
            _parts(new, step)
        except ValueError as error:
            errors.append(FieldError(f"/steps/{position}/parts", "invalid_parts", str(error)))
    return errors
