"""Amounts in figures and in words, and what is refused as an amount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.foundation import money

WORDS = {
    0: "Không đồng",
    5: "Năm đồng",
    10: "Mười đồng",
    11: "Mười một đồng",
    15: "Mười lăm đồng",
    21: "Hai mươi mốt đồng",
    24: "Hai mươi bốn đồng",
    40: "Bốn mươi đồng",
    100: "Một trăm đồng",
    101: "Một trăm linh một đồng",
    105: "Một trăm linh năm đồng",
    1_001: "Một nghìn không trăm linh một đồng",
    10_015: "Mười nghìn không trăm mười lăm đồng",
    125_000: "Một trăm hai mươi lăm nghìn đồng",
    1_000_005: "Một triệu không trăm linh năm đồng",
    1_020_000: "Một triệu không trăm hai mươi nghìn đồng",
    2_000_000_000: "Hai tỷ đồng",
    10**12: "Một nghìn tỷ đồng",
    1_000_000_000_001: "Một nghìn tỷ không trăm linh một đồng",
    10**18: "Một tỷ tỷ đồng",
}


@pytest.mark.parametrize(("amount", "words"), WORDS.items())
def test_amount_in_words_as_accountants_write_it(amount, words):
    assert money.amount_in_words(amount) == words


def test_the_south_says_le_for_an_empty_tens_digit():
    assert money.amount_in_words(101, zero_tens="lẻ") == "Một trăm lẻ một đồng"


DIGIT_OF = {
    w: n
    for n, w in enumerate(["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"])
}
DIGIT_OF |= {"mốt": 1, "lăm": 5}


def read_words(words: str) -> int:
    """An independent reader of the words: value by place, the other way round."""
    total = group = digit = 0
    for word in words.removesuffix(" đồng").lower().split():
        if word in DIGIT_OF:
            digit = DIGIT_OF[word]
            continue
        if word == "linh":
            continue
        if word == "trăm":
            group += digit * 100
        elif word == "mười":
            group += 10
        elif word == "mươi":
            group += digit * 10
        else:
            total += (group + digit) * {"nghìn": 10**3, "triệu": 10**6}.get(word, 1)
            total *= 10**9 if word == "tỷ" else 1
            group = 0
        digit = 0
    return total + group + digit


@given(st.integers(0, 999_999_999_999))
def test_the_words_can_be_read_back_to_the_amount(amount):
    assert read_words(money.amount_in_words(amount)) == amount


def test_figures_in_both_languages_with_spaces_that_never_break():
    assert money.format_number(1234567) == "1.234.567"
    assert money.format_vi(1234567) == "1.234.567\u00a0đồng"
    assert money.format_en(1234567) == "VND\u00a01,234,567"
    assert money.format_amount(7000, "vi") == "7.000\u00a0đồng"
    assert money.format_amount(7000, "en") == "VND\u00a07,000"
    assert money.format_amount(7000, "fr") == "7.000\u00a0đồng"


@pytest.mark.parametrize("value", [1.0, 7000.5, "7000", None, True, False, [1]])
def test_only_integers_are_amounts(value):
    with pytest.raises(money.AmountError) as caught:
        money.check_amount(value)
    assert caught.value.code == "not_an_integer"


def test_amounts_have_bounds():
    assert money.check_amount(0) == 0
    assert money.check_amount(money.MAX_AMOUNT_VND) == money.MAX_AMOUNT_VND
    for value, code in [(-1, "too_small"), (money.MAX_AMOUNT_VND + 1, "too_large")]:
        with pytest.raises(money.AmountError) as caught:
            money.check_amount(value)
        assert caught.value.code == code
    with pytest.raises(money.AmountError):
        money.check_amount(999, minimum=1000)


def test_a_negative_amount_has_no_words():
    with pytest.raises(money.AmountError):
        money.amount_in_words(-1)
