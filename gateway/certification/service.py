"""Certifications: drafting, showing, cancelling, and the register as a book.

Owns everything but the signing act, which is ``issuing``, and the public page, which is
``verification``. A draft has no number: nothing about the register is decided before it is signed.
Fees by tariff and the monthly print belong to later work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from gateway.certification import store
from gateway.certification.answers import (
    CertificationAnswer,
    CertificationList,
    RegisterAnswer,
    Shower,
    show_register,
)
from gateway.certification.attestation import Templates
from gateway.certification.rules import SUBJECT, Offices, RegisterKey, Status
from gateway.documents.evidence.witness import Signer, Subject, Witness
from gateway.foundation import listing
from gateway.foundation.clock import Clock, vietnam_day
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore, StoredFile
from gateway.foundation.ids import new_id, new_token
from gateway.foundation.problems import FieldError, Problem, invalid, not_found
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC, NewEvent, emit


class Source(Protocol):
    """What certification needs to know of a document."""

    @property
    def sha256(self) -> str:
        """The hash of its latest file."""
        ...

    @property
    def pages(self) -> int:
        """How many pages that file has."""
        ...

    @property
    def blocked(self) -> bool:
        """Whether the inspection forbids signing it."""
        ...

    @property
    def signed(self) -> bool:
        """Whether somebody signed it already."""
        ...


class Sources(Protocol):
    """Where the scans come from (the documents capability's public service)."""

    async def source(self, tenant: str, document_id: str) -> Source:
        """The latest file of a document; ``Problem`` ``not_found`` for unknown ids."""
        ...


@dataclass(frozen=True, slots=True)
class NewCertification:
    """A certification, as asked."""

    tenant: str
    kind: str
    agency_code: str
    book: str
    document_id: str
    original: dict[str, Any]
    requester_name: str
    certifier: str
    reference: str
    copies: int = 1


class Certifications:
    """The certifications of every portal."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        files: FileStore,
        waker: Waker,
        sources: Sources,
        offices: Offices,
        templates: Templates,
        shower: Shower,
        witness: Witness,
    ) -> None:
        self._witness = witness
        self._database = database
        self._clock = clock
        self._files = files
        self._waker = waker
        self._sources = sources
        self._offices = offices
        self._templates = templates
        self._shower = shower

    async def check(self, new: NewCertification) -> Source:
        """Whether such a certification may be drafted, and over which bytes.

        Raises:
            Problem: ``validation_failed``, ``not_found`` (document), ``source_blocked``,
                ``source_signed``,
                ``attestation_missing``.
        """
        wrong = self._offices.unknown(new.certifier, new.agency_code)
        if wrong:
            raise invalid([FieldError(p, "unknown", sentence) for p, sentence in wrong.items()])
        late = self._offices.confirmed_elsewhere(new.certifier, new.agency_code)
        if late:
            code = "confirmed_elsewhere"
            raise invalid([FieldError(p, code, sentence) for p, sentence in late.items()])
        day = vietnam_day(self._clock.now())
        if self._templates.find(new.kind, new.book, day) is None:
            raise Problem("attestation_missing", f"Sổ {new.book}, ngày {day:%d/%m/%Y}.")
        source = await self._sources.source(new.tenant, new.document_id)
        if source.blocked:
            raise Problem("source_blocked")
        if source.signed:  # a page after a signature is a change: that signature would break
            raise Problem("source_signed")
        return source

    def draft(
        self, connection: Connection, new: NewCertification, source: Source
    ) -> CertificationAnswer:
        """Write the draft (a unit of work); the source's bytes are frozen by their hash.

        Raises:
            Problem: ``validation_failed``: the authority register does not let the certifier.
        """
        certification_id = new_id("cer", self._clock)
        self._check_certifier(connection, new, certification_id)
        row = {
            "id": certification_id,
            "tenant": new.tenant,
            "kind": new.kind,
            "agency_code": new.agency_code,
            "book": new.book,
            "document_id": new.document_id,
            "source_sha256": source.sha256,
            "source_pages": source.pages,
            "original": new.original,
            "requester_name": new.requester_name,
            "copies": new.copies,
            "certifier": new.certifier,
            "reference": new.reference,
            "status": Status.DRAFT,
            "token": new_token(),
            "sequence": 0,
            "created_at": self._clock.now(),
        }
        store.insert_certification(connection, row)
        return self._shown(connection, new.tenant, certification_id)

    def _check_certifier(
        self, connection: Connection, new: NewCertification, certification_id: str
    ) -> None:
        subject = Subject(new.tenant, certification_id, new.reference, SUBJECT, new.agency_code)
        person = self._offices.certifiers[new.certifier]
        signer = Signer(new.certifier, None, "certifier", person.title, person.credential)
        try:
            self._witness.allow(connection, subject, signer, self._clock.now())
        except Problem as problem:
            reason = problem.extra["reason"]
            raise invalid([FieldError("/certifier", reason, problem.detail_vi)]) from problem

    async def get(self, tenant: str, certification_id: str) -> CertificationAnswer:
        """One certification.

        Raises:
            Problem: ``not_found``.
        """
        return await self._database.read(lambda c: self._shown(c, tenant, certification_id))

    async def page(self, tenant: str, window: listing.Window) -> CertificationList:
        """A page of a portal's certifications."""
        table = store.certifications

        def query(connection: Connection) -> CertificationList:
            found = listing.fetch(connection, table, window, table.c.tenant == tenant)
            shown = [self._shower.show(row) for row in found.rows]
            return CertificationList(shown, found.has_more, found.next)

        return await self._database.read(query)

    async def content(self, tenant: str, certification_id: str) -> bytes | StoredFile:
        """The issued file; a large one piece by piece.

        Raises:
            Problem: ``not_found``, also for a draft.
        """
        answer = await self.get(tenant, certification_id)
        if answer.sha256 is None:
            raise not_found("bản sao chứng thực này")
        content = await self._files.get_small(answer.sha256)
        return content if content is not None else await self._files.stream(answer.sha256)

    def revoke(
        self,
        connection: Connection,
        tenant: str,
        certification_id: str,
        *,
        decision_number: str,
        reason: str,
    ) -> CertificationAnswer:
        """Cancel an issued copy by decision (a unit of work); its number stays taken.

        Raises:
            Problem: ``not_found``, ``certification_closed``.
        """
        now = self._clock.now()
        row = store.find(connection, tenant, certification_id, lock=True)
        if row is None:
            raise not_found("bản chứng thực này")
        if row.status != Status.ISSUED:
            raise Problem("certification_closed", extra={"current_status": row.status})
        sequence = store.change(
            connection,
            row.id,
            status=Status.REVOKED,
            revoked_at=now,
            decision_number=decision_number,
            revoke_reason=reason,
        )
        event_id, type_ = new_id("evt", self._clock), "certification.revoked"
        event = NewEvent(event_id, tenant, type_, row.id, sequence, row.reference, now)
        emit(connection, [event])
        return self._shown(connection, tenant, row.id)

    def announce(self) -> None:
        """Wake the deliveries after a commit that emitted."""
        self._waker.wake(TOPIC)

    async def register(self, tenant: str, key: RegisterKey) -> RegisterAnswer:
        """One year of a book."""
        rows = await self._database.read(lambda c: store.entries_of(c, key))
        return show_register(key, rows, tenant)

    def _shown(
        self, connection: Connection, tenant: str, certification_id: str
    ) -> CertificationAnswer:
        row = store.find(connection, tenant, certification_id)
        if row is None:
            raise not_found("bản chứng thực này")
        return self._shower.show(row)
