"""VNPAY's canonical strings and MACs, pure.

Owns: the form-urlencoded string of pay, IPN and return; the fixed-order string of querydr and
refund; constant-time comparison with every active secret. Leaves to ``messages.py`` what fields
there are. Follows VNPAY PAY 2.1.0 ("Mã checksum") and its querydr/refund page.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import quote_plus

HASH_FIELD = "vnp_SecureHash"
_UNSIGNED = frozenset({HASH_FIELD, "vnp_SecureHashType"})

_REQUEST_END = ("vnp_CreateDate", "vnp_IpAddr", "vnp_OrderInfo")
_RESPONSE_MIDDLE = (
    "vnp_ResponseCode",
    "vnp_Message",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_BankCode",
    "vnp_PayDate",
    "vnp_TransactionNo",
    "vnp_TransactionType",
    "vnp_TransactionStatus",
    "vnp_OrderInfo",
)

QUERY_REQUEST = (
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_TransactionDate",
    *_REQUEST_END,
)
QUERY_RESPONSE = (
    "vnp_ResponseId",
    "vnp_Command",
    *_RESPONSE_MIDDLE,
    "vnp_PromotionCode",
    "vnp_PromotionAmount",
)
REFUND_REQUEST = (
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TransactionType",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_TransactionNo",
    "vnp_TransactionDate",
    "vnp_CreateBy",
    *_REQUEST_END,
)
REFUND_RESPONSE = ("vnp_ResponseId", "vnp_Command", *_RESPONSE_MIDDLE)


def php_urlencode(text: str) -> str:
    """Encode as PHP's ``urlencode`` does, VNPAY's reference: space ``+``, tilde ``%7E``."""
    return quote_plus(text).replace("~", "%7E")


def canonical_query(fields: Mapping[str, str]) -> str:
    """The signed string of pay, IPN and return, which is also the query string.

    Only ``vnp_`` fields take part, so that a proxy's own parameters do no harm; empty ones and
    the hash itself are left out; names are in byte order.
    """
    kept = sorted(
        (name, value)
        for name, value in fields.items()
        if name.startswith("vnp_") and name not in _UNSIGNED and value
    )
    return "&".join(f"{php_urlencode(name)}={php_urlencode(value)}" for name, value in kept)


def canonical_fields(fields: Mapping[str, str], order: Sequence[str]) -> str:
    """The signed string of querydr and refund: fixed order, ``|`` between, empty ones kept."""
    return "|".join(fields.get(name, "") for name in order)


def mac(canonical: str, secret: str) -> str:
    """HMAC-SHA512, lower-case hex."""
    text = canonical.encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), text, hashlib.sha512).hexdigest()


def holds(canonical: str, given: str, secrets: Sequence[str]) -> bool:
    """Compare a received hash with that of every active secret, in constant time."""
    seen = given.lower().encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(mac(canonical, secret).encode(), seen) for secret in secrets]
    return any(matches)


def legacy_mac(fields: Mapping[str, str], secret: str, algorithm: str) -> str:
    """The hash of the 2.0 protocol, known only to recognise it: no such message is accepted.

    Args:
        fields: Decoded fields of the message.
        secret: The terminal's secret.
        algorithm: ``md5`` or ``sha256``: ``hash(secret + sorted, not encoded query)``.
    """
    kept = sorted(
        (name, value)
        for name, value in fields.items()
        if name.startswith("vnp_") and name not in _UNSIGNED and value
    )
    text = secret + "&".join(f"{name}={value}" for name, value in kept)
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def legacy_algorithm(fields: Mapping[str, str], given: str, secrets: Sequence[str]) -> str | None:
    """Name the 2.0 algorithm a refused message was signed with, for the operator's log."""
    for algorithm in ("md5", "sha256"):
        for secret in secrets:
            expected = legacy_mac(fields, secret, algorithm).encode()
            if hmac.compare_digest(expected, given.lower().encode("utf-8", "surrogatepass")):
                return algorithm
    return None
