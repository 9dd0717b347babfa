"""Dates, groups and names as people read them."""

from datetime import UTC, datetime

import pytest

from gateway.frame import formats

MOMENT = datetime(2026, 11, 5, 9, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "vi", "en"),
    [
        ("sentence", "16:45 ngày 05/11/2026", "5 Nov 2026, 16:45 (GMT+7)"),
        ("table", "05/11/2026 16:45", "5 Nov 2026, 16:45"),
        ("day", "05/11/2026", "5 Nov 2026"),
        ("clock", "16:45", "16:45"),
    ],
)
def test_a_moment_is_shown_in_vietnamese_time(form, vi, en):
    """A UTC moment reads as the clock on a Vietnamese wall, and machines get the offset."""
    opening = '<time datetime="2026-11-05T16:45:00+07:00">'
    assert formats.time_element(MOMENT, "vi", form) == f"{opening}{vi}</time>"
    assert formats.time_element(MOMENT, "en", form) == f"{opening}{en}</time>"


def test_a_moment_without_a_zone_is_refused():
    """Guessing a zone would show a wrong deadline."""
    with pytest.raises(ValueError, match="offset"):
        formats.time_element(MOMENT.replace(tzinfo=None), "vi")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Nguyễn Văn An", "N. V. An"),
        ("Ngân", "N***"),
        ("", ""),
        ("  <b>  &x ", "<. &x"),
        ("Đặng Ẩn", "Đ. Ẩn"),
    ],
)
def test_a_name_keeps_its_initials_and_given_name(name, masked):
    """Enough for the payer to recognise, too little for a stranger."""
    assert formats.masked_name(name) == masked


def test_long_codes_are_grouped_in_fours():
    """People compare account numbers and hashes group by group."""
    assert formats.in_groups("0011009950446") == "0011 0099 5044 6"


def test_bare_amounts_use_the_language_s_separator():
    """The header names the unit, the cell only the number."""
    assert (formats.bare_amount(1234567, "vi"), formats.bare_amount(1234567, "en")) == (
        "1.234.567",
        "1,234,567",
    )
