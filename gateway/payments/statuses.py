"""The words of a payment's life: what the API says, what evidence can say.

Owns the closed sets; leaves what follows from them to ``rules``. The strings are the API's.
"""

from __future__ import annotations

from enum import StrEnum


class PaymentStatus(StrEnum):
    """What became of the obligation to pay."""

    NOT_DUE = "not_due"  # 0 đ: exempt or reduced to nothing
    PENDING = "pending"  # nothing collected, nobody trying
    PROCESSING = "processing"  # an attempt is under way or its outcome is unknown
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    """What became of one try to pay through one provider."""

    CREATED = "created"  # committed; the call to the provider has no known outcome yet
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    REVIEW = "review"  # money taken, held back until somebody decides


OPEN_ATTEMPTS = frozenset({AttemptStatus.CREATED, AttemptStatus.PENDING})
DOUBTFUL_ATTEMPTS = frozenset({AttemptStatus.UNKNOWN, AttemptStatus.REVIEW})
UNFINISHED_ATTEMPTS = OPEN_ATTEMPTS | DOUBTFUL_ATTEMPTS


class RefundStatus(StrEnum):
    """How far money on its way back has come."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class ReviewReason(StrEnum):
    """An open question for a person.

    ``amount_mismatch`` means that reports disagree about how much money was taken: with what
    the attempt asked for, or with each other (a success and a final failure of one attempt too).
    """

    OVERPAID = "overpaid"
    DUPLICATE_PAYMENT = "duplicate_payment"
    AMOUNT_MISMATCH = "amount_mismatch"
    LATE_PAYMENT = "late_payment"
    PROVIDER_SUSPECTS_FRAUD = "provider_suspects_fraud"
    PAID_AFTER_CANCEL = "paid_after_cancel"


class MoneyPosition(StrEnum):
    """Where the citizen's money is, for a problem answer."""

    NONE_TAKEN = "none_taken"
    MAY_BE_TAKEN = "may_be_taken"
    TAKEN = "taken"


class Channel(StrEnum):
    """How a piece of evidence reached us."""

    CALLBACK = "callback"  # the provider's signed word, sent by itself
    ANSWER = "answer"  # the provider's word, asked for
    RETURN = "return"  # the citizen's browser came back: never money
    BANK = "bank"  # a transfer seen on an account
    COUNTER = "counter"  # cash taken at a counter or by the post
    STATEMENT = "statement"  # a line of the provider's or bank's statement: settled money
    DECISION = "decision"  # an official's
    CLOCK = "clock"  # a deadline that we saw pass
    CALL = "call"  # what became of our own outbound call
    REFUND = "refund"  # a step of money going back


class CallOutcome(StrEnum):
    """The four ends of an outbound call."""

    NOT_SENT = "not_sent"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"


class Decision(StrEnum):
    """What an official can decide about a payment."""

    CANCEL = "cancel"
    ACCEPT = "accept"  # answers one open question; held money is counted
    DISMISS = "dismiss"  # answers one open question; held money is not ours
    ATTACH = "attach"  # an orphan belongs here: the money's own evidence stands beside it


class RefundStep(StrEnum):
    """One fact about a refund."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SUBMITTED = "submitted"
    NOT_SENT = "not_sent"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"


EXPIRED_TICK = "expired"
"""The only thing the clock ever says."""
