"""The whole capability, put together: what ``gateway.app`` makes one of."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from aiohttp import web

from connectors.contract import PostalConnector
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.limits import RateLimiter
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from gateway.shipments import http
from gateway.shipments.cancelling import Cancelling
from gateway.shipments.carriers import Carriers
from gateway.shipments.deadlines import PostalLaw
from gateway.shipments.door_money import Collected, DoorMoneyHandler
from gateway.shipments.law import load_law
from gateway.shipments.news import News
from gateway.shipments.ordering import Ordering
from gateway.shipments.public import FrameOf, TrackingPage
from gateway.shipments.recording import Recorder
from gateway.shipments.service import KnowsPayment, Shipments
from gateway.shipments.tracking import Tracker
from gateway.shipments.worker import OrderWorker


class ShipmentDesk:
    """Shipments, their orders and the feeds that tell of them.

    Args:
        carriers: Connectors by account name, in the order of the configuration.
        frame: What stands around the public tracking page of a request.
        limiter: How often one client may look; ``client`` tells who asks (behind proxies).
        poll_s: How often each carrier's feed is read.
        law: The postal tables; None = the operator's.
        collected: Takes in money collected at the door (see ``handlers``).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        carriers: Mapping[str, PostalConnector],
        public_url: str,
        frame: FrameOf,
        limiter: RateLimiter | None = None,
        client: Callable[[web.Request], str] = lambda request: request.remote or "",
        poll_s: float = 60.0,
        law: PostalLaw | None = None,
        collected: Collected | None = None,
        knows_payment: KnowsPayment = lambda _connection, _tenant, _payment: True,
    ) -> None:
        known, law = Carriers(carriers), law or load_law()
        recorder, news = Recorder(clock, law), News(waker, metrics)
        self.shipments = Shipments(
            database,
            clock,
            carriers=known,
            law=law,
            recorder=recorder,
            news=news,
            public_url=public_url,
            knows_payment=knows_payment,
        )
        self.cancelling = Cancelling(database, clock, known, recorder, news)
        self.tracking = TrackingPage(
            database,
            clock,
            known,
            recorder,
            frame,
            secure=public_url.startswith("https://"),
            limiter=limiter,
            client=client,
        )
        ordering = Ordering(database, clock, known, recorder, news)
        self.worker = OrderWorker(
            database,
            clock,
            waker,
            ordering,
            self.cancelling,
            working=law.working,
            news=news,
        )
        self.trackers = {
            account: Tracker(
                account,
                feed,
                database=database,
                clock=clock,
                recorder=recorder,
                news=news,
                poll_s=poll_s,
            )
            for account, feed in known.feeds().items()
        }
        self.handlers: dict[str, tuple[list[str], DoorMoneyHandler]] = {}
        if collected is not None:
            handler = DoorMoneyHandler(recorder, news, known.title, collected)
            self.handlers["shipments.door_money"] = (["shipment.fee_collected"], handler)

    @property
    def renderers(self) -> dict[str, Any]:
        """Id prefix → how events tell the state of these objects."""
        return {"shp": self.shipments.renderer.events}

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return [*http.routes(self.shipments, self.cancelling), *self.tracking.pages()]

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Background work by name: one for orders, one an account that feeds."""
        feeds = {f"shipments.feed.{name}": tracker.run for name, tracker in self.trackers.items()}
        return {"shipments.orders": self.worker.run, **feeds}
