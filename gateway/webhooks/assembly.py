"""The whole capability, put together: what ``gateway.app`` makes one of.

Owns nothing but the wiring of its own rooms. Other capabilities see ``subscribe`` (react to
events), ``register`` (tell the state of their objects) and ``outbox.emit``.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from gateway.foundation.addresses import AddressGuard, Resolve, resolve_host
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.metrics import Metrics
from gateway.foundation.secrets import SecretBox
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from gateway.webhooks import http
from gateway.webhooks.bodies import Bodies, Render
from gateway.webhooks.dispatch import Dispatcher, Handler, Subscriptions
from gateway.webhooks.history import History
from gateway.webhooks.keyring import KeyRing
from gateway.webhooks.preparation import Preparation
from gateway.webhooks.sender import Sender
from gateway.webhooks.service import Endpoints
from gateway.webhooks.worker import Options, Worker


class Webhooks:
    """Endpoints, event log, deliveries and internal subscribers on one database.

    Args:
        public_url: for links in bodies.
        allowed: the guard with the operator's subnets.
        timeout_s: of one sending.
        options: schedule, places and lease of the worker.
        tls: the trust for https endpoints; None = the machine's own.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        box: SecretBox,
        *,
        public_url: str,
        guard: AddressGuard,
        timeout_s: float = 15.0,
        options: Options | None = None,
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.options = options or Options()
        poll_s = self.options.poll_s
        keys = KeyRing(box, clock)
        self.bodies = Bodies(public_url)
        self.endpoints = Endpoints(clock, keys=keys, guard=guard, resolve=resolve)
        self.history = History(clock, self.bodies)
        self.dispatcher = Dispatcher(database, clock, waker, poll_s=poll_s)
        self.subscriptions = Subscriptions(database, clock, waker, metrics, poll_s=poll_s)
        self.worker = Worker(
            database,
            clock,
            waker=waker,
            preparation=Preparation(
                database, clock, keys=keys, bodies=self.bodies, metrics=metrics
            ),
            sender=Sender(guard, clock, timeout_s=timeout_s, tls=tls),
            metrics=metrics,
            options=self.options,
        )
        self._handlers = http.Handlers(database, waker, self.endpoints, self.history)

    def register(self, prefix: str, render: Render) -> None:
        """Let a capability tell the state of its objects (ids begin with ``prefix_``)."""
        self.bodies.register(prefix, render)

    def subscribe(self, name: str, types: Iterable[str], handler: Handler) -> None:
        """Let a capability react to events; see ``dispatch.Subscriptions``."""
        self.subscriptions.subscribe(name, types, handler)

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return http.routes(self._handlers)

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Background work by name, for ``Tasks.start``."""
        return {
            "events.dispatch": self.dispatcher.run,
            "events.subscribers": self.subscriptions.run,
            "webhooks.deliver": self.worker.run,
        }
