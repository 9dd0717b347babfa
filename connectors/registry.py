"""Every connector there is: an explicit table from a provider's name to its passport and class.

Owns: building a connector for an account, the check that what a ``Spec`` announces is really
there, the capability matrix. Leaves choosing accounts to the gateway. A new provider is one
import and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from connectors.contract import (
    Account,
    Capability,
    Clock,
    MisconfiguredAccount,
    NotificationConnector,
    PaymentConnector,
    PostageQuotes,
    PostalConnector,
    Refunds,
    Spec,
    TrackingFeed,
    Transport,
)
from connectors.payment import casso, sepay, vietqr, vnpay
from connectors.payment.casso.connector import CassoConnector
from connectors.payment.sepay.connector import SepayConnector
from connectors.payment.vietqr.connector import VietqrConnector
from connectors.payment.vnpay.connector import VnpayConnector
from connectors.postal import manual, vnpost_hcc
from connectors.postal.manual.connector import ManualCarrier
from connectors.postal.vnpost_hcc.connector import VNPostHcc

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Entry(Generic[C]):
    """One provider: its passport and what makes a connector of an account."""

    spec: Spec
    factory: Callable[[Account, Transport, Clock], C]


PAYMENT: Mapping[str, Entry[PaymentConnector]] = {
    "vietqr": Entry(vietqr.SPEC, VietqrConnector),
    "vnpay": Entry(vnpay.SPEC, VnpayConnector),
}

NOTIFICATION: Mapping[str, Entry[NotificationConnector]] = {
    "casso": Entry(casso.SPEC, CassoConnector),
    "sepay": Entry(sepay.SPEC, SepayConnector),
}

POSTAL: Mapping[str, Entry[PostalConnector]] = {
    "manual": Entry(manual.SPEC, ManualCarrier),
    "vnpost_hcc": Entry(vnpost_hcc.SPEC, VNPostHcc),
}

# Optional protocols by the capability that announces them; the others have no verbs of their own.
_PROTOCOLS: Mapping[Capability, type] = {
    Capability.REFUND: Refunds,
    Capability.PARTIAL_REFUND: Refunds,
    Capability.TRACKING_FEED: TrackingFeed,
    Capability.QUOTE: PostageQuotes,
}


def build_payment(account: Account, transport: Transport, clock: Clock) -> PaymentConnector:
    """Build the payment connector of an account.

    Raises:
        MisconfiguredAccount: unknown provider, or the connector's own list of problems.
    """
    return _build(PAYMENT, account, transport, clock)


def build_notification(
    account: Account, transport: Transport, clock: Clock
) -> NotificationConnector:
    """Build the bank-notification connector of an account; raises as ``build_payment``."""
    return _build(NOTIFICATION, account, transport, clock)


def build_postal(account: Account, transport: Transport, clock: Clock) -> PostalConnector:
    """Build the carrier's connector of an account; raises as ``build_payment``."""
    return _build(POSTAL, account, transport, clock)


def _build(
    table: Mapping[str, Entry[C]], account: Account, transport: Transport, clock: Clock
) -> C:
    entry = table.get(account.provider)
    if entry is None:
        known = ", ".join(sorted(table)) or "none"
        raise MisconfiguredAccount(
            [f"{account.name}: provider {account.provider} is unknown (known: {known})"]
        )
    connector = entry.factory(account, transport, clock)
    check_capabilities(entry.spec, connector)
    return connector


def check_capabilities(spec: Spec, connector: object) -> None:
    """Hold a passport against the class: nothing announced is missing, nothing is hidden.

    Raises:
        MisconfiguredAccount: names every difference.
    """
    problems = []
    for protocol in dict.fromkeys(_PROTOCOLS.values()):
        announced = [c for c, p in _PROTOCOLS.items() if p is protocol and c in spec.capabilities]
        if bool(announced) != isinstance(connector, protocol):
            problems.append(f"{spec.name}: {protocol.__name__} is not as announced")
    if problems:
        raise MisconfiguredAccount(problems)


def specs() -> tuple[Spec, ...]:
    """Every passport, by kind and name."""
    found = [entry.spec for entry in PAYMENT.values()]
    found += [entry.spec for entry in NOTIFICATION.values()]
    found += [entry.spec for entry in POSTAL.values()]
    return tuple(sorted(found, key=lambda spec: (spec.kind, spec.name)))


def capability_matrix() -> list[dict[str, Any]]:
    """One row a provider, ready for JSON."""
    return [
        {
            "name": spec.name,
            "title": spec.title,
            "kind": spec.kind.value,
            "stage": spec.stage.value,
            "document": spec.document,
            "version": spec.version,
            "capabilities": sorted(capability.value for capability in spec.capabilities),
            "callback_legs": list(spec.callback_legs),
            "reference_max": spec.reference_max,
            "max_amount_vnd": spec.max_amount_vnd,
            "options": list(spec.options),
            "secrets": list(spec.secrets),
        }
        for spec in specs()
    ]


def capability_markdown() -> str:
    """The matrix as a Markdown table: a column a capability that anybody has."""
    rows = capability_matrix()
    used = [c.value for c in Capability if any(c.value in row["capabilities"] for row in rows)]
    head = ["provider", "kind", "stage", "document", *used]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        marks = ["yes" if name in row["capabilities"] else "–" for name in used]
        lines.append([row["name"], row["kind"], row["stage"], row["document"], *marks])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
