"""Routes of the authority register (sổ thẩm quyền ký)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from gateway.documents.authority.rules import Mandate
from gateway.documents.authority.service import (
    AuthorityAnswer,
    AuthorityList,
    AuthorityRegister,
    NewEnding,
)
from gateway.foundation import listing
from gateway.foundation.web import Call, Page, Reply, Route
from signing.contract import CertificateBinding

_FILTERS = ("agency_code", "official", "role")
Official = Annotated[str, msgspec.Meta(pattern=r"^official:[A-Za-z0-9._-]{1,100}$")]
AgencyCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
DocumentKind = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Capacity = Literal["TM.", "KT.", "TL.", "TUQ.", "Q."]
Capacities = Annotated[list[Capacity | None], msgspec.Meta(min_length=1, max_length=6)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class CertificateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one certificate: its SHA-256, or its serial number (hexadecimal) and issuer."""

    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    serial: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f][0-9A-Fa-f: ]{0,120}$")] | None = None
    issuer: Text | None = None

    def __post_init__(self) -> None:
        by_number = self.serial is not None and self.issuer is not None
        if (self.sha256 is not None) == by_number or (self.serial is None) != (self.issuer is None):
            raise ValueError("Cần sha256, hoặc serial cùng issuer.")


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decision a mandate rests on."""

    number: Short
    date: date


class AuthorityBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mandate: who signs what for which agency, in what capacity, from when to when."""

    agency_code: AgencyCode
    official: Official
    role: Literal["initial", "person", "agency"] = "person"
    capacities: Capacities = msgspec.field(default_factory=lambda: [None])
    title: Text | None = None
    document_kinds: Annotated[list[DocumentKind], msgspec.Meta(max_length=50)] = []
    valid_from: date
    valid_to: date | None = None
    legal_basis: DecisionBody
    granted_by: Official | None = None
    certificate: CertificateBody | None = None
    credential: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class EndBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why and from when a mandate ends; ``ended_at`` left out means now."""

    reason: Annotated[str, msgspec.Meta(min_length=5, max_length=500)]
    decision_number: Short | None = None
    ended_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


def routes(register: AuthorityRegister) -> list[Route | Page]:
    """Everything under ``/v1/authorities``."""
    handlers = _Handlers(register)
    base, one = "/v1/authorities", "/v1/authorities/{id}"
    query = dict.fromkeys(_FILTERS, "equals")
    return [
        Route("POST", base, handlers.enter, "authority:write", "Enter who may sign what",
              body=AuthorityBody, reply=AuthorityAnswer, status=201, idempotent=True),
        Route("GET", base, handlers.page, "authority:read", "List the authority register",
              reply=AuthorityList, query=listing.WINDOW_QUERY | query),
        Route("GET", one, handlers.get, "authority:read", "One row of the register",
              reply=AuthorityAnswer),
        Route("POST", one + "/end", handlers.end, "authority:write",
              "End a mandate, or bring its end forward", body=EndBody, reply=AuthorityAnswer,
              idempotent=True),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, register: AuthorityRegister) -> None:
        self._register = register

    async def enter(self, call: Call[AuthorityBody]) -> Reply:
        new, by = _mandate(call.body), _who(call)
        return await call.once(
            lambda c: Reply(self._register.enter(c, call.tenant, new, by), status=201)
        )

    async def page(self, call: Call[None]) -> Reply:
        window = listing.read_window(call.request.query, _FILTERS, of="aut")
        return Reply(await self._register.page(call.tenant, window))

    async def get(self, call: Call[None]) -> Reply:
        return Reply(await self._register.get(call.tenant, call.path("id")))

    async def end(self, call: Call[EndBody]) -> Reply:
        body, by = call.body, _who(call)
        ending = NewEnding(body.reason, body.decision_number, body.ended_at)
        return await call.once(
            lambda c: Reply(self._register.end(c, call.tenant, call.path("id"), ending, by))
        )


def _who(call: Call[Any]) -> str:
    """The person whose token it is, else the key."""
    return call.principal.official or call.principal.key_id


def _mandate(body: AuthorityBody) -> Mandate:
    named = body.certificate
    return Mandate(
        id="",
        agency_code=body.agency_code,
        official=body.official,
        role=body.role,
        decision_number=body.legal_basis.number,
        decision_date=body.legal_basis.date,
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        capacities=tuple(body.capacities),
        title=body.title,
        document_kinds=frozenset(body.document_kinds),
        granted_by=body.granted_by,
        binding=CertificateBinding(named.sha256, named.serial, named.issuer) if named else None,
        credential=body.credential,
    )
