"""After a commit: wake whoever waits for news, and count what a person should look at."""

from __future__ import annotations

from typing import Final

from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.shipments.recording import Recording
from gateway.webhooks.outbox import TOPIC

WORK: Final = "shipments"
"""The topic of the worker of orders."""


class News:
    """Tells of what was committed; never inside a unit of work."""

    def __init__(self, waker: Waker, metrics: Metrics) -> None:
        self._waker = waker
        self._metrics = metrics

    def tell(self, recording: Recording | None) -> None:
        """Wake deliveries when events were emitted; count new questions."""
        if recording is None:
            return
        if recording.emitted:
            self._waker.wake(TOPIC)
        for kind in recording.alerts:
            self.alert(kind)

    def alert(self, kind: str) -> None:
        """Count something a person should look at."""
        self._metrics.alerts.labels(f"shipment_{kind.removeprefix('shipment_')}").inc()

    def wake_worker(self) -> None:
        """There is something to order, to look up or to cancel."""
        self._waker.wake(WORK)
