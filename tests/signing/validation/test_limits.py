"""What a file may cost; at the limit an answer with its reason, not an error."""

from __future__ import annotations

import gc
import io
import time

import pytest
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.stamp import TextStampStyle

from signing.commands.check import validate_paths
from signing.commands.checking_process import Limits
from signing.contract import Verdict
from signing.processes.pool import SignerPool
from signing.validation import validate_pdf
from signing.validation.difference import Deadline, OutOfTime, StrictPolicy
from signing.validation.digests import hash_signed_bytes
from signing.validation.pictures import _Document
from tests.signing.commands import hostile
from tests.signing.validation.filled_forms import EMPTY_FIELD, fill_in_with_picture
from tests.signing.validation.signing_kit import NOW, grown, make_pdf, pki, sign, update

ROOTS = (pki().root.der,)


@pytest.fixture(scope="module")
def many():
    """Twenty-five visible signatures, one after the other."""
    pdf = make_pdf()
    for number in range(25):
        left, bottom = 20 + 50 * (number % 10), 20 + 60 * (number // 10)
        box = (left, bottom, left + 40, bottom + 40)
        pdf = sign(pdf, field=f"Ky{number}", box=box, store=number == 0)
    return pdf


def test_a_file_with_25_signatures_is_judged_within_the_limit(many):
    validation = validate_pdf(many, ROOTS, NOW, time_limit_s=25.0)
    assert len(validation.signatures) == 25
    assert all(s.integrity for s in validation.signatures)
    assert {s.reason for s in validation.signatures} == {"intact"}


def test_revisions_are_compared_once_for_all_signatures(many, monkeypatch):
    compared = []
    apply = StrictPolicy.apply

    def counted(self, old, new, *rest):
        compared.append((old.revision, new.revision))
        return apply(self, old, new, *rest)

    monkeypatch.setattr(StrictPolicy, "apply", counted)
    validate_pdf(many, ROOTS, NOW)
    assert len(compared) == len(set(compared))
    assert all(new == old + 1 for old, new in compared)


def test_a_page_is_drawn_once_for_all_signatures_with_the_same_stamps_after_them(many, monkeypatch):
    """Twenty-four signatures have stamps after them; the page as it is now is drawn once."""
    drawn = []
    picture = _Document.picture

    def counted(self, number):
        drawn.append(number)
        return picture(self, number)

    monkeypatch.setattr(_Document, "picture", counted)
    validate_pdf(many, ROOTS, NOW)
    assert len(drawn) == 24 + 1


def test_stamps_on_pages_of_their_own_cost_two_pictures_each(monkeypatch):
    """Every earlier signature looks at every later one's page: the answer is kept."""
    pages = "".join(
        f"{number} 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>\nendobj%%next\n"
        for number in (6, 7, 8)
    )
    pdf = grown(make_pdf(extra=pages), kids="3 0 R 6 0 R 7 0 R 8 0 R", count=4)
    for page in range(4):
        pdf = sign(pdf, field=f"Ky{page}", page=page, box=(20, 20, 60, 60), store=page == 0)
    opened = []
    picture = _Document.picture
    monkeypatch.setattr(_Document, "picture", lambda self, n: opened.append(n) or picture(self, n))
    assert validate_pdf(pdf, ROOTS, NOW).verdict is Verdict.VALID
    assert sorted(opened) == [1, 1, 2, 2, 3, 3]


def test_a_stamp_over_a_field_filled_between_two_signatures_is_found_for_the_later_one():
    """The first signer signed an empty field, the second a filled one: other pictures."""
    blank = grown(make_pdf(**EMPTY_FIELD), kids="3 0 R 7 0 R", count=2)
    pdf = update(sign(blank, store=True), fill_in_with_picture)
    pdf = sign(pdf, field="Hai", page=1, store=True)  # so that page 1 gets the same stamps
    white = RawContent(b"1 1 1 rg 0 0 240 50 re f", box=BoxConstraints(240, 50))
    style = TextStampStyle(stamp_text="", border_width=0, background=white, background_opacity=1.0)
    pdf = sign(pdf, field="Che", box=(66, 595, 306, 645), style=style, store=True)
    validation = validate_pdf(pdf, ROOTS, NOW, allowed_fields=frozenset({"SoTien"}))
    assert [s.reason for s in validation.signatures] == ["intact", "text_covered", "intact"]


def test_time_that_runs_out_within_a_signature_leaves_it_undecided(many, monkeypatch):
    """The limit is looked at before each comparison, not only between signatures."""
    left = iter(range(3))

    def check(_self):
        if next(left, None) is None:
            raise OutOfTime

    monkeypatch.setattr(Deadline, "check", check)
    validation = validate_pdf(many, ROOTS, NOW)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.reason == "time_limit"
    assert {s.reason for s in validation.signatures} == {"time_limit"}
    assert "Hết thời gian" in validation.summary
    assert {s.signer for s in validation.signatures} == {"Nguyễn Văn Ổn"}
    assert all(s.integrity for s in validation.signatures)
    assert {s.trust for s in validation.signatures[1:]} == {"unknown"}


def test_a_changed_byte_is_told_also_when_time_runs_out(many, monkeypatch):
    """Signed bytes are looked at before anything that may take long."""

    def check(_self):
        raise OutOfTime

    monkeypatch.setattr(Deadline, "check", check)
    validation = validate_pdf(many.replace(b"dinh so 5", b"dinh so 9"), ROOTS, NOW)
    assert validation.verdict is Verdict.INVALID
    assert {s.reason for s in validation.signatures} == {"hash_mismatch"}


def test_comparing_leaves_time_for_certificates():
    whole = Deadline(1000.0)
    part = whole.share(0.7)
    assert 699 < part._at - time.monotonic() <= 700
    Deadline(-1.0).share(0.7)
    with pytest.raises(OutOfTime):
        Deadline(0.0).share(0.7).check()


def test_the_cycle_collector_runs_again_afterwards(many):
    assert gc.isenabled()
    validate_pdf(many[:2000], ROOTS, NOW)
    assert gc.isenabled()


def test_the_command_answers_for_a_file_that_takes_too_long(tmp_path, many):
    path = tmp_path / "many.pdf"
    path.write_bytes(many)
    told, limits = [], Limits(seconds=0.001)
    status = validate_paths([path], ROOTS, True, write=told.append, now=NOW, limits=limits)
    assert status == 1
    (line,) = told
    assert '"verdict": "indeterminate"' in line
    assert '"reason": "time_limit"' in line
    assert "quá thời gian" in line


async def test_the_pool_answers_for_a_file_that_takes_too_long(server, many):
    async with SignerPool(server.signer_config()) as pool:
        pool._validation_limit_s = 0.001
        validation = await pool.validate(many)
        assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "time_limit")
        assert validation.size == len(many)
        assert "Hết thời gian" in validation.summary
        assert pool.reader_pids == ()  # the child that was still at it is gone


