"""The words of a shipment's life beside the carrier's own vocabulary.

Owns the closed sets that ``connectors.contract`` (``Movement``, ``MoneyLane``) leaves to the
gateway; leaves what follows from them to ``rules``. The strings are the API's.
"""

from __future__ import annotations

from enum import StrEnum


class ShipmentKind(StrEnum):
    """What is sent (QĐ 45/2016/QĐ-TTg Điều 5)."""

    RESULT_DELIVERY = "result_delivery"
    DOSSIER_COLLECTION = "dossier_collection"
    ROUND_TRIP = "round_trip"


class PapersLane(StrEnum):
    """Where the papers are, by their own evidence and by what the movement implies."""

    LISTED = "listed"
    SEALED = "sealed"
    HANDED_OVER = "handed_over"  # joint count, both signatures on the Phiếu gửi
    DELIVERED = "delivered"
    RETURNED = "returned"  # back at the agency, undelivered
    WITHDRAWN_RETURNED = "withdrawn_returned"  # old papers taken back and handed to the agency


class CancelState(StrEnum):
    """What became of a cancellation; carriers may take days to approve one."""

    NONE = "none"
    REQUESTED = "requested"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class CallStep(StrEnum):
    """One fact about one order call; later in this list is the later truth about that call."""

    BEGUN = "begun"  # committed before the call: from here on it may have been sent
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    ABSENT = "absent"  # looked up: the carrier does not have it
    ACCEPTED = "accepted"  # by the carrier's answer, or found by look-up


class MoneyStep(StrEnum):
    """One fact about the money at the door that did not come through the tracking feed."""

    COLLECTED = "collected"
    REMITTED = "remitted"
    RECONCILED = "reconciled"
    WAIVED = "waived"
    REFUNDED = "refunded"
    COMPENSATED = "compensated"


class QuestionKind(StrEnum):
    """What a person has to look at."""

    CONFLICT = "conflict"  # something newer contradicts a final state, which stays
    REVIVED_AFTER_CANCEL = "revived_after_cancel"
    UNKNOWN_CODE = "unknown_code"
    UNCONFIRMED_STATUS = "unconfirmed_status"  # final by a code whose meaning is only inferred
    TIME_AHEAD = "time_ahead"  # the carrier's event time lies after we heard of it
    RETURNED_TOO_EARLY = "returned_too_early"  # without the invitations the law wants
    REFUSED_BY_CARRIER = "refused_by_carrier"
    COLLECTION_UNREPORTED = "collection_unreported"  # delivered, and no word about the money
    COLLECTED_SHORT = "collected_short"
    COLLECTED_OVER = "collected_over"
    REMITTED_SHORT = "remitted_short"
    REMITTED_OVER = "remitted_over"
    AMOUNTS_DIFFER = "amounts_differ"  # two reports of the same collection disagree
