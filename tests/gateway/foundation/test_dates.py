"""Moments as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.foundation import dates

MOMENT = datetime(2026, 11, 5, 9, 45, tzinfo=UTC)


def test_a_utc_moment_is_read_on_a_vietnamese_clock():
    assert dates.format_sentence_vi(MOMENT) == "16:45 ngày 05/11/2026"
    assert dates.format_table(MOMENT) == "05/11/2026 16:45"
    assert dates.format_sentence_en(MOMENT) == "5 Nov 2026, 16:45 (GMT+7)"
    assert dates.format_machine(MOMENT) == "2026-11-05T16:45:00+07:00"
    assert dates.format_moment(MOMENT, "en") == dates.format_sentence_en(MOMENT)
    assert dates.format_moment(MOMENT, "vi") == dates.format_sentence_vi(MOMENT)


def test_a_moment_without_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        dates.local(datetime(2026, 11, 5))  # noqa: DTZ001 - the point of the test
