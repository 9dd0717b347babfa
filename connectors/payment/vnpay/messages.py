"""VNPAY's messages: build and read, pure.

Owns: the fields of pay, querydr and refund requests, reading of IPN, return and answers, the
acknowledgements, the factor 100. Leaves to others: MACs (``signature.py``), what codes mean
(``statuses.py``), sending (``connector.py``). Follows VNPAY PAY 2.1.0; times are Vietnam's.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from connectors.contract import (
    CallbackReply,
    HttpReply,
    Interpretation,
    Meaning,
    Order,
    ProviderProtocolError,
    ProviderRejected,
    Receipt,
    RefundMeaning,
    RefundOrder,
    RefundReport,
    Report,
    SignatureMismatch,
    Sought,
    Unrecognised,
)
from connectors.payloads import Unreadable, read_object, text_of
from connectors.payment.vnpay import signature, statuses
from connectors.references import toneless, vietnam_stamp, vietnam_time

VERSION = "2.1.0"
QUERY_LIMIT = 8 * 1024
FACTOR = 100
_ORDER_INFO = "A-Za-z0-9 .:_-"

_REPLIES = {
    Receipt.STORED: ("00", "Confirm Success"),
    Receipt.DUPLICATE: ("02", "Order already confirmed"),
    Receipt.UNKNOWN_ORDER: ("01", "Order not found"),
    Receipt.WRONG_AMOUNT: ("04", "Invalid amount"),
    Receipt.BAD_SIGNATURE: ("97", "Invalid signature"),
    Receipt.UNREADABLE: ("99", "Unknown error"),
    Receipt.INTERNAL_ERROR: ("99", "Unknown error"),
}


# ------------------------------------------------------------------ pay


def order_info(description: str, reference: str) -> str:
    """``vnp_OrderInfo``: no diacritics, no special characters, never empty."""
    return toneless(description, _ORDER_INFO, 255) or f"Thanh toan {reference}"


def ip_field(address: str) -> str:
    """``vnp_IpAddr`` takes 7 to 45 characters: short IPv6 is written out, nonsense not sent."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "127.0.0.1"
    text = str(found)
    return text if len(text) >= 7 else found.exploded


def pay_fields(order: Order, tmn_code: str, order_type: str) -> dict[str, str]:
    """The fields of the pay request, without its hash.

    Raises:
        ProviderRejected: the return address does not fit 10 to 255 characters.
    """
    if not 10 <= len(order.return_url) <= 255:
        raise ProviderRejected("invalid_return_url", "vnp_ReturnUrl takes 10 to 255 characters")
    return {
        "vnp_Version": VERSION,
        "vnp_Command": "pay",
        "vnp_TmnCode": tmn_code,
        "vnp_Amount": str(order.amount_vnd * FACTOR),
        "vnp_BankCode": order.bank_code or "",
        "vnp_CreateDate": vietnam_stamp(order.created_at),
        "vnp_CurrCode": "VND",
        "vnp_ExpireDate": vietnam_stamp(order.expires_at),
        "vnp_IpAddr": ip_field(order.client_ip),
        "vnp_Locale": "en" if order.locale == "en" else "vn",
        "vnp_OrderInfo": order_info(order.description, order.reference),
        "vnp_OrderType": order_type,
        "vnp_ReturnUrl": order.return_url,
        "vnp_TxnRef": order.reference,
    }


def pay_url(base: str, fields: Mapping[str, str], secret: str) -> str:
    """The address the citizen's browser is sent to; the signed string is the query string."""
    query = signature.canonical_query(fields)
    return f"{base}?{query}&{signature.HASH_FIELD}={signature.mac(query, secret)}"


# ------------------------------------------------------------------ IPN and return


def split_query(raw: str) -> dict[str, str]:
    """Decode a query string whose every name is there once.

    Raises:
        SignatureMismatch: repeated names, arrays (``a[]=``) or bytes that are not UTF-8: two
            readers could see two messages, so no hash can vouch for it.
        ProviderProtocolError: longer than any message of VNPAY.
    """
    if len(raw) > QUERY_LIMIT:
        raise ProviderProtocolError("the query string is too long")
    fields: dict[str, str] = {}
    for part in filter(None, raw.split("&")):
        name, _, value = part.partition("=")
        try:
            name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        except UnicodeDecodeError as error:
            raise SignatureMismatch("the query string is not UTF-8") from error
        if name in fields or "[" in name:
            raise SignatureMismatch("a parameter is repeated or an array")
        fields[name] = value
    return fields


