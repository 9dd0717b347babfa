"""The small protocol with which a province bridges a signing service this gateway does not speak.

Pure; ``docs/signing-keys.md`` describes it for those who write the bridge. Every call is a POST of
JSON to ``<url>/v1/…`` with a MAC over time, path and body, and so is the bridge's callback. The
bridge keeps requests by our reference, so every one of them can be asked about.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from signing.contract import RemoteItem, RemoteState
from signing.keys.confirmed import certificate_from, raw_signature, unknown_code

CERTIFICATE_PATH, START_PATH = "/v1/certificate", "/v1/start"
ASK_PATH, CANCEL_PATH = "/v1/ask", "/v1/cancel"
CALLBACK_PATH = "/callback"  # what a callback's MAC says instead of our address
CLIENT, TIME, MAC = "X-Motcua-Client", "X-Motcua-Time", "X-Motcua-Signature"
_CLOCKS_DIFFER = timedelta(minutes=5)
# The bridge's words are ours, with one more: it never heard of the reference.
NOT_FOUND = "not_found"
_STATES = {state.value: state for state in RemoteState} | {NOT_FOUND: RemoteState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands at the bridge."""

    state: RemoteState
    reference: str = ""
    provider_reference: str = ""
    code: str = ""
    expires_at: datetime | None = None
    signatures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shared:
    """What both sides know: the gateway's name and the secret of the MAC."""

    client: str
    secret: str = field(repr=False)

    def mac(self, moment: str, path: str, body: bytes) -> str:
        """Hexadecimal HMAC-SHA256 of ``moment.path.body``."""
        signed = f"{moment}.{path}.".encode() + body
        return hmac.digest(self.secret.encode(), signed, hashlib.sha256).hex()

    def headers(self, path: str, body: bytes, now: datetime) -> dict[str, str]:
        """What proves that a call comes from one who knows the secret."""
        moment = str(int(now.timestamp()))
        return {
            "Content-Type": "application/json",
            CLIENT: self.client,
            TIME: moment,
            MAC: self.mac(moment, path, body),
        }

    def holds(self, given: Mapping[str, str], path: str, body: bytes, now: datetime) -> bool:
        """Whether a call bears a fresh MAC; in constant time."""
        named = {name.lower(): value for name, value in given.items()}
        moment = named.get(TIME.lower(), "")
        wanted = self.mac(moment, path, body)
        same = hmac.compare_digest(named.get(MAC.lower(), "").encode(), wanted.encode())
        known = named.get(CLIENT.lower(), "").encode()
        if not (same and hmac.compare_digest(known, self.client.encode())):
            return False
        if not (moment.isascii() and moment.isdigit()):
            return False
        return abs(int(moment) - now.timestamp()) <= _CLOCKS_DIFFER.total_seconds()


def write(value: Mapping[str, Any]) -> bytes:
    """A body, exactly as its MAC covers it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def start_request(
    reference: str, items: tuple[RemoteItem, ...], certificate: x509.Certificate, *, pss: bool
) -> dict[str, Any]:
    """Ask the owner to confirm; the certificate says whose key signs."""
    is_rsa = isinstance(certificate.public_key(), rsa.RSAPublicKey)
    scheme = ("rsassa-pss" if pss else "rsassa-pkcs1-v1_5") if is_rsa else "ecdsa"
    return {
        "reference": reference,
        "scheme": scheme,
        "hash": "sha256",
        "items": [
            {
                "item": one.item,
                "digest": hashlib.sha256(one.to_be_signed).hexdigest(),
                "title": one.title,
            }
            for one in items
        ],
    }


def read_certificate(
    answer: Mapping[str, Any],
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The key's certificate and its issuers.

    Raises:
        ValueError: the answer is not the protocol's.
    """
    try:
        chain = tuple(certificate_from(one) for one in answer.get("chain") or ())
        return certificate_from(answer["certificate"]), chain
    except (KeyError, TypeError) as error:
        raise ValueError("no certificate") from error


def read_standing(answer: Mapping[str, Any]) -> Standing:
    """Read how a request stands; what the protocol does not know is unknown."""
    code = answer.get("state")
    state = _STATES.get(code) if isinstance(code, str) else None
    try:
        return _read_standing(answer, state or unknown_code("hook", code), str(code))
    except (ValueError, TypeError, AttributeError):
        return Standing(unknown_code("hook", "unreadable-answer"))


def _read_standing(answer: Mapping[str, Any], state: RemoteState, code: str) -> Standing:
    listed = answer.get("signatures") or {}
    signatures = {str(item): raw_signature(text) for item, text in listed.items()}
    if state is RemoteState.DONE and not signatures:
        raise ValueError("done without a signature")
    until = answer.get("expires_at")
    return Standing(
        state=state,
        reference=str(answer.get("reference") or ""),
        provider_reference=str(answer.get("provider_reference") or ""),
        code=code if code == NOT_FOUND else "",
        expires_at=_moment(until) if until else None,
        signatures=signatures if state is RemoteState.DONE else {},
    )


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def standing_body(standing: Standing) -> dict[str, Any]:
    """The other side of ``read_standing``: what a bridge answers."""
    return {
        "reference": standing.reference,
        "state": standing.code or standing.state.value,
        "provider_reference": standing.provider_reference,
        "expires_at": standing.expires_at.isoformat() if standing.expires_at else None,
        "signatures": {
            item: base64.b64encode(signature).decode()
            for item, signature in standing.signatures.items()
        },
    }


CALLBACK_REPLY = b'{"received":true}'
