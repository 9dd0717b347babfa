"""Files read where they lie: the same answers as in memory, and nothing of them kept."""

from __future__ import annotations

import hashlib
import os
import zlib
from base64 import a85encode

import pypdfium2
import pytest

from signing.reading import pdfium_files
from signing.reading.mapped_files import whole_file
from signing.reading.mapped_stream import MappedStream
from signing.reading.opening import open_pdf
from signing.reading.pdfium_files import PdfiumFile
from signing.reading.streams_in_place import Lying
from signing.reading.stretches import STRETCH, read_into, sha256_of
from tests.support.scans import write_scans

PLAIN = os.urandom(300_000)
CODED = [
    (b"", PLAIN),
    (b"/Filter /FlateDecode", zlib.compress(PLAIN, 0)),
    (b"/Filter /ASCII85Decode", a85encode(PLAIN) + b"~>"),
]


def pdf_with(entries, body, stated=None):
    """One page and a stream apart, whose length is ``stated`` by another object."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Apart 4 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
        b"<<%s/Length 5 0 R>>\nstream\n%s\nendstream" % (entries, body),
        b"%d" % (len(body) if stated is None else stated),
    ]
    pdf, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    pdf += b"xref\n0 6\n0000000000 65535 f \n" + rows + b"trailer\n<</Size 6/Root 1 0 R>>\n"
    return bytes(pdf) + b"startxref\n%d\n%%%%EOF\n" % pdf.rindex(b"xref\n0")


@pytest.fixture
def mapped_pdf(tmp_path):
    """Opens bytes as a mapped file."""
    contexts = []

    def opened(pdf):
        path = tmp_path / "x.pdf"
        path.write_bytes(pdf)
        contexts.append(whole_file(path, mapped_from=0))
        return contexts[-1].__enter__()

    yield opened
    for one in contexts:
        one.__exit__(None, None, None)


@pytest.mark.parametrize(("entries", "body"), CODED, ids=["plain", "flate", "ascii85"])
def test_a_large_stream_is_read_when_it_is_asked_for_and_not_kept(mapped_pdf, entries, body):
    """As it stands in the file and decoded, also in a view of an earlier revision."""
    opened = open_pdf(mapped_pdf(pdf_with(entries, body)))
    past = opened.reader.get_historical_resolver(0)
    for root in (opened.reader.root, past.root):
        stream = root["/Apart"]
        assert stream.encoded_data == body
        assert isinstance(stream.__dict__["_encoded_data"], Lying)
        assert stream.data == PLAIN


def test_a_length_that_is_too_long_is_corrected_as_in_memory(mapped_pdf):
    """Writers that count wrong: the library goes back by one byte."""
    pdf = pdf_with(b"", PLAIN, len(PLAIN) + 2)
    in_memory, mapped = open_pdf(pdf), open_pdf(mapped_pdf(pdf))
    wanted = in_memory.reader.root["/Apart"].data
    assert wanted == PLAIN + b"\n"
    assert mapped.reader.root["/Apart"].data == wanted


def test_small_streams_are_kept_as_ever(mapped_pdf):
    """Only what is large is worth reading twice."""
    stream = open_pdf(mapped_pdf(pdf_with(b"", b"small"))).reader.root["/Apart"]
    assert stream.__dict__["_encoded_data"] == b"small"


def test_a_stream_of_a_beginning_ends_there(mapped_pdf):
    """Reads, seeks and buffers alike; a negative place is refused."""
    stream = MappedStream(mapped_pdf(b"0123456789"), 6)
    assert stream.read() == b"012345"
    assert stream.seek(-2, os.SEEK_END) == 4
    buffer = bytearray(5)
    assert stream.readinto(buffer) == 2
    assert bytes(buffer) == b"45\0\0\0"
    assert (stream.read(1), stream.tell()) == (b"", 6)
    with pytest.raises(ValueError, match="negative"):
        stream.seek(-1)


@pytest.mark.parametrize(("start", "end"), [(0, None), (5, 17), (STRETCH - 1, STRETCH + 1)])
def test_stretches_give_the_hash_of_the_whole(mapped_pdf, start, end):
    """Wherever they begin and end; a part that was read is there to be read again."""
    content = os.urandom(4096) * (STRETCH // 4096) + b"some more"
    data = mapped_pdf(content)
    for one in (data, content):
        state = hashlib.sha256()
        read_into(state, one, start, end)
        assert state.digest() == hashlib.sha256(content[start:end]).digest()
    assert sha256_of(data).digest() == hashlib.sha256(content).digest()


def test_pdfium_forgets_what_it_has_read(tmp_path, monkeypatch):
    """Opened anew between pages, never below an open one; each page is what it was."""
    monkeypatch.setattr(pdfium_files, "_KEPT_AT_MOST", 2 * 2**20)
    opened = []
    real = pypdfium2.PdfDocument

    def counted(*given):
        opened.append(given)
        return real(*given)

    monkeypatch.setattr(pdfium_files.pdfium, "PdfDocument", counted)
    path = tmp_path / "scans.pdf"
    write_scans(path, 8)
    with whole_file(path, mapped_from=0) as data, PdfiumFile(data) as file:
        assert len(file) == 8
        with file.page(0) as first:
            for index in range(1, 8):
                with file.page(index) as page:
                    assert len(list(page.get_objects())) == 1
            assert len(opened) == 1
            assert len(list(first.get_objects())) == 1
        for index in range(8):
            with file.page(index) as page:
                assert page.get_size() == (595, 842)
                assert len(list(page.get_objects())) == 1
        assert len(opened) > 2