def verified_query(raw: str, secrets: Sequence[str]) -> dict[str, str]:
    """The fields of an IPN or return, only once their hash holds.

    Raises:
        SignatureMismatch: absent or wrong hash, or a hash of the 2.0 protocol.
        ProviderProtocolError: see ``split_query``.
    """
    fields = split_query(raw)
    given = fields.get(signature.HASH_FIELD, "")
    if not signature.holds(signature.canonical_query(fields), given, secrets):
        legacy = signature.legacy_algorithm(fields, given, secrets)
        if legacy:
            raise SignatureMismatch(f"signed the 2.0 way ({legacy}): the terminal must use 2.1.0")
        raise SignatureMismatch("vnp_SecureHash does not hold")
    return fields


def read_amount(text: str) -> int | None:
    """``vnp_Amount`` in whole đồng; None for anything but 1 to 14 digits divisible by 100."""
    if not (text.isascii() and text.isdigit() and len(text) <= 14):
        return None
    amount, rest = divmod(int(text), FACTOR)
    return None if rest else amount


def read_report(fields: Mapping[str, str], tmn_code: str, leg: str) -> Interpretation:
    """What a verified IPN or return reports."""
    if fields.get("vnp_TmnCode") != tmn_code:
        return Unrecognised("the message is for another terminal")
    reference = fields.get("vnp_TxnRef", "")
    response = fields.get("vnp_ResponseCode", "")
    if not reference or not response:
        return Unrecognised("vnp_TxnRef or vnp_ResponseCode is missing")
    amount = read_amount(fields.get("vnp_Amount", ""))
    if amount is None:
        return Unrecognised("vnp_Amount is not a whole number of đồng")
    status = fields.get("vnp_TransactionStatus", "")
    return _report(fields, response, statuses.payment_meaning(response, status), amount, leg)


def _report(
    fields: Mapping[str, str], code: str, meaning: Meaning, amount: int | None, leg: str
) -> Report:
    """One report; the key is VNPAY's identity of the fact, the same from IPN and querydr."""
    number = fields.get("vnp_TransactionNo", "")
    status = fields.get("vnp_TransactionStatus", "")
    kept = ("vnp_BankCode", "vnp_CardType", "vnp_BankTranNo", "vnp_TransactionType")
    facts = {name: fields[name] for name in kept if fields.get(name)}
    facts |= {"leg": leg, "vnp_TransactionStatus": status}
    return Report(
        event_key="|".join((fields["vnp_TxnRef"], number, fields["vnp_ResponseCode"], status)),
        meaning=meaning,
        code=code,
        amount_vnd=amount,
        reference=fields["vnp_TxnRef"],
        provider_transaction_id=number if number not in {"", "0"} else None,
        occurred_at=vietnam_time(fields.get("vnp_PayDate", "")),
        facts=facts,
    )


def reply(receipt: Receipt) -> CallbackReply:
    """The acknowledgement: HTTP 200 and exactly two keys; 00 and 02 end VNPAY's repeats."""
    code, text = _REPLIES[receipt]
    body = json.dumps({"RspCode": code, "Message": text}, separators=(",", ":")).encode()
    return CallbackReply(200, "application/json", body)


# ------------------------------------------------------------------ querydr and refund


@dataclass(frozen=True, slots=True)
class Terminal:
    """Who asks: the terminal, our server's address and the secret that signs."""

    tmn_code: str
    server_ip: str
    secret: str = field(repr=False)


def _request_head(payment: Sought, tmn_code: str, command: str, now: datetime) -> dict[str, str]:
    started = payment.state.get("vnp_CreateDate") or vietnam_stamp(payment.created_at)
    return {
        "vnp_Version": VERSION,
        "vnp_Command": command,
        "vnp_TmnCode": tmn_code,
        "vnp_TxnRef": payment.reference,
        "vnp_TransactionNo": payment.provider_transaction_id or "",
        "vnp_TransactionDate": started,
        "vnp_CreateDate": vietnam_stamp(now),
    }


def query_request(sought: Sought, terminal: Terminal, now: datetime, turn: int) -> dict[str, str]:
    """The querydr request, signed; its number comes from the moment and the caller's ``turn``."""
    seed = f"{terminal.tmn_code}|{sought.reference}|{now.isoformat()}|{turn}"
    fields = {
        "vnp_RequestId": hashlib.sha256(seed.encode()).hexdigest()[:32],
        **_request_head(sought, terminal.tmn_code, "querydr", now),
        "vnp_IpAddr": terminal.server_ip,
        "vnp_OrderInfo": f"Tra cuu giao dich {sought.reference}"[:255],
    }
    text = signature.canonical_fields(fields, signature.QUERY_REQUEST)
    return {**fields, signature.HASH_FIELD: signature.mac(text, terminal.secret)}


