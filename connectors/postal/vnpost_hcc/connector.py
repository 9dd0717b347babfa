"""VNPost HCC: the calls. The only module of this connector that awaits.

Owns asking for, keeping and renewing the token, and what each kind of answer means for an
outbound call; leaves the bytes to ``messages.py``, ``tracking.py`` and ``access.py``. Repeats a
call only after HTTP 401, which the API gateway answers before the call reaches VNPost. Keeps no
state but the token: cursors and orders belong to the caller.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from connectors.contract import (
    Account,
    Address,
    CancelOutcome,
    Clock,
    Feed,
    HttpReply,
    HttpRequest,
    OutcomeUnknown,
    ParcelAccepted,
    ParcelOrder,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    Transport,
)
from connectors.postal.vnpost_hcc import SPEC, access, messages, tracking
from connectors.postal.vnpost_hcc.options import STATIC_TOKEN, read_options
from connectors.postal.vnpost_hcc.statuses import ALREADY_THERE, CANCELLATIONS, CREATED
from connectors.references import reference_fits

_CLOCKS_MAY_DIFFER: Final = timedelta(minutes=10)
_MOST_PAGES: Final = 200  # of one search; a feed that never ends must not hold a worker
_JSON: Final = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
_READ: Final = {"Accept": "application/json"}
# A GET that changes state must not be answered, or repeated, by anything in between.
_CANCEL: Final = {"Accept": "application/json", "Cache-Control": "no-store"}


class VNPostHcc:
    """One customer code at VNPost, through NGSP or an LGSP.

    Options: ``base_url``, ``customer_code``, ``province_codes`` (official code → VNPost's postal
    code, a table), ``access`` (``oauth2``, the default, with ``token_url`` and ``consumer_key``;
    or ``static_token``), ``statuses`` (VNPost's code → movement, a table). Secret: ``secret_key``.
    """

    spec = SPEC

    def __init__(self, account: Account, transport: Transport, clock: Clock) -> None:
        self._options = read_options(account)
        self._secret = next(key for key in account.secrets["secret_key"] if key)
        self._transport = transport
        self._clock = clock
        self._token: access.Token | None = None
        self._renewing = asyncio.Lock()

    async def submit(self, order: ParcelOrder) -> ParcelAccepted:
        """Order a delivery once; answers 100 and 101 both mean that VNPost has it.

        Raises:
            ProviderUnavailable, ProviderRejected, OutcomeUnknown (then only ``find`` may follow).
        """
        self._check_order(order)
        url = self._options.coded_order_url if order.item_code else self._options.order_url
        body = messages.build_order(order, self._options)
        reply = await self._send(HttpRequest("POST", url, _JSON, body))
        status = messages.read_status(reply)
        if status not in CREATED | ALREADY_THERE:
            raise self._not_accepted(status)
        return ParcelAccepted(
            carrier_order_id=order.client_ref, item_code=order.item_code, state={"status": status}
        )

    async def find(self, client_ref: str, since: datetime) -> ParcelAccepted | None:
        """Look an order up by our own reference, in the tracking feed from shortly before.

        The interface has no look-up. Absence proves something only where VNPost confirmed that
        every accepted order appears in the feed (``feed_lists_new_orders``), and only after
        ``feed_delay_s``.

        Raises:
            OutcomeUnknown: not in the feed, and that proves nothing.
        """
        asked_at = self._clock.now()
        cursor, more, pages = tracking.cursor_at(since - _CLOCKS_MAY_DIFFER), True, 0
        while more and pages < _MOST_PAGES:
            reply = await self._send(self._feed_request(cursor))
            found = tracking.order_numbers(reply)
            if client_ref in found:
                return ParcelAccepted(client_ref, item_code=found[client_ref])
            feed = self._read_feed(reply, cursor)
            cursor, more, pages = feed.cursor, feed.more, pages + 1
        waited = asked_at - since >= self._options.feed_delay
        if more or not waited or not self._options.feed_lists_new_orders:
            raise OutcomeUnknown("not in the tracking feed, which does not prove its absence")
        return None

    async def cancel(self, accepted: ParcelAccepted, reason: str) -> CancelOutcome:
        """Ask for a cancellation; ``WAITING`` means that VNPost still has to approve it.

        The interface has no field for the reason; it stays with the caller.

        Raises:
            ProviderUnavailable, ProviderRejected, OutcomeUnknown.
        """
        del reason
        url = messages.build_cancel_url(accepted.carrier_order_id, self._options)
        status = messages.read_status(await self._send(HttpRequest("GET", url, _CANCEL)))
        if status in self._options.refused_statuses:
            return CancelOutcome.REFUSED
        if status not in CANCELLATIONS:
            raise ProviderProtocolError(f"cancellation answered with unknown status {status[:20]}")
        return CANCELLATIONS[status]

    async def events_since(self, cursor: str) -> Feed:
        """The next page after the cursor (empty = from the beginning).

        The feed is one for the whole customer code: one reader, which saves the cursor together
        with the events.
        """
        cursor = cursor or tracking.BEGINNING
        return self._read_feed(await self._send(self._feed_request(cursor)), cursor)

    async def quote(self, sender: Address, recipient: Address, weight_g: int) -> int:
        """The LGSP's provisional postage in đồng.

        Raises:
            ProviderRejected: this account has no price service.
        """
        if not self._options.price_url:
            raise ProviderRejected("no_price_service")
        body = messages.build_price(sender, recipient, weight_g, self._options)
        return messages.read_price(
            await self._send(HttpRequest("POST", self._options.price_url, _JSON, body))
        )

    # -------------------------------------------------------------- what answers mean

    def _check_order(self, order: ParcelOrder) -> None:
        if not reference_fits(SPEC, order.client_ref):
            raise ProviderRejected("reference_not_allowed")
        if order.collect_vnd < 0:
            raise ProviderRejected("amount_not_allowed")
        if order.item_code and not self._options.coded_order_url:
            raise ProviderRejected("no_service_for_item_numbers")

    def _not_accepted(self, status: str) -> Exception:
        if status in self._options.refused_statuses:
            return ProviderRejected(status)
        return ProviderProtocolError(f"order answered with unknown status {status[:20]}")

    def _feed_request(self, cursor: str) -> HttpRequest:
        return HttpRequest("GET", messages.build_tracking_url(cursor, self._options), _READ)

    def _read_feed(self, reply: HttpReply, cursor: str) -> Feed:
        return tracking.read_feed(reply, cursor, self._options.page_size, self._options.statuses)

    # -------------------------------------------------------------- sending

    async def _send(self, request: HttpRequest) -> HttpReply:
        token = await self._current_token()
        reply = await self._transport.send(_with(request, token))
        if reply.status == 401:
            token = await self._renew(instead_of=token)
            reply = await self._transport.send(_with(request, token))
        _raise_for_http(reply)
        return reply

    async def _current_token(self) -> access.Token:
        token = self._token
        if token is None or self._clock.now() >= token.renew_at:
            return await self._renew(instead_of=token)
        return token

    async def _renew(self, instead_of: access.Token | None) -> access.Token:
        async with self._renewing:
            if self._token is None or self._token is instead_of:
                self._token = await self._ask_for_token()
            return self._token

    async def _ask_for_token(self) -> access.Token:
        if self._options.access == STATIC_TOKEN:
            year = timedelta(days=365)
            return access.Token(access.fixed_header(self._secret), self._clock.now() + year)
        request = access.build_token_request(
            self._options.token_url, self._options.consumer_key, self._secret
        )
        try:
            reply = await self._transport.send(request)
            return access.read_token(reply, self._clock.now())
        except (OutcomeUnknown, access.TokenRefused) as error:
            # Whatever became of the token, nothing of the order itself was sent.
            raise ProviderUnavailable(f"no token: {error}") from None


def _with(request: HttpRequest, token: access.Token) -> HttpRequest:
    return replace(request, headers={**request.headers, **token.header})


def _raise_for_http(reply: HttpReply) -> None:
    """What an HTTP status says about the call, before its body is read.

    Raises:
        ProviderUnavailable: 401 or 429, turned away by the API gateway before the work.
        ProviderRejected: any other 4xx.
        OutcomeUnknown: 5xx and whatever is not a plain answer; the work may have been done.
    """
    if reply.status in {401, 429}:
        raise ProviderUnavailable(f"turned away (HTTP {reply.status})")
    if reply.status == 408 or not 400 <= reply.status < 500:
        if not 200 <= reply.status < 300:
            raise OutcomeUnknown(f"HTTP {reply.status}")
        return
    raise ProviderRejected(f"http_{reply.status}")
