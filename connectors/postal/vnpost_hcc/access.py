"""Access to NGSP (WSO2 client credentials) or to an LGSP (a fixed token), pure.

Owns how a token is asked for, read and shown; leaves asking, keeping and renewing to
``connector.py``. This interface signs nothing: there is no callback and no MAC, authenticity is
TLS and the token, so there is no ``signature.py`` here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.contract import HttpReply, HttpRequest

_RENEW_BEFORE = timedelta(seconds=60)
_LONGEST_LIFE_S = 30 * 86_400


class TokenRefused(Exception):
    """The token endpoint answered without a usable token; nothing of the order was sent."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the moment from which it is not used any more."""

    header: Mapping[str, str]
    renew_at: datetime


def build_token_request(url: str, consumer_key: str, secret_key: str) -> HttpRequest:
    """``grant_type=client_credentials`` with HTTP Basic, as WSO2 wants it."""
    credentials = base64.b64encode(f"{consumer_key}:{secret_key}".encode()).decode()
    return HttpRequest(
        method="POST",
        url=url,
        headers={
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=b"grant_type=client_credentials",
    )


def read_token(reply: HttpReply, now: datetime) -> Token:
    """The token, to be renewed a minute before it ends (or at half its life if it is short).

    Raises:
        TokenRefused: any answer but a token; its text names the HTTP status only.
    """
    try:
        body = json.loads(reply.body)
        token, life_s = str(body["access_token"]), int(body["expires_in"])
        scheme = str(body.get("token_type") or "Bearer")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TokenRefused(f"HTTP {reply.status}") from error
    if reply.status != 200 or not token:
        raise TokenRefused(f"HTTP {reply.status}")
    life = timedelta(seconds=max(min(life_s, _LONGEST_LIFE_S), 1))
    usable = max(life - _RENEW_BEFORE, life / 2)
    return Token({"Authorization": f"{scheme} {token}"}, now + usable)


def fixed_header(secret_key: str) -> Mapping[str, str]:
    """The header of an LGSP that hands out one long-lived token."""
    return {"access_token": secret_key}
