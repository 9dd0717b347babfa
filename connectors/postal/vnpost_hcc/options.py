"""The account of one customer code, read and checked once, every problem named together.

Owns what the configuration keys mean and their defaults; holds no secret beyond handing the
newest one on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.contract import Account, MisconfiguredAccount
from connectors.postal.vnpost_hcc import SPEC
from connectors.postal.vnpost_hcc.statuses import Status, read_table

OAUTH2: Final = "oauth2"
STATIC_TOKEN: Final = "static_token"  # noqa: S105 - the name of a way of access, not a secret
_MAX_PAGE: Final = 1000  # the tracking feed's own limit


@dataclass(frozen=True, slots=True)
class Options:
    """Everything the connector needs to know about one account.

    ``provinces`` and ``districts`` map official codes to VNPost's own postal codes.
    ``feed_lists_new_orders`` says that VNPost has confirmed that every accepted order appears
    in the tracking feed within ``feed_delay``; only then does absence prove anything.
    """

    customer_code: str
    access: str
    token_url: str
    consumer_key: str
    order_url: str
    coded_order_url: str
    cancel_url: str
    tracking_url: str
    price_url: str
    provinces: Mapping[str, int]
    districts: Mapping[str, int]
    statuses: Mapping[str, Status]
    refused_statuses: frozenset[str]
    flag_config: int
    page_size: int
    feed_lists_new_orders: bool
    feed_delay: timedelta


def read_options(account: Account) -> Options:
    """Read the account.

    Raises:
        MisconfiguredAccount: naming every problem at once.
    """
    reader = _Reader(account.options)
    reader.refuse_unknown_keys()
    access = reader.text("access", OAUTH2)
    if access not in {OAUTH2, STATIC_TOKEN}:
        reader.problems.append(f"access: {OAUTH2} or {STATIC_TOKEN}")
    base = reader.url("base_url", required=True).rstrip("/")
    if not any(account.secrets.get("secret_key", ())):
        reader.problems.append("secret_key: missing")
    statuses, bad_statuses = read_table(reader.table("statuses"))
    reader.problems.extend(bad_statuses)
    options = Options(
        customer_code=reader.text("customer_code", required=True),
        access=access,
        token_url=reader.url("token_url", required=access == OAUTH2),
        consumer_key=reader.text("consumer_key", required=access == OAUTH2),
        order_url=reader.url("order_url") or f"{base}/order/post",
        coded_order_url=reader.url("coded_order_url"),
        cancel_url=reader.url("cancel_url") or f"{base}/order/cancel",
        tracking_url=reader.url("tracking_url") or f"{base}/order/tracking",
        price_url=reader.url("price_url"),
        provinces=reader.codes("province_codes", required=True),
        districts=reader.codes("district_codes"),
        statuses=statuses,
        refused_statuses=reader.words("refused_statuses"),
        flag_config=reader.number("flag_config", 2, 0, 99),
        page_size=reader.number("page_size", 200, 1, _MAX_PAGE),
        feed_lists_new_orders=reader.flag("feed_lists_new_orders"),
        feed_delay=timedelta(seconds=reader.number("feed_delay_s", 900, 0, 86_400)),
    )
    if reader.problems:
        raise MisconfiguredAccount(reader.problems)
    return options


class _Reader:
    """Reads options one by one and collects what is wrong with them."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self.problems: list[str] = []

    def refuse_unknown_keys(self) -> None:
        known = {*SPEC.options, *SPEC.optional}
        self.problems.extend(f"{key}: unknown option" for key in sorted({*self._options} - known))

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        value = self._options.get(key, default)
        if not isinstance(value, str):
            self.problems.append(f"{key}: must be text")
            return default
        if required and not value.strip():
            self.problems.append(f"{key}: missing")
        return value.strip()

    def url(self, key: str, *, required: bool = False) -> str:
        value = self.text(key, required=required)
        if value and not _is_safe_url(value):
            self.problems.append(f"{key}: must be an https address (http only on this machine)")
        return value

    def number(self, key: str, default: int, least: int, most: int) -> int:
        value = self._options.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problems.append(f"{key}: a whole number from {least} to {most}")
            return default
        return value

    def flag(self, key: str) -> bool:
        value = self._options.get(key, False)
        if not isinstance(value, bool):
            self.problems.append(f"{key}: true or false")
        return value is True

    def words(self, key: str) -> frozenset[str]:
        value = self._options.get(key, ())
        if isinstance(value, str) or not isinstance(value, list | tuple | frozenset):
            self.problems.append(f"{key}: must be a list")
            return frozenset()
        return frozenset(str(word) for word in value)

    def table(self, key: str, *, required: bool = False) -> Mapping[str, Any]:
        value = self._options.get(key, {})
        if not isinstance(value, Mapping):
            self.problems.append(f"{key}: must be a table")
            return {}
        if required and not value:
            self.problems.append(f"{key}: missing")
        return value

    def codes(self, key: str, *, required: bool = False) -> Mapping[str, int]:
        codes: dict[str, int] = {}
        for official, carrier in self.table(key, required=required).items():
            try:
                codes[str(official)] = int(carrier)
            except (TypeError, ValueError):
                self.problems.append(f"{key}.{official}: must be a number")
        return codes


def _is_safe_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    return parts.scheme == "http" and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
