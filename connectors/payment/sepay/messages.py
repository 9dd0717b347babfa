"""SePay's webhook: read and acknowledge, pure.

Owns the fields of a notification. Leaves to others: the key (``signature.py``), matching a memo
with an order (the gateway). Follows the SePay developer guide, "Webhooks".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.contract import (
    Callback,
    CallbackReply,
    Ignored,
    Interpretation,
    ProviderProtocolError,
    Receipt,
    Report,
    SignatureMismatch,
    Unrecognised,
)
from connectors.payloads import Unreadable, read_object, text_of, whole_dong
from connectors.payment.sepay import signature, statuses
from connectors.references import vietnam_time

_STATUS = {Receipt.BAD_SIGNATURE: 401, Receipt.UNREADABLE: 400, Receipt.INTERNAL_ERROR: 500}


def verified_body(callback: Callback, keys: Sequence[str]) -> dict[str, Any]:
    """The body, only once the key holds.

    Raises:
        SignatureMismatch: no key, or another one.
        ProviderProtocolError: too long, not JSON, or a key twice.
    """
    if not signature.holds(callback.headers.get(signature.HEADER, ""), keys):
        raise SignatureMismatch("Authorization does not hold")
    try:
        return read_object(callback.body)
    except Unreadable as error:
        raise ProviderProtocolError(str(error)) from error


def read_notification(body: Mapping[str, Any]) -> Interpretation:
    """What a verified notification reports."""
    kind = text_of(body.get("transferType"))
    if kind == statuses.OUTGOING:
        return Ignored("money going out")
    number = text_of(body.get("id"))
    amount = whole_dong(body.get("transferAmount"))
    if kind not in statuses.TRANSFER_TYPES or not number:
        return Unrecognised("id is missing or transferType is unknown")
    if amount is None or amount <= 0:
        return Unrecognised("transferAmount is not a whole, positive number of đồng")
    return _report(number, kind, amount, body)


def _report(number: str, kind: str, amount: int, body: Mapping[str, Any]) -> Report:
    facts = {
        "bank": text_of(body.get("gateway")),
        "bank_reference": text_of(body.get("referenceCode")),
        "virtual_account": text_of(body.get("subAccount")),
        "payment_code": text_of(body.get("code")),
    }
    return Report(
        event_key=number,
        meaning=statuses.transfer_meaning(kind),
        code=kind,
        amount_vnd=amount,
        provider_transaction_id=facts["bank_reference"] or number,
        occurred_at=vietnam_time(text_of(body.get("transactionDate")), "%Y-%m-%d %H:%M:%S"),
        memo=text_of(body.get("content")),
        account_number=text_of(body.get("accountNumber")) or None,
        facts={name: value for name, value in facts.items() if value},
    )


def reply(receipt: Receipt) -> CallbackReply:
    """200 with ``success`` ends SePay's repeats: money that moved is always acknowledged."""
    status = _STATUS.get(receipt, 200)
    body = b'{"success":true}' if status == 200 else b'{"success":false}'
    return CallbackReply(status, "application/json", body)
