"""UPU S10 numbers against published and computed cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.postal import item_numbers
from tests.connectors.postal.parcels import VECTORS

S10 = VECTORS["s10"]


@pytest.mark.parametrize("case", S10["cases"], ids=lambda case: case["number"])
def test_every_published_case_is_judged_as_published(case):
    """Valid numbers come apart into their parts, bad ones do not parse."""
    number = item_numbers.parse(case["number"])
    assert (number is not None) is case["valid"]
    if number is not None:
        assert number.check == case["check"]
        assert number.serial == case.get("serial", number.serial)
        assert number.service == case.get("service", number.service)
        assert number.country == case.get("country", number.country)
        assert str(number) == case["number"]


@pytest.mark.parametrize("number", S10["published_valid"])
def test_foreign_numbers_of_the_standard_are_valid(number):
    """The standard's own samples hold."""
    assert item_numbers.find_problem(number) is None


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("RB123456786US", "check_digit"),
        ("RB123456785XX", "country"),
        ("1A348099064VN", "service_indicator"),
        ("RM8O0567755VN", "serial"),
        ("EA1234567８5VN", "serial"),
        ("", "length"),
        *[(number, "check_digit") for number in S10["seen_in_docs_but_invalid"]],
    ],
)
def test_a_bad_number_names_its_problem(number, problem):
    """Each kind of defect has its own word, full-width digits included."""
    assert item_numbers.find_problem(number) == problem


@pytest.mark.parametrize("case", S10["normalisation"], ids=lambda case: case["in"])
def test_typed_numbers_are_normalised(case):
    """Spaces, hyphens and lower case are how people type."""
    assert item_numbers.normalise(case["in"]) == case["out"]


@given(st.integers(0, 99_999_999), st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_never_passes_unnoticed_except_by_the_standards_own_gap(serial, at, shift):
    """A changed digit changes the check, but for the pairs S10 itself maps together (0/10→0, 5)."""
    number = str(item_numbers.make("EA", serial))
    digit = str((int(number[2 + at]) + shift) % 10)
    changed = number[: 2 + at] + digit + number[3 + at :]
    expected = item_numbers.check_digit(changed[2:10]) == int(number[10])
    assert (item_numbers.find_problem(changed) is None) is expected
    assert not expected or int(number[10]) in {0, 5}


def test_a_range_that_ran_out_is_refused():
    """Nine digits do not fit into a serial."""
    with pytest.raises(ValueError, match="eight digits"):
        item_numbers.make("EA", 100_000_000)
    with pytest.raises(ValueError, match="country"):
        item_numbers.make("EA", 1, "XX")
