"""The route that lists what loses its proof soon."""

from __future__ import annotations

from datetime import timedelta

from gateway.foundation import listing
from gateway.foundation.ids import has_prefix
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.web import Call, Page, Reply, Route
from gateway.preservation.calendar import Calendar, ExpiringList

_WITHIN_DAYS, _MOST_DAYS = 90, 36_500


def routes(calendar: Calendar) -> list[Route | Page]:
    """What to mount."""
    handlers = _Handlers(calendar)
    query = {name: listing.WINDOW_QUERY[name] for name in ("limit", "after")}
    query["within_days"] = "0–36500, default 90"
    return [
        Route("GET", "/v1/documents/expiring", handlers.expiring, "documents:read",
              "Documents that lose their proof soon, soonest first", reply=ExpiringList,
              query=query),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

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
