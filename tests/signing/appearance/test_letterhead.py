"""A letterhead's places kept with a survey: the same as those found anew, or not used."""

from __future__ import annotations

import dataclasses
import io
import math

import msgspec
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.appearance import letterhead
from signing.appearance.lane_pages import lane_pages
from signing.appearance.letterhead import find_letterhead, letterhead_of
from signing.appearance.pagebox import page_box
from signing.appearance.surveying import survey_ends
from signing.contract import Gap
from signing.lane import open_plain
from tests.signing.appearance.letters import BODY, DATE, HEAD, NUMBER, letter


@pytest.fixture(scope="module")
def pdf():
    return letter(*HEAD, NUMBER, DATE, BODY)


@pytest.fixture
def first(pdf):
    (page,) = survey_ends(pdf, "ab" * 32).pages
    return page


@pytest.fixture
def box(pdf):
    return page_box(lane_pages(open_plain(pdf)), 0)


@pytest.fixture
def searches(monkeypatch):
    """How often the page's text was searched."""
    seen = []

    def search(survey, seen_in):
        seen.append(survey)
        return find_letterhead(survey, seen_in)

    monkeypatch.setattr(letterhead, "find_letterhead", search)
    return seen


def test_the_places_come_with_the_survey(first, box, searches):
    known = letterhead_of(first, box)
    assert not searches
    assert None not in (known.number, known.day, known.month)
    assert known == find_letterhead(dataclasses.replace(first, letterhead=None), box)


@pytest.mark.parametrize(
    "change",
    [{"rotation": 90}, {"unit": 2.0}, {"x0": 5.0}, {"y1": 600.0}],
    ids=lambda change: next(iter(change)),
)
def test_a_page_seen_otherwise_is_searched_anew(first, box, searches, change):
    other = msgspec.structs.replace(box, **change)
    assert letterhead_of(first, other) == find_letterhead(first, other)
    assert searches == [first]


@pytest.mark.parametrize(
    "change",
    [
        {"number": Gap(math.nan, 1, 1, 1, "")},
        {"day": Gap(0, math.inf, 1, 1, "")},
        {"day": Gap(0, 1, 1, 1, "hai")},
        {"month": Gap(0, 1, 1, 1, "", behind="nam")},
        {"number": Gap(0, 1, 1, 1, "", behind="x" * 4000)},
    ],
)
def test_places_that_are_none_are_not_taken_from_a_reader(first, box, searches, change):
    wrong = msgspec.structs.replace(first.letterhead, **change)
    told = dataclasses.replace(first, letterhead=wrong)
    assert letterhead_of(told, box) == first.letterhead
    assert searches == [told]


def test_pyhanko_sees_the_page_as_the_readers_lane_does(pdf, first, searches):
    """So that the places are used on the ordinary path as well."""
    reader = PdfFileReader(io.BytesIO(pdf))
    assert letterhead_of(first, page_box(reader, 0)) == first.letterhead
    assert not searches
