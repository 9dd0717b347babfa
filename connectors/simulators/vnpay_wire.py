"""VNPAY's side of the wire, written apart from our connector so that each checks the other.

Owns: reading and signing of messages as VNPAY would, and what VNPAY remembers of a transaction.
Shares no code with ``connectors.payment.vnpay``. Follows VNPAY PAY 2.1.0.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

_ICT = timezone(timedelta(hours=7))
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def _names(text: str) -> list[str]:
    return text.split()


QUERY_ASK = _names(
    "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
)
REFUND_ASK = _names(
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo "
    "TransactionDate CreateBy CreateDate IpAddr OrderInfo"
)
REFUND_ANSWER = _names(
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate "
    "TransactionNo TransactionType TransactionStatus OrderInfo"
)
QUERY_ANSWER = [*REFUND_ANSWER, "PromotionCode", "PromotionAmount"]


def stamp(moment: datetime) -> str:
    """``yyyyMMddHHmmss``, GMT+7."""
    return f"{moment.astimezone(_ICT):%Y%m%d%H%M%S}"


def _encode(text: str) -> str:
    return "".join(
        "+" if byte == 0x20 else chr(byte) if byte in _PLAIN else f"%{byte:02X}"
        for byte in text.encode()
    )


def _hmac(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), "sha512").hexdigest()


def signed_query(fields: Mapping[str, str], secret: str) -> str:
    """A query string with its hash at the end."""
    names = sorted(name for name, value in fields.items() if value)
    text = "&".join(f"{_encode(name)}={_encode(fields[name])}" for name in names)
    return f"{text}&vnp_SecureHash={_hmac(text, secret)}"


def query_is_signed(fields: Mapping[str, str], secret: str) -> bool:
    """Does a pay request carry the terminal's hash?"""
    rest = {k: v for k, v in fields.items() if k.startswith("vnp_") and k != "vnp_SecureHash"}
    expected = signed_query(rest, secret).rpartition("=")[2]
    return hmac.compare_digest(expected.encode(), fields.get("vnp_SecureHash", "").encode())


def signed_fields(values: Mapping[str, str], order: list[str], secret: str) -> dict[str, str]:
    """An API answer (names without ``vnp_``) with its hash."""
    text = "|".join(values.get(name, "") for name in order)
    named = {f"vnp_{name}": values[name] for name in order if name in values}
    return {**named, "vnp_SecureHash": _hmac(text, secret)}


def fields_are_signed(asked: Mapping[str, str], order: list[str], secret: str) -> bool:
    """Does an API request carry the terminal's hash?"""
    text = "|".join(asked.get(f"vnp_{name}", "") for name in order)
    given = asked.get("vnp_SecureHash", "").encode()
    return hmac.compare_digest(_hmac(text, secret).encode(), given)


def response_id(request_id: str) -> str:
    """VNPAY's own number for an answer."""
    return hashlib.sha256(f"answer {request_id}".encode()).hexdigest()[:32]


@dataclass(slots=True)
class Refund:
    """One refund: the bank works on it for two steps unless a tester says how it ended."""

    amount: int
    kind: str
    number: str
    asked_at: datetime
    forced: str = ""

    def status(self, now: datetime, step_s: float) -> str:
        """``vnp_TransactionStatus``: 05 at VNPAY, 06 at the bank, 00 done."""
        if self.forced:
            return self.forced
        steps = (now - self.asked_at).total_seconds() / step_s if step_s else 2
        return "05" if steps < 1 else "06" if steps < 2 else "00"


@dataclass(slots=True)
class Transaction:
    """What VNPAY remembers. Amounts are on-the-wire units (đồng × 100)."""

    ref: str
    amount: int
    order_info: str
    create_date: str
    return_url: str
    bank_code: str = "NCB"
    number: str = "0"
    response: str = ""
    status: str = "01"
    pay_date: str = ""
    refunds: list[Refund] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Did the citizen (or the bank) come to an end?"""
        return bool(self.response)

    def refundable(self) -> int:
        """What may still be given back."""
        return self.amount - sum(r.amount for r in self.refunds if r.forced != "09")

    def told(self, tmn_code: str) -> dict[str, str]:
        """The fields of IPN and return."""
        return {
            "vnp_TmnCode": tmn_code,
            "vnp_Amount": str(self.amount),
            "vnp_BankCode": self.bank_code,
            "vnp_BankTranNo": f"VNP{self.number}" if self.number != "0" else "",
            "vnp_CardType": "ATM",
            "vnp_OrderInfo": self.order_info,
            "vnp_PayDate": self.pay_date,
            "vnp_ResponseCode": self.response,
            "vnp_TransactionNo": self.number,
            "vnp_TransactionStatus": self.status,
            "vnp_TxnRef": self.ref,
        }
