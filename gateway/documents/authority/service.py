"""The authority register: entering mandates, ending them, showing them.

Append-only: a mandate is entered once and never edited; a wrong one is ended and entered anew.
What a row means is ``authority_register``; where it is asked for is ``step_authority``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.authority import store as authority_store
from gateway.documents.authority.rules import Mandate, problem_of_new
from gateway.documents.authority.store import Entered, authorities
from gateway.foundation import listing
from gateway.foundation.clock import Clock, iso, vietnam_day
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id
from gateway.foundation.problems import FieldError, Problem, invalid, not_found
from signing.contract import CertificateBinding

_FAR = timedelta(days=366 * 20)


class CertificateAnswer(msgspec.Struct, frozen=True):
    """The one certificate a mandate names: by SHA-256, or by serial number and issuer."""

    sha256: str | None = None
    serial: str | None = None
    issuer: str | None = None


class DecisionAnswer(msgspec.Struct, frozen=True):
    """The decision something rests on."""

    number: str
    date: date


class EndingAnswer(msgspec.Struct, frozen=True):
    """When a mandate was ended before its time, why and by whom."""

    ended_at: str
    reason: str
    decision_number: str | None
    decided_at: str
    decided_by: str


class AuthorityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the register; ``in_force`` as of the answer."""

    id: str
    object: str = "authority"
    agency_code: str
    official: str
    role: str
    capacities: list[str | None]
    title: str | None
    document_kinds: list[str]
    valid_from: date
    valid_to: date | None
    legal_basis: DecisionAnswer
    granted_by: str | None
    certificate: CertificateAnswer | None
    credential: str | None
    in_force: bool
    ending: EndingAnswer | None
    created_at: str
    created_by: str


class AuthorityList(msgspec.Struct, frozen=True):
    """One page of the register, newest first."""

    data: list[AuthorityAnswer]
    has_more: bool
    next: str | None


@dataclass(frozen=True, slots=True)
class NewEnding:
    """A mandate's end as asked for; ``ended_at`` None means now."""

    reason: str
    decision_number: str | None = None
    ended_at: datetime | None = None


class AuthorityRegister:
    """The registers of every portal."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def enter(self, connection: Connection, tenant: str, new: Mandate, by: str) -> AuthorityAnswer:
        """Enter a mandate under an id of its own (a unit of work).

        Raises:
            Problem: ``validation_failed`` naming every wrong field.
        """
        mandate = replace(new, id=new_id("aut", self._clock))
        register = authority_store.mandates(connection, tenant, new.agency_code)
        wrong = problem_of_new(mandate, register, vietnam_day(self._clock.now()))
        if wrong:
            raise invalid([FieldError(f"/{name}", "invalid", s) for name, s in wrong.items()])
        authority_store.insert_authority(connection, tenant, mandate, self._clock.now(), by)
        return self._shown(connection, tenant, mandate.id)

    def end(
        self, connection: Connection, tenant: str, authority_id: str, ending: NewEnding, by: str
    ) -> AuthorityAnswer:
        """End a mandate (a unit of work); an end may be brought forward, never put off.

        Raises:
            Problem: ``not_found``, ``authority_already_ended``, ``validation_failed``.
        """
        now = self._clock.now()
        row = authority_store.lock_authority(connection, tenant, authority_id)
        if row is None:
            raise not_found("dòng thẩm quyền này")
        at = ending.ended_at or now
        if abs(at - now) > _FAR:
            raise invalid([FieldError("/ended_at", "invalid", "Thời điểm quá xa hiện tại.")])
        (entered,) = authority_store.with_endings(connection, [row])
        held = entered.mandate.ended_at
        if held is not None and held <= at:
            raise Problem("authority_already_ended", extra={"ended_at": iso(held)})
        values = {
            "authority_id": authority_id,
            "ended_at": at,
            "reason": ending.reason,
            "decision_number": ending.decision_number,
            "decided_at": now,
            "decided_by": by,
        }
        authority_store.insert_ending(connection, values)
        return self._shown(connection, tenant, authority_id)

    async def get(self, tenant: str, authority_id: str) -> AuthorityAnswer:
        """One row.

        Raises:
            Problem: ``not_found``.
        """
        return await self._database.read(lambda c: self._shown(c, tenant, authority_id))

    async def page(self, tenant: str, window: listing.Window) -> AuthorityList:
        """A page of a portal's register."""

        def query(connection: Connection) -> AuthorityList:
            found = listing.fetch(connection, authorities, window, authorities.c.tenant == tenant)
            entered = authority_store.with_endings(connection, found.rows)
            now = self._clock.now()
            shown = [show_authority(one, now) for one in entered]
            return AuthorityList(shown, found.has_more, found.next)

        return await self._database.read(query)

    async def import_missing(
        self, tenant: str, wanted: Sequence[Mandate], by: str
    ) -> list[AuthorityAnswer]:
        """Enter those whose agency, official and role have no row yet, in one transaction.

        Raises:
            Problem: ``validation_failed``; nothing is entered then.
        """

        def unit(connection: Connection) -> list[AuthorityAnswer]:
            known = {
                (m.agency_code, m.official, m.role)
                for m in authority_store.mandates(connection, tenant)
            }
            return [
                self.enter(connection, tenant, new, by)
                for new in wanted
                if (new.agency_code, new.official, new.role) not in known
            ]

        return await self._database.write(unit)

    def _shown(self, connection: Connection, tenant: str, authority_id: str) -> AuthorityAnswer:
        query = sa.select(authorities).where(
            authorities.c.id == authority_id, authorities.c.tenant == tenant
        )
        row = connection.execute(query).first()
        if row is None:
            raise not_found("dòng thẩm quyền này")
        (entered,) = authority_store.with_endings(connection, [row])
        return show_authority(entered, self._clock.now())


def show_authority(entered: Entered, now: datetime) -> AuthorityAnswer:
    """A row as an answer."""
    mandate, end = entered.mandate, entered.ending
    return AuthorityAnswer(
        id=mandate.id,
        agency_code=mandate.agency_code,
        official=mandate.official,
        role=mandate.role,
        capacities=list(mandate.capacities),
        title=mandate.title,
        document_kinds=sorted(mandate.document_kinds),
        valid_from=mandate.valid_from,
        valid_to=mandate.valid_to,
        legal_basis=DecisionAnswer(mandate.decision_number, mandate.decision_date),
        granted_by=mandate.granted_by,
        certificate=_certificate(mandate.binding),
        credential=mandate.credential,
        in_force=mandate.acts_at(now),
        ending=_ending(end) if end is not None else None,
        created_at=iso(entered.created_at),
        created_by=entered.created_by,
    )


def _ending(end: Any) -> EndingAnswer:
    return EndingAnswer(
        iso(end.ended_at), end.reason, end.decision_number, iso(end.decided_at), end.decided_by
    )


def _certificate(binding: CertificateBinding | None) -> CertificateAnswer | None:
    if binding is None:
        return None
    return CertificateAnswer(binding.sha256, binding.serial, binding.issuer)
