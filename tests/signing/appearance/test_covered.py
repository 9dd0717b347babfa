"""What a stamp would cover is quoted to whoever asked for it: whole words, short, safe to show."""

from __future__ import annotations

import re

import pytest

from signing.appearance.covered import quoted
from signing.contract import DocumentRefused, Level, Placement, Role, SignOrder
from tests.signing.decision import decision


async def refusal(service, pdf, rect_mm, page=1):
    order = SignOrder(
        pdf, "official-rsa", Role.PERSON, Level.B_B, placement=Placement(page=page, rect_mm=rect_mm)
    )
    with pytest.raises(DocumentRefused) as refused:
        await service.sign(order)
    assert refused.value.code == "text_under_stamp"
    return refused.value


@pytest.mark.parametrize("form", [{}, {"nfd": True}, {"turned": True}])
async def test_the_words_and_their_place_are_named(service, form):
    """In Vietnamese and English, however the letters are stored and the page is turned."""
    error = await refusal(service, decision(**form), (35.0, 15.0, 40.0, 15.0))
    assert "“ỦY BAN NHÂN DÂN PHƯỜNG MẪU”" in error.message_vi
    assert '"ỦY BAN NHÂN DÂN PHƯỜNG MẪU"' in error.message_en
    at = re.search(r"MẪU” \(cách trái (\d+) mm, cách trên (\d+) mm\)", error.message_vi)
    left, top = (int(side) for side in at.groups())
    assert 32 <= left <= 36  # “ỦY” of a line centred at 150 points
    assert 16 <= top <= 19  # its baseline is at 60 points


async def test_a_word_that_is_cut_is_named_whole(service):
    """Half of it lies under the stamp."""
    error = await refusal(service, decision(), (36.0, 22.0, 20.0, 8.0))
    assert "“PHƯỜNG" in error.message_vi


async def test_a_page_full_of_text_is_quoted_briefly(service):
    """The beginning is enough to find the place."""
    error = await refusal(service, decision(crowded=True), (10.0, 60.0, 150.0, 60.0))
    (words,) = re.findall("“([^”]*)”", error.message_vi)
    assert words.endswith("…")
    assert len(words) <= 61


@pytest.mark.parametrize(
    ("letters", "covered", "line"),
    [
        ("một hai ba bốn", [5, 6], "hai"),
        ("một hai ba bốn", [2, 4], "một hai"),
        ("a\x00b\u202ec\u200bd\ue000e", [0], "abcde"),
        ("dòng\r\n\tmột\u2028hai", [1, 7, 11], "dòng một hai"),
        ('nói “vậy” "thôi"', [5, 11], "vậy thôi"),
        ("Chu\u0309 ti\u0323ch", [0, 5], "Chủ tịch"),
        ("\ufffd\ufffd \u202e", [0, 1], ""),
        ("x" * 500, [250], "x" * 60 + "…"),
        ("", [], ""),
    ],
)  # fmt: skip
def test_only_what_a_line_can_show_is_quoted(letters, covered, line):
    """The letters come from a stranger's file."""
    assert quoted(letters, covered) == line
