"""A page is read once a file, and what was read speaks of that file alone."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from array import array
from itertools import pairwise

import pytest

from signing.appearance.anchors import PageText
from signing.appearance.pagebox import PageBox, Rect
from signing.appearance.surveying import SurveyedPages, survey_ends, survey_page
from signing.contract import DocumentNumber, DocumentSurvey, Level, PageSurvey, Role, SignOrder
from signing.contract.survey import FLOATS_A_LETTER, FLOATS_A_RUN
from signing.inspection import inspect_pdf
from signing.processes.answers import AnswerForms, write_answer
from signing.processes.pool import SignerPool
from signing.processes.surveys import Surveys
from tests.signing.appearance.letters import BODY, DATE, HEAD, NAME, NUMBER, TITLE, letter
from tests.signing.pages import rects

A4 = PageBox(0, 0.0, 0.0, 595.28, 841.89)
ISSUED = DocumentNumber(5, "QĐ-UBND", "2026-02-09")


def paper(lower=0.0):
    name = dataclasses.replace(NAME, y=NAME.y + lower)
    return letter(*HEAD, NUMBER, DATE, BODY, dataclasses.replace(TITLE, y=TITLE.y + lower), name)


def person(pdf):
    return SignOrder(
        pdf, "official-rsa", Role.PERSON, Level.B_B, title="Chủ tịch", signer_name=NAME.text
    )


def clerk(pdf):
    return SignOrder(pdf, "agency", Role.AGENCY, Level.B_B, document_number=ISSUED)


def hash_of(pdf):
    return hashlib.sha256(pdf).hexdigest()


@pytest.fixture
def openings(monkeypatch):
    """Which pages pdfium read for a placement, in turn."""
    read = []

    def counting(document, index):
        read.append(index)
        return survey_page(document, index)

    monkeypatch.setattr("signing.appearance.surveying.survey_page", counting)
    return read


async def test_initial_person_and_clerk_open_the_pages_once(service, openings):
    initial = dataclasses.replace(person(paper()), role=Role.INITIAL)
    signed = await service.sign(initial)
    for order in (person, clerk):
        signed = await service.sign(order(signed.pdf))
    assert set(rects(signed.pdf)) == {
        "Initial1", "Person1", "Number1", "Day1", "Month1", "Seal1",
    }  # fmt: skip
    assert openings == [0]


async def test_a_survey_that_came_with_the_order_spares_the_opening(service, openings):
    pdf = paper()
    survey = survey_ends(pdf, hash_of(pdf))
    assert openings == [0]
    openings.clear()
    alone = rects((await service.sign(person(pdf), survey=survey)).pdf)
    assert not openings
    assert alone["Person1"][1] == pytest.approx(841.89 - 400, abs=30)


async def test_another_files_survey_is_never_used(service, make_service):
    """The place is where this file has its name, whatever the survey says of another."""
    pdf, other = paper(), paper(lower=200.0)
    wanted = rects((await make_service().sign(person(pdf))).pdf)
    foreign = survey_ends(other, hash_of(other))
    assert rects((await service.sign(person(pdf), survey=foreign)).pdf) == wanted


async def test_the_clerk_finds_the_same_places_with_a_carried_survey(service, make_service):
    hand = (await service.sign(person(paper()))).pdf
    carried = rects((await service.sign(clerk(hand))).pdf)
    assert carried == rects((await make_service().sign(clerk(hand))).pdf)


async def test_inspection_tells_what_the_pages_say(service):
    pdf = paper()
    found = await service.inspect(pdf, survey=True)
    assert found.survey.sha256 == hash_of(pdf)
    assert [page.index for page in found.survey.pages] == [0]
    assert "Nguyễn Văn Mẫu" in found.survey.pages[0].letters
    assert found == inspect_pdf(pdf)


async def test_a_blocked_file_is_not_surveyed(service):
    assert (await service.inspect(b"%PDF-1.7 no", survey=True)).survey is None


def test_a_survey_passes_between_processes_unchanged():
    survey = survey_ends(paper(), "00")
    forms = AnswerForms({"survey": (DocumentSurvey,)})
    assert forms.read("survey", write_answer(survey)) == survey


def test_a_survey_without_a_box_for_every_letter_says_nothing():
    """It comes from a process that reads strangers' files."""
    (page,) = survey_ends(paper(), "00").pages
    assert PageText(page, A4).find("Chủ tịch")
    for broken in (
        {"boxes": page.boxes[:-4]},
        {"runs": b""},
        {"runs": page.runs[:-1]},
        {"plain": page.plain[:-1]},
    ):
        assert PageText(dataclasses.replace(page, **broken), A4).find("Chủ tịch") == []


@pytest.mark.parametrize(
    "words", ["Chủ tịch", "chu tich", NAME.text, "Số:", "năm", "e", "  ", "?!"]
)
def test_a_search_finds_the_same_with_letters_prepared_or_not(words):
    (page,) = survey_ends(paper(), "00").pages
    unprepared = PageText(dataclasses.replace(page, plain=""), A4)
    assert page.plain
    assert PageText(page, A4).find(words) == unprepared.find(words)


