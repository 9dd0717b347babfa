"""Pages drawn and compared: what differs, where it may, and what cannot be drawn."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.contract import Verdict
from signing.validation import changes, pictures, validate_pdf
from signing.validation.difference import Deadline, OutOfTime
from signing.validation.drawn import DrawnContent
from signing.validation.pictures import compare_pictures
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign, update
from tests.signing.validation.test_attacks import FORM

ROOTS = (pki().root.der,)
TEXT = (70.0, 690.0, 400.0, 730.0)  # around the sentence of ``make_pdf``


def compare(before, after, allowed=None, doubtful=None):
    return compare_pictures(before, after, allowed or {}, doubtful or {}, Deadline(20))


def test_equal_files_have_equal_pictures():
    assert compare(make_pdf(), make_pdf()) == pictures.Comparison()


def test_one_digit_is_seen_and_the_page_named():
    assert compare(make_pdf("So tien 100"), make_pdf("So tien 900")).differing == (1,)


def test_a_full_stop_is_seen():
    assert compare(make_pdf("So tien 1000"), make_pdf("So tien 1.000")).differing == (1,)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("media", ["0 0 595 842", "-100 -50 495 792"])
def test_a_difference_inside_a_box_is_allowed_however_the_page_lies(turn, media):
    page = f"/Rotate {turn}"
    one, other = (make_pdf(text, page=page, media=media) for text in ("so 5", "so 9"))
    assert compare(one, other, {0: [TEXT]}) == pictures.Comparison()
    assert compare(one, other, {0: [(70, 600, 400, 680)]}).differing == (1,)
    assert compare(one, other, doubtful={0: [TEXT]}).doubtful == (1,)


def test_another_size_or_number_of_pages_is_a_difference():
    assert compare(make_pdf(), make_pdf(media="0 0 842 595")).differing == (1,)


@pytest.mark.parametrize("broken", [b"", b"junk", make_pdf()[:200]])
def test_what_cannot_be_drawn_is_a_failure_not_an_error(broken):
    assert compare(make_pdf(), broken).failure
    assert compare(broken, make_pdf()).failure


def test_a_huge_page_is_drawn_small():
    huge = make_pdf(media="0 0 14400 14400")
    assert compare(huge, huge) == pictures.Comparison()


def test_more_pages_than_are_drawn_is_a_failure(monkeypatch):
    monkeypatch.setattr(pictures, "_MAX_PAGES", 0)
    assert "quá nhiều trang" in compare(make_pdf(), make_pdf()).failure


def test_the_limit_is_looked_at_before_every_page():
    with pytest.raises(OutOfTime):
        compare_pictures(make_pdf(), make_pdf(), {}, {}, Deadline(-1))


# ------------------------------------------------------------------ when pages are drawn at all


@pytest.fixture
def drawn(monkeypatch):
    """Counts how often pages were compared as pictures."""
    seen = []
    real = changes.compare_pictures

    def counted(*arguments):
        seen.append(real(*arguments))
        return seen[-1]

    monkeypatch.setattr(changes, "compare_pictures", counted)
    return seen


def test_further_signatures_and_archives_need_no_drawing(drawn):
    """Nothing that draws the signed page was written again; a stamp draws in its own box."""
    pdf = sign(make_pdf(), store=True, box=(100, 100, 200, 150))
    pdf = sign(pdf, field="Hai", archive=True, box=(300, 100, 400, 150))
    assert validate_pdf(pdf, ROOTS, NOW).verdict is Verdict.VALID
    assert drawn == []


def test_a_form_whose_defaults_changed_is_drawn(drawn):
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - for this one

    def touch(writer):
        writer.root["/AcroForm"][generic.pdf_name("/Q")] = generic.NumberObject(0)
        writer.update_root()

    pdf = update(sign(make_pdf(**FORM), store=True), touch)
    assert validate_pdf(pdf, ROOTS, NOW).verdict is Verdict.VALID  # 0 is what it was by default
    assert drawn == [pictures.Comparison()]


def test_pages_that_cannot_be_compared_leave_the_signature_undecided(monkeypatch):
    monkeypatch.setattr(DrawnContent, "alike", lambda *_: False)
    monkeypatch.setattr(pictures, "_MAX_PAGES", 0)
    pdf = sign(sign(make_pdf(), store=True), field="Hai", store=True)
    validation = validate_pdf(pdf, ROOTS, NOW)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.signatures[0].reason == "picture_unknown"
    assert "Không vẽ được" in validation.summary


@pytest.mark.parametrize("number", [3, 4, 5])
def test_an_object_that_draws_the_page_and_is_written_again_is_not_alike(number):
    """Page, content and font: rewritten as they were, or not, they must be looked at."""
    signed = sign(make_pdf(), store=True)
    reader = PdfFileReader(io.BytesIO(signed))
    revision = reader.xrefs.total_revisions - 1

    def rewrite(writer):
        target = writer.get_object(reader_reference(writer, number))
        if number == 3:
            from pyhanko.pdf_utils import generic  # noqa: PLC0415 - for this one

            target[generic.pdf_name("/Rotate")] = generic.NumberObject(90)
        writer.update_container(target)

    changed = PdfFileReader(io.BytesIO(update(signed, rewrite)))
    assert not DrawnContent(changed, Deadline(20)).alike(revision, frozenset())
    assert DrawnContent(reader, Deadline(20)).alike(revision, frozenset())


def reader_reference(writer, number):
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - for this one

    return generic.Reference(number, 0, pdf=writer)
