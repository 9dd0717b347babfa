"""What a revoked certificate touches: every act signed with it, held against the revocation's day.

A signature that a time-stamp proves to be older than the revocation keeps its worth; one that only
claims so proves nothing (NĐ 23/2025/NĐ-CP; ETSI EN 319 102-1 §5.2.6). Reads the evidence log, so
what was signed before there was a log is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from gateway.documents.evidence import store as evidence_store
from gateway.foundation import listing
from gateway.foundation.clock import iso
from gateway.foundation.database import Database
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.web import Call, Page, Reply, Route

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Standing(StrEnum):
    """Where a signature stands against a revocation."""

    BEFORE = "before_revocation"
    AFTER = "after_revocation"
    UNPROVEN = "unproven"
    NOT_COMPARED = "not_compared"


_SENTENCES = {
    Standing.BEFORE: "Dấu thời gian chứng minh chữ ký có trước khi chứng thư bị thu hồi.",
    Standing.AFTER: "Chữ ký được tạo từ khi chứng thư đã bị thu hồi: phải xem xét lại văn bản.",
    Standing.UNPROVEN: (
        "Chữ ký khai là có trước khi thu hồi nhưng không có dấu thời gian chứng minh:"
        " phải xem xét lại văn bản."
    ),
    Standing.NOT_COMPARED: "Chưa nêu thời điểm thu hồi để so sánh.",
}


class TouchedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One act with the certificate; ``standing`` compares it with the revocation.

    ``document_id`` is ``cer_…`` for a certified copy, which has no ``document_level``.
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
    """One page, newest first."""

    certificate_sha256: str
    revoked_at: str | None
    data: list[TouchedAnswer]
    has_more: bool
    next: str | None


def standing(
    signed_at: datetime, proven_time: datetime | None, revoked_at: datetime | None
) -> Standing:
    """Where a signature stands; only a proven time can clear it."""
    if revoked_at is None:
        return Standing.NOT_COMPARED
    if proven_time is not None:
        return Standing.BEFORE if proven_time < revoked_at else Standing.AFTER
    return Standing.UNPROVEN if signed_at < revoked_at else Standing.AFTER


def routes(database: Database) -> list[Route | Page]:
    """``/v1/certificates/{sha256}/documents``."""

    async def touched(call: Call[None]) -> Reply:
        digest = call.path("sha256").lower()
        if not _SHA256.fullmatch(digest):
            raise invalid([FieldError("/sha256", "invalid", "Cần SHA-256 của chứng thư (hex).")])
        window, revoked_at = _read_query(call)
        rows = await database.read(
            lambda c: evidence_store.records_by_certificate(c, call.tenant, digest, window)
        )
        return Reply(_page(digest, revoked_at, rows, window.limit))

    return [
        Route("GET", "/v1/certificates/{sha256}/documents", touched, "documents:read",
              "Documents signed with a certificate, against its revocation", reply=TouchedList,
              query=listing.WINDOW_QUERY
              | {"revoked_at": "RFC 3339: when the certificate was revoked"}),
    ]  # fmt: skip


def _read_query(call: Call[None]) -> tuple[listing.Window, datetime | None]:
    window = listing.read_window(call.request.query, ("revoked_at",), of=None)
    errors: list[FieldError] = []
    revoked_at = listing.read_moment(call.request.query, "revoked_at", errors)
    if window.after is not None and not (window.after.isascii() and window.after.isdigit()):
        errors.append(FieldError("/after", "invalid", "Cần số bản ghi."))
    if errors:
        raise invalid(errors)
    return window, revoked_at


def _page(digest: str, revoked_at: datetime | None, rows: Sequence[Any], limit: int) -> TouchedList:
    shown = rows[:limit]
    more = len(rows) > limit
    return TouchedList(
        certificate_sha256=digest,
        revoked_at=iso(revoked_at) if revoked_at is not None else None,
        data=[_touched(row, revoked_at) for row in shown],
        has_more=more,
        next=str(shown[-1].number) if more else None,
    )


def _touched(row: Any, revoked_at: datetime | None) -> TouchedAnswer:
    content = msgspec.json.decode(row.content)
    signature, step = content["signature"], content.get("step") or {}
    document = content["document"]
    signed_at = datetime.fromisoformat(signature["signed_at"])
    proven = signature["proven_time"]
    proven_time = datetime.fromisoformat(proven) if proven is not None else None
    found = standing(signed_at, proven_time, revoked_at)
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
        signed_at=iso(signed_at),
        proven_time=iso(proven_time) if proven_time is not None else None,
        result_sha256=signature["result_sha256"],
        standing=found.value,
        sentence=_SENTENCES[found],
    )