@pytest.mark.parametrize("wanted", ["a", "ab", "ba", "cabb", "b"])
def test_words_are_found_over_any_spaces(wanted):
    letters = " ca  b ba b   a b  cab b c  "
    boxes = array("f", [value for at in range(len(letters)) for value in (at, 0, at + 1, 9) * 2])
    runs = array("f", (0, 0, 0, 9, 0, 0, 0, 99, 9))
    text = PageText(PageSurvey(0, letters, boxes.tobytes(), runs.tobytes()), A4)
    inked = [at for at, letter in enumerate(letters) if letter != " "]
    tight = "".join(letters[at] for at in inked)
    spans = [match.span() for match in re.finditer(wanted, tight)]
    places = [(inked[begin], inked[end - 1]) for begin, end in spans]
    found = [(one.first, one.last) for one in text.find(wanted)]
    assert found
    assert set(found) <= set(places)
    assert found == places or len(found) < len(places)  # whole words before parts of words


@pytest.mark.parametrize("start", [-5.0, 10.0**6])
def test_a_run_that_begins_outside_the_text_is_read_within_it(start):
    (page,) = survey_ends(paper(), "00").pages
    runs = array("f", page.runs)
    runs[0::FLOATS_A_RUN] = array("f", [start] * (len(runs) // FLOATS_A_RUN))
    text = PageText(dataclasses.replace(page, runs=runs.tobytes()), A4)
    assert len(list(text.letters_under(Rect(0, 0, 596, 842)))) <= len(page.letters)
    assert text.find("Chủ tịch")


def test_every_letters_ink_lies_in_its_runs_reach():
    (page,) = survey_ends(paper(), "00").pages
    boxes, runs = array("f", page.boxes), array("f", page.runs)
    starts = [int(at) for at in runs[0::FLOATS_A_RUN]] + [len(page.letters)]
    for number, (first, end) in enumerate(pairwise(starts)):
        left, bottom, right, top = runs[number * FLOATS_A_RUN + 5 : (number + 1) * FLOATS_A_RUN]
        for at in range(first, end):
            ink = boxes[at * FLOATS_A_LETTER + 4 : (at + 1) * FLOATS_A_LETTER]
            assert left <= ink[0]
            assert bottom <= ink[1]
            assert ink[2] <= right
            assert ink[3] <= top


def test_a_page_that_cannot_be_read_says_nothing():
    with SurveyedPages(paper()) as pages:
        assert pages.page(7).letters == ""


def _survey(name, size):
    return DocumentSurvey(name, (PageSurvey(0, "", b"\0" * size, b""),))


def test_the_least_used_survey_is_forgotten_first():
    kept = Surveys(most_bytes=300)
    for name in ("a", "b", "c"):
        kept.keep(_survey(name, 100))
    assert kept.of("a")
    kept.keep(_survey("d", 100))
    assert [bool(kept.of(name)) for name in "abcd"] == [True, False, True, True]


def test_a_survey_too_large_to_keep_displaces_nothing():
    kept = Surveys(most_bytes=300)
    kept.keep(_survey("a", 100))
    kept.keep(_survey("b", 301))
    assert kept.of("a")
    assert kept.of("b") is None


def test_a_fuller_survey_of_a_file_counts_once():
    kept = Surveys(most_bytes=300)
    kept.keep(_survey("a", 100))
    kept.keep(_survey("a", 200))
    kept.keep(_survey("b", 100))
    assert kept.of("a")
    assert kept.of("b")


def test_a_carried_survey_is_of_the_new_file():
    kept = Surveys()
    kept.keep(_survey("a", 10))
    kept.carry("a", "b")
    kept.carry("unknown", "c")
    assert kept.of("b").sha256 == "b"
    assert kept.of("c") is None


class ToldPool(SignerPool):
    """Notes what its children are asked."""

    def __init__(self, config):
        super().__init__(config)
        self.asked = []

    async def _on(self, crew, limit_s, job, arguments):
        self.asked.append((job, arguments))
        return await super()._on(crew, limit_s, job, arguments)


@pytest.mark.long
async def test_what_the_reader_read_goes_to_the_signer_with_every_act(server):
    """Made once, at the first look; the file after each act keeps it."""
    async with ToldPool(server.signer_config()) as pool:
        assert (await pool.inspect(paper())).survey is None
        hand = await pool.sign(person(paper()))
        assert not (await pool.inspect(hand.pdf)).blocked
        await pool.sign(clerk(hand.pdf))
    looks = [arguments[2] for job, arguments in pool.asked if job == "inspect"]
    assert looks == [True, False]  # the second file is known already
    first, second = [arguments[2] for job, arguments in pool.asked if job == "sign"]
    assert first.sha256 == hash_of(paper())
    assert second == dataclasses.replace(first, sha256=hash_of(hand.pdf))
