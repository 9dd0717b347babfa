"""SePay's key in the header, pure.

``Authorization: Apikey KEY``: no MAC over the body. SePay developer guide, "Webhooks".
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

HEADER = "authorization"
_SCHEME = "Apikey "


def header_value(key: str) -> str:
    """The header SePay sends for a key."""
    return f"{_SCHEME}{key}"


def holds(given: str, keys: Sequence[str]) -> bool:
    """Compare the whole header with that of every active key, in constant time."""
    seen = given.encode("utf-8", "surrogateescape")
    matches = [hmac.compare_digest(header_value(key).encode(), seen) for key in keys]
    return any(matches)
