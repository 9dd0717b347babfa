"""Viettel MySign in its vtss dialect: the official confirms in the MySign application.

Owns the calls and their outcomes: polled, pushed (``delivery = "callback"``) or with the call held
open until the official has confirmed (``"wait"``). The service knows a request by its own
transaction id only, which it gives with the answer to signHash: a request whose answer was lost
cannot be asked about. It is unknown until it can no longer be confirmed, then an error with code
``outcome_unknown``, unless a callback names it before; it is never sent again. Requests cannot be
withdrawn. Leaves messages and codes to their modules, the CSC dialect to ``mysign_csc``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from signing.contract import (
    CredentialRefused,
    KeyConfig,
    RemoteItem,
    RemoteState,
    Ticket,
    Told,
)
from signing.key_config import RemoteConfig
from signing.keys import mysign_callbacks as callbacks
from signing.keys import mysign_messages as messages
from signing.keys.confirmed import (
    dated,
    opened,
    refuse_pkcs1v15,
    settled,
    told,
    turned,
    waiting_key,
)
from signing.keys.contract import KeyUnavailable, OpenedKey
from signing.keys.conversation import Answer, Conversation, Unanswered, silent
from signing.keys.mysign_messages import Offer, Standing
from signing.keys.refusals import callback_refused, no_single_certificate, refuse_faults

_VALID_S = 300.0  # the application waits two to three minutes
_ASK_TIMEOUT_S = 20.0
_TOKEN_MARGIN = timedelta(seconds=60)


class MySignSource:
    """A configured key at MySign; a ``ConfirmedSource``."""

    def __init__(self, config: KeyConfig) -> None:
        refuse_faults(config)
        self.config = config
        self._remote = config.remote or RemoteConfig()
        self._offer: Offer | None = None
        self._token: tuple[str, datetime] | None = None  # and until when

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Ask for the certificate; no PIN or code is ever used."""
        offer = await self._find()
        return waiting_key(self.config, offer.certificate, offer.chain)

    async def _find(self) -> Offer:
        try:
            async with Conversation(self._ask_limit()) as talk:
                token, _ = await self._log_in(talk)
                request = messages.certificates_request(self._remote)
                answer = await self._post(talk, messages.CERTIFICATES_PATH, request, token)
            if answer.status != 200:
                raise silent()
            offers = messages.read_certificates(answer.body)
        except (Unanswered, ValueError) as error:
            raise silent() from error
        wanted = self._remote.credential_id
        fitting = [o for o in offers if (o.credential_id == wanted if wanted else o.usable)]
        if len(fitting) != 1:
            raise no_single_certificate(self.config, len(fitting), "remote.credential_id")
        (offer,) = fitting
        if not offer.usable:
            raise CredentialRefused(
                "key_disabled",
                "MySign báo khóa hoặc chứng thư số không còn dùng được.",
                "MySign says that the credential is not usable",
            )
        refuse_pkcs1v15(self.config, offer.certificate)
        self._offer = offer
        return offer

    # ------------------------------------------------------------------ the request

    async def start(self, reference: str, items: tuple[RemoteItem, ...], now: datetime) -> Ticket:
        """Send the digests once; with ``delivery = "wait"`` until the official has confirmed."""
        offer = self._offer or await self._find()
        items = messages.in_order(items)
        is_rsa = isinstance(offer.certificate.public_key(), rsa.RSAPublicKey)
        request = messages.sign_request(self._remote, offer, reference, items, rsa=is_rsa)
        ticket = dataclasses.replace(
            opened(self.config, reference, now, self._remote.valid_s or _VALID_S),
            items=tuple(one.item for one in items),
        )
        waits = self._remote.delivery == "wait"
        async with Conversation(self._remote.timeout_s if waits else self._ask_limit()) as talk:
            try:
                token, _ = await self._log_in(talk)
            except Unanswered as error:
                raise silent() from error
            try:
                answer = await self._post(talk, messages.SIGN_PATH, request, token)
            except Unanswered:
                return ticket
        return _turn(ticket, messages.read_started(answer.status, answer.fields))

    async def ask(self, ticket: Ticket, now: datetime) -> Ticket:
        """Ask about the transaction, if its name is known."""
        if ticket.state.is_final:
            return ticket
        ticket = dated(ticket, now, self._remote.valid_s or _VALID_S)
        if not ticket.provider_reference:
            return settled(ticket, now)
        try:
            answer = await self._ask(messages.transaction_of(ticket.provider_reference), now)
        except (Unanswered, KeyUnavailable, CredentialRefused):
            return ticket
        turned_to = _turn(ticket, messages.read_status(answer.status, answer.fields))
        return settled(turned_to, now)

    async def _ask(self, transaction: str, now: datetime) -> Answer:
        async with Conversation(self._ask_limit()) as talk:
            if self._token is None or now >= self._token[1]:
                token, lasts = await self._log_in(talk)
                self._token = (token, now + timedelta(seconds=lasts) - _TOKEN_MARGIN)
            request = messages.status_request(transaction)
            answer = await self._post(talk, messages.STATUS_PATH, request, self._token[0])
        if answer.status == 401:
            self._token = None  # the next question logs in anew
        return answer

    async def cancel(self, ticket: Ticket, now: datetime) -> Ticket:
        """MySign has no such call: the request runs out by itself; only asks."""
        return await self.ask(ticket, now)

    # ------------------------------------------------------------------ callbacks

    def read_callback(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Told:
        """A token for who knows our secret, a result from who bears such a token."""
        secret = self._remote.callback_secret
        try:
            asked = callbacks.read_call(headers, body)
            if callbacks.asks_for_token(asked):
                if not callbacks.may_have_token(asked, self._remote.callback_id, secret):
                    raise callback_refused("wrong client_id or client_secret")
                return Told("", "", RemoteState.UNKNOWN, reply=callbacks.token_reply(secret, now))
            if not callbacks.token_holds(secret, headers, now):
                raise callback_refused("no valid token")
            result = callbacks.read_result(asked)
        except ValueError as error:
            raise callback_refused("not a call of MySign's") from error
        references = (result.reference, result.transaction)
        return told(references, result.state, result.signatures, callbacks.RESULT_REPLY)

    # ------------------------------------------------------------------ the wire

    def _ask_limit(self) -> float:
        return min(_ASK_TIMEOUT_S, self._remote.timeout_s)

    async def _log_in(self, talk: Conversation) -> tuple[str, float]:
        """Nothing is signed by this call, so its failure is never an unknown outcome."""
        request = messages.login_request(self._remote)
        answer = await self._post(talk, messages.LOGIN_PATH, request)
        if answer.status in (400, 401, 403):
            raise CredentialRefused(
                "service_account",
                "MySign không chấp nhận tài khoản kết nối hoặc mã định danh người ký.",
                "MySign refuses the client's account or the user",
            )
        try:
            return messages.read_login(answer.fields)
        except ValueError as error:
            raise Unanswered("login") from error

    async def _post(
        self, talk: Conversation, path: str, body: Mapping[str, object], token: str = ""
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self._remote.url.rstrip("/") + path
        return await talk.post(url, json=dict(body), headers=headers)


def _turn(ticket: Ticket, standing: Standing) -> Ticket:
    """Give each signature its name back: the service answers by position, ours are in order."""
    state, signatures = standing.state, dict[str, bytes]()
    items = tuple(sorted(ticket.items)) or messages.only_item_of(ticket.provider_reference)
    if state is RemoteState.DONE:
        if len(standing.signatures) != len(items):
            state = RemoteState.UNKNOWN  # whose they are cannot be told
        else:
            signatures = dict(zip(items, standing.signatures, strict=True))
    theirs = messages.provider_reference(standing.transaction, items)
    return turned(
        ticket, state, code=standing.code, provider_reference=theirs, signatures=signatures
    )
