"""VNPAY's merchant API for the simulator: querydr and refund.

Owns the order of VNPAY's checks (terminal, hash, repeated request, transaction) and a refund's
way 05 → 06 → 00. Leaves the transactions to the simulator, the wire to ``vnpay_wire.py``.
"""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from connectors.contract import Clock
from connectors.simulators import vnpay_wire as wire
from connectors.simulators.faults import FaultScript
from connectors.simulators.pages import with_faults


class Merchant(Protocol):
    """What the API needs of the simulator."""

    faults: FaultScript
    refund_step_s: float
    transactions: dict[str, wire.Transaction]

    def next_number(self) -> str:
        """The next ``vnp_TransactionNo``."""
        ...


class MerchantApi:
    """querydr and refund over one simulator's transactions."""

    def __init__(self, merchant: Merchant, clock: Clock, tmn_code: str, secret: str) -> None:
        self._merchant = merchant
        self._clock = clock
        self._tmn_code = tmn_code
        self._secret = secret
        self._requests: set[str] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call, or go wrong as scripted."""
        try:
            asked = {name: str(value) for name, value in (await request.json()).items()}
        except (ValueError, AttributeError):
            return web.json_response({"vnp_ResponseCode": "03", "vnp_Message": "Invalid format"})
        refund = asked.get("vnp_Command") == "refund"

        async def work() -> web.Response:
            return self._refund(asked) if refund else self._query(asked)

        return await with_faults(
            self._merchant.faults, work, lambda code: self._answer(asked, code or "99", {})
        )

    def _answer(self, asked: dict[str, str], code: str, values: dict[str, str]) -> web.Response:
        refund = asked.get("vnp_Command") == "refund"
        whole = {
            "ResponseId": wire.response_id(asked.get("vnp_RequestId", "")),
            "Command": asked.get("vnp_Command", ""),
            "ResponseCode": code,
            "Message": "Success" if code == "00" else "Refused",
            "TmnCode": self._tmn_code,
            "TxnRef": asked.get("vnp_TxnRef", ""),
            "OrderInfo": asked.get("vnp_OrderInfo", ""),
            **values,
        }
        order = wire.REFUND_ANSWER if refund else wire.QUERY_ANSWER
        return web.json_response(wire.signed_fields(whole, order, self._secret))

    def _refusal(self, asked: dict[str, str], order: list[str]) -> str:
        """The code that ends a request before anything is looked up; empty = none."""
        if asked.get("vnp_TmnCode") != self._tmn_code:
            return "02"
        if not wire.fields_are_signed(asked, order, self._secret):
            return "97"
        if asked["vnp_RequestId"] in self._requests:
            return "94"
        self._requests.add(asked["vnp_RequestId"])
        found = self._merchant.transactions.get(asked["vnp_TxnRef"])
        if found is None or found.create_date != asked["vnp_TransactionDate"]:
            return "91"
        return ""

    def _query(self, asked: dict[str, str]) -> web.Response:
        refusal = self._refusal(asked, wire.QUERY_ASK)
        if refusal:
            return self._answer(asked, refusal, {})
        found = self._merchant.transactions[asked["vnp_TxnRef"]]
        values = {
            "Amount": str(found.amount),
            "BankCode": found.bank_code,
            "PayDate": found.pay_date,
            "TransactionNo": found.number,
            "TransactionType": "01",
            "TransactionStatus": found.status,
        }
        if found.refunds:
            last = found.refunds[-1]
            values |= {
                "Amount": str(last.amount),
                "TransactionNo": last.number,
                "TransactionType": last.kind,
                "TransactionStatus": last.status(self._clock.now(), self._merchant.refund_step_s),
            }
        return self._answer(asked, "00", values)

    def _refund(self, asked: dict[str, str]) -> web.Response:
        refusal = self._refusal(asked, wire.REFUND_ASK)
        if refusal:
            return self._answer(asked, refusal, {})
        found, now = self._merchant.transactions[asked["vnp_TxnRef"]], self._clock.now()
        amount, kind = int(asked["vnp_Amount"]), asked["vnp_TransactionType"]
        if found.status != "00":
            return self._answer(asked, "95", {})
        if any(r.status(now, self._merchant.refund_step_s) in {"05", "06"} for r in found.refunds):
            return self._answer(asked, "94", {})
        whole = amount == found.amount if kind == "02" else kind == "03"
        if not whole or not 0 < amount <= found.refundable():
            return self._answer(asked, "03", {})
        refund = wire.Refund(amount, kind, self._merchant.next_number(), now)
        found.refunds.append(refund)
        values = {
            "Amount": str(amount),
            "BankCode": found.bank_code,
            "PayDate": wire.stamp(now),
            "TransactionNo": refund.number,
            "TransactionType": kind,
            "TransactionStatus": "05",
        }
        return self._answer(asked, "00", values)
