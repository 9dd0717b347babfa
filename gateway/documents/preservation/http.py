"""Routes of preservation: extending a document, and what loses its proof soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import msgspec

from gateway.documents.answers import DocumentAnswer
from gateway.documents.preservation.asked import REQUEST, Asked
from gateway.documents.preservation.calendar import Calendar, ExpiringList
from gateway.documents.preservation.service import Preservation
from gateway.foundation import listing
from gateway.foundation.ids import has_prefix
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.web import Call, Page, Reply, Route

_WITHIN_DAYS, _MOST_DAYS = 90, 36_500


class ExtendBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The level to reach; at B-LTA an archive time-stamp that is there already is renewed."""

    level: Literal["B-T", "B-LT", "B-LTA"] = "B-LTA"


def routes(preservation: Preservation, calendar: Calendar) -> list[Route | Page]:
    """Routes beside those of ``http``."""
    handlers = _Handlers(preservation, calendar)
    query = {name: listing.WINDOW_QUERY[name] for name in ("limit", "after")}
    query["within_days"] = "0–36500, default 90"
    return [
        Route("GET", "/v1/documents/expiring", handlers.expiring, "documents:read",
              "Documents that lose their proof soon, soonest first", reply=ExpiringList,
              query=query),
        Route("POST", "/v1/documents/{id}/extend", handlers.extend, "documents:write",
              "Raise the level of a signed document, or renew its archive time-stamp",
              body=ExtendBody, reply=DocumentAnswer, idempotent=True),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, preservation: Preservation, calendar: Calendar) -> None:
        self._preservation = preservation
        self._calendar = calendar

    async def extend(self, call: Call[ExtendBody]) -> Reply:
        async def work(lease: Any) -> Reply:
            who = call.principal
            asked = Asked(REQUEST, "extend", who.key_id, who.official)
            extension = await self._preservation.prepare(
                call.tenant, call.path("id"), call.body.level, asked=asked
            )
            return await call.finish(
                lease, lambda c: Reply(self._preservation.publish(c, extension))
            )

        reply = await call.attempt(work)
        self._preservation.announce()
        return reply

    async def expiring(self, call: Call[None]) -> Reply:
        query = dict(call.request.query)
        days = _days(query.pop("within_days", None))
        window = listing.read_window(query, of=None)
        if window.after and not any(has_prefix(window.after, of) for of in ("doc", "cer")):
            raise invalid([FieldError("/after", "invalid", "Cần mã của trang trước.")])
        page = await self._calendar.expiring(
            call.tenant, timedelta(days=days), window.after, window.limit
        )
        return Reply(page)


def _days(text: str | None) -> int:
    if text is None:
        return _WITHIN_DAYS
    if text.isascii() and text.isdigit() and int(text) <= _MOST_DAYS:
        return int(text)
    raise invalid([FieldError("/within_days", "invalid", "Số ngày từ 0 đến 36500.")])
