"""What every page of paying stands on: the snapshot, the frame, the answers.

Owns how a page is looked up, wrapped and led on from; a link that leads nowhere looks the same
whatever is wrong with it. Leaves routes to ``pages`` and ``result_pages``.
"""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from gateway.frame.catalog import LANGUAGES
from gateway.frame.layout import Frame
from gateway.frame.security import page_headers, page_response
from gateway.payments.checkout.state import Snapshot, take_snapshot
from gateway.payments.checkout.values import PageValues
from gateway.payments.checkout.views import render_not_found
from gateway.payments.service import Payments


class Door:
    """Looks payments up by their links and answers browsers."""

    def __init__(self, payments: Payments, values: PageValues) -> None:
        self.payments = payments
        self.values = values
        self._secure = payments.policy.public_url.startswith("https://")

    def now(self) -> datetime:
        """The present moment."""
        return self.payments.clock.now()

    async def snapshot(self, request: web.Request) -> Snapshot | None:
        """The payment behind the link of a request."""
        token = request.match_info["token"]
        if "\x00" in token:  # which PostgreSQL refuses to look for
            return None
        return await self.payments.database.read(lambda c: take_snapshot(c, token))

    def frame(self, request: web.Request, snapshot: Snapshot | None) -> Frame:
        """What stands around the page of a request."""
        return self.values.frame(request.path, language(request), snapshot)

    @property
    def headers(self) -> dict[str, str]:
        """What protects every page."""
        return page_headers(secure=self._secure)

    def page(self, html: str, status: int = 200) -> web.Response:
        """Answer with a page."""
        return page_response(html, status=status, secure=self._secure)

    def file(self, body: bytes, kind: str) -> web.Response:
        """Answer with something that is not a page."""
        return web.Response(body=body, headers={**self.headers, "Content-Type": kind})

    def missing(self, request: web.Request, status: int = 404) -> web.Response:
        """The one page of every link that leads nowhere."""
        return self.page(render_not_found(self.frame(request, None)), status)

    def address(self, request: web.Request, snapshot: Snapshot, place: str = "") -> str:
        """One of a payment's own pages, in the language of the request."""
        path = f"/pay/{snapshot.row.token}{'/' if place else ''}{place}"
        return self.frame(request, snapshot).link(path)

    def to(
        self, request: web.Request, snapshot: Snapshot, place: str = "", **query: str
    ) -> web.Response:
        """Lead the browser on with a GET."""
        address = self.address(request, snapshot, place)
        for name, value in query.items():
            address += f"{'&' if '?' in address else '?'}{name}={value}"
        return web.Response(status=303, headers={**self.headers, "Location": address})


def language(request: web.Request) -> str:
    """Vietnamese unless the address says otherwise."""
    asked = request.query.get("lang", "vi")
    return asked if asked in LANGUAGES else "vi"
