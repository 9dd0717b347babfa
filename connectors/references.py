"""Text and account checks every connector needs before it may speak.

Owns: is a reference allowed by a ``Spec``, Vietnamese text folded to what a provider's field can
carry, the problems of one configured account. Leaves to others: deriving references (the
gateway) and each provider's own rules (its ``messages.py``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from connectors.contract import Account, MisconfiguredAccount, Order, ProviderRejected, Spec

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def vietnam_stamp(moment: datetime) -> str:
    """``yyyyMMddHHmmss`` in Vietnam's time, the form most providers want."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")


def vietnam_time(text: str, form: str = "%Y%m%d%H%M%S") -> datetime | None:
    """Read a provider's local time; None when it is not one (never a reason to lose money)."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=VIETNAM)
    except ValueError:
        return None


def toneless(text: str, allowed: str, limit: int) -> str:
    """Fold Vietnamese text to the characters a field can carry.

    Args:
        text: Any text, composed or decomposed.
        allowed: Regular-expression character class body of what may stay.
        limit: Longest result in characters.

    Returns:
        Text without diacritics; every other character became one space.
    """
    bare = text.replace("đ", "d").replace("Đ", "D")
    bare = "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", re.sub(f"[^{allowed}]", " ", bare)).strip()[:limit].strip()


def reference_fits(spec: Spec, reference: str) -> bool:
    """Say whether a provider can carry this reference unchanged."""
    pattern = f"[{spec.reference_charset}]{{1,{spec.reference_max}}}"
    return re.fullmatch(pattern, reference) is not None


def check_order(spec: Spec, order: Order) -> None:
    """Refuse an order that this provider cannot carry, before anything leaves.

    Raises:
        ProviderRejected: ``invalid_reference`` or ``invalid_amount``; nothing was sent.
    """
    if not reference_fits(spec, order.reference):
        raise ProviderRejected("invalid_reference", f"{spec.name} cannot carry this reference")
    if not spec.min_amount_vnd <= order.amount_vnd <= spec.max_amount_vnd:
        raise ProviderRejected("invalid_amount", f"{spec.name} cannot carry this amount")


def check_account(spec: Spec, account: Account, problems: list[str]) -> None:
    """Add the general problems of an account to ``problems`` and raise when there are any.

    Args:
        spec: What the provider needs.
        account: What was configured.
        problems: The provider's own findings so far.

    Raises:
        MisconfiguredAccount: names every problem at once, never a secret's value.
    """
    known = {*spec.options, *spec.optional}
    found = [f"option {key} is missing" for key in spec.options if not account.options.get(key)]
    found += [f"option {key} is unknown" for key in account.options if key not in known]
    found += _secret_problems(spec, account.secrets)
    if account.provider != spec.name:
        found.append(f"provider is {account.provider}, this connector is {spec.name}")
    found += problems
    if found:
        raise MisconfiguredAccount([f"{account.name}: {problem}" for problem in found])


def _secret_problems(spec: Spec, secrets: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Name missing, blank and unknown secrets; the values stay out of it."""
    found = []
    for key in spec.secrets:
        values = secrets.get(key, ())
        if not values:
            found.append(f"secret {key} is missing")
        elif any(not value or value != value.strip() for value in values):
            found.append(f"secret {key} is blank or has spaces around it")
    found += [f"secret {key} is unknown" for key in secrets if key not in spec.secrets]
    return found


def url_problem(name: str, value: Any) -> str | None:
    """Say what is wrong with a provider's address.

    Plain http is for stand-ins: loopback, or a host without a dot (a container's name).
    """
    if not isinstance(value, str):
        return f"option {name} is not a text"
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        return f"option {name} is not an address"
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.query:
        return f"option {name} is not an http(s) address"
    if parts.scheme == "http" and host not in _LOOPBACK and "." in host:
        return f"option {name} must be https"
    return None
