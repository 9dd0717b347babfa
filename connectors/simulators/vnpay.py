"""A stand-in for VNPAY: payment page, IPN with repeats, return, querydr, refund.

Owns the behaviour of VNPAY 2.1.0 towards a merchant, with real signatures and its own memory.
Leaves the wire format to ``vnpay_wire.py``, querydr and refund to ``vnpay_api.py``, sending to
``callbacks.py``. Knows neither our
connector nor the gateway. Addresses, under wherever it is mounted:

``/paymentv2/vpcpay.html`` the page · ``/merchant_webapi/api/transaction`` the API ·
``/control/pay|resend|refunds|transactions`` for tests and demos.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from connectors.contract import Clock
from connectors.simulators import vnpay_wire as wire
from connectors.simulators.callbacks import CallbackSender, Message, Sleep
from connectors.simulators.faults import Fault, FaultScript
from connectors.simulators.pages import button_form, dong, facts, page
from connectors.simulators.vnpay_api import MerchantApi

_BUTTONS = (
    ("00", "Thanh toán / Pay"),
    ("51", "Không đủ số dư / Decline"),
    ("07", "Trừ tiền, nghi ngờ / Suspected"),
    ("11", "Hết hạn / Expired"),
    ("24", "Hủy giao dịch / Cancel"),
)
_FAULT_BUTTONS = (
    (Fault.LOSE_CALLBACK, "Trả, mất thông báo / Paid, callback lost"),
    (Fault.DUPLICATE_CALLBACK, "Trả, báo hai lần / Paid, told twice"),
    (Fault.DELAY_CALLBACK, "Trả, báo chậm / Paid, told late"),
    (Fault.BAD_SIGNATURE, "Trả, báo sai chữ ký / Paid, badly signed"),
)
_STATUS_OF = {"00": "00", "07": "07"}
_PAGE_ERRORS = {
    "70": "Sai chữ ký / Invalid signature",
    "72": "Không tìm thấy website / Website not found",
    "03": "Sai định dạng / Invalid format",
    "15": "Giao dịch đã quá thời gian thanh toán / Payment expired",
    "01": "Giao dịch đã được xử lý / Already processed",
}
_NEEDED = ("Amount", "Command", "CreateDate", "CurrCode", "IpAddr", "Locale", "OrderInfo")


def _acknowledged(status: int, answer: str) -> bool:
    """VNPAY stops repeating at RspCode 00 or 02."""
    try:
        return status == 200 and json.loads(answer).get("RspCode") in {"00", "02"}
    except (ValueError, AttributeError):
        return False


class VnpaySimulator:
    """VNPAY, as far as one merchant sees it.

    Args:
        clock: The time VNPAY lives in.
        tmn_code: The terminal.
        hash_secret: Its secret.
        retry_delays_s: VNPAY repeats up to 10 times, 5 minutes apart; here shortened.
        refund_step_s: How long a refund stays at 05, then at 06.
        sleep: Waiting between repeats.
    """

    name = "vnpay"
    title = "VNPAY"

    def __init__(
        self,
        clock: Clock,
        *,
        tmn_code: str = "MOTCUA01",
        hash_secret: str = "SIMULATEDVNPAYHASHSECRET00000000",  # noqa: S107 - opens no real terminal
        retry_delays_s: tuple[float, ...] = (0.2,) * 10,
        refund_step_s: float = 2.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.faults = FaultScript()
        self.callbacks = CallbackSender(self.faults, _acknowledged, retry_delays_s, sleep)
        self.callback_url = ""
        self.refund_step_s = refund_step_s
        self.transactions: dict[str, wire.Transaction] = {}
        self._clock = clock
        self._tmn_code = tmn_code
        self._secret = hash_secret
        self._numbers = itertools.count(14_500_001)
        self.api = MerchantApi(self, clock, tmn_code, hash_secret)

    def account_options(self, base_url: str) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
        """Options and secrets of a gateway account that talks to this simulator."""
        options = {"tmn_code": self._tmn_code, "base_url": base_url}
        return options, {"hash_secret": (self._secret,)}

    def app(self) -> web.Application:
        """The addresses, to be mounted anywhere."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/paymentv2/vpcpay.html", self._pay_page),
                web.post("/paymentv2/pay", self._pay_button),
                web.post("/merchant_webapi/api/transaction", self.api.handle),
                web.post("/control/pay", self._control_pay),
                web.post("/control/resend", self._control_resend),
                web.post("/control/refunds", self._control_refunds),
                web.get("/control/transactions", self._control_list),
            ]
        )
        return app

    async def close(self) -> None:
        """Send what is pending, then stop."""
        await self.callbacks.close()

    def next_number(self) -> str:
        """The next ``vnp_TransactionNo``."""
        return str(next(self._numbers))

    # -------------------------------------------------------------- paying

    def open(self, query: str) -> tuple[str, wire.Transaction | None]:
        """Take in a pay request.

        Returns:
            VNPAY's page error (empty = none) and the transaction.
        """
        fields = dict(parse_qsl(query, keep_blank_values=True))
        if fields.get("vnp_TmnCode") != self._tmn_code:
            return "72", None
        if not wire.query_is_signed(fields, self._secret):
            return "70", None
        amount, ref = fields.get("vnp_Amount", ""), fields.get("vnp_TxnRef", "")
        missing = [name for name in _NEEDED if not fields.get(f"vnp_{name}")]
        if missing or not ref or not amount.isdigit() or len(amount) > 12:
            return "03", None
        found = self.transactions.setdefault(
            ref,
            wire.Transaction(
                ref,
                int(amount),
                fields["vnp_OrderInfo"],
                fields["vnp_CreateDate"],
                fields.get("vnp_ReturnUrl", ""),
                fields.get("vnp_BankCode") or "NCB",
            ),
        )
        if found.finished:
            return "01", found
        if fields.get("vnp_ExpireDate", "9") < wire.stamp(self._clock.now()):
            self.finish(found, "11")
            return "15", found
        return "", found

    def finish(self, found: wire.Transaction, response: str, status: str = "") -> None:
        """End a transaction with VNPAY's codes and tell the merchant."""
        refused = self.faults.take(Fault.REFUSE)
        if refused is not None:
            response, status = str(refused.get("code", "51")), ""
        changed = self.faults.take(Fault.CHANGE_AMOUNT)
        if changed is not None:
            found.amount = int(changed.get("amount_vnd", 1000)) * 100
        found.response = response
        found.status = status or _STATUS_OF.get(response, "02")
        found.number = "0" if response == "24" else self.next_number()
        found.pay_date = wire.stamp(self._clock.now())
        self.notify(found)

    def notify(self, found: wire.Transaction) -> None:
        """Send the IPN."""
        joint = "&" if "?" in self.callback_url else "?"
        forged = self.faults.take(Fault.BAD_SIGNATURE) is not None
        secret = "not the secret" if forged else self._secret

        def build() -> Message:
            query = wire.signed_query(found.told(self._tmn_code), secret)
            return Message("GET", f"{self.callback_url}{joint}{query}" if self.callback_url else "")

        self.callbacks.post(found.ref, build)

    def return_address(self, found: wire.Transaction) -> str:
        """Where the browser goes back to, with the signed fields."""
        joint = "&" if "?" in found.return_url else "?"
        query = wire.signed_query(found.told(self._tmn_code), self._secret)
        return f"{found.return_url}{joint}{query}"

    # -------------------------------------------------------------- pages

    async def _index(self, request: web.Request) -> web.Response:
        del request
        rows = [
            (t.ref, f"{dong(t.amount // 100)} · {t.response or '–'}/{t.status}")
            for t in self.transactions.values()
        ]
        sent = [(s.subject, f"{s.status} {s.answer[:120]}") for s in self.callbacks.log[-20:]]
        return page(
            "VNPAY",
            f"<h2>Giao dịch / Transactions</h2>{facts(rows)}<h2>IPN</h2>{facts(sent)}",
        )

    async def _pay_page(self, request: web.Request) -> web.Response:
        if self.faults.take(Fault.SERVER_ERROR) is not None:
            return web.Response(status=500, text="Internal Server Error")
        error, found = self.open(request.rel_url.raw_query_string)
        if error or found is None:
            rows = [("Mã lỗi / Code", error), ("Lý do / Reason", _PAGE_ERRORS[error])]
            return page("Không thanh toán được / Cannot pay", facts(rows), status=400)
        rows = [
            ("Số tiền / Amount", dong(found.amount // 100)),
            ("Nội dung / Description", found.order_info),
            ("Mã giao dịch / Reference", found.ref),
        ]
        forms = "".join(
            button_form("pay", {"txn_ref": found.ref, "code": code}, label, plain=code != "00")
            for code, label in _BUTTONS
        )
        forms += "<h2>Thử lỗi / Faults</h2>" + "".join(
            button_form("pay", {"txn_ref": found.ref, "fault": fault}, label, plain=True)
            for fault, label in _FAULT_BUTTONS
        )
        return page("Thanh toán qua VNPAY", facts(rows) + forms)

    async def _pay_button(self, request: web.Request) -> web.Response:
        form = await request.post()
        found = self.transactions.get(str(form.get("txn_ref", "")))
        if found is None:
            return page("Không tìm thấy giao dịch / Not found", "", status=404)
        if not found.finished:
            if form.get("fault") in dict(_FAULT_BUTTONS):
                self.faults.add(Fault(str(form["fault"])))
            self.finish(found, str(form.get("code", "00")))
        raise web.HTTPSeeOther(self.return_address(found))

    # -------------------------------------------------------------- control

    async def _control_pay(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if "pay_url" in asked:
            error, found = self.open(urlsplit(asked["pay_url"]).query)
        else:
            error, found = "", self.transactions.get(asked.get("txn_ref", ""))
        if error or found is None:
            return web.json_response({"error": error or "not found"}, status=409)
        if not found.finished:
            codes = asked.get("response_code", "00"), asked.get("transaction_status", "")
            self.finish(found, *codes)
        return web.json_response({"txn_ref": found.ref, "return_url": self.return_address(found)})

    async def _control_resend(self, request: web.Request) -> web.Response:
        found = self.transactions.get((await request.json()).get("txn_ref", ""))
        if found is None or not found.finished:
            return web.json_response({"error": "not found"}, status=409)
        self.notify(found)
        return web.json_response({"txn_ref": found.ref})

    async def _control_refunds(self, request: web.Request) -> web.Response:
        asked = await request.json()
        found = self.transactions.get(asked.get("txn_ref", ""))
        if found is None or not found.refunds:
            return web.json_response({"error": "not found"}, status=409)
        found.refunds[-1].forced = str(asked.get("status", "09"))
        return web.json_response({"txn_ref": found.ref})

    async def _control_list(self, request: web.Request) -> web.Response:
        del request
        now = self._clock.now()
        rows = [
            {
                **found.told(self._tmn_code),
                "refunds": [
                    {"amount": r.amount, "status": r.status(now, self.refund_step_s)}
                    for r in found.refunds
                ],
            }
            for found in self.transactions.values()
        ]
        return web.json_response({"transactions": rows})
