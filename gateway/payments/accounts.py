"""The province's accounts at providers, as payments see them.

Owns which account can do what; leaves building connectors to the one place that knows them.
``policy`` holds every number an operator may change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.contract import (
    Capability,
    NotificationConnector,
    PaymentConnector,
    Refunds,
    Spec,
)
from gateway.foundation.money import MAX_AMOUNT_VND

RETURN_LEG = "return"
"""The browser's leg: shown, never believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How payments behave here.

    ``ask_after_s`` counts from an attempt's start; its own deadline is always asked at, too.
    """

    public_url: str
    expires_in_s: int = 86_400
    ask_after_s: tuple[int, ...] = (120, 300, 900, 3_600, 86_400)
    ask_for_days: int = 10
    refund_approval_above: int = 1_000_000
    max_amount: int = MAX_AMOUNT_VND
    methods: tuple[str, ...] = ()
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Accounts:
    """Configured accounts by name; ``titles`` are what people read."""

    payment: Mapping[str, PaymentConnector]
    notification: Mapping[str, NotificationConnector] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def spec(self, account: str) -> Spec | None:
        """The passport of an account's connector, of either kind."""
        connector = self.payment.get(account) or self.notification.get(account)
        return connector.spec if connector else None

    def title(self, account: str) -> str:
        """What people call it."""
        spec = self.spec(account)
        return self.titles.get(account) or (spec.title if spec else account)

    def every_title(self) -> dict[str, str]:
        """All names, for sentences."""
        names = {name: self.title(name) for name in (*self.payment, *self.notification)}
        return {"counter": "bộ phận một cửa", "post": "bưu điện", **names}

    def can_be_asked(self, account: str) -> bool:
        """Whether there is somebody to ask what became of an attempt."""
        connector = self.payment.get(account)
        return connector is not None and Capability.QUERY in connector.spec.capabilities

    def starts_locally(self, account: str) -> bool:
        """Whether starting an attempt sends nothing, so that it may be done again.

        Until its answer is committed nobody was shown anything of such an attempt.
        """
        connector = self.payment.get(account)
        return connector is not None and connector.spec.starts_locally

    def refunder(self, account: str, *, full: bool) -> Refunds | None:
        """Who gives money back through an API; None means a transfer by hand."""
        connector = self.payment.get(account)
        needed = Capability.REFUND if full else Capability.PARTIAL_REFUND
        if connector is None or needed not in connector.spec.capabilities:
            return None
        return connector if isinstance(connector, Refunds) else None

    def offered(self, wanted: Sequence[str]) -> list[str]:
        """Accounts for the checkout page, in the operator's order."""
        return [name for name in (wanted or self.payment) if name in self.payment]
