"""A whole payments capability over real sockets, with its providers' simulators."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.contract import Account
from connectors.registry import build_notification, build_payment
from connectors.simulators.bank import BankSimulator
from connectors.simulators.server import SimulatorServer
from connectors.simulators.vnpay import VnpaySimulator
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.edge import middleware
from gateway.foundation.metrics import Metrics
from gateway.foundation.outbound import HttpTransport
from gateway.foundation.waker import Waker
from gateway.foundation.web import Edge, mount
from gateway.payments.accounts import Accounts, Policy
from gateway.payments.asking import Asking
from gateway.payments.assembly import PaymentDesk
from gateway.payments.attempts import Attempts
from gateway.payments.checkout.values import Place
from gateway.payments.refunds import RefundDesk
from gateway.payments.service import Payments
from gateway.payments.worker import PaymentWorker
from gateway.webhooks.outbox import events
from tests.support.edge import Portal, make_edge, portal

VNPAY, VIETQR, CASSO, SEPAY = "vnpay-main", "vietqr-main", "casso-main", "sepay-main"

REQUEST = {
    "reference": "000.00.12.H55-261102-0001",
    "procedure_code": "2.000815",
    "agency_code": "H55.12",
    "items": [
        {
            "code": "CTBS",
            "name": "Phí chứng thực bản sao",
            "kind": "fee",
            "quantity": 3,
            "unit_amount": 7000,
        }
    ],
    "payer": {"name": "Nguyễn Văn An", "phone": "0912345678"},
    "description": "Le phi ho so 0001",
    "return_url": "https://portal.example/ho-so/1",
    "metadata": {"kenh": "mot-cua"},
}


def request_of(amount=21_000, **changes):
    item = {**REQUEST["items"][0], "quantity": 1, "unit_amount": amount}
    return {**REQUEST, "items": [item], **changes}


@dataclass
class Desk:
    """Everything a test of payments touches."""

    clock: FakeClock
    database: Database
    edge: Edge
    server: TestServer
    session: aiohttp.ClientSession
    metrics: Metrics
    payments: Payments
    attempts: Attempts
    asking: Asking
    refunds: RefundDesk
    worker: PaymentWorker
    capability: PaymentDesk
    simulators: SimulatorServer
    vnpay: VnpaySimulator
    bank: BankSimulator
    portal: Portal
    base: str

    async def another_portal(self, name="cong-khac", mode="test", **more) -> Portal:
        return await portal(self.edge, self.server, self.session, name, mode, **more)

    async def open(self, amount=21_000, **changes):
        status, body, _ = await self.portal.post("/v1/payments", request_of(amount, **changes))
        assert status == 201, body
        return body

    async def try_paying(self, payment, account=VNPAY, **changes):
        path = f"/v1/payments/{payment['id']}/attempts"
        status, body, _ = await self.portal.post(path, {"account": account, **changes})
        assert status == 201, body
        return body

    async def read(self, payment):
        _, body, _ = await self.portal.get(f"/v1/payments/{payment['id']}")
        return body

    async def pay_at_vnpay(self, attempt, code="00"):
        """The citizen pays on VNPAY's page; answers where the browser is sent to."""
        body = {"pay_url": attempt["action"]["url"], "response_code": code}
        async with self.session.post(f"{self.sim('vnpay')}/control/pay", json=body) as answer:
            address = (await answer.json())["return_url"]
        await self.vnpay.callbacks.settle()
        return address

    async def scan(self, attempt, amount=None):
        """The citizen pays by QR, perhaps another amount."""
        memo, asked = attempt["action"]["memo"], attempt["amount"]
        line = self.bank.transfer(amount or asked, memo)
        await self.bank.callbacks.settle()
        return line

    def sim(self, name):
        return f"{self.simulators.base_url}/sim/{name}"

    async def work(self, times=1):
        for _ in range(times):
            await self.worker.once()

    async def wait(self, seconds):
        """Time passes and the worker looks."""
        self.clock.advance(seconds)
        return await self.worker.once()

    async def events(self):
        """Types of all events, as they were logged."""
        query = sa.select(events.c.type, events.c.subject, events.c.sequence)
        rows = await self.database.read(lambda c: c.execute(query.order_by(events.c.number)).all())
        return [tuple(row) for row in rows]

    async def event_types(self):
        return [row[0] for row in await self.events()]


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def payment_accounts(simulators, transport, clock, vnpay, bank):
    """The province's accounts at the simulators."""
    options, secrets = vnpay.account_options(simulators.url_of("vnpay"))
    paying = {VNPAY: build_payment(Account(VNPAY, "vnpay", options, secrets), transport, clock)}
    options, secrets = bank.account_options("", "vietqr")
    paying[VIETQR] = build_payment(Account(VIETQR, "vietqr", options, secrets), transport, clock)
    hearing = {}
    for name, provider in ((CASSO, "casso"), (SEPAY, "sepay")):
        options, secrets = bank.account_options("", provider)
        account = Account(name, provider, options, secrets)
        hearing[name] = build_notification(account, transport, clock)
    return Accounts(paying, hearing, {VNPAY: "VNPAY", VIETQR: "VietQR"})


@asynccontextmanager
async def open_desk(database: Database, clock: FakeClock, **policy) -> AsyncIterator[Desk]:
    metrics, waker, port = Metrics(), Waker(), free_port()
    base = f"http://127.0.0.1:{port}"
    vnpay = VnpaySimulator(clock, retry_delays_s=(0.0,))
    bank = BankSimulator(clock, formats=("casso", "sepay"), retry_delays_s=(0.0,))
    simulators = SimulatorServer([vnpay, bank])
    vnpay.callback_url = f"{base}/callbacks/{VNPAY}"
    bank.callback_urls = {
        "casso": f"{base}/callbacks/{CASSO}",
        "sepay": f"{base}/callbacks/{SEPAY}",
    }
    async with (
        simulators,
        HttpTransport(clock, metrics, tries=1) as transport,
        aiohttp.ClientSession() as session,
    ):
        accounts = payment_accounts(simulators, transport, clock, vnpay, bank)
        capability = PaymentDesk(
            database,
            clock,
            waker,
            metrics,
            accounts=accounts,
            policy=Policy(public_url=base, **policy),
            place=Place(agency="UBND phường A", province="tỉnh Thái Nguyên"),
            form_secret=b"f" * 32,
        )
        edge = make_edge(database, clock)
        app = web.Application(middlewares=[middleware(clock, metrics, capability.problem_page)])
        mount(app, edge, capability.routes())
        server = TestServer(app, host="127.0.0.1", port=port)
        await server.start_server()
        desk = Desk(
            clock=clock,
            database=database,
            edge=edge,
            server=server,
            session=session,
            metrics=metrics,
            payments=capability.payments,
            attempts=capability.attempts,
            asking=capability.asking,
            refunds=capability.refunds,
            worker=capability.worker,
            capability=capability,
            simulators=simulators,
            vnpay=vnpay,
            bank=bank,
            portal=await portal(edge, server, session),
            base=base,
        )
        try:
            yield desk
        finally:
            await server.close()
