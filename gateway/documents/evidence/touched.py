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
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.standings import Standing, standing, standing_of
from gateway.documents.revocation.service import RevocationAnswer, Revocations, Word
from gateway.documents.revocation.store import OPERATOR
from gateway.foundation import listing
from gateway.foundation.clock import iso
from gateway.foundation.database import Database
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.web import Call, Page, Reply, Route

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

Levels = Callable[[Connection, Sequence[str]], dict[str, str | None]]


class TouchedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One act with the certificate; ``standing`` compares it with the revocation.

    ``document_id`` is ``cer_…`` for a certified copy.
    """

    record: int
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


@dataclass(frozen=True, slots=True)
class _Question:
    digest: str
    window: listing.Window
    revoked_at: datetime | None
    standing: Standing | None


def routes(database: Database, revocations: Revocations, levels: Levels) -> list[Route | Page]:
    """``/v1/certificates/{sha256}/…``; ``levels``: of what other capabilities keep."""
    handlers = _Handlers(database, revocations, levels)
    one = "/v1/certificates/{sha256}"
    query = listing.WINDOW_QUERY | {
        "revoked_at": "RFC 3339: compare with this moment instead; recorded nowhere",
        "standing": "before_revocation, after_revocation or unproven",
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
        word = Word(OPERATOR, body.revoked_at, body.reason, by)

        def unit(connection: Connection) -> Reply:
            self._revocations.say(connection, tenant, digest, word)
            return Reply(self._revocations.show(connection, tenant, digest))

        reply = await call.once(unit)
        self._revocations.announce()
        return reply

    def _page(self, connection: Connection, tenant: str, asked: _Question) -> TouchedList:
        known = self._revocations.show(connection, tenant, asked.digest)
        revoked_at = asked.revoked_at
        if revoked_at is None and known.revoked_at is not None:
            revoked_at = datetime.fromisoformat(known.revoked_at)
        rows, following = _fetch(connection, tenant, asked, revoked_at)
        shown = [_touched(row, revoked_at) for row in rows]
        elsewhere = [one.document_id for one in shown if one.document_level is None]
        levels = self._levels(connection, elsewhere) if elsewhere else {}
        return TouchedList(
            certificate_sha256=asked.digest,
            revoked_at=iso(revoked_at) if revoked_at is not None else None,
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
    connection: Connection, tenant: str, asked: _Question, revoked_at: datetime | None
) -> tuple[list[Any], str | None]:
    """The rows of a page, and what follows; with a standing, many may have to be looked through."""
    limit, window = asked.window.limit, replace(asked.window, limit=listing.MOST)
    found: list[Any] = []
    for _ in range(_MOST_READ // listing.MOST):
        rows = evidence_store.records_by_certificate(connection, tenant, asked.digest, window)
        for row in rows[: listing.MOST]:
            if asked.standing is not None and _standing(row, revoked_at) is not asked.standing:
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
    window = listing.read_window(query, ("revoked_at", "standing"), of=None)
    errors: list[FieldError] = []
    revoked_at = listing.read_moment(query, "revoked_at", errors)
    if window.after is not None and not (window.after.isascii() and window.after.isdigit()):
        errors.append(FieldError("/after", "invalid", "Cần số bản ghi."))
    wanted = query.get("standing")
    if wanted is not None and wanted not in list(Standing):
        errors.append(FieldError("/standing", "invalid", "Không có giá trị này."))
    if errors:
        raise invalid(errors)
    return _Question(digest, window, revoked_at, Standing(wanted) if wanted is not None else None)


def _digest(call: Call[Any]) -> str:
    digest = call.path("sha256").lower()
    if not _SHA256.fullmatch(digest):
        raise invalid([FieldError("/sha256", "invalid", "Cần SHA-256 của chứng thư (hex).")])
    return digest


def _standing(row: Any, revoked_at: datetime | None) -> Standing:
    return standing_of(msgspec.json.decode(row.content)["signature"], revoked_at)


def _touched(row: Any, revoked_at: datetime | None) -> TouchedAnswer:
    content = msgspec.json.decode(row.content)
    signature, step = content["signature"], content.get("step") or {}
    document = content["document"]
    proven = signature["proven_time"]
    found = standing_of(signature, revoked_at)
    return TouchedAnswer(
        record=row.number,
        document_id=document["id"],
        reference=document["reference"],
        document_kind=document["kind"],
        document_level=row.document_level,
        signature_request=step.get("request"),
        role=step.get("role"),
        official=(content.get("confirmation") or {}).get("official"),
        level=signature["level"],
        field_names=signature["fields"],
        signed_at=iso(datetime.fromisoformat(signature["signed_at"])),
        proven_time=iso(datetime.fromisoformat(proven)) if proven is not None else None,
        result_sha256=signature["result_sha256"],
        standing=found.value,
        sentence=_SENTENCES[found],
    )
