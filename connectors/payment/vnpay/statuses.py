"""VNPAY's codes and what they mean to us: tables, no decisions.

Owns: ``vnp_ResponseCode`` and ``vnp_TransactionStatus`` of pay, IPN, return, querydr and refund.
Follows VNPAY PAY 2.1.0, tables "Mã lỗi" and "vnp_TransactionStatus". A code that is not in a
table means unknown.
"""

from __future__ import annotations

from connectors.contract import Meaning, RefundMeaning

# vnp_ResponseCode of IPN and return.
RESPONSES = {
    "00": Meaning.SUCCEEDED,
    "07": Meaning.REVIEW,  # money taken, suspected; someone decides in VNPAY's portal
    "09": Meaning.FAILED,  # not registered for internet banking
    "10": Meaning.FAILED,  # wrong card or account data, more than three times
    "11": Meaning.EXPIRED,
    "12": Meaning.FAILED,  # card or account locked
    "13": Meaning.FAILED,  # wrong OTP
    "24": Meaning.CANCELLED,
    "51": Meaning.FAILED,  # not enough money
    "65": Meaning.FAILED,  # over the day's limit
    "75": Meaning.FAILED,  # the bank is under maintenance
    "79": Meaning.FAILED,  # wrong payment password too often
    "99": Meaning.FAILED,
}

# vnp_TransactionStatus: where the transaction stands at VNPAY.
STATUSES = {
    "00": Meaning.SUCCEEDED,
    "01": Meaning.PENDING,
    "02": Meaning.FAILED,
    # Debited at the bank, not successful at VNPAY: it may still end either way. Neither "failed"
    # (the citizen's money is gone for now) nor "reversed" (nobody said it came back) is true.
    "04": Meaning.PENDING,
    # A refund is under way or was refused: the money was taken, and a person should know.
    "05": Meaning.REVIEW,
    "06": Meaning.REVIEW,
    "07": Meaning.REVIEW,
    "09": Meaning.REVIEW,
}

# vnp_ResponseCode of querydr: how the *question* went.
QUERY_ANSWERED = "00"
QUERY_NOT_FOUND = "91"
QUERY_REFUSALS = frozenset({"02", "03", "94", "97", "99"})

# vnp_ResponseCode of refund, other than 00 (then the status speaks).
REFUND_ANSWERS = {
    "02": RefundMeaning.REJECTED,
    "03": RefundMeaning.REJECTED,
    "91": RefundMeaning.REJECTED,
    "94": RefundMeaning.PROCESSING,  # asked for before, still being worked on
    "95": RefundMeaning.REJECTED,  # the payment did not succeed at VNPAY
    "97": RefundMeaning.REJECTED,
}

# vnp_TransactionStatus of a refund transaction.
REFUND_STATUSES = {
    "00": RefundMeaning.SUCCEEDED,
    "01": RefundMeaning.PROCESSING,
    "05": RefundMeaning.PROCESSING,
    "06": RefundMeaning.PROCESSING,
    "09": RefundMeaning.REJECTED,
}

PAYMENT_TYPE = "01"
FULL_REFUND_TYPE = "02"
PARTIAL_REFUND_TYPE = "03"
REFUND_TYPES = frozenset({FULL_REFUND_TYPE, PARTIAL_REFUND_TYPE})


def payment_meaning(response: str, status: str) -> Meaning:
    """What an IPN or a return says: success needs both codes, a contradiction is unknown.

    Args:
        response: ``vnp_ResponseCode``.
        status: ``vnp_TransactionStatus``; empty when the message has none.
    """
    if response not in RESPONSES or (status and status not in STATUSES):
        return Meaning.UNKNOWN
    if response == "07":
        return Meaning.REVIEW
    if response == "00":
        return STATUSES.get(status, Meaning.UNKNOWN)
    if status in {"", "02"}:
        return RESPONSES[response]
    return Meaning.UNKNOWN if status == "00" else STATUSES[status]


def transaction_meaning(status: str, transaction_type: str) -> Meaning:
    """What querydr says of the payment; an answer about a refund says nothing of it."""
    if transaction_type in REFUND_TYPES:
        return Meaning.UNKNOWN
    return STATUSES.get(status, Meaning.UNKNOWN)


def refund_answer_meaning(response: str, status: str) -> RefundMeaning:
    """What the answer to a refund request says: accepted is not yet given back."""
    if response != "00":
        return REFUND_ANSWERS.get(response, RefundMeaning.UNKNOWN)
    return REFUND_STATUSES.get(status, RefundMeaning.UNKNOWN)


def refund_meaning(status: str, transaction_type: str) -> RefundMeaning:
    """What querydr says of a refund.

    VNPAY answers with the refund (type 02 or 03), or with the payment (type 01) whose status
    shows the refund's progress. A payment that stands at 00 proves no refund.
    """
    found = REFUND_STATUSES.get(status, RefundMeaning.UNKNOWN)
    if transaction_type in REFUND_TYPES or status in {"05", "06", "09"}:
        return found
    return RefundMeaning.UNKNOWN
