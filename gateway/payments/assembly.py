"""The payments capability put together, for the one place that wires everything.

Owns the order of construction and the list of doors; decides nothing. The caller gives what the
capability stands on and gets routes, a worker and the renderers of its events.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

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

Render = Callable[[Connection, Sequence[str]], dict[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentParts:
    """What the capability stands on.

    ``told`` says when the portal took the news of a payment; ``client_address`` who is at the
    other end of a request.
    """

    database: Database
    clock: Clock
    waker: Waker
    metrics: Metrics
    accounts: Accounts
    policy: Policy
    place: Place
    form_secret: bytes
    told: Told | None = None
    client_address: Callable[[web.Request], str] = lambda request: request.remote or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsCapability:
    """What the capability gives: services, doors, worker, renderers by id prefix."""

    payments: Payments
    attempts: Attempts
    asking: Asking
    refunds: RefundDesk
    worker: PaymentWorker
    doors: tuple[Route | Page, ...]
    renderers: Mapping[str, Render]
    problem_page: ProblemPages

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return list(self.doors)

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Background work by name."""
        return {"payments.worker": self.worker.run}

    def close(self) -> None:
        """Send watchers of live pages away, so that a shutdown does not wait for them."""
        self.payments.live.close()


def assemble(parts: PaymentParts) -> PaymentsCapability:
    """Put the capability together."""
    payments = Payments(parts.database, parts.clock, parts.waker, parts.accounts, parts.policy)
    attempts, asking = Attempts(payments), Asking(payments, parts.metrics)
    refunds = RefundDesk(payments, parts.metrics)
    door = Door(payments, PageValues(parts.policy, parts.accounts, parts.place))
    guard, client = FormGuard(parts.form_secret), parts.client_address
    return PaymentsCapability(
        payments=payments,
        attempts=attempts,
        asking=asking,
        refunds=refunds,
        worker=PaymentWorker(payments, asking, refunds),
        doors=(
            *PaymentRoutes(payments, attempts, refunds, client).routes(),
            *Callbacks(payments, parts.metrics, door).pages(),
            *PayPages(door, attempts, asking, guard, client).pages(),
            *ResultPages(door, parts.told).pages(),
        ),
        problem_page=ProblemPages(door),
        renderers={
            "pay": lambda connection, ids: render_payments(payments.renderer, connection, ids),
            "ref": lambda connection, ids: render_refunds(payments.renderer, connection, ids),
        },
    )
