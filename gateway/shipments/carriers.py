"""The province's carriers by account name; which of them feed, and which people speak for.

Owns the choice of a carrier for an order; knows no concrete connector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from connectors.contract import Capability, ParcelEvent, PostalConnector, TrackingFeed
from gateway.foundation.problems import Problem
from gateway.shipments import problems


@dataclass(frozen=True, slots=True)
class Entry:
    """One line an officer typed about a parcel, as connectors of ``TakesEntries`` read it."""

    client_ref: str
    code: str
    at: datetime
    item_code: str | None = None
    amount_vnd: int | None = None
    place: str = ""
    note: str = ""


@runtime_checkable
class TakesEntries(Protocol):
    """A carrier without a line to us: people type what it says."""

    def read_entry(self, entry: Any) -> ParcelEvent:
        """What an ``Entry`` reports.

        Raises:
            ProviderRejected: it cannot be read.
        """
        ...


class Carriers:
    """Every postal account, in the order of the configuration."""

    def __init__(self, connectors: Mapping[str, PostalConnector]) -> None:
        self._connectors = connectors

    def choose(self, wanted: str | None, collect_vnd: int) -> tuple[str, PostalConnector]:
        """The account for an order: the one named, or the first.

        Raises:
            Problem: ``no_carrier``; ``validation_failed`` for an unknown one, and for money
                that this carrier does not collect.
        """
        if not self._connectors:
            raise Problem("no_carrier")
        name = next(iter(self._connectors)) if wanted is None else wanted
        connector = self._connectors.get(name)
        if connector is None:
            detail = f"Không có đơn vị vận chuyển “{name}”."
            raise problems.wrong_field("/carrier", "unknown_carrier", detail)
        spec = connector.spec
        collects = Capability.COLLECT_ON_DELIVERY in spec.capabilities
        if collect_vnd and not (collects and collect_vnd <= spec.max_amount_vnd):
            detail = f"{spec.title} không thu hộ số tiền này."
            raise problems.wrong_field("/collect/amount", "amount_out_of_range", detail)
        return name, connector

    def get(self, name: str) -> PostalConnector | None:
        """The account's connector; None when it was taken out of the configuration."""
        return self._connectors.get(name)

    def title(self, name: str) -> str:
        """The carrier as people know it."""
        connector = self._connectors.get(name)
        return connector.spec.title if connector else name

    def feeds(self) -> dict[str, TrackingFeed]:
        """The accounts that tell by themselves."""
        return {n: c for n, c in self._connectors.items() if isinstance(c, TrackingFeed)}

    def typed(self, name: str) -> TakesEntries:
        """The account people speak for.

        Raises:
            Problem: ``carrier_reports_itself``.
        """
        connector: object = self._connectors.get(name)
        if not isinstance(connector, TakesEntries):
            raise Problem("carrier_reports_itself")
        return connector
