"""A bank's, Casso's and SePay's side of the wire, written apart from our connectors.

Owns: reading a VietQR as a bank app does, the bodies and signatures of Casso webhook v2 and SePay.
Shares no code with ``connectors.payment``.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

_ICT = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a bank app shows after scanning; ``amount_vnd`` None = the payer types it."""

    bank_bin: str
    account: str
    amount_vnd: int | None
    memo: str
    name: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """One line of a statement; ``amount_vnd`` is positive, ``incoming`` says where to."""

    number: int
    account: str
    amount_vnd: int
    memo: str
    at: datetime
    incoming: bool = True
    from_account: str = "0000000000"

    @property
    def reference(self) -> str:
        """The bank's own reference."""
        return f"FT26{self.number:08d}"


def _fields(text: str) -> Iterator[tuple[str, str]]:
    while text:
        size = int(text[2:4])
        if len(text) < 4 + size:
            raise ValueError("cut")
        yield text[:2], text[4 : 4 + size]
        text = text[4 + size :]


def scan(payload: str) -> Scanned:
    """Read a VietQR.

    Raises:
        ValueError: the app would say "this code is not valid".
    """
    crc = binascii.crc_hqx(payload[:-4].encode(), 0xFFFF)  # the same polynomial and start value
    if f"{crc:04X}" != payload[-4:]:
        raise ValueError("check sum")
    try:
        top = dict(_fields(payload))
        account = dict(_fields(dict(_fields(top["38"]))["01"]))
        extra = dict(_fields(top.get("62", "")))
        amount = int(top["54"]) if "54" in top else None
        return Scanned(account["00"], account["01"], amount, extra.get("08", ""), top.get("59", ""))
    except KeyError as error:
        raise ValueError("not a bank transfer") from error


def local(moment: datetime) -> str:
    """``YYYY-MM-DD HH:MM:SS``, GMT+7."""
    return f"{moment.astimezone(_ICT):%Y-%m-%d %H:%M:%S}"


def casso_body(transfer: Transfer, bank: tuple[str, str]) -> dict[str, Any]:
    """Casso webhook v2; money going out is negative."""
    return {
        "error": 0,
        "data": {
            "id": transfer.number,
            "reference": transfer.reference,
            "description": transfer.memo,
            "amount": transfer.amount_vnd if transfer.incoming else -transfer.amount_vnd,
            "runningBalance": 25_000_000,
            "transactionDateTime": local(transfer.at),
            "accountNumber": transfer.account,
            "bankName": bank[0],
            "bankAbbreviation": bank[1],
            "virtualAccountNumber": "",
            "virtualAccountName": "",
            "counterAccountName": "NGUOI NOP MO PHONG",
            "counterAccountNumber": transfer.from_account,
            "counterAccountBankId": "970400",
            "counterAccountBankName": "SaigonBank",
        },
    }


def _sorted_text(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ",".join(f"{json.dumps(k)}:{_sorted_text(value[k])}" for k in sorted(value))
        return "{" + inner + "}"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def casso_header(body: Mapping[str, Any], at: datetime, key: str) -> str:
    """``t=…,v1=…`` over the sorted body."""
    at_ms = int(at.timestamp() * 1000)
    text = f"{at_ms}.{_sorted_text(body)}".encode()
    return f"t={at_ms},v1={hmac.new(key.encode(), text, hashlib.sha512).hexdigest()}"


def sepay_body(transfer: Transfer, bank: tuple[str, str]) -> dict[str, Any]:
    """SePay's webhook."""
    return {
        "id": transfer.number,
        "gateway": bank[0],
        "transactionDate": local(transfer.at),
        "accountNumber": transfer.account,
        "subAccount": None,
        "code": None,
        "content": transfer.memo,
        "transferType": "in" if transfer.incoming else "out",
        "description": f"BankAPINotify {transfer.memo}",
        "transferAmount": transfer.amount_vnd,
        "referenceCode": transfer.reference,
        "accumulated": 25_000_000,
    }
