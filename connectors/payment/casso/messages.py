"""Casso's webhook v2: read and acknowledge, pure.

Owns the fields of a notification. Leaves to others: its signature (``signature.py``), matching a
memo with an order (the gateway). Follows Casso Webhook V2. Names of payers are never taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.contract import (
    Callback,
    CallbackReply,
    Ignored,
    Interpretation,
    Meaning,
    ProviderProtocolError,
    Receipt,
    Report,
    SignatureMismatch,
    Unrecognised,
)
from connectors.payloads import (
    BODY_LIMIT,
    Unreadable,
    last_digits,
    read_object,
    text_of,
    whole_dong,
)
from connectors.payment.casso import signature, statuses
from connectors.references import vietnam_time

_STATUS = {Receipt.BAD_SIGNATURE: 401, Receipt.UNREADABLE: 400, Receipt.INTERNAL_ERROR: 500}


def verified_body(
    callback: Callback, keys: Sequence[str], tolerance_s: int | None
) -> dict[str, Any]:
    """The body, only once its signature holds.

    Casso signs the meaning of the JSON, not its bytes: a body that is not JSON, or that names a
    key twice, has no signature at all.

    Raises:
        SignatureMismatch: absent, malformed, wrong or (with a tolerance) stale signature.
        ProviderProtocolError: longer than any message of Casso.
    """
    if len(callback.body) > BODY_LIMIT:
        raise ProviderProtocolError("the body is too long")
    signed = signature.read_header(callback.headers.get(signature.HEADER, ""))
    if signed is None:
        raise SignatureMismatch("X-Casso-Signature is missing or malformed")
    try:
        body = read_object(callback.body)
    except Unreadable as error:
        raise SignatureMismatch(f"nothing to verify: {error}") from error
    if not signature.holds(signed, body, keys):
        raise SignatureMismatch("X-Casso-Signature does not hold")
    if tolerance_s is not None and _age_s(signed.at_ms, callback.received_at) > tolerance_s:
        raise SignatureMismatch("X-Casso-Signature is too old, or from the future")
    return body


def _age_s(at_ms: str, now: datetime) -> float:
    return abs(now.timestamp() - int(at_ms) / 1000)


def read_notification(body: Mapping[str, Any]) -> Interpretation:
    """What a verified notification reports."""
    data = body.get("data")
    if statuses.message_meaning(body.get("error")) is not Meaning.SUCCEEDED:
        return Ignored("Casso reports an error of its own")
    if not isinstance(data, dict):
        return Unrecognised("data is not one transaction")
    number = text_of(data.get("id"))
    if number == statuses.TEST_ID:
        return Ignored("a test message of Casso")
    amount = whole_dong(data.get("amount"))
    if not number or amount is None:
        return Unrecognised("id is missing or the amount is not whole đồng")
    if amount <= 0:
        return Ignored("money going out")
    return _report(number, amount, data)


def _report(number: str, amount: int, data: Mapping[str, Any]) -> Report:
    reference = text_of(data.get("reference"))
    facts = {
        "bank": text_of(data.get("bankAbbreviation")),
        "bank_reference": reference,
        "virtual_account": text_of(data.get("virtualAccountNumber")),
    }
    return Report(
        event_key=number,
        meaning=Meaning.SUCCEEDED,
        code="0",
        amount_vnd=amount,
        provider_transaction_id=reference or number,
        occurred_at=vietnam_time(text_of(data.get("transactionDateTime")), "%Y-%m-%d %H:%M:%S"),
        memo=text_of(data.get("description")),
        account_number=text_of(data.get("accountNumber")) or None,
        payer_hint=last_digits(text_of(data.get("counterAccountNumber"))),
        facts={name: value for name, value in facts.items() if value},
    )


def reply(receipt: Receipt) -> CallbackReply:
    """2xx ends Casso's repeats: money that moved is acknowledged whatever we think of it."""
    status = _STATUS.get(receipt, 200)
    body = b'{"success":true}' if status == 200 else b'{"success":false}'
    return CallbackReply(status, "application/json", body)
