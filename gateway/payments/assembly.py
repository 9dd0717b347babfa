"""The whole capability, put together: what ``gateway.app`` makes one of."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from aiohttp import web

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from gateway.frame.security import FormGuard
from gateway.payments.accounts import Accounts, Policy
from gateway.payments.asking import Asking
from gateway.payments.attempts import Attempts
from gateway.payments.callbacks import Callbacks
from gateway.payments.checkout.door import Door
from gateway.payments.checkout.pages import PayPages
from gateway.payments.checkout.result_pages import ResultPages, Told
from gateway.payments.checkout.values import PageValues, Place
from gateway.payments.error_page import ProblemPages
from gateway.payments.http import PaymentRoutes
from gateway.payments.refunds import RefundDesk
from gateway.payments.rendering import render_payments, render_refunds
from gateway.payments.service import Payments
from gateway.payments.worker import PaymentWorker


class PaymentDesk:
    """Payments, attempts, refunds, callbacks from providers, the citizen's pages.

    Args:
        place: names and help around every page.
        form_secret: under which posted forms are proved to be ours.
        told: when the portal took the news of a payment; None = pages say nothing of it.
        client: who is at the other end of a request.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        accounts: Accounts,
        policy: Policy,
        place: Place,
        form_secret: bytes,
        told: Told | None = None,
        client: Callable[[web.Request], str] = lambda request: request.remote or "",
    ) -> None:
        self.payments = Payments(database, clock, waker, accounts, policy)
        self.attempts = Attempts(self.payments)
        self.asking = Asking(self.payments, metrics)
        self.refunds = RefundDesk(self.payments, metrics)
        self.worker = PaymentWorker(self.payments, self.asking, self.refunds)
        door = Door(self.payments, PageValues(policy, accounts, place))
        self.problem_page = ProblemPages(door)
        guard = FormGuard(form_secret)
        self._rooms = (
            PaymentRoutes(self.payments, self.attempts, self.refunds, client).routes(),
            Callbacks(self.payments, metrics, door).pages(),
            PayPages(door, self.attempts, self.asking, guard, client).pages(),
            ResultPages(door, told).pages(),
        )

    @property
    def renderers(self) -> dict[str, Any]:
        """Id prefix → how events tell the state of these objects."""
        renderer = self.payments.renderer
        return {"pay": partial(render_payments, renderer), "ref": partial(render_refunds, renderer)}

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return [route for room in self._rooms for route in room]

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Background work by name."""
        return {"payments.worker": self.worker.run}

    def close(self) -> None:
        """Send watchers of live pages away, so that a shutdown does not wait for them."""
        self.payments.live.close()
