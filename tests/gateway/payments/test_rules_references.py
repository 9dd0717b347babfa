"""References survive what banks do to memos, and a harmed one is no reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.payments.matching import Candidate, OrphanReason, match_transfer
from gateway.payments.references import (
    ALPHABET,
    LENGTH,
    find_references,
    is_reference,
    plain_text,
    reference_for,
)

attempt_ids = st.text(min_size=1, max_size=40).map(lambda text: f"att_{text}")
references = attempt_ids.map(reference_for)


@given(attempt_ids)
def test_a_reference_is_derived_short_and_plain(attempt_id):
    reference = reference_for(attempt_id)
    assert reference == reference_for(attempt_id)
    assert is_reference(reference)
    assert len(reference) == LENGTH <= 20
    assert reference.isascii()
    assert reference.isalnum()
    assert reference == reference.upper()
    assert not set(reference) & set("01ILO")


def test_references_are_stable_across_releases():
    assert reference_for("att_1") == "MCQCXMKQQA55FGK"


@given(
    references, st.integers(0, LENGTH - 1), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
)
def test_any_one_character_error_is_rejected(reference, place, symbol):
    harmed = reference[:place] + symbol + reference[place + 1 :]
    assert is_reference(harmed) == (harmed == reference)
    assert find_references(harmed) == ((reference,) if harmed == reference else ())


@given(references, st.integers(2, LENGTH - 2))
def test_two_neighbours_swapped_are_rejected(reference, place):
    swapped = reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]
    assert is_reference(swapped) == (swapped == reference)


@given(references, st.data())
def test_a_memo_may_lose_case_gain_spaces_and_be_cut(reference, data):
    places = data.draw(st.lists(st.integers(1, LENGTH - 1), max_size=5))
    spoiled = reference.lower()
    for place in places:
        spoiled = spoiled[:place] + data.draw(st.sampled_from(" .-\t")) + spoiled[place:]
    assert find_references(spoiled) == (reference,)
    assert find_references(f"{reference} Nguyễn Văn An nộp lệ phí"[:25]) == (reference,)
    assert reference in find_references(f"CT DEN:0123 ĐẶNG THỊ ÁNH chuyen tien {spoiled}/VCB")


def test_memos_without_a_reference():
    assert find_references("") == ()
    assert find_references("NGUYEN VAN AN chuyen tien hoc phi MC123") == ()


def test_each_reference_is_found_once_and_in_order():
    one, two = reference_for("att_1"), reference_for("att_2")
    assert find_references(f"{two} {one} {two}") == (two, one)


@pytest.mark.parametrize(
    "text", ["", "MC", "XXQCXMKQQA55FGK", "MCQCXMKQQA55FG", "MCQCXMKQQA55FGK9", "MCQCXMKQQA05FGK"]
)
def test_what_is_no_reference(text):
    assert not is_reference(text)


def test_diacritics_are_stripped_the_way_banks_do_it():
    assert plain_text("Đặng Thị Ánh đ 12-3") == "DANGTHIANHD123"
    assert len(set(ALPHABET)) == 31


MINE = Candidate("att_1", reference_for("att_1"), "0123456789")
OTHER = Candidate("att_2", reference_for("att_2"), "0123456789")
VIRTUAL = Candidate("att_3", reference_for("att_3"), "99MC0003", dedicated=True)


@pytest.mark.parametrize(
    ("named", "account", "candidates", "expected"),
    [
        ((MINE.reference,), "0123456789", [MINE], MINE),
        ((MINE.reference,), "0123 456 789", [MINE], MINE),
        ((MINE.reference,), None, [MINE], MINE),
        ((MINE.reference,), "555", [MINE], OrphanReason.OTHER_ACCOUNT),
        ((MINE.reference, OTHER.reference), None, [MINE, OTHER], OrphanReason.SEVERAL_REFERENCES),
        ((MINE.reference, OTHER.reference), None, [MINE], MINE),
        ((MINE.reference,), "0123456789", [], OrphanReason.UNKNOWN_REFERENCE),
        ((), "0123456789", [MINE], OrphanReason.NO_REFERENCE),
        ((), "99mc0003", [VIRTUAL], VIRTUAL),
        ((), None, [VIRTUAL], OrphanReason.NO_REFERENCE),
        ((), "99MC0003", [VIRTUAL, VIRTUAL], OrphanReason.NO_REFERENCE),
    ],
)
def test_whose_money_a_transfer_is(named, account, candidates, expected):
    assert match_transfer(named, account, candidates) == expected
