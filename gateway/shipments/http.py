"""Routes of shipments (API: "Shipments")."""

from __future__ import annotations

from typing import Any

from gateway.foundation import listing
from gateway.foundation.web import Call, Page, Reply, Route
from gateway.shipments.answers import ShipmentAnswer, ShipmentList
from gateway.shipments.cancelling import Cancelling
from gateway.shipments.recording import Recording
from gateway.shipments.service import Shipments
from gateway.shipments.shapes import CancelBody, EntryBody, ShipmentBody

_FILTERS = ("reference", "kind", "carrier", "movement", "money", "papers")


def routes(shipments: Shipments, cancelling: Cancelling) -> list[Route | Page]:
    """Everything under ``/v1/shipments``."""
    handlers = _Handlers(shipments, cancelling)
    base, one = "/v1/shipments", "/v1/shipments/{id}"
    query = {**listing.WINDOW_QUERY, **dict.fromkeys(_FILTERS, "equals"), "status": "movement"}
    return [
        Route("POST", base, handlers.open, "shipments:write", "Order a delivery",
              body=ShipmentBody, reply=ShipmentAnswer, status=201, idempotent=True),
        Route("GET", base, handlers.page, "shipments:read", "List shipments",
              reply=ShipmentList, query=query),
        Route("GET", one, handlers.get, "shipments:read", "One shipment", reply=ShipmentAnswer),
        Route("POST", one + "/cancel", handlers.cancel, "shipments:write",
              "Call a parcel back; the carrier decides", body=CancelBody, reply=ShipmentAnswer,
              idempotent=True),
        Route("POST", one + "/events", handlers.enter, "shipments:write",
              "Type in what the post says (manual carrier)", body=EntryBody,
              reply=ShipmentAnswer, status=201, idempotent=True),
        Route("GET", one + "/label", handlers.label, "shipments:read", "The address label, PDF"),
        Route("GET", one + "/consignment-note", handlers.note, "shipments:read",
              "Phiếu gửi, PDF"),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, shipments: Shipments, cancelling: Cancelling) -> None:
        self._shipments = shipments
        self._cancelling = cancelling

    async def open(self, call: Call[ShipmentBody]) -> Reply:
        reply = await call.once(
            lambda c: Reply(self._shipments.open(c, call.tenant, call.body), status=201)
        )
        self._shipments.opened()
        return reply

    async def page(self, call: Call[None]) -> Reply:
        query = dict(call.request.query)
        if "status" in query:
            query["movement"] = query.pop("status")
        window = listing.read_window(query, _FILTERS, of="shp")
        return Reply(await self._shipments.page(call.tenant, window))

    async def get(self, call: Call[None]) -> Reply:
        return Reply(await self._shipments.get(call.tenant, call.path("id")))

    async def cancel(self, call: Call[CancelBody]) -> Reply:
        async def work(lease: Any) -> Reply:
            tenant, name = call.tenant, call.path("id")
            await self._cancelling.request(tenant, name, _actor(call), call.body.reason)
            return await call.finish(lease, lambda c: Reply(self._shipments.view(c, tenant, name)))

        return await call.attempt(work)

    async def enter(self, call: Call[EntryBody]) -> Reply:
        made: list[Recording] = []

        def unit(connection: Any) -> Reply:
            name, actor = call.path("id"), _actor(call)
            view, recording = self._shipments.enter(connection, call.tenant, name, call.body, actor)
            made[:] = [recording]  # a unit may run twice; its last run is the one that counts
            return Reply(view, status=201)

        reply = await call.once(unit)
        for recording in made:
            self._shipments.entered(recording)
        return reply

    async def label(self, call: Call[None]) -> Reply:
        name = call.path("id")
        return _pdf(await self._shipments.label(call.tenant, name), f"{name}-label.pdf")

    async def note(self, call: Call[None]) -> Reply:
        name = call.path("id")
        return _pdf(await self._shipments.consignment_note(call.tenant, name), f"{name}-note.pdf")


def _actor(call: Call[Any]) -> str:
    """Who did it: the official of a personal token, else the key."""
    return call.principal.official or f"key:{call.principal.key_id}"


def _pdf(content: bytes, name: str) -> Reply:
    headers = {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'inline; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return Reply(raw=content, headers=headers)
