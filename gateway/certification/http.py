"""Routes of certification: drafted by the portal, signed by the certifier, read as a register."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec

from gateway.certification.answers import (
    CertificationAnswer,
    CertificationList,
    RegisterAnswer,
    as_csv,
)
from gateway.certification.issuing import Issuing
from gateway.certification.orders import IssueOrder
from gateway.certification.rules import RegisterKey, Secrets, book_in_path
from gateway.certification.service import Certifications, NewCertification
from gateway.foundation import listing
from gateway.foundation.problems import not_found
from gateway.foundation.web import Call, Page, Reply, Route, with_content

_FILTERS = ("reference", "status", "agency_code")
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Pages = Annotated[int, msgspec.Meta(ge=1, le=5_000)]


class OriginalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The paper original that the certifier compared."""

    title: Text
    issued_by: Text
    pages: Pages
    number: Text | None = None


class RequesterBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asked; stands in the register, never on the public page."""

    name: Text


class CertificationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new certification."""

    kind: Literal["copy_from_original"]
    agency_code: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.]{1,40}$")]
    book: Annotated[str, msgspec.Meta(pattern=r"^SCTĐ?T?/[A-ZĐ,]{2,8}$")]
    document_id: str
    original: OriginalBody
    requester: RequesterBody
    certifier: Annotated[str, msgspec.Meta(pattern=r"^official:[A-Za-z0-9._-]{1,100}$")]
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    copies: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1


Pin = Annotated[str, msgspec.Meta(max_length=128)]
Otp = Annotated[str, msgspec.Meta(max_length=64)]


class SignBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The certifier's confirmation that the copy was compared with the original.

    One act, two keys: ``pin`` and ``otp`` are for the certifier's own, ``agency_pin`` and
    ``agency_otp`` for the agency's, where it wants what the configuration does not hold.
    """

    pin: Pin | None = None
    otp: Otp | None = None
    agency_pin: Pin | None = None
    agency_otp: Otp | None = None

    def __repr__(self) -> str:
        """Neither PIN nor code."""
        return "SignBody(…)"


class RevokeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decision that cancels a copy (TT 01/2020/TT-BTP, art. 7)."""

    decision_number: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    reason: Annotated[str, msgspec.Meta(min_length=10, max_length=500)]


def routes(certifications: Certifications, issuing: Issuing) -> list[Route | Page]:
    """Everything under ``/v1/certifications`` and ``/v1/registers``."""
    handlers = _Handlers(certifications, issuing)
    base, one = "/v1/certifications", "/v1/certifications/{id}"
    query = dict.fromkeys(_FILTERS, "equals")
    return [
        Route("POST", base, handlers.draft, "certifications:write", "Draft a certified copy",
              body=CertificationBody, reply=CertificationAnswer, status=201, idempotent=True),
        Route("GET", base, handlers.page, "certifications:read", "List certifications",
              reply=CertificationList, query=listing.WINDOW_QUERY | query),
        Route("GET", one, handlers.get, "certifications:read", "One certification",
              reply=CertificationAnswer),
        Route("GET", one + "/content", handlers.content, "certifications:read",
              "The certified copy (PDF)"),
        Route("POST", one + "/sign", handlers.sign, "documents:sign",
              "Number, attest, sign and seal", body=SignBody, reply=CertificationAnswer,
              idempotent=True),
        Route("POST", one + "/revoke", handlers.revoke, "certifications:write",
              "Cancel an issued copy by decision", body=RevokeBody, reply=CertificationAnswer,
              idempotent=True),
        Route("GET", "/v1/registers/{agency}/{book}/{year}", handlers.register,
              "certifications:read", "One year of a register (book: SCT-BS or SCT%2FBS)",
              reply=RegisterAnswer, query={"format": "json or csv"}),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, certifications: Certifications, issuing: Issuing) -> None:
        self._certifications = certifications
        self._issuing = issuing

    async def draft(self, call: Call[CertificationBody]) -> Reply:
        new = _new(call.tenant, call.body)

        async def work(lease: Any) -> Reply:
            source = await self._certifications.check(new)
            return await call.finish(
                lease, lambda c: Reply(self._certifications.draft(c, new, source), status=201)
            )

        return await call.attempt(work)

    async def page(self, call: Call[None]) -> Reply:
        window = listing.read_window(call.request.query, _FILTERS, of="cer")
        return Reply(await self._certifications.page(call.tenant, window))

    async def get(self, call: Call[None]) -> Reply:
        return Reply(await self._certifications.get(call.tenant, call.path("id")))

    async def content(self, call: Call[None]) -> Reply:
        pdf = await self._certifications.content(call.tenant, call.path("id"))
        name = f'attachment; filename="{call.path("id")}.pdf"'
        headers = {"Content-Type": "application/pdf", "Content-Disposition": name}
        if isinstance(pdf, bytes):
            return Reply(raw=pdf, headers=headers)
        return Reply(pieces=pdf.chunks, headers={**headers, "Content-Length": str(pdf.size)})

    async def sign(self, call: Call[SignBody]) -> Reply:
        # The key's fingerprint is stored, so it must not cover the PIN: six digits are guessed.
        call = with_content(call, hashlib.sha256(b"sign").digest())
        who, body = call.principal, call.body
        secrets = Secrets(body.pin, body.otp, body.agency_pin, body.agency_otp)

        async def work(lease: Any) -> Reply:
            order = IssueOrder(
                call.tenant,
                who.mode,
                call.path("id"),
                who.official,
                secrets,
                lease,
                who.key_id,
            )
            return Reply(await self._issuing.sign(order))

        return await call.attempt(work)

    async def revoke(self, call: Call[RevokeBody]) -> Reply:
        tenant, body = call.tenant, call.body
        reply = await call.once(
            lambda c: Reply(
                self._certifications.revoke(
                    c,
                    tenant,
                    call.path("id"),
                    decision_number=body.decision_number,
                    reason=body.reason,
                )
            )
        )
        self._certifications.announce()
        return reply

    async def register(self, call: Call[None]) -> Reply:
        year = call.path("year")
        if not (year.isascii() and year.isdigit() and len(year) == 4):
            raise not_found("sổ này")
        mode, book = call.principal.mode, book_in_path(call.path("book"))
        key = RegisterKey(mode, call.path("agency"), book, int(year))
        register = await self._certifications.register(call.tenant, key)
        wants_csv = "text/csv" in call.request.headers.get("Accept", "")
        if wants_csv or call.query("format") == "csv":
            name = f'attachment; filename="{key.agency_code}-{year}.csv"'
            headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": name}
            return Reply(raw=as_csv(register), headers=headers)
        return Reply(register)


def _new(tenant: str, body: CertificationBody) -> NewCertification:
    return NewCertification(
        tenant=tenant,
        kind=body.kind,
        agency_code=body.agency_code,
        book=body.book,
        document_id=body.document_id,
        original=msgspec.to_builtins(body.original),
        requester_name=body.requester.name,
        certifier=body.certifier,
        reference=body.reference,
        copies=body.copies,
    )
