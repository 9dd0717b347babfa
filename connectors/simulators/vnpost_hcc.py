"""A stand-in for VNPost HCC behind NGSP and behind a provincial LGSP, with parcels that move.

Owns: tokens that expire, orders refused or recognised by their number, one tracking feed a
customer, cancelling that needs approval once the parcel is on its way, and the buttons with which
a tester moves a parcel along. Written from the published messages, apart from the connector: it
imports nothing of it. The tracking codes are this simulator's own, for the real table is not
published; ``account_options`` hands them out the way a province would enter its contract's.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final

from aiohttp import web

from connectors.contract import Clock
from connectors.simulators.faults import FaultScript
from connectors.simulators.pages import button_form, dong, facts, page, with_faults
from connectors.simulators.vnpost_parcels import CODES, FINISHED, Parcel, Parcels

REFUSALS: Final = {"no_customer": "400", "no_order": "404", "finished": "01"}
_PROVINCES: Final = (
    "01 04 08 11 12 14 15 19 20 22 24 25 31 33 37 38 40 42 44 46 48 51 52 56 66 68 75 79 80 82 86 "
    "91 92 96"
)
POSTAL_CODES: Final = {code: 100 + int(code) for code in _PROVINCES.split()}  # this one's own

_CUSTOMER, _KEY, _SECRET, _FIXED_TOKEN = "cthh", "simulator", "simulator-secret", "simulator-token"
_BASE = "/apiVNPostNGSP/p1.0"


class VNPostHccSimulator:
    """The carrier: an aiohttp application and what it remembers."""

    name = "vnpost_hcc"
    title = "VNPost HCC"

    def __init__(self, clock: Clock, *, token_life_s: int = 3600) -> None:
        self.faults = FaultScript()
        self.token_life_s = token_life_s
        self.parcels = Parcels(_CUSTOMER, clock, self.faults)
        self._clock = clock
        self._tokens: dict[str, datetime] = {}
        self._count = itertools.count(1)

    def account_options(self, base_url: str) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
        """An account that talks to this simulator as NGSP."""
        options: dict[str, Any] = {
            "base_url": base_url.rstrip("/") + _BASE,
            "token_url": base_url.rstrip("/") + "/token",
            "consumer_key": _KEY,
            **_agreed(),
        }
        return options, {"secret_key": (_SECRET,)}

    def lgsp_account_options(
        self, base_url: str
    ) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
        """The same carrier behind a provincial bus with a fixed token."""
        base = base_url.rstrip("/")
        options: dict[str, Any] = {
            "base_url": base + _BASE,
            "access": "static_token",
            "coded_order_url": f"{base}/lgsp/order",
            "price_url": f"{base}/lgsp/vnpost?service=getPrice",
            **_agreed(),
        }
        return options, {"secret_key": (_FIXED_TOKEN,)}

    def app(self) -> web.Application:
        """The carrier's interface, and the tester's buttons under ``/_…``."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._page),
                web.post("/token", self._token),
                web.post(f"{_BASE}/order/post", self._api(self._order)),
                web.get(f"{_BASE}/order/cancel", self._api(self._cancel), allow_head=False),
                web.get(f"{_BASE}/order/tracking", self._tracking),
                web.post("/lgsp/order", self._api(self._order)),
                web.post("/lgsp/vnpost", self._api(self._price)),
                web.post("/_advance", self._control(self.parcels.advance)),
                web.post("/_fail", self._control(self.parcels.fail)),
                web.post("/_return", self._control(self.parcels.send_back)),
                web.post("/_collect", self._control(self.parcels.collect)),
                web.post("/_remit", self._control(self.parcels.remit)),
                web.post("/_lose", self._control(self.parcels.lose)),
                web.post("/_approve", self._control(self.parcels.approve_cancel)),
            ]
        )
        return app

    async def close(self) -> None:
        """Nothing runs in the background."""

    # -------------------------------------------------------------- the carrier's interface

    async def _token(self, request: web.Request) -> web.Response:
        expected = "Basic " + base64.b64encode(f"{_KEY}:{_SECRET}".encode()).decode()
        form = await request.post()
        if request.headers.get("Authorization") != expected:
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        token = f"sim-{next(self._count)}"
        self._tokens[token] = self._clock.now() + timedelta(seconds=self.token_life_s)
        return web.json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": self.token_life_s}
        )

    def _let_in(self, request: web.Request) -> bool:
        if request.headers.get("access_token") == _FIXED_TOKEN:
            return True
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        ends = self._tokens.get(token)
        return scheme == "Bearer" and ends is not None and self._clock.now() < ends

    def _api(
        self, work: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if not self._let_in(request):
                return _fault(900901, "Invalid Credentials", 401)
            return await with_faults(
                self.faults, lambda: work(request), lambda code: _status(code or "400", "Từ chối")
            )

        return handle

    async def _order(self, request: web.Request) -> web.Response:
        try:
            order = json.loads(await request.read())
            number, customer = str(order["OrderNumber"]), order["CustomerCode"]
        except (ValueError, KeyError, TypeError):
            return _fault(400, "Bad Request", 400)
        if customer != _CUSTOMER or not number:
            return _status(REFUSALS["no_customer"], "CustomerCode không hợp lệ")
        if number in self.parcels.by_number:
            return _status("101", "Đơn hàng đã tồn tại")
        self.parcels.accept(number, order)
        return _status(100, "OK")

    async def _cancel(self, request: web.Request) -> web.Response:
        parcel = self.parcels.by_number.get(request.query.get("OrderNumber", ""))
        if request.query.get("CustomerCode") != _CUSTOMER or parcel is None:
            return _status(REFUSALS["no_order"], "Không tìm thấy đơn hàng")
        if parcel.code in FINISHED:
            return _status(REFUSALS["finished"], "Từ chối")
        if self.parcels.cancel(parcel.number):
            return _status(100, "OK")
        return _status("02", "Chờ duyệt")

    async def _tracking(self, request: web.Request) -> web.Response:
        if not self._let_in(request):
            return _fault(900901, "Invalid Credentials", 401)
        try:
            size = int(request.query["pagesize"])
            last_id = request.query["lastId"]
        except (KeyError, ValueError):
            return _fault(400, "Bad Request", 400)
        if not 1 <= size <= 1000 or len(last_id) != 24:
            return _fault(400, "Bad Request", 400)
        rest = [document for document in self.parcels.feed if document["_id"]["$oid"] > last_id]
        documents = rest[:size]
        return web.json_response(
            {
                "_embedded": {"rh:doc": documents},
                "_returned": len(documents),
                "_size": len(rest),
                "_total_pages": -(-len(rest) // size),
            }
        )

    async def _price(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        near = body["sender"]["provCode"] == body["receiver"]["provCode"]
        return web.json_response({"content": {"price": str(20_000 if near else 30_000)}})

    # -------------------------------------------------------------- the tester's page

    def _control(
        self, act: Callable[..., None]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            form = await request.post()
            arguments = {key: str(form[key]) for key in ("number", "to") if form.get(key)}
            if arguments.get("number") not in self.parcels.by_number:
                return web.json_response({"error": "unknown number"}, status=404)
            act(**arguments)
            if "text/html" in request.headers.get("Accept", ""):
                raise web.HTTPSeeOther("./")
            parcel = self.parcels.by_number[arguments["number"]]
            return web.json_response({"number": parcel.number, "code": parcel.code})

        return handle

    async def _page(self, request: web.Request) -> web.Response:
        del request
        parcels = "".join(map(_show, reversed(self.parcels.by_number.values())))
        events = "".join(
            f"<li>{escape(document['OrderNumber'])}: {escape(document['StatusMessage'])}</li>"
            for document in self.parcels.feed[:-21:-1]
        )
        body = parcels or "<p>Chưa có đơn hàng nào.</p>"
        return page("VNPost HCC", f"{body}<h2>Sự kiện đã phát</h2><ol>{events}</ol>")


def _agreed() -> dict[str, Any]:
    """What a province writes down from its contract with the carrier."""
    return {
        "customer_code": _CUSTOMER,
        "province_codes": dict(POSTAL_CODES),
        "statuses": {str(code): meaning for code, (_, meaning) in CODES.items()},
        "refused_statuses": sorted(REFUSALS.values()),
        "feed_lists_new_orders": True,
        "feed_delay_s": 0,
    }


def _show(parcel: Parcel) -> str:
    rows = [
        ("Đơn hàng", parcel.number),
        ("Mã bưu gửi", parcel.item_code),
        ("Trạng thái", CODES[parcel.code][0]),
        ("Thu hộ", dong(parcel.due_vnd)),
    ]
    buttons: tuple[tuple[str, dict[str, str], str], ...] = (
        ("_advance", {}, "Bước tiếp"),
        ("_advance", {"to": "delivered"}, "Phát"),
        ("_fail", {}, "Phát hụt"),
        ("_return", {}, "Hoàn"),
        ("_collect", {}, "Thu tiền"),
        ("_remit", {}, "Nộp tiền"),
        ("_approve", {}, "Duyệt hủy"),
        ("_lose", {}, "Thất lạc"),
    )
    forms = "".join(
        button_form(action, {"number": parcel.number, **fields}, label)
        for action, fields, label in buttons
    )
    return f"<section>{facts(rows)}{forms}</section>"


def _status(status: int | str, message: str) -> web.Response:
    return web.json_response({"Status": status, "Message": message})


def _fault(code: int, message: str, status: int) -> web.Response:
    return web.json_response({"fault": {"code": code, "message": message}}, status=status)
