"""VNPT SmartCA ("SmartCA 769"), version 1: the official confirms in the SmartCA application.

Owns the three calls and their outcomes. The transaction's id is ours and is made before anything is
sent, so a lost answer is asked about under it; a transaction cannot be withdrawn, so ``cancel``
only asks. The webhook has no proof of who calls and only says that it is time to ask. Leaves the
messages to ``smartca_messages``, the meaning of codes to ``smartca_statuses``, the check of the raw
signature to whoever embeds it.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from datetime import datetime

from signing.contract import (
    CredentialRefused,
    KeyConfig,
    RemoteItem,
    RemoteState,
    Ticket,
    Told,
)
from signing.key_config import RemoteConfig
from signing.keys import smartca_messages as messages
from signing.keys.confirmed import (
    dated,
    opened,
    refuse_pkcs1v15,
    settled,
    turned,
    waiting_key,
)
from signing.keys.contract import KeyUnavailable, OpenedKey
from signing.keys.conversation import Answer, Conversation, Unanswered, silent
from signing.keys.refusals import callback_refused, no_single_certificate, refuse_faults
from signing.keys.smartca_statuses import ASKED, STARTED, SUCCESS

_VALID_S = 600.0  # the document gives no limit; integrations wait four to five minutes
_ASK_TIMEOUT_S = 20.0  # nobody confirms during these calls


class SmartCaSource:
    """A configured key at VNPT SmartCA; a ``ConfirmedSource``."""

    def __init__(self, config: KeyConfig) -> None:
        refuse_faults(config)
        self.config = config
        self._remote = config.remote or RemoteConfig()

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Ask for the certificate; no PIN or code is ever used."""
        request = messages.certificate_request(self._remote, str(uuid.uuid4()))
        try:
            answer = await self._post(messages.CERTIFICATE_PATH, request)
        except Unanswered as error:
            raise silent() from error
        self._check_account(answer)
        try:
            found = messages.read_certificates(answer.fields, self._remote.credential_id)
        except ValueError as error:
            raise silent() from error
        if len(found) != 1:
            raise no_single_certificate(self.config, len(found), "remote.credential_id")
        ((certificate, chain),) = found
        refuse_pkcs1v15(self.config, certificate)
        return waiting_key(self.config, certificate, chain)

    async def start(self, reference: str, items: tuple[RemoteItem, ...], now: datetime) -> Ticket:
        """Send the digests once; see ``ConfirmedSource``."""
        ticket = opened(self.config, reference, now, self._remote.valid_s or _VALID_S)
        request = messages.sign_request(self._remote, reference, items, now)
        try:
            answer = await self._post(messages.SIGN_PATH, request)
        except Unanswered:
            return ticket
        return _turn(ticket, answer, STARTED)

    async def ask(self, ticket: Ticket, now: datetime) -> Ticket:
        """Ask about the transaction under our id."""
        if ticket.state.is_final:
            return ticket
        ticket = dated(ticket, now, self._remote.valid_s or _VALID_S)
        try:
            answer = await self._post(messages.status_path(ticket.reference), {})
        except (Unanswered, KeyUnavailable):
            return ticket
        turned_to = _turn(ticket, answer, ASKED)
        if turned_to.state is RemoteState.UNKNOWN:
            return settled(turned_to, now)
        return turned_to

    async def cancel(self, ticket: Ticket, now: datetime) -> Ticket:
        """SmartCA has no such call: the request runs out by itself; only asks."""
        return await self.ask(ticket, now)

    def read_callback(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Told:
        """A hint that it is time to ask about a transaction."""
        try:
            partner, transaction = messages.read_webhook(body)
        except ValueError as error:
            raise callback_refused("not a webhook") from error
        if not hmac.compare_digest(partner.encode(), self._remote.client_id.encode()):
            raise callback_refused("another partner's webhook")
        return Told(transaction, "", RemoteState.UNKNOWN, reply=messages.WEBHOOK_REPLY)

    async def _post(self, path: str, body: Mapping[str, object]) -> Answer:
        limit = min(_ASK_TIMEOUT_S, self._remote.timeout_s)
        async with Conversation(limit) as talk:
            return await talk.post(self._remote.url.rstrip("/") + path, json=dict(body))

    def _check_account(self, answer: Answer) -> None:
        status = answer.fields.get("status_code", answer.status)
        if answer.status == 200 and status in SUCCESS:
            return
        if status in (400, 401):
            raise CredentialRefused(
                "service_account",
                "SmartCA không chấp nhận tài khoản kết nối hoặc mã định danh người ký.",
                "SmartCA refuses the partner's account or the user",
            )
        if status == 403:
            raise CredentialRefused(
                "key_disabled",
                "SmartCA báo chứng thư số không còn dùng được.",
                "SmartCA says that the certificate is not valid",
            )
        raise silent()


def _turn(ticket: Ticket, answer: Answer, refusals: Mapping[int, RemoteState]) -> Ticket:
    standing = messages.read_standing(answer.status, answer.fields, refusals)
    return turned(
        ticket,
        standing.state,
        code=standing.code,
        provider_reference=standing.provider_reference,
        signatures=standing.signatures,
    )
