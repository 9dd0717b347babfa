"""What gateways on several machines share about the services they ask; nothing on SQLite.

Owns putting together the broker of places and the exchange of breakers; only PostgreSQL is worked
on from several machines.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from gateway.foundation.breaker_exchange import BreakerExchange
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.place_broker import PlaceBroker, place_broker
from gateway.foundation.waker import Waker
from signing.evidence.shared_breaker import BreakerFolder

Work = Callable[[], Coroutine[Any, Any, None]]


class OverMachines:
    """One gateway's share in it.

    Args:
        folder: where the signer processes of this machine keep breakers; empty: each by itself.
    """

    def __init__(self, database: Database, clock: Clock, waker: Waker, folder: str) -> None:
        self.broker: PlaceBroker | None = place_broker(database, clock, waker)
        self.exchange: BreakerExchange | None = None
        if self.broker is not None and folder:
            self.exchange = BreakerExchange(database, clock, BreakerFolder(folder))

    @property
    def socket(self) -> str:
        """At which signer processes ask for places; empty where they count by themselves."""
        return self.broker.path if self.broker is not None else ""

    def tasks(self) -> dict[str, Work]:
        """What runs as long as the gateway does."""
        works: dict[str, Work] = {}
        if self.broker is not None:
            works["places.broker"] = self.broker.run
        if self.exchange is not None:
            works["breakers.exchange"] = self.exchange.run
        return works
