"""A stand-in for the agency's bank account and the services that report what arrives on it.

Owns: taking in transfers, a page on which a person "scans" a VietQR and pays it, notifications in
the formats of Casso v2 and SePay with real signatures and repeats. Leaves the wire formats to
``bank_wire.py``, sending to ``callbacks.py``. Addresses, under wherever it is mounted:

``/`` the page · ``/transfers`` POST ``{account, amount, memo, direction}`` ·
``/scan`` POST ``{payload}`` (JSON pays at once, a form shows what will be paid) · ``/statement``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from connectors.contract import Clock
from connectors.simulators import bank_wire as wire
from connectors.simulators.callbacks import Build, CallbackSender, Message, Sleep
from connectors.simulators.faults import Fault, FaultScript
from connectors.simulators.pages import button_form, dong, facts, page, with_faults

FORMATS = ("casso", "sepay")
_FIBONACCI_S = (0.1, 0.1, 0.2, 0.3, 0.5, 0.8, 1.3)
_SCAN_FORM = (
    '<form method="post" action="scan"><label for="payload">Nội dung mã QR / QR payload</label>'
    '<textarea id="payload" name="payload" rows="5" required></textarea>'
    "<button>Đọc mã / Read</button></form>"
)


def _acknowledged(status: int, answer: str) -> bool:
    """Casso and SePay stop repeating at 2xx; SePay also wants ``success``."""
    try:
        return 200 <= status < 300 and json.loads(answer).get("success") is True
    except (ValueError, AttributeError):
        return False


class BankSimulator:
    """One bank account.

    Args:
        clock: The time the bank lives in.
        formats: Which services report: ``casso``, ``sepay`` or both.
        account_number: The agency's account; transfers to others are refused.
        retry_delays_s: The repeats; SePay's are Fibonacci minutes, here shortened.
        sleep: Waiting between repeats.
    """

    name = "bank"
    title = "Ngân hàng (VietQR, Casso, SePay)"

    def __init__(
        self,
        clock: Clock,
        *,
        formats: tuple[str, ...] = ("casso",),
        bank_bin: str = "970436",
        account_number: str = "0011001234567",
        retry_delays_s: tuple[float, ...] = _FIBONACCI_S,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.faults = FaultScript()
        self.callbacks = CallbackSender(self.faults, _acknowledged, retry_delays_s, sleep)
        self.callback_urls: dict[str, str] = dict.fromkeys(formats, "")
        self.statement: list[wire.Transfer] = []
        self.bank_bin = bank_bin
        self.account_number = account_number
        self._clock = clock
        self._numbers = itertools.count(1)
        self._keys = {name: f"simulated-{name}-key-0000000000000000" for name in FORMATS}

    @property
    def callback_url(self) -> str:
        """Where the first service reports to."""
        return next(iter(self.callback_urls.values()), "")

    @callback_url.setter
    def callback_url(self, url: str) -> None:
        self.callback_urls[next(iter(self.callback_urls), "casso")] = url

    def account_options(
        self, base_url: str, provider: str = "vietqr"
    ) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
        """Options and secrets of a gateway account of ``vietqr``, ``casso`` or ``sepay``."""
        del base_url  # nobody calls the bank
        if provider == "vietqr":
            options = {
                "bank_bin": self.bank_bin,
                "account_number": self.account_number,
                "account_name": "UBND XA MO PHONG",
            }
            return options, {}
        secret = {"casso": "webhook_key", "sepay": "api_key"}[provider]
        return {}, {secret: (self._keys[provider],)}

    def app(self) -> web.Application:
        """The addresses, to be mounted anywhere."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._index),
                web.post("/scan", self._scan),
                web.post("/pay", self._pay),
                web.post("/transfers", self._transfers),
                web.get("/statement", self._statement),
            ]
        )
        return app

    async def close(self) -> None:
        """Send what is pending, then stop."""
        await self.callbacks.close()

    # -------------------------------------------------------------- money

    def transfer(self, amount_vnd: int, memo: str, *, incoming: bool = True) -> wire.Transfer:
        """Move money and have it reported."""
        line = wire.Transfer(
            number=next(self._numbers),
            account=self.account_number,
            amount_vnd=amount_vnd,
            memo=memo,
            at=self._clock.now(),
            incoming=incoming,
        )
        changed = self.faults.take(Fault.CHANGE_AMOUNT)
        if changed is not None:
            line = replace(line, amount_vnd=int(changed.get("amount_vnd", 1000)))
        self.statement.append(line)
        self.notify(line)
        return line

    def notify(self, line: wire.Transfer) -> None:
        """Report a line of the statement by every configured service."""
        for name, url in self.callback_urls.items():
            self.callbacks.post(f"{name} {line.reference}", self._notification(name, url, line))

    def _notification(self, name: str, url: str, line: wire.Transfer) -> Build:
        bank = ("Vietcombank", "VCB")
        forged = self.faults.take(Fault.BAD_SIGNATURE) is not None
        key = "not the key" if forged else self._keys[name]

        def build() -> Message:
            headers = {"content-type": "application/json"}
            if name == "casso":
                body = wire.casso_body(line, bank)
                signed = wire.casso_header(body, self._clock.now(), key)
                headers["X-Casso-Signature"] = signed
            else:
                body = wire.sepay_body(line, bank)
                headers["Authorization"] = f"Apikey {key}"
            return Message("POST", url, headers, json.dumps(body, ensure_ascii=False).encode())

        return build

    # -------------------------------------------------------------- pages

    async def _index(self, request: web.Request) -> web.Response:
        del request
        rows = [
            (
                line.reference,
                f"{'+' if line.incoming else '-'}{dong(line.amount_vnd)} · {line.memo}",
            )
            for line in self.statement[-20:]
        ]
        sent = [(s.subject, f"{s.status} {s.answer[:120]}") for s in self.callbacks.log[-20:]]
        return page(
            "Ứng dụng ngân hàng / Bank app",
            f"<h2>Quét mã VietQR / Scan</h2>{_SCAN_FORM}<h2>Sao kê / Statement</h2>{facts(rows)}"
            f"<h2>Thông báo biến động / Notifications</h2>{facts(sent)}",
        )

    async def _scan(self, request: web.Request) -> web.Response:
        as_json = request.content_type == "application/json"
        asked: Mapping[str, Any] = await (request.json() if as_json else request.post())
        try:
            found = wire.scan(str(asked.get("payload", "")).strip())
        except ValueError as error:
            if as_json:
                return web.json_response({"error": str(error)}, status=422)
            return page("Mã QR không hợp lệ / Invalid code", _SCAN_FORM, status=422)
        amount = found.amount_vnd or int(asked.get("amount") or 0)
        if as_json:
            return await self._transfer_reply(found.account, amount, found.memo)
        rows = [
            ("Người nhận / To", f"{found.name} · {found.account} · {found.bank_bin}"),
            ("Số tiền / Amount", dong(amount)),
            ("Nội dung / Memo", found.memo),
        ]
        fields = {"account": found.account, "memo": found.memo}
        forms = "".join(
            button_form("pay", {**fields, "amount": str(paid)}, label, plain=paid != amount)
            for paid, label in (
                (amount, "Chuyển tiền / Transfer"),
                (amount // 2, "Chuyển thiếu / Too little"),
                (amount * 2, "Chuyển thừa / Too much"),
            )
        )
        return page("Xác nhận chuyển tiền / Confirm", facts(rows) + forms)

    async def _pay(self, request: web.Request) -> web.Response:
        form = await request.post()
        amount = str(form.get("amount", ""))
        if form.get("account") != self.account_number or not amount.isdigit() or not int(amount):
            return page("Không chuyển được / Refused", "", status=422)
        line = self.transfer(int(amount), str(form.get("memo", "")))
        rows = [("Mã giao dịch / Reference", line.reference), ("Số tiền", dong(line.amount_vnd))]
        return page("Đã chuyển tiền / Transferred", facts(rows))

    # -------------------------------------------------------------- API

    async def _transfers(self, request: web.Request) -> web.Response:
        asked = await request.json()
        account, amount = asked.get("account", self.account_number), asked.get("amount")
        incoming = asked.get("direction", "in") == "in"
        return await self._transfer_reply(account, amount, str(asked.get("memo", "")), incoming)

    async def _transfer_reply(
        self, account: object, amount: object, memo: str, incoming: bool = True
    ) -> web.Response:
        def refusal(code: str) -> web.Response:
            return web.json_response({"error": code or "refused"}, status=422)

        async def work() -> web.Response:
            if account != self.account_number or not isinstance(amount, int) or amount <= 0:
                return refusal("account or amount")
            line = self.transfer(amount, memo, incoming=incoming)
            return web.json_response(
                {"id": line.number, "reference": line.reference, "amount": line.amount_vnd},
                status=201,
            )

        return await with_faults(self.faults, work, refusal)

    async def _statement(self, request: web.Request) -> web.Response:
        del request
        rows = [
            {
                "id": line.number,
                "reference": line.reference,
                "amount": line.amount_vnd if line.incoming else -line.amount_vnd,
                "memo": line.memo,
                "at": wire.local(line.at),
            }
            for line in self.statement
        ]
        return web.json_response({"account": self.account_number, "lines": rows})
