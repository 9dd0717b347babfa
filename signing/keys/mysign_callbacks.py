"""What Viettel MySign calls us for, and how it proves itself. Pure.

The service first asks for a token with the client_id and client_secret that the operator gave it,
as JSON, as a form or in the address of a GET, then brings results with that token (vtss integration
document, version 1.9, "webhook"; it names no method). Our tokens carry their end and a MAC under
that secret: any process can check them, none need remember them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from signing.contract import RemoteState
from signing.keys.confirmed import raw_signature, read_object, unknown_code
from signing.keys.mysign_messages import names_of
from signing.keys.mysign_statuses import BY_CODE

_LASTS_S = 3600
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
RESULT_REPLY = '{"status_code":"00","message":"Thành công"}'.encode()


@dataclass(frozen=True, slots=True)
class Result:
    """A webhook's content: our reference when any document is named, theirs always."""

    transaction: str
    state: RemoteState
    code: str
    reference: str
    signatures: Mapping[str, bytes]


def read_call(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """What a call says, as JSON or as a form (RFC 6749 §4.4.2).

    Raises:
        ValueError: neither.
    """
    kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != _FORM:
        return read_object(body)
    pairs = parse_qsl(body.decode(), strict_parsing=True, max_num_fields=_MOST_FIELDS)
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a field stands twice in the form")
    return dict(pairs)


def asks_for_token(told: Mapping[str, Any]) -> bool:
    """Whether the service wants to be let in."""
    return told.get("grant_type") == "client_credentials"


def may_have_token(told: Mapping[str, Any], client_id: str, secret: str) -> bool:
    """Whether it knows what the operator gave it; in constant time."""
    given = f"{told.get('client_id')}\n{told.get('client_secret')}".encode()
    return bool(secret) and hmac.compare_digest(given, f"{client_id}\n{secret}".encode())


def token_reply(secret: str, now: datetime) -> bytes:
    """Let it in for an hour."""
    data = {
        "access_token": issue_token(secret, now),
        "expires_in": str(_LASTS_S),
        "consented_on": str(int(now.timestamp())),
    }
    return json.dumps({"status_code": "00", "message": "Thành công", "data": data}).encode()


def issue_token(secret: str, now: datetime) -> str:
    """A token with its end and a MAC."""
    until = str(int(now.timestamp()) + _LASTS_S)
    return f"{until}.{_mac(secret, until)}"


def token_holds(secret: str, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether a call bears a token of ours that has not run out."""
    given = {name.lower(): value for name, value in headers.items()}.get("authorization", "")
    until, _, mac = given.removeprefix("Bearer ").strip().partition(".")
    holds = hmac.compare_digest(mac.encode(), _mac(secret, until).encode())
    return bool(secret) and holds and until.isdigit() and int(until) > now.timestamp()


def _mac(secret: str, until: str) -> str:
    return hmac.digest(secret.encode(), f"mysign {until}".encode(), hashlib.sha256).hex()


def read_result(told: Mapping[str, Any]) -> Result:
    """Read a result that was let in.

    Raises:
        ValueError: it is not one of the document's results.
    """
    try:
        meta = told["meta_data"]
        transaction, code = str(meta["transaction_id"]), str(meta["status"])
        listed = (told.get("data") or {}).get("results") or ()
        named = [(names_of(str(one["document_id"])), one.get("signature")) for one in listed]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a result") from error
    references = {reference for (reference, _), _ in named}
    if len(references) > 1:
        raise ValueError("a result about several requests")
    state = BY_CODE.get(code) or unknown_code("MySign", code)
    signatures = {}
    if state is RemoteState.DONE:
        signatures = {item: raw_signature(text) for (_, item), text in named}
        state = RemoteState.DONE if signatures else RemoteState.UNKNOWN
    return Result(transaction, state, code, next(iter(references), ""), signatures)
