"""The writer's own arithmetic: long files, tables and streams, holes."""

from __future__ import annotations

import io
import re

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.lane import LanePart, NotForTheLane, Stamp
from signing.lane.document import SignatureTooLong, open_document, signature_entries
from signing.lane.file import open_file
from signing.lane.revision import Revision, runs
from signing.lane.syntax import Reference, text, write_number, write_text
from signing.pades.proof import prove
from tests.signing.lane import documents as doc


def test_offsets_of_ten_digits_are_written_whole():
    """A table's rows stay 20 bytes long and say where the objects are."""
    revision = Revision(open_file(doc.classic()))
    revision.put(Reference(3, 0), b"<<>>")
    revision.new(b"[1]")
    position = 4_294_967_290
    block, _ = revision.render(position)
    rows = re.findall(rb"(\d{10}) (\d{5}) n\r\n", block)
    assert [int(offset) - position for offset, _ in rows] == [
        block.index(b"3 0 obj"),
        block.index(b"6 0 obj"),
    ]
    start = revision.file.newest
    assert block.startswith(b"xref\n3 1\n", start - position)
    assert block.endswith(b"startxref\n%d\n%%%%EOF\n" % start)


def test_a_stream_of_cross_references_takes_wider_offsets():
    """Beyond 4 GiB an offset has five bytes."""
    revision = Revision(open_file(doc.packed()))
    target = revision.new(b"[1]")
    position = 5_000_000_000
    block, offsets = revision.render(position)
    assert offsets[target.number] == position + block.index(b"%d 0 obj" % target.number)
    assert b"/W [1 5 2]" in block
    rows = block.split(b"stream\n", 1)[1]
    assert int.from_bytes(rows[1:6], "big") == position + block.index(b"%d 0 obj" % target.number)


def test_a_file_longer_than_its_cross_references_can_say_is_left():
    revision = Revision(open_file(doc.classic()))
    revision.new(b"null")
    with pytest.raises(NotForTheLane):
        revision.render(9_999_999_999)


@given(st.sets(st.integers(0, 60)))
def test_object_numbers_are_cut_into_runs_without_loss(numbers):
    found = runs(dict.fromkeys(numbers, 0))
    assert [n for _, run in found for n in run] == sorted(numbers)
    assert all(run == list(range(first, first + len(run))) for first, run in found)
    ends = [run[-1] for _, run in found]
    assert all(first > end + 1 for end, (first, _) in zip(ends, found[1:], strict=False))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_text_is_read_back_as_it_was_written(value):
    assert text(write_text(value)) == value


@given(st.floats(-20_000, 20_000))
def test_numbers_are_written_plainly(value):
    written = write_number(value)
    assert re.fullmatch(rb"-?\d+(\.\d*)?", written)
    assert abs(float(written) - value) <= 0.00006


def test_a_message_longer_than_its_hole_is_not_cut():
    document = open_document(doc.classic())
    revision = document.revision()
    hole = document.lay_hole(revision, revision.new(signature_entries(b"/Type/Sig", 8)))
    with pytest.raises(SignatureTooLong):
        hole.fill(bytes(9).hex().encode())
    hole.fill(bytes(range(8)).hex().encode())
    assert b"<0001020304050607>" in hole.block


async def test_pages_that_share_one_array_of_annotations_keep_each_others(rsa_lane):
    """Two signatures of one act on two such pages: the array holds both widgets in the end."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Annots 7 0 R>>"
    tree = b"<</Type/Pages/Kids[3 0 R 6 0 R]/Count 2>>"
    pdf = doc.classic(doc.objects(o2=tree, o3=page, o6=page, o7=b"[]"))
    parts = tuple(LanePart(f"On{at}", _dot(at)) for at in (0, 1))
    signed, _ = await rsa_lane.sign(pdf, parts=parts)
    with pikepdf.open(io.BytesIO(signed)) as opened:
        names = [[str(one.T) for one in shown.Annots] for shown in opened.pages]
    assert names == [["On01", "On11"]] * 2


async def test_a_reason_that_looks_like_a_byte_range_stays_a_reason(rsa_lane):
    reason = "/ByteRange [0 1 2 3] /Contents <00>"
    pdf = doc.classic()
    signed, _ = await rsa_lane.sign(pdf, reason=reason)
    prove(pdf, signed, rsa_lane.certificate, 1)
    assert PdfFileReader(io.BytesIO(signed)).embedded_signatures[0].sig_object["/Reason"] == reason


def _dot(page_index):
    return Stamp(page_index, (10, 10, 20, 20), 10, 10, (1, 0, 0, 1), b"0 0 9 9 re f", ())
