"""The Casso connector: reads notifications, starts nothing and awaits nothing."""

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
from connectors.payment.casso import SPEC, messages
from connectors.references import check_account


class CassoConnector:
    """Notifications of Casso.

    Secret: ``webhook_key``. Option ``tolerance_s``: refuse signatures older (or newer) than so
    many seconds; left out, age does not matter, since repeats are found by their id.

    Raises:
        MisconfiguredAccount: every problem of the account at once.
    """

    spec = SPEC

    def __init__(self, account: Account, transport: Transport, clock: Clock) -> None:
        del transport, clock  # nothing is sent; a message carries the moment it came
        tolerance = account.options.get("tolerance_s")
        whole = isinstance(tolerance, int) and not isinstance(tolerance, bool)
        problems = []
        if tolerance is not None and not (whole and tolerance > 0):
            problems.append("option tolerance_s is not a number of seconds")
        check_account(SPEC, account, problems)
        self._tolerance_s: int | None = tolerance
        self._keys = account.secrets["webhook_key"]

    def read_callback(self, callback: Callback) -> tuple[Interpretation, ...]:
        """Read one notification."""
        if callback.method != "POST" or callback.leg:
            raise SignatureMismatch("Casso calls with POST on its one address")
        body = messages.verified_body(callback, self._keys, self._tolerance_s)
        return (messages.read_notification(body),)

    def callback_reply(self, receipt: Receipt, callback: Callback) -> CallbackReply:
        """An HTTP status and ``success``."""
        del callback
        return messages.reply(receipt)
