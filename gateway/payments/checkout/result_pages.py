"""The pages that tell an outcome: result, confirmation, live status.

Owns those routes under ``/pay/{token}``; leaves values to ``result_values`` and HTML to the views.
The live status is server-sent events: it says only state, text and the next page, and ends with
the first final state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec
from aiohttp import ClientConnectionResetError, web
from sqlalchemy import Connection

from gateway.foundation.problems import Problem
from gateway.foundation.web import Page
from gateway.payments.checkout.confirmation import render_confirmation_pdf
from gateway.payments.checkout.door import Door, language
from gateway.payments.checkout.result_values import LIVE_STATES, ResultValues
from gateway.payments.checkout.result_view import ResultState
from gateway.payments.checkout.state import TRANSFER, Snapshot, result_state
from gateway.payments.checkout.views import render_receipt, render_result
from gateway.payments.texts import words_for

Told = Callable[[Connection, str], datetime | None]
"""When the portal took the news that a payment is paid; None = not yet."""

_BEAT_S = 15.0
_BEATS = 40


class ResultPages:
    """Pages that tell where a payment stands."""

    def __init__(self, door: Door, told: Told | None = None) -> None:
        self._door = door
        self._values = ResultValues(door.values)
        self._told = told or (lambda _connection, _payment: None)

    def pages(self) -> list[Page]:
        """Every route."""
        here = "/pay/{token}"
        return [
            Page("GET", f"{here}/result", self.result),
            Page("GET", f"{here}/receipt", self.receipt),
            Page("GET", f"{here}/receipt.pdf", self.receipt_pdf),
            Page("GET", f"{here}/events", self.events, looked_at=False),
        ]

    async def result(self, request: web.Request) -> web.StreamResponse:
        """Where the payment stands, from evidence."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        now = self._door.now()
        found = result_state(snapshot, now)
        if found is None:
            place = "qr" if snapshot.open_with(*TRANSFER) else ""
            return self._door.to(request, snapshot, place)
        told_at = await self._told_at(snapshot)
        frame = self._door.frame(request, snapshot)
        return self._door.page(
            render_result(self._values.result(snapshot, found, frame, now, told_at))
        )

    async def receipt(self, request: web.Request) -> web.StreamResponse:
        """The plain confirmation as a page."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        if snapshot.state.paid_at is None:
            return self._door.to(request, snapshot, "result")
        pdf = await self._pdf(snapshot)
        frame = self._door.frame(request, snapshot)
        return self._door.page(render_receipt(self._values.receipt(snapshot, frame, len(pdf))))

    async def receipt_pdf(self, request: web.Request) -> web.StreamResponse:
        """The plain confirmation as a PDF."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        if snapshot.state.paid_at is None:
            return self._door.to(request, snapshot, "result")
        return self._door.file(await self._pdf(snapshot), "application/pdf")

    async def _pdf(self, snapshot: Snapshot) -> bytes:
        confirmation = self._values.confirmation(snapshot)
        return await asyncio.to_thread(render_confirmation_pdf, confirmation)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Live status as server-sent events; ends with the first final state."""
        snapshot = await self._door.snapshot(request)
        live = self._door.payments.live
        if snapshot is None:
            return self._door.missing(request)
        if live.is_full:
            raise Problem("service_unavailable", headers={"Retry-After": "30"})
        headers = {**self._door.headers, "Content-Type": "text/event-stream"}
        response = web.StreamResponse(headers={**headers, "X-Accel-Buffering": "no"})
        await response.prepare(request)
        try:
            with live.watch(snapshot.row.id) as changed:
                await self._stream(request, response, changed)
        except (ClientConnectionResetError, ConnectionResetError):
            pass  # the reader went away
        return response

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, changed: asyncio.Event
    ) -> None:
        await response.write(b"retry: 5000\n\n")
        said = ""
        for _ in range(_BEATS):
            changed.clear()
            snapshot = await self._door.snapshot(request)
            if snapshot is None or self._door.payments.live.closing:
                return
            news, final = await self._news(request, snapshot)
            if news != said:
                await response.write(f"data: {news}\n\n".encode())
                said = news
            if final:
                return
            try:
                await asyncio.wait_for(changed.wait(), _BEAT_S)
            except TimeoutError:
                await response.write(b": still here\n\n")

    async def _news(self, request: web.Request, snapshot: Snapshot) -> tuple[str, bool]:
        found, told = result_state(snapshot, self._door.now()), await self._told_at(snapshot)
        lang, waits = language(request), found is None or found in LIVE_STATES
        news = {
            "state": f"{found or 'waiting'}{'-told' if told else ''}",
            "text": words_for("waiting" if waits else "known", lang),
            "next": None if waits else self._door.address(request, snapshot, "result"),
        }
        being_told = found is ResultState.PAID and told is None
        return msgspec.json.encode(news).decode(), not waits and not being_told

    async def _told_at(self, snapshot: Snapshot) -> datetime | None:
        payment_id = snapshot.row.id
        return await self._door.payments.database.read(lambda c: self._told(c, payment_id))
