"""Routes of signature requests: opened by the portal, signed or sent back by officials."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection

from gateway.documents.acts import Act, SigningActs
from gateway.documents.answers import RequestAnswer, RequestList
from gateway.documents.numbers import NumberCheck
from gateway.documents.requests import Actor, NewRequest, NewStep, SignatureRequests
from gateway.documents.rules import is_symbol
from gateway.foundation import listing
from gateway.foundation.idempotency import Lease
from gateway.foundation.problems import Problem
from gateway.foundation.web import Call, Page, Reply, Route, with_content

_FILTERS = ("reference", "status", "signer", "document_id")
Signer = Annotated[str, msgspec.Meta(pattern=r"^(official|agency):[A-Za-z0-9._-]{1,100}$")]
Part = Literal["number", "day", "month", "seal"]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PlacementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a visible signature goes: a rectangle in millimetres, or the text to place it at.

    Text that stands there is not covered unless ``over_text`` says so.
    """

    page: int | None = None
    rect_mm: tuple[float, float, float, float] | None = None
    anchor: Text | None = None
    over_text: bool = False

    def __post_init__(self) -> None:
        if (self.rect_mm is None) == (self.anchor is None):
            raise ValueError("Cần đúng một trong hai: rect_mm hoặc anchor.")
        if self.page == 0:
            raise ValueError("Trang đếm từ 1 (hoặc từ -1 ở cuối).")
        if self.rect_mm is not None and (min(self.rect_mm) < 0 or min(self.rect_mm[2:]) <= 0):
            raise ValueError("rect_mm là x, y, rộng, cao; không âm, rộng và cao lớn hơn 0.")


class StepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signer's part."""

    role: Literal["initial", "person", "agency", "copy", "annex"]
    signer: Signer
    capacity: Literal["TM.", "KT.", "TL.", "TUQ.", "Q."] | None = None
    title: Text | None = None
    placement: PlacementBody | None = None
    parts: Annotated[list[Part], msgspec.Meta(min_length=1, max_length=4)] | None = None


class NumberBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Number, symbol and date that the clerk gives the document."""

    number: Annotated[int, msgspec.Meta(ge=1, le=999_999)]
    symbol: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    date: date

    def __post_init__(self) -> None:
        if not is_symbol(self.symbol):
            raise ValueError("Ký hiệu chỉ gồm chữ tiếng Việt, số, dấu cách và / - . , & ( ).")


class RequestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new signature request."""

    document_id: str
    steps: Annotated[list[StepBody], msgspec.Meta(min_length=1, max_length=12)]
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    level: Literal["B-B", "B-T", "B-LT", "B-LTA"] = "B-LTA"
    deadline: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    document_number: NumberBody | None = None
    agency_code: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | None = None
    when_unavailable: Literal["refuse", "sign_and_raise"] | None = None


class SignBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An official's confirmation; ``sha256``: the hash the official was shown.

    ``otp``: a remote service's one-time code, where its key wants one beside the PIN.
    """

    pin: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    otp: Annotated[str, msgspec.Meta(max_length=64)] | None = None

    def __repr__(self) -> str:
        """Neither PIN nor code."""
        return "SignBody(…)"


class RejectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a document is sent back."""

    reason: Annotated[str, msgspec.Meta(min_length=10, max_length=500)]


def routes(
    requests: SignatureRequests, acts: SigningActs, numbers: NumberCheck
) -> list[Route | Page]:
    """Everything under ``/v1/signature-requests``."""
    handlers = _Handlers(requests, acts, numbers)
    base, one = "/v1/signature-requests", "/v1/signature-requests/{id}"
    query = dict.fromkeys(_FILTERS, "equals")
    return [
        Route("POST", base, handlers.open, "documents:write", "Ask for signatures",
              body=RequestBody, reply=RequestAnswer, status=201, idempotent=True),
        Route("GET", base, handlers.page, "documents:read", "List signature requests",
              reply=RequestList, query=listing.WINDOW_QUERY | query),
        Route("GET", one, handlers.get, "documents:read", "One signature request",
              reply=RequestAnswer),
        Route("POST", one + "/sign", handlers.sign, "documents:sign",
              "Sign the present step with the official's own key", body=SignBody,
              reply=RequestAnswer, idempotent=True),
        Route("POST", one + "/reject", handlers.reject, "documents:sign",
              "Send the document back", body=RejectBody, reply=RequestAnswer, idempotent=True),
    ]  # fmt: skip


class _Handlers:
    def __init__(
        self, requests: SignatureRequests, acts: SigningActs, numbers: NumberCheck
    ) -> None:
        self._requests = requests
        self._acts = acts
        self._numbers = numbers

    async def open(self, call: Call[RequestBody]) -> Reply:
        new = _new_request(call.tenant, call.body)

        def opened(connection: Connection) -> Reply:
            return Reply(self._requests.open(connection, new), status=201)

        async def looked_at(lease: Lease) -> Reply:
            await self._numbers.check(new)
            return await call.finish(lease, opened)

        try:
            if self._numbers.concerns(new):
                return await call.attempt(looked_at)
            return await call.once(opened)
        except Problem as problem:
            key = f"{call.claim.scope} {call.claim.key}" if call.claim is not None else None
            await self._requests.note_refused_opening(new, call.principal.key_id, key, problem)
            raise

    async def page(self, call: Call[None]) -> Reply:
        window = listing.read_window(call.request.query, _FILTERS, of="sig")
        return Reply(await self._requests.page(call.tenant, window))

    async def get(self, call: Call[None]) -> Reply:
        return Reply(await self._requests.get(call.tenant, call.path("id")))

    async def sign(self, call: Call[SignBody]) -> Reply:
        # The key's fingerprint is stored, so it must not cover the PIN: six digits are guessed.
        shown = (call.body.sha256 or "").encode()
        call = with_content(call, hashlib.sha256(b"sign\n" + shown).digest())

        async def work(lease: Any) -> Reply:
            body = call.body
            act = Act(actor_of(call), call.path("id"), body.pin, body.sha256, lease, otp=body.otp)
            answer = await self._acts.sign(act)
            confirmation = answer.confirmation
            if confirmation is not None and confirmation.hand_off is not None:
                await call.release(lease)  # its addresses are stored nowhere, so neither is this
            return Reply(answer, status=202 if answer.status == "signing" else 200)

        return await call.attempt(work)

    async def reject(self, call: Call[RejectBody]) -> Reply:
        actor, reason = actor_of(call), call.body.reason
        reply = await call.once(
            lambda c: Reply(self._requests.reject(c, actor, call.path("id"), reason))
        )
        self._requests.announce()
        return reply


def actor_of(call: Call[Any]) -> Actor:
    """Whose token calls."""
    return Actor(call.tenant, call.principal.official, call.principal.key_id)


def _new_request(tenant: str, body: RequestBody) -> NewRequest:
    number = body.document_number
    return NewRequest(
        tenant=tenant,
        document_id=body.document_id,
        steps=[
            NewStep(
                s.role,
                s.signer,
                s.capacity,
                s.title,
                msgspec.to_builtins(s.placement) if s.placement is not None else None,
                s.parts,
            )
            for s in body.steps
        ],
        reference=body.reference,
        level=body.level,
        deadline=body.deadline,
        document_number=msgspec.to_builtins(number) if number is not None else None,
        agency_code=body.agency_code,
        when_unavailable=body.when_unavailable,
    )
