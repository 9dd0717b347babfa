"""VNPAY's code tables: what each pair of codes means, and that nothing else means anything."""

import pytest

from connectors.contract import Meaning, RefundMeaning
from connectors.payment.vnpay import statuses


@pytest.mark.parametrize(
    ("response", "status", "meaning"),
    [
        ("00", "00", Meaning.SUCCEEDED),
        ("00", "", Meaning.UNKNOWN),  # success needs both codes
        ("00", "01", Meaning.PENDING),
        ("00", "02", Meaning.FAILED),
        ("00", "04", Meaning.PENDING),
        ("00", "05", Meaning.REVIEW),
        ("00", "07", Meaning.REVIEW),
        ("07", "00", Meaning.REVIEW),
        ("07", "", Meaning.REVIEW),
        ("07", "02", Meaning.REVIEW),
        ("51", "07", Meaning.REVIEW),
        ("11", "02", Meaning.EXPIRED),
        ("24", "02", Meaning.CANCELLED),
        ("24", "", Meaning.CANCELLED),
        ("51", "02", Meaning.FAILED),
        ("51", "01", Meaning.PENDING),  # VNPAY has not finished: nothing is final
        ("51", "04", Meaning.PENDING),
        ("51", "00", Meaning.UNKNOWN),  # the two codes contradict each other
        ("42", "00", Meaning.UNKNOWN),
        ("00", "42", Meaning.UNKNOWN),
        ("", "", Meaning.UNKNOWN),
    ],
)
def test_codes_of_a_callback_mean(response, status, meaning):
    assert statuses.payment_meaning(response, status) is meaning


def test_only_one_pair_of_codes_is_success():
    codes = [f"{n:02d}" for n in range(100)] + [""]
    good = [
        (r, s) for r in codes for s in codes if statuses.payment_meaning(r, s) is Meaning.SUCCEEDED
    ]
    assert good == [("00", "00")]


@pytest.mark.parametrize(
    ("status", "kind", "meaning"),
    [
        ("00", "01", Meaning.SUCCEEDED),
        ("00", "", Meaning.SUCCEEDED),
        ("01", "01", Meaning.PENDING),
        ("02", "01", Meaning.FAILED),
        ("00", "02", Meaning.UNKNOWN),  # about a refund, not about the payment
        ("00", "03", Meaning.UNKNOWN),
        ("77", "01", Meaning.UNKNOWN),
    ],
)
def test_status_of_a_query_means(status, kind, meaning):
    assert statuses.transaction_meaning(status, kind) is meaning


@pytest.mark.parametrize(
    ("response", "status", "meaning"),
    [
        ("00", "05", RefundMeaning.PROCESSING),
        ("00", "00", RefundMeaning.SUCCEEDED),
        ("00", "09", RefundMeaning.REJECTED),
        ("00", "", RefundMeaning.UNKNOWN),
        ("94", "", RefundMeaning.PROCESSING),
        ("95", "", RefundMeaning.REJECTED),
        ("99", "", RefundMeaning.UNKNOWN),
        ("12", "00", RefundMeaning.UNKNOWN),
    ],
)
def test_answer_to_a_refund_means(response, status, meaning):
    assert statuses.refund_answer_meaning(response, status) is meaning


@pytest.mark.parametrize(
    ("status", "kind", "meaning"),
    [
        ("00", "02", RefundMeaning.SUCCEEDED),
        ("06", "03", RefundMeaning.PROCESSING),
        ("09", "02", RefundMeaning.REJECTED),
        ("05", "01", RefundMeaning.PROCESSING),
        ("00", "01", RefundMeaning.UNKNOWN),  # the payment stands: no refund is proved
        ("02", "02", RefundMeaning.UNKNOWN),
    ],
)
def test_query_about_a_refund_means(status, kind, meaning):
    assert statuses.refund_meaning(status, kind) is meaning
