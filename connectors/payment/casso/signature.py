"""Casso's signature header and canonical JSON, pure.

``X-Casso-Signature: t=<ms>,v1=<hex>``; the MAC is HMAC-SHA512 over ``t + "." +`` the body's
JSON with its keys sorted at every depth and no spaces. Follows Casso Webhook V2, "Xác thực".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEADER = "x-casso-signature"
_HEADER_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature header: its time in milliseconds and every ``v1`` it carries."""

    at_ms: str
    macs: tuple[str, ...]


def read_header(text: str) -> Signed | None:
    """Read the header; None when it has not exactly one time and at least one ``v1``."""
    pairs = [part.strip().partition("=") for part in text[:_HEADER_LIMIT].split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    macs = tuple(value for name, _, value in pairs if name == "v1" and value)
    if len(times) != 1 or not macs or not re.fullmatch(r"[0-9]{1,16}", times[0], re.ASCII):
        return None
    return Signed(times[0], macs)


def canonical_forms(at_ms: str, body: Mapping[str, Any]) -> Iterator[str]:
    """The signed text in the forms Casso's own samples produce.

    JavaScript and Python leave non-ASCII text as it is; PHP's ``json_encode`` escapes it, and
    every slash. For plain text they are one and the same.
    """
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    escaped = json.dumps(body, sort_keys=True, separators=(",", ":"))
    seen = []
    for form in (plain, escaped, escaped.replace("/", "\\/")):
        if form not in seen:
            seen.append(form)
            yield f"{at_ms}.{form}"


def mac(canonical: str, key: str) -> str:
    """HMAC-SHA512, lower-case hex."""
    text = canonical.encode("utf-8", "surrogatepass")
    return hmac.new(key.encode(), text, hashlib.sha512).hexdigest()


def holds(signed: Signed, body: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Compare every received MAC with every active key and form, in constant time."""
    seen = [value.lower().encode("utf-8", "surrogateescape") for value in signed.macs]
    matches = [
        hmac.compare_digest(mac(form, key).encode(), value)
        for form in canonical_forms(signed.at_ms, body)
        for key in keys
        for value in seen
    ]
    return any(matches)
