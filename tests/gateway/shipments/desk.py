"""A whole shipments capability over real sockets, with the carrier's simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer

import gateway.schema  # noqa: F401 - every table, so that nothing depends on the order of tests
from connectors.contract import Account
from connectors.registry import build_postal
from connectors.simulators.server import SimulatorServer
from connectors.simulators.vnpost_hcc import VNPostHccSimulator
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.metrics import Metrics
from gateway.foundation.outbound import HttpTransport
from gateway.foundation.waker import Waker
from gateway.foundation.web import Edge
from gateway.frame.layout import Frame, asked_language
from gateway.shipments.assembly import ShipmentDesk
from gateway.shipments.tables import evidence, shipments
from gateway.webhooks.outbox import events
from tests.support.edge import Portal, make_edge, portal, serve

POST, MANUAL, SILENT = "vnpost-hcc", "manual", "vnpost-off"

ADDRESS = {"line": "Số 5 ngõ 7", "ward_code": "01654", "province_code": "04"}
REQUEST: dict[str, Any] = {
    "reference": "000.00.12.H55-261102-0001",
    "kind": "result_delivery",
    "carrier": POST,
    "sender": {"name": "UBND phường Mẫu", "phone": "0209.123.4567", "address": ADDRESS},
    "recipient": {"name": "Nguyễn Văn An", "phone": "+84 912 345 678", "address": ADDRESS},
    "contents": [{"title": "Quyết định 05/QĐ-UBND", "form": "original", "quantity": 1}],
    "collect": {"payment_id": None, "amount": 0},
    "postage_payer": "applicant",
    "weight_g": 50,
}


def frame_of(request: web.Request) -> Frame:
    """What stands around a page in these tests."""
    lang = asked_language(request.query)
    return Frame(path=request.path, agency="UBND phường Mẫu", phone="0209 000 001", lang=lang)


def request_of(**changes: Any) -> dict[str, Any]:
    return {**REQUEST, **changes}


@dataclass
class Desk:
    """Everything a test of shipments touches."""

    clock: FakeClock
    database: Database
    edge: Edge
    server: TestServer
    session: aiohttp.ClientSession
    metrics: Metrics
    waker: Waker
    carriers: dict[str, Any]
    post: VNPostHccSimulator
    shipments: ShipmentDesk
    portal: Portal

    def another(self, **more: Any) -> ShipmentDesk:
        """A second process on the same database."""
        return ShipmentDesk(
            self.database,
            self.clock,
            self.waker,
            self.metrics,
            carriers=self.carriers,
            public_url="https://motcua.example",
            frame=frame_of,
            poll_s=0,
            **more,
        )

    async def another_portal(self, name: str = "cong-khac", **more: Any) -> Portal:
        return await portal(self.edge, self.server, self.session, name, **more)

    async def open(self, **changes: Any) -> dict[str, Any]:
        status, body, _ = await self.portal.post("/v1/shipments", request_of(**changes))
        assert status == 201, body
        return body

    async def ordered(self, **changes: Any) -> dict[str, Any]:
        """A shipment that the carrier has."""
        body = await self.open(**changes)
        await self.shipments.worker.once()
        return await self.read(body)

    async def read(self, shipment: dict[str, Any]) -> dict[str, Any]:
        status, body, _ = await self.portal.get(f"/v1/shipments/{shipment['id']}")
        assert status == 200, body
        return body

    async def work(self, after_s: float = 0) -> int:
        self.clock.advance(after_s)
        return await self.shipments.worker.once()

    async def poll(self, account: str = POST) -> int:
        return await self.shipments.trackers[account].once()

    async def events(self) -> list[tuple[str, int]]:
        """Types and sequence numbers of all events, as they were logged."""
        query = sa.select(events.c.type, events.c.sequence).order_by(events.c.number)
        rows = await self.database.read(lambda c: c.execute(query).all())
        return [tuple(row) for row in rows]

    async def types(self) -> list[str]:
        return [kind.removeprefix("shipment.") for kind, _ in await self.events()]

    async def stored(self) -> list[Any]:
        """All evidence, in the order of arrival."""
        query = sa.select(evidence).order_by(evidence.c.number)
        return await self.database.read(lambda c: c.execute(query).all())

    async def row(self, shipment: dict[str, Any]) -> Any:
        query = sa.select(shipments).where(shipments.c.id == shipment["id"])
        return await self.database.read(lambda c: c.execute(query).one())

    def alerts(self, kind: str) -> float:
        value = self.metrics.registry.get_sample_value("motcua_alerts_total", {"kind": kind})
        return value or 0.0


@asynccontextmanager
async def open_desk(database: Database, clock: FakeClock) -> AsyncIterator[Desk]:
    metrics, waker, post = Metrics(), Waker(), VNPostHccSimulator(clock)
    async with (
        SimulatorServer([post]) as simulators,
        HttpTransport(clock, metrics, tries=1) as transport,
        aiohttp.ClientSession() as session,
    ):
        options, secrets = post.account_options(simulators.url_of("vnpost_hcc"))
        # The same carrier where nobody listens: refused at once, so nothing is ever sent.
        nowhere, _ = post.account_options("http://127.0.0.1:9")
        accounts = [
            Account(POST, "vnpost_hcc", options, secrets),
            Account(MANUAL, "manual"),
            Account(SILENT, "vnpost_hcc", nowhere, secrets),
        ]
        carriers = {a.name: build_postal(a, transport, clock) for a in accounts}
        edge = make_edge(database, clock)
        desk = ShipmentDesk(
            database,
            clock,
            waker,
            metrics,
            carriers=carriers,
            public_url="https://motcua.example",
            frame=frame_of,
            poll_s=0,
        )
        server = await serve(edge, desk.routes())
        try:
            yield Desk(
                clock=clock,
                database=database,
                edge=edge,
                server=server,
                session=session,
                metrics=metrics,
                waker=waker,
                carriers=carriers,
                post=post,
                shipments=desk,
                portal=await portal(edge, server, session),
            )
        finally:
            await server.close()
