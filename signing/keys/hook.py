"""Keys behind a bridge that a province writes for a service this gateway does not speak.

Owns the four calls and their outcomes; every request is kept at the bridge under our reference, so
a lost answer is asked about and nothing is sent twice. The MAC is the only proof in both directions
and stands on every call and callback. Leaves the protocol to ``hook_messages``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime

from cryptography import x509

from signing.contract import (
    Clock,
    CredentialRefused,
    KeyConfig,
    RemoteItem,
    RemoteState,
    Ticket,
    Told,
)
from signing.key_config import RemoteConfig
from signing.keys import hook_messages as messages
from signing.keys.confirmed import (
    dated,
    opened,
    read_object,
    settled,
    told,
    turned,
    waiting_key,
)
from signing.keys.contract import KeyUnavailable, OpenedKey
from signing.keys.conversation import Answer, Conversation, Unanswered, silent
from signing.keys.hook_messages import Shared, Standing
from signing.keys.refusals import callback_refused, refuse_faults

_VALID_S = 7 * 86_400.0  # unless the bridge says otherwise
_ASK_TIMEOUT_S = 20.0
_NOT_ACCEPTED = (400, 401, 403, 404, 422)


class HookSource:
    """A configured key behind a bridge; a ``ConfirmedSource``."""

    def __init__(self, config: KeyConfig, clock: Clock) -> None:
        refuse_faults(config)
        self.config = config
        self._remote = config.remote or RemoteConfig()
        self._shared = Shared(self._remote.client_id, self._remote.client_secret)
        self._clock = clock
        self._certificate: x509.Certificate | None = None

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Ask for the certificate; no PIN or code is ever used."""
        request = {"credential_id": self._remote.credential_id}
        try:
            answer = await self._post(messages.CERTIFICATE_PATH, request, self._clock.now())
            if answer.status in _NOT_ACCEPTED:
                raise CredentialRefused(
                    "service_account",
                    "Cầu nối dịch vụ ký số không chấp nhận kết nối hoặc không có khóa này.",
                    "the bridge refuses this gateway or has no such key",
                )
            certificate, chain = messages.read_certificate(answer.fields)
        except (Unanswered, ValueError) as error:
            raise silent() from error
        self._certificate = certificate
        return waiting_key(self.config, certificate, chain)

    async def start(self, reference: str, items: tuple[RemoteItem, ...], now: datetime) -> Ticket:
        """Send the digests once; see ``ConfirmedSource``."""
        if self._certificate is None:
            await self.open()
        assert self._certificate is not None
        pss = not self.config.allow_pkcs1v15
        request = messages.start_request(reference, items, self._certificate, pss=pss)
        request["credential_id"] = self._remote.credential_id
        ticket = opened(self.config, reference, now, self._remote.valid_s or _VALID_S)
        try:
            answer = await self._post(messages.START_PATH, request, now)
        except Unanswered:
            return ticket
        if answer.status in _NOT_ACCEPTED:
            return turned(ticket, RemoteState.ERROR, code=str(answer.status))
        return _turn(ticket, answer)

    async def ask(self, ticket: Ticket, now: datetime) -> Ticket:
        """Ask about the request under our reference."""
        return await self._about(messages.ASK_PATH, ticket, now)

    async def cancel(self, ticket: Ticket, now: datetime) -> Ticket:
        """Withdraw it; whoever confirmed before that has signed."""
        return await self._about(messages.CANCEL_PATH, ticket, now)

    async def _about(self, path: str, ticket: Ticket, now: datetime) -> Ticket:
        if ticket.state.is_final:
            return ticket
        ticket = dated(ticket, now, self._remote.valid_s or _VALID_S)
        try:
            answer = await self._post(path, {"reference": ticket.reference}, now)
        except (Unanswered, KeyUnavailable):
            return ticket
        return settled(_turn(ticket, answer), now)

    def read_callback(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Told:
        """A standing with the bridge's MAC."""
        if not self._shared.holds(headers, messages.CALLBACK_PATH, body, now):
            raise callback_refused("the MAC does not hold")
        try:
            standing = messages.read_standing(read_object(body))
        except ValueError as error:
            raise callback_refused("not the protocol's") from error
        references = (standing.reference, standing.provider_reference)
        return told(references, standing.state, standing.signatures, messages.CALLBACK_REPLY)

    async def _post(self, path: str, value: Mapping[str, object], now: datetime) -> Answer:
        body = messages.write(value)
        signed = self._shared.headers(path, body, now)
        async with Conversation(min(_ASK_TIMEOUT_S, self._remote.timeout_s)) as talk:
            return await talk.post(self._remote.url.rstrip("/") + path, data=body, headers=signed)


def _turn(ticket: Ticket, answer: Answer) -> Ticket:
    standing = Standing(RemoteState.UNKNOWN)
    if answer.status == 200:
        standing = messages.read_standing(answer.fields)
    turned_to = turned(
        ticket,
        standing.state,
        code=standing.code,
        provider_reference=standing.provider_reference,
        signatures=standing.signatures,
    )
    return dataclasses.replace(turned_to, expires_at=standing.expires_at or ticket.expires_at)
