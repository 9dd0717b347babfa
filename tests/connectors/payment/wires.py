"""Builders and wires of the payment tests: accounts, orders, clocks, transports, a receiver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from connectors.contract import (
    Account,
    Callback,
    HttpReply,
    HttpRequest,
    Interpretation,
    Order,
    OutcomeUnknown,
    ProviderProtocolError,
    ProviderUnavailable,
    Receipt,
    RefundOrder,
    SignatureMismatch,
    Sought,
)

NOON = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)  # 12:00 in Vietnam
SECRET = "TESTHASHSECRET0123456789ABCDEFGH"
VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))


def vector(vector_id: str) -> dict[str, Any]:
    """One published vector by its id."""
    every = (v for group in ("public", "derived", "negative") for v in VECTORS[group])
    return next(v for v in every if v["id"] == vector_id)


class StandingClock:
    """Time stands still until a test moves it."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The test's present."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


class CannedTransport:
    """Answers from a list and keeps every request; an exception in the list is raised."""

    def __init__(self, *answers: HttpReply | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpReply:
        """Give the next answer."""
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class LoopbackTransport:
    """Real HTTP with the contract's outcomes; a busy machine is no time-out."""

    def __init__(self, patience_s: float = 30.0) -> None:
        self.patience_s = patience_s

    async def send(self, request: HttpRequest) -> HttpReply:
        """One try: not connected = nothing was sent, anything later = unknown."""
        patience = aiohttp.ClientTimeout(total=self.patience_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.request(
                    request.method, request.url, headers=request.headers, data=request.body
                ) as reply,
            ):
                return HttpReply(reply.status, dict(reply.headers), await reply.read())
        except aiohttp.ClientConnectorError as error:
            raise ProviderUnavailable("not connected") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown("no answer") from error


def json_reply(fields: object, status: int = 200) -> HttpReply:
    """A provider's JSON answer."""
    return HttpReply(status, {"content-type": "application/json"}, json.dumps(fields).encode())


def vnpay_account(**options: Any) -> Account:
    """A complete VNPAY account; keyword arguments replace options."""
    base = {"tmn_code": "TESTTMN1", "base_url": "https://sandbox.vnpayment.vn"}
    return Account("vnpay-main", "vnpay", {**base, **options}, {"hash_secret": (SECRET,)})


def vietqr_account(**options: Any) -> Account:
    """A complete VietQR account."""
    base = {
        "bank_bin": "970436",
        "account_number": "0011001234567",
        "account_name": "UBND xã Mường Phăng",
    }
    return Account("qr-main", "vietqr", {**base, **options})


def casso_account(**options: Any) -> Account:
    """A complete Casso account with a key that is being rotated out."""
    keys = {"webhook_key": ("casso-new-key", "casso-old-key")}
    return Account("casso-main", "casso", options, keys)


def sepay_account(**options: Any) -> Account:
    """A complete SePay account."""
    return Account("sepay-main", "sepay", options, {"api_key": ("sepay-new-key", "sepay-old-key")})


def make_order(**changes: Any) -> Order:
    """An order of 21,000 đồng."""
    values: dict[str, Any] = {
        "reference": "HS2026000123",
        "amount_vnd": 21_000,
        "description": "Lệ phí hồ sơ 0123",
        "created_at": NOON,
        "expires_at": NOON + timedelta(minutes=15),
        "return_url": "https://gateway.example/callbacks/vnpay-main/return",
        "callback_url": "https://gateway.example/callbacks/vnpay-main",
        "client_ip": "113.161.0.1",
    }
    return Order(**{**values, **changes})


def make_sought(**changes: Any) -> Sought:
    """The same order, asked about."""
    values: dict[str, Any] = {
        "reference": "HS2026000123",
        "amount_vnd": 21_000,
        "description": "Lệ phí hồ sơ 0123",
        "created_at": NOON,
        "state": {"vnp_CreateDate": "20261102120000"},
    }
    return Sought(**{**values, **changes})


def make_refund(**changes: Any) -> RefundOrder:
    """A partial refund of 7,000 đồng."""
    values: dict[str, Any] = {
        "reference": "ref_01J0000000",
        "payment": make_sought(),
        "amount_vnd": 7_000,
        "full": False,
        "reason": "Nộp thừa",
        "requested_by": "official:tran.thi.b",
        "requested_at": NOON,
    }
    return RefundOrder(**{**values, **changes})


def make_callback(**changes: Any) -> Callback:
    """A callback; by default an empty GET."""
    values: dict[str, Any] = {
        "method": "GET",
        "leg": "",
        "query": "",
        "headers": {},
        "body": b"",
        "received_at": NOON,
    }
    return Callback(**{**values, **changes})


class Receiver:
    """Our side of the callbacks: reads with a connector, stores, answers as the gateway would."""

    def __init__(self) -> None:
        self.connector: Any = None
        self.url = ""
        self.reports: list[Interpretation] = []
        self.refused = 0
        self.answers: list[Receipt] = []  # scripted answers, used first
        self._keys: set[str] = set()

    async def _take(self, request: web.Request) -> web.Response:
        callback = make_callback(
            method=request.method,
            leg=request.match_info.get("leg", ""),
            query=request.rel_url.raw_query_string,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        receipt = self._store(callback)
        reply = self.connector.callback_reply(receipt, callback)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

    def _store(self, callback: Callback) -> Receipt:
        if self.answers:
            return self.answers.pop(0)
        try:
            found = self.connector.read_callback(callback)
        except SignatureMismatch:
            self.refused += 1
            return Receipt.BAD_SIGNATURE
        except ProviderProtocolError:
            return Receipt.UNREADABLE
        self.reports += found
        keys = {getattr(report, "event_key", "") for report in found}
        fresh = keys - self._keys
        self._keys |= keys
        return Receipt.STORED if fresh else Receipt.DUPLICATE


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free loopback port, at ``/callbacks/main`` and ``…/{leg}``."""
    taken = Receiver()
    app = web.Application()
    app.router.add_route("*", "/callbacks/main", taken._take)
    app.router.add_route("*", "/callbacks/main/{leg}", taken._take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks/main"
    try:
        yield taken
    finally:
        await runner.cleanup()


async def until(condition: Any, patience_s: float = 60.0) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110 - polls what others' tasks do, with a limit
            await asyncio.sleep(0.01)


def keys_of(reports: Sequence[Interpretation]) -> list[str]:
    """The event keys, in the order they came."""
    return [getattr(report, "event_key", type(report).__name__) for report in reports]
