"""The doors that providers knock on: ``/callbacks/{account}`` and ``/callbacks/{account}/{leg}``.

Owns reading the raw request, having it verified, and answering in the provider's own words.
Nothing of a message is looked at before its signature holds; a bad one is counted, logged
without its content and changes nothing. The browser's return is led on to the citizen's page.
"""

from __future__ import annotations

import structlog
from aiohttp import web

from connectors.contract import (
    Callback,
    CallbackReply,
    Interpretation,
    NotificationConnector,
    PaymentConnector,
    ProviderProtocolError,
    Receipt,
    SignatureMismatch,
)
from gateway.foundation.bodies import read_limited
from gateway.foundation.database import DatabaseUnavailable, SetUnit
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import not_found
from gateway.foundation.web import Page
from gateway.payments.accounts import RETURN_LEG
from gateway.payments.attempts import TOPIC
from gateway.payments.checkout.door import Door
from gateway.payments.intake import Delivered, Taken, take_in
from gateway.payments.service import Payments
from gateway.payments.store import find_token

_log = structlog.get_logger(__name__)

MAX_CALLBACK = 64 * 1024

Connector = PaymentConnector | NotificationConnector


class Callbacks:
    """Takes in what providers send."""

    def __init__(self, payments: Payments, metrics: Metrics, door: Door) -> None:
        self._payments = payments
        self._door = door
        self._metrics = metrics
        self._accounts = payments.accounts
        # Callbacks that arrive together share their statements and their commit.
        self._unit: SetUnit[Delivered, Taken] = SetUnit(
            "take_in_callbacks", lambda c, batch: take_in(c, payments.clock, batch)
        )

    def pages(self) -> list[Page]:
        """The routes; providers call with GET or POST, as their documents say."""
        return [
            Page(method, path, self.handle, MAX_CALLBACK, looked_at=False)
            for path in ("/callbacks/{account}", "/callbacks/{account}/{leg}")
            for method in ("GET", "POST")
        ]

    async def handle(self, request: web.Request) -> web.Response:
        """One call of a provider, or of a browser coming back from one."""
        name, leg = request.match_info["account"], request.match_info.get("leg", "")
        connector = self._connector(name)
        if connector is None or leg not in connector.spec.callback_legs:
            raise not_found("địa chỉ này")
        callback = await self._read(request, leg)
        receipt, taken = await self._take(name, connector, callback)
        self._metrics.callbacks.labels(name, receipt.value).inc()
        if leg == RETURN_LEG:
            return await self._lead_on(request, taken)
        return _answer(connector.callback_reply(receipt, callback))

    def _connector(self, name: str) -> Connector | None:
        return self._accounts.payment.get(name) or self._accounts.notification.get(name)

    async def _read(self, request: web.Request, leg: str) -> Callback:
        body = await read_limited(request, MAX_CALLBACK)
        return Callback(
            method=request.method,
            leg=leg,
            query=request.raw_path.partition("?")[2],
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            received_at=self._payments.clock.now(),
        )

    async def _take(
        self, name: str, connector: Connector, callback: Callback
    ) -> tuple[Receipt, Taken | None]:
        said = self._verified(name, connector, callback)
        if isinstance(said, Receipt):
            return said, None
        bank = name in self._accounts.notification
        try:
            taken = await self._payments.database.submit(
                self._unit, Delivered(name, bank, callback, said)
            )
        except DatabaseUnavailable:
            _log.warning("callback_not_stored", account=name)
            return Receipt.INTERNAL_ERROR, None
        except Exception:
            _log.exception("callback_failed", account=name)
            return Receipt.INTERNAL_ERROR, None
        self._follow(name, callback, taken)
        return taken.receipt, taken

    def _verified(
        self, name: str, connector: Connector, callback: Callback
    ) -> tuple[Interpretation, ...] | Receipt:
        try:
            return connector.read_callback(callback)
        except SignatureMismatch as error:
            _log.warning("bad_signature", account=name, reason=str(error)[:100])
            return Receipt.BAD_SIGNATURE
        except ProviderProtocolError as error:
            _log.warning("unreadable_callback", account=name, reason=str(error)[:100])
            return Receipt.UNREADABLE
        except Exception:
            # A connector's own fault on a stranger's bytes: the provider may come again.
            _log.exception("connector_failed", account=name)
            return Receipt.INTERNAL_ERROR

    def _follow(self, name: str, callback: Callback, taken: Taken) -> None:
        """After the commit: wake whoever waits, call whoever should look."""
        if taken.payments:
            self._payments.announce(*taken.payments)
        if callback.leg == RETURN_LEG:
            self._payments.waker.wake(TOPIC)
        for alert in taken.alerts:
            self._metrics.alerts.labels(alert).inc()
            _log.error("callback_needs_a_person", account=name, alert=alert)

    async def _lead_on(self, request: web.Request, taken: Taken | None) -> web.Response:
        """Send the browser to the citizen's own page; a forged return leads nowhere."""
        if taken is None or taken.payment_id is None:
            return self._door.missing(request)
        payment_id = taken.payment_id
        token = await self._payments.database.read(lambda c: find_token(c, payment_id))
        headers = {**self._door.headers, "Location": f"/pay/{token}/result"}
        return web.Response(status=303, headers=headers)


def _answer(reply: CallbackReply) -> web.Response:
    headers = {**reply.headers, "Content-Type": reply.content_type}
    return web.Response(status=reply.status, body=reply.body, headers=headers)
