"""The whole capability, put together: what ``gateway.app`` makes one of."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from gateway.payments.accounts import Accounts, Policy
from gateway.payments.asking import Asking
from gateway.payments.attempts import Attempts
from gateway.payments.callbacks import Callbacks
from gateway.payments.http import PaymentRoutes
from gateway.payments.refunds import RefundDesk
from gateway.payments.service import Payments
from gateway.payments.store import payments_by_id, refunds_by_id
from gateway.payments.worker import PaymentWorker


class PaymentDesk:
    """Payments, attempts, refunds, callbacks from providers, the citizen's pages."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        accounts: Accounts,
        policy: Policy,
    ) -> None:
        self.payments = Payments(database, clock, waker, accounts, policy)
        self.attempts = Attempts(self.payments)
        self.refunds = RefundDesk(self.payments, metrics)
        self.asking = Asking(self.payments, metrics)
        self._callbacks = Callbacks(self.payments, metrics)
        self._worker = PaymentWorker(self.payments, self.asking, self.refunds)

    @property
    def renderers(self) -> dict[str, Any]:
        """Id prefix → how events tell the state of these objects."""
        draw = self.payments.renderer

        def payments(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
            views = draw.payments(connection, payments_by_id(connection, ids))
            return {view.id: msgspec.to_builtins(view) for view in views}

        def refunds(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
            views = [draw.refund(row) for row in refunds_by_id(connection, ids)]
            return {view.id: msgspec.to_builtins(view) for view in views}

        return {"pay": payments, "ref": refunds}

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        api = PaymentRoutes(self.payments, self.attempts, self.refunds)
        return [*api.routes(), *self._callbacks.pages()]

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Background work by name."""
        return {"payments.worker": self._worker.run}