def test_a_file_beyond_the_limit_is_named_by_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("signing.commands.check.MAX_SIZE", 100)
    path = tmp_path / "vast.pdf"
    path.write_bytes(make_pdf())
    told = []
    assert validate_paths([path], ROOTS, True, write=told.append, now=NOW) == 1
    assert '"reason": "too_large"' in told[0]
    assert f'"size": {len(make_pdf())}' in told[0]


def test_a_file_beyond_the_limit_is_not_opened(monkeypatch):
    monkeypatch.setattr("signing.validation.document.MAX_SIZE", 100)
    validation = validate_pdf(make_pdf(), ROOTS, NOW)
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "too_large")
    assert "100 byte" in validation.summary


def test_more_pages_than_are_followed_are_named(monkeypatch):
    """The pages' pictures stay unknown; the signed bytes do not."""
    monkeypatch.setattr("signing.validation.drawn._MAX_PAGES", 0)
    pdf = sign(sign(make_pdf(), store=True), field="Hai", box=(20, 20, 80, 80), store=True)
    validation = validate_pdf(pdf, ROOTS, NOW)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.signatures[0].reason == "picture_unknown"
    assert validation.signatures[0].integrity
    assert "quá nhiều trang" in validation.summary


def test_a_bomb_under_a_signature_costs_little():
    """What a page holds need not be inflated to judge who signed it."""
    validation = validate_pdf(sign(hostile.bomb_in_a_bomb(), store=True), ROOTS, NOW)
    assert validation.verdict is Verdict.VALID


def test_a_bomb_that_holds_the_catalog_is_named():
    validation = validate_pdf(hostile.bomb_of_objects(), ROOTS, NOW)
    assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "decode_limit")


def test_signed_bytes_are_hashed_once_and_rightly(many):
    """One running state gives every signature the digest that the library works out alone."""
    whole, alone = (PdfFileReader(io.BytesIO(many)).embedded_signatures for _ in range(2))
    hash_signed_bytes(many, reversed(whole))
    for ours, theirs in zip(whole, alone, strict=True):
        assert ours.external_digests == {"sha256": theirs.compute_digest()}


def test_odd_byte_ranges_are_left_to_the_library(many):
    first, *_ = PdfFileReader(io.BytesIO(many)).embedded_signatures
    first.byte_range = [5, 10, 20, 30]
    hash_signed_bytes(many, [first])
    assert first.external_digests == {}