def refund_request(order: RefundOrder, terminal: Terminal, now: datetime) -> dict[str, str]:
    """The refund request, signed.

    The request number comes from the refund's own reference: sent twice, VNPAY sees one refund.
    """
    seed = f"{terminal.tmn_code}|refund|{order.reference}"
    kind = statuses.FULL_REFUND_TYPE if order.full else statuses.PARTIAL_REFUND_TYPE
    info = toneless(order.reason, _ORDER_INFO, 200)
    fields = {
        "vnp_RequestId": hashlib.sha256(seed.encode()).hexdigest()[:32],
        **_request_head(order.payment, terminal.tmn_code, "refund", now),
        "vnp_TransactionType": kind,
        "vnp_Amount": str(order.amount_vnd * FACTOR),
        "vnp_CreateBy": toneless(order.requested_by, _ORDER_INFO, 245) or "motcua",
        "vnp_IpAddr": terminal.server_ip,
        "vnp_OrderInfo": f"Hoan tien {order.payment.reference} {info}".strip()[:255],
    }
    text = signature.canonical_fields(fields, signature.REFUND_REQUEST)
    return {**fields, signature.HASH_FIELD: signature.mac(text, terminal.secret)}


def read_answer(
    reply_: HttpReply, sent: Mapping[str, str], secrets: Sequence[str], order: Sequence[str]
) -> dict[str, str]:
    """The verified fields of an API answer that belongs to what was sent.

    Raises:
        ProviderProtocolError: not 200, not JSON, or about another order.
        ProviderRejected: an unsigned refusal of a *question*; it changes nothing.
        SignatureMismatch: the hash does not hold, or an answer that needs one has none.
    """
    if reply_.status != 200:
        raise ProviderProtocolError(f"HTTP {reply_.status}")
    try:
        fields = {name: text_of(value) for name, value in read_object(reply_.body).items()}
    except Unreadable as error:
        raise ProviderProtocolError(str(error)) from error
    given = fields.get(signature.HASH_FIELD, "")
    code = fields.get("vnp_ResponseCode", "")
    if not given and code in statuses.QUERY_REFUSALS and sent["vnp_Command"] == "querydr":
        raise ProviderRejected(code, "the question was refused")
    if not signature.holds(signature.canonical_fields(fields, order), given, secrets):
        raise SignatureMismatch("vnp_SecureHash of the answer does not hold")
    for name in ("vnp_TmnCode", "vnp_TxnRef"):
        if fields.get(name) != sent[name]:
            raise ProviderProtocolError(f"{name} of the answer is not what was asked")
    return fields


def read_query_answer(fields: Mapping[str, Any]) -> Report:
    """What querydr says of the payment: its state is the status, never the response code.

    Raises:
        ProviderRejected: the question itself was refused.
    """
    response = fields.get("vnp_ResponseCode", "")
    if response in statuses.QUERY_REFUSALS:
        raise ProviderRejected(response, "the question was refused")
    kept = {**fields, "vnp_ResponseCode": response}
    if response == statuses.QUERY_NOT_FOUND:
        return _report(kept, response, Meaning.NOT_FOUND, None, "querydr")
    if response != statuses.QUERY_ANSWERED:
        return _report(kept, response, Meaning.UNKNOWN, None, "querydr")
    status, kind = fields.get("vnp_TransactionStatus", ""), fields.get("vnp_TransactionType", "")
    amount = None if kind in statuses.REFUND_TYPES else read_amount(fields.get("vnp_Amount", ""))
    meaning = statuses.transaction_meaning(status, kind)
    if amount is None:
        meaning = Meaning.UNKNOWN
    return _report(kept, status, meaning, amount, "querydr")


def read_refund_answer(fields: Mapping[str, str]) -> RefundReport:
    """What the answer to a refund request says."""
    response, status = fields["vnp_ResponseCode"], fields.get("vnp_TransactionStatus", "")
    meaning = statuses.refund_answer_meaning(response, status)
    return _refund_report(fields, meaning, f"{response}/{status}" if response == "00" else response)


def read_refund_query(fields: Mapping[str, str], order: RefundOrder) -> RefundReport:
    """What querydr says of a refund; an answer about another sum is about another refund."""
    response, status = fields.get("vnp_ResponseCode", ""), fields.get("vnp_TransactionStatus", "")
    kind = fields.get("vnp_TransactionType", "")
    meaning = statuses.refund_meaning(status, kind)
    other_sum = read_amount(fields.get("vnp_Amount", "")) != order.amount_vnd
    if response != statuses.QUERY_ANSWERED or (kind in statuses.REFUND_TYPES and other_sum):
        meaning = RefundMeaning.UNKNOWN
    return _refund_report(fields, meaning, f"{response}/{status}")


def _refund_report(fields: Mapping[str, str], meaning: RefundMeaning, code: str) -> RefundReport:
    number = fields.get("vnp_TransactionNo", "")
    detail = toneless(fields.get("vnp_Message", ""), _ORDER_INFO, 120)
    return RefundReport(meaning, code, number if number not in {"", "0"} else None, detail)
