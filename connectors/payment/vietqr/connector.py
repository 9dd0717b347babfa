"""The VietQR connector: builds locally, hears nothing back.

Owns the honest answers of a method without enquiry and without callback.
"""

from __future__ import annotations

import re

from connectors.contract import (
    Account,
    Callback,
    CallbackReply,
    Clock,
    Interpretation,
    Order,
    ProviderRejected,
    Receipt,
    Report,
    SignatureMismatch,
    Sought,
    Start,
    Transport,
)
from connectors.payment.vietqr import SPEC, messages
from connectors.payment.vietqr.banks import banks
from connectors.references import check_account, check_order


class VietqrConnector:
    """A QR for a transfer to the agency's account.

    Options: ``bank_bin``, ``account_number``, ``account_name``; optional ``merchant_city``,
    ``mcc``, and ``any_bin = true`` for a bank outside the State Bank's list. No secret: nobody
    signs anything here, and nothing that arrives is believed.

    Raises:
        MisconfiguredAccount: every problem of the account at once.
    """

    spec = SPEC

    def __init__(self, account: Account, transport: Transport, clock: Clock) -> None:
        del transport, clock  # nothing is sent and nothing depends on the hour
        _check(account)
        self._options = {name: str(value) for name, value in account.options.items()}

    async def create(self, order: Order) -> Start:
        """Build the QR; nothing is sent."""
        check_order(SPEC, order)
        return Start(messages.pay_action(order, self._options))

    async def query(self, sought: Sought) -> Report:
        """There is nobody to ask: the transfer shows up in a notification or a statement.

        Raises:
            ProviderRejected: always, code ``not_supported``; the attempt stays as it is.
        """
        del sought
        raise ProviderRejected("not_supported", "VietQR has no enquiry; wait for the bank's notice")

    def read_callback(self, callback: Callback) -> tuple[Interpretation, ...]:
        """Nobody calls for VietQR, so whoever does is not genuine."""
        del callback
        raise SignatureMismatch("VietQR has no callback")

    def callback_reply(self, receipt: Receipt, callback: Callback) -> CallbackReply:
        """Not found, whatever it was."""
        del receipt, callback
        return CallbackReply(404, "text/plain", b"")


def _check(account: Account) -> None:
    """Raise for every problem of the account's own options at once."""
    options, problems = account.options, []
    bank_bin = str(options.get("bank_bin", ""))
    if bank_bin and not re.fullmatch(r"[0-9]{6}", bank_bin):
        problems.append("option bank_bin is not six digits")
    elif bank_bin and bank_bin not in banks() and not options.get("any_bin"):
        problems.append("option bank_bin is not on the State Bank's list (any_bin allows it)")
    number = str(options.get("account_number", ""))
    if number and not re.fullmatch(r"[A-Za-z0-9]{1,19}", number):
        problems.append("option account_number is not 1 to 19 letters and digits")
    if options.get("mcc") and not re.fullmatch(r"[0-9]{4}", str(options["mcc"])):
        problems.append("option mcc is not four digits")
    check_account(SPEC, account, problems)
