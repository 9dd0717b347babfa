"""The vocabulary both sides speak: what the gateway asks of a connector, what it hears back.

Owns the values and protocols; holds no provider's detail and imports nothing of the gateway.
Required of a payment connector are four methods; refunds, cancelling and settlements are
optional protocols beside them, announced in its ``Spec`` and checked when the registry is built.

A decline is a value. Exceptions say what is known about an outbound call:

=======================  =====================================================================
``ProviderUnavailable``  nothing was sent: may be repeated or moved to another provider
``ProviderRejected``     the provider answered and refused the request itself
``OutcomeUnknown``       it may have been done: ask with the same reference, never send again
``ProviderProtocolError``  an answer that does not follow the provider's document
``SignatureMismatch``    the message is not the provider's; nothing in it may be read
=======================  =====================================================================
"""

from __future__ import annotations

from connectors.contract.accounts import (
    Account,
    Capability,
    Kind,
    Spec,
    Stage,
)
from connectors.contract.errors import (
    ConnectorError,
    MisconfiguredAccount,
    OutcomeUnknown,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    SignatureMismatch,
)
from connectors.contract.parcels import (
    Address,
    CancelOutcome,
    Feed,
    MoneyLane,
    Movement,
    ParcelAccepted,
    ParcelEvent,
    ParcelOrder,
    Party,
    PostageQuotes,
    PostalConnector,
    TrackingFeed,
)
from connectors.contract.payments import (
    Action,
    ActionType,
    Callback,
    CallbackReply,
    Ignored,
    Interpretation,
    Meaning,
    NotificationConnector,
    Order,
    PaymentConnector,
    Receipt,
    RefundMeaning,
    RefundOrder,
    RefundReport,
    Refunds,
    Report,
    Sought,
    Start,
    Unrecognised,
)
from connectors.contract.transport import (
    Clock,
    HttpReply,
    HttpRequest,
    Transport,
)

__all__ = [
    "Account",
    "Action",
    "ActionType",
    "Address",
    "Callback",
    "CallbackReply",
    "CancelOutcome",
    "Capability",
    "Clock",
    "ConnectorError",
    "Feed",
    "HttpReply",
    "HttpRequest",
    "Ignored",
    "Interpretation",
    "Kind",
    "Meaning",
    "MisconfiguredAccount",
    "MoneyLane",
    "Movement",
    "NotificationConnector",
    "Order",
    "OutcomeUnknown",
    "ParcelAccepted",
    "ParcelEvent",
    "ParcelOrder",
    "Party",
    "PaymentConnector",
    "PostageQuotes",
    "PostalConnector",
    "ProviderProtocolError",
    "ProviderRejected",
    "ProviderUnavailable",
    "Receipt",
    "RefundMeaning",
    "RefundOrder",
    "RefundReport",
    "Refunds",
    "Report",
    "SignatureMismatch",
    "Sought",
    "Spec",
    "Stage",
    "Start",
    "TrackingFeed",
    "Transport",
    "Unrecognised",
]
