"""The manual carrier: every verb of a carrier, answered without a network.

Owns nothing but the translation: an order is accepted because the officer carries it to the post
office, a cancellation because he keeps it. There is no signature, no token and no feed; what
happens to the parcel arrives through ``read_entry``.
"""

from __future__ import annotations

from datetime import datetime

from connectors.contract import (
    Account,
    CancelOutcome,
    Clock,
    MisconfiguredAccount,
    ParcelAccepted,
    ParcelEvent,
    ParcelOrder,
    ProviderRejected,
    Transport,
)
from connectors.postal.manual import SPEC, messages
from connectors.references import reference_fits


class ManualCarrier:
    """Deliveries that people hand over, number and follow by hand.

    Option ``strict_item_numbers``: refuse a number whose S10 check digit is wrong.
    """

    spec = SPEC

    def __init__(self, account: Account, transport: Transport, clock: Clock) -> None:
        del transport, clock  # the same constructor as every connector; nothing is sent or timed
        problems = [
            f"{key}: unknown option" for key in sorted({*account.options} - {*SPEC.optional})
        ]
        strict = account.options.get("strict_item_numbers", False)
        if not isinstance(strict, bool):
            problems.append("strict_item_numbers: true or false")
        if problems:
            raise MisconfiguredAccount(problems)
        self._strict = strict is True

    async def submit(self, order: ParcelOrder) -> ParcelAccepted:
        """Note the order; the item number may be typed now or later, the label is the post's.

        Raises:
            ProviderRejected: the reference, the amount or (when strict) the number is not allowed.
        """
        if not reference_fits(SPEC, order.client_ref):
            raise ProviderRejected("reference_not_allowed")
        if order.collect_vnd < 0:
            raise ProviderRejected("amount_not_allowed")
        number, check = messages.read_item_code(order.item_code, strict=self._strict)
        return ParcelAccepted(order.client_ref, item_code=number, state={"item_number": check})

    async def find(self, client_ref: str, since: datetime) -> ParcelAccepted | None:
        """Our own record is the carrier's: an order that was noted exists under its reference."""
        del since
        return ParcelAccepted(client_ref)

    async def cancel(self, accepted: ParcelAccepted, reason: str) -> CancelOutcome:
        """The officer keeps the parcel."""
        del accepted, reason
        return CancelOutcome.ACCEPTED

    def read_entry(self, entry: messages.Entry) -> ParcelEvent:
        """What the officer typed about a parcel, as an event.

        Raises:
            ProviderRejected: the entry cannot be read; the form shows why.
        """
        return messages.read_entry(entry)
