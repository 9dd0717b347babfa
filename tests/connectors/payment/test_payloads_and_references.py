"""Strict JSON, whole đồng, folded text, addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import payloads, references
from connectors.payment.vnpay import SPEC


@given(st.integers(-(10**15), 10**15))
def test_whole_numbers_survive_every_form(amount):
    assert payloads.whole_dong(amount) == amount
    assert payloads.whole_dong(str(amount)) == amount
    assert payloads.whole_dong(f"{amount}.00") == amount


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_float_is_whole_or_nothing(value):
    found = payloads.whole_dong(value)
    assert found is None or (found == value and isinstance(found, int))


@pytest.mark.parametrize(
    "value", ["50.000", "50,000", "1e5", " 5", "+5", "٥", "", [], {}, None, True]
)
def test_ambiguous_amounts_are_nothing(value):
    assert payloads.whole_dong(value) is None


def test_text_of_leaves_structures_out():
    assert [payloads.text_of(v) for v in ("a", 1, None, [1], {"a": 1})] == ["a", "1", "", "", ""]


def test_short_numbers_give_no_digits_away():
    assert payloads.last_digits("1234") is None
    assert payloads.last_digits("12345") == "…2345"


@given(st.text(max_size=60), st.integers(1, 30))
def test_folded_text_only_holds_what_is_allowed(text, limit):
    found = references.toneless(text, "A-Za-z0-9 ", limit)
    assert len(found) <= limit
    assert all(c.isascii() and (c.isalnum() or c == " ") for c in found)
    assert found == found.strip()


def test_vietnamese_letters_are_folded():
    assert references.toneless("Đặng Thị Hường – Ủy ban", "A-Za-z ", 40) == "Dang Thi Huong Uy ban"


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("https://pay.vnpay.vn", True),
        ("http://127.0.0.1:8090/sim/vnpay", True),
        ("http://simulators:8090", True),
        ("http://localhost", True),
        ("http://pay.vnpay.vn", False),
        ("https://user:pw@pay.vnpay.vn", False),
        ("https://pay.vnpay.vn?x=1", False),
        ("ftp://pay.vnpay.vn", False),
        ("pay.vnpay.vn", False),
        ("http://[broken", False),
        (7, False),
    ],
)
def test_addresses_are_https_unless_they_are_stand_ins(value, good):
    assert (references.url_problem("base_url", value) is None) is good


def test_a_reference_must_fit_whole():
    assert references.reference_fits(SPEC, "HS1")
    assert not references.reference_fits(SPEC, "HS1\n")
