"""What a revoked certificate touches: every act signed with it, held against the revocation.

The moment is the issuer's, or the one the operator recorded instead (``revocation``); a caller may
also ask "what if" with one of their own, which is recorded nowhere. Reads the evidence log, so what
was signed before there was a log is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection

from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.standings import (
    CAUSES,
    Revoked,
    Standing,
    is_signer,
    standing,
    standing_of,
)
from gateway.documents.revocation.service import RevocationAnswer, Revocations, Word
from gateway.documents.revocation.store import OPERATOR
from gateway.foundation import listing
from gateway.foundation.clock import iso
from gateway.foundation.database import Database
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.web import Call, Page, Reply, Route

Cause = Literal[
    "unspecified", "affiliationChanged", "superseded", "cessationOfOperation", "keyCompromise",
    "cACompromise", "aACompromise", "privilegeWithdrawn", "certificateHold",
]  # fmt: skip

__all__ = ["Standing", "routes", "standing"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_READ = 5_000  # records looked through for one page of one standing

_SENTENCES = {
    Standing.BEFORE: "Dấu thời gian chứng minh chữ ký có trước khi chứng thư bị thu hồi.",
    Standing.AFTER: "Chữ ký được tạo từ khi chứng thư đã bị thu hồi: phải xem xét lại văn bản.",
    Standing.UNPROVEN: (
        "Chữ ký khai là có trước khi thu hồi nhưng không có dấu thời gian chứng minh:"
        " phải xem xét lại văn bản."
    ),
    Standing.NOT_COMPARED: "Chưa nêu thời điểm thu hồi để so sánh.",
}

_STAMP_SENTENCES = {
    Standing.BEFORE: (
        "Dấu thời gian có trước khi chứng thư của dịch vụ cấp dấu thời gian bị thu hồi, vì lý do"
        " không ảnh hưởng đến dấu đã cấp: vẫn còn giá trị."
    ),
    Standing.AFTER: (
        "Dấu thời gian được cấp từ khi chứng thư của dịch vụ đã bị thu hồi: không chứng minh được"
        " gì, phải gia hạn bằng dịch vụ khác."
    ),
    Standing.VOID: (
        "Khóa của dịch vụ cấp dấu thời gian bị lộ, hoặc chứng thư bị thu hồi không nêu lý do: không"
        " dấu thời gian nào của chứng thư này còn giá trị, phải gia hạn bằng dịch vụ khác."
    ),
    Standing.NOT_COMPARED: _SENTENCES[Standing.NOT_COMPARED],
}

Levels = Callable[[Connection, Sequence[str]], dict[str, str | None]]


class TouchedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One act that rests on the certificate; ``standing`` compares it with the revocation.

    ``document_id`` is ``cer_…`` for a certified copy. ``part`` says what the certificate did:
    ``signature``, or ``timestamp`` for that of a time-stamping authority.
    """

    record: int
    part: str
    document_id: str
    reference: str
    document_kind: str
    document_level: str | None
    signature_request: str | None
    role: str | None
    official: str | None
    level: str
    field_names: list[str]
    signed_at: str
    proven_time: str | None
    result_sha256: str
    standing: str
    sentence: str


class TouchedList(msgspec.Struct, frozen=True, kw_only=True):
    """One page, newest first; ``revocation`` is what holds, ``revoked_at`` what was compared."""

    certificate_sha256: str
    revoked_at: str | None
    revocation: RevocationAnswer
    data: list[TouchedAnswer]
    has_more: bool
    next: str | None


class RevocationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's word; without a date the issuer's holds again."""

    reason: Annotated[str, msgspec.Meta(min_length=10, max_length=500)]
    revoked_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    cause: Cause | None = None  # of RFC 5280; without one, an authority's time-stamps are all void


@dataclass(frozen=True, slots=True)
class _Question:
    digest: str
    window: listing.Window
    revoked_at: datetime | None
    cause: str | None
    standing: Standing | None


def routes(database: Database, revocations: Revocations, levels: Levels) -> list[Route | Page]:
    """``/v1/certificates/{sha256}/…``; ``levels``: of what other capabilities keep."""
    handlers = _Handlers(database, revocations, levels)
    one = "/v1/certificates/{sha256}"
    query = listing.WINDOW_QUERY | {
        "revoked_at": "RFC 3339: compare with this moment instead; recorded nowhere",
        "cause": "with it: why, as keyCompromise or superseded (RFC 5280)",
        "standing": "before_revocation, after_revocation, unproven or void",
    }
    return [
        Route("GET", f"{one}/documents", handlers.touched, "documents:read",
              "Documents signed with a certificate, against its revocation", reply=TouchedList,
              query=query),
        Route("GET", f"{one}/revocation", handlers.shown, "documents:read",
              "What is known about a certificate's revocation", reply=RevocationAnswer),
        Route("POST", f"{one}/revocation", handlers.decide, "authority:write",
              "Record another moment of revocation than the issuer's, with its reason",
              body=RevocationBody, reply=RevocationAnswer, idempotent=True),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, database: Database, revocations: Revocations, levels: Levels) -> None:
        self._database = database
        self._revocations = revocations
        self._levels = levels

    async def touched(self, call: Call[None]) -> Reply:
        asked, tenant = _read_question(call), call.tenant
        return Reply(await self._database.read(lambda c: self._page(c, tenant, asked)))

    async def shown(self, call: Call[None]) -> Reply:
        digest, tenant = _digest(call), call.tenant
        return Reply(await self._database.read(lambda c: self._revocations.show(c, tenant, digest)))

    async def decide(self, call: Call[RevocationBody]) -> Reply:
        digest, tenant, body = _digest(call), call.tenant, call.body
        by = call.principal.official or call.principal.key_id
        word = Word(OPERATOR, body.revoked_at, body.reason, by, cause=body.cause)

        def unit(connection: Connection) -> Reply:
            self._revocations.say(connection, tenant, digest, word)
            return Reply(self._revocations.show(connection, tenant, digest))

        reply = await call.once(unit)
        self._revocations.announce()
        return reply

    def _page(self, connection: Connection, tenant: str, asked: _Question) -> TouchedList:
        known = self._revocations.show(connection, tenant, asked.digest)
        revoked = Revoked(asked.revoked_at, asked.cause)
        if revoked.at is None and known.revoked_at is not None:
            revoked = Revoked(datetime.fromisoformat(known.revoked_at), known.cause)
        rows, following = _fetch(connection, tenant, asked, revoked)
        shown = [_touched(row, asked.digest, revoked) for row in rows]
        elsewhere = [one.document_id for one in shown if one.document_level is None]
        levels = self._levels(connection, elsewhere) if elsewhere else {}
        return TouchedList(
            certificate_sha256=asked.digest,
            revoked_at=iso(revoked.at) if revoked.at is not None else None,
            revocation=known,
            data=[
                msgspec.structs.replace(one, document_level=levels[one.document_id])
                if one.document_id in levels
                else one
                for one in shown
            ],
            has_more=following is not None,
            next=following,
        )


def _fetch(
    connection: Connection, tenant: str, asked: _Question, revoked: Revoked
) -> tuple[list[Any], str | None]:
    """The rows of a page, and what follows; with a standing, many may have to be looked through."""
    limit, window = asked.window.limit, replace(asked.window, limit=listing.MOST)
    found: list[Any] = []
    for _ in range(_MOST_READ // listing.MOST):
        rows = evidence_store.records_by_certificate(connection, tenant, asked.digest, window)
        for row in rows[: listing.MOST]:
            if asked.standing is not None and asked.standing is not _standing(
                row, asked.digest, revoked
            ):
                continue
            if len(found) == limit:
                return found, str(found[-1].number)
            found.append(row)
        if len(rows) <= listing.MOST:
            return found, None
        window = replace(window, after=str(rows[listing.MOST - 1].number))
    return found, window.after


def _read_question(call: Call[None]) -> _Question:
    digest, query = _digest(call), call.request.query
    window = listing.read_window(query, ("revoked_at", "cause", "standing"), of=None)
    errors: list[FieldError] = []
    revoked_at = listing.read_moment(query, "revoked_at", errors)
    if window.after is not None and not (window.after.isascii() and window.after.isdigit()):
        errors.append(FieldError("/after", "invalid", "Cần số bản ghi."))
    cause = query.get("cause")
    if cause is not None and cause not in CAUSES:
        errors.append(FieldError("/cause", "invalid", "Không có lý do này."))
    wanted = query.get("standing")
    if wanted is not None and wanted not in list(Standing):
        errors.append(FieldError("/standing", "invalid", "Không có giá trị này."))
    if errors:
        raise invalid(errors)
    sought = Standing(wanted) if wanted is not None else None
    return _Question(digest, window, revoked_at, cause, sought)


def _digest(call: Call[Any]) -> str:
    digest = call.path("sha256").lower()
    if not _SHA256.fullmatch(digest):
        raise invalid([FieldError("/sha256", "invalid", "Cần SHA-256 của chứng thư (hex).")])
    return digest


def _standing(row: Any, digest: str, revoked: Revoked) -> Standing:
    return standing_of(msgspec.json.decode(row.content), digest, revoked)


def _touched(row: Any, digest: str, revoked: Revoked) -> TouchedAnswer:
    content = msgspec.json.decode(row.content)
    step, document = content.get("step") or {}, content["document"]
    by_signature = is_signer(content, digest)
    found = standing_of(content, digest, revoked)
    sentences = _SENTENCES if by_signature else _STAMP_SENTENCES
    act = content.get("signature") or content["extension"]
    proven = act.get("proven_time")
    return TouchedAnswer(
        record=row.number,
        part="signature" if by_signature else "timestamp",
        document_id=document["id"],
        reference=document["reference"],
        document_kind=document["kind"],
        document_level=row.document_level,
        signature_request=step.get("request"),
        role=step.get("role"),
        official=(content.get("confirmation") or content.get("asked") or {}).get("official"),
        level=act["level"],
        field_names=act["fields"],
        signed_at=iso(datetime.fromisoformat(act.get("signed_at") or act["extended_at"])),
        proven_time=iso(datetime.fromisoformat(proven)) if proven is not None else None,
        result_sha256=act["result_sha256"],
        standing=found.value,
        sentence=sentences[found],
    )
