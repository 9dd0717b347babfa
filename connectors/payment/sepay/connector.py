"""The SePay connector: reads notifications, starts nothing and awaits nothing."""

from __future__ import annotations

from connectors.contract import (
    Account,
    Callback,
    CallbackReply,
    Clock,
    Interpretation,
    Receipt,
    SignatureMismatch,
    Transport,
)
from connectors.payment.sepay import SPEC, messages
from connectors.references import check_account


class SepayConnector:
    """Notifications of SePay in API-key mode. Secret: ``api_key``.

    Raises:
        MisconfiguredAccount: every problem of the account at once.
    """

    spec = SPEC

    def __init__(self, account: Account, transport: Transport, clock: Clock) -> None:
        del transport, clock  # nothing is sent; a message carries the moment it came
        check_account(SPEC, account, [])
        self._keys = account.secrets["api_key"]

    def read_callback(self, callback: Callback) -> tuple[Interpretation, ...]:
        """Read one notification."""
        if callback.method != "POST" or callback.leg:
            raise SignatureMismatch("SePay calls with POST on its one address")
        return (messages.read_notification(messages.verified_body(callback, self._keys)),)

    def callback_reply(self, receipt: Receipt, callback: Callback) -> CallbackReply:
        """An HTTP status and ``success``."""
        del callback
        return messages.reply(receipt)
