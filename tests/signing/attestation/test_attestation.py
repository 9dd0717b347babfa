"""The attestation page as the law wants it, on every kind of copy."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from PIL import ImageChops

from signing.attestation import attest_pdf
from signing.contract import Attestation, DocumentRefused, Severity
from signing.inspection import inspect_pdf
from tests.signing.validation.signing_kit import make_pdf, sign

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "sign"
ATTESTATION = Attestation(
    heading="CHỨNG THỰC BẢN SAO ĐÚNG VỚI BẢN CHÍNH",
    lines=(
        "Số chứng thực: 01 Quyển số: 01/2026 - SCT/BS",
        "Ngày 21 tháng 11 năm 2026",
        "Bản chính: Giấy chứng nhận quyền sử dụng đất số BX 123456, gồm 4 trang.",
    ),
    signer_title="Phó Chủ tịch",
    signer_name="Nguyễn Thị Ngọc Ổn",
    qr_payload="https://motcua.example/v/8fK2mZ0xqT5uYb7LrW3sVe",
    agency_name="Uỷ ban nhân dân phường Thuận Hoá",
    footer="Bản in từ tệp này không có giá trị pháp lý.",
)


def picture(pdf, number):
    """The page in grey, two pixels a point."""
    return pypdfium2.PdfDocument(pdf)[number - 1].render(scale=2).to_pil().convert("L")


def same(one, other):
    return one.size == other.size and ImageChops.difference(one, other).getbbox() is None


def ink(image):
    """The box around everything darker than white paper."""
    return image.point(lambda grey: 255 if grey < 128 else 0).getbbox()


def words(pdf, number):
    text = pypdfium2.PdfDocument(pdf)[number - 1].get_textpage().get_text_bounded()
    return " ".join(unicodedata.normalize("NFC", text).split())


@pytest.fixture(scope="module")
def attested():
    return attest_pdf(make_pdf(), ATTESTATION)


def test_the_copys_bytes_come_first_and_its_pages_look_the_same(attested):
    assert attested.pdf.startswith(make_pdf())
    assert attested.pages == 2
    assert len(pypdfium2.PdfDocument(attested.pdf)) == 2
    assert same(picture(attested.pdf, 1), picture(make_pdf(), 1))


def test_the_page_says_what_the_template_says(attested):
    told = words(attested.pdf, 2)
    for line in (
        ATTESTATION.heading,
        *ATTESTATION.lines,
        "PHÓ CHỦ TỊCH",
        ATTESTATION.signer_name,
        "UỶ BAN NHÂN DÂN PHƯỜNG THUẬN HOÁ",
        ATTESTATION.footer,
        ATTESTATION.qr_payload,
    ):
        assert line in told


def test_decomposed_vietnamese_is_printed_composed(attested):
    decomposed = replace(
        ATTESTATION,
        heading=unicodedata.normalize("NFD", ATTESTATION.heading),
        signer_name=unicodedata.normalize("NFD", ATTESTATION.signer_name),
    )
    assert same(picture(attest_pdf(make_pdf(), decomposed).pdf, 2), picture(attested.pdf, 2))


def test_the_page_is_a4_and_upright_whatever_the_copy_is():
    sideways = make_pdf(page="/Rotate 90 /CropBox [10 10 100 100]")
    page = pypdfium2.PdfDocument(attest_pdf(sideways, ATTESTATION).pdf)[1]
    assert [round(side) for side in page.get_size()] == [595, 842]


def test_the_code_is_a_vector_at_least_30_mm_wide(attested):
    page = pypdfium2.PdfDocument(attested.pdf)[1]
    kinds = {item.type for item in page.get_objects()}
    assert 3 not in kinds  # FPDF_PAGEOBJ_IMAGE
    image = picture(attested.pdf, 2)
    left, _, right, _ = ink(image.crop((0, image.height - 400, 380, image.height)))
    assert (right - left) / 2 / 72 * 25.4 >= 30


def test_the_signature_boxes_are_free_and_the_seal_covers_a_third(attested):
    x, y, width, height = attested.certifier.rect_mm
    sx, sy, seal, _ = attested.agency.rect_mm
    assert attested.certifier.page == attested.agency.page == 2
    assert sx + seal - x == pytest.approx(width / 3)
    assert sy < y < sy + seal
    image = picture(attested.pdf, 2)
    scale = 2 * 72 / 25.4

    def free(*box):
        return ink(image.crop([round(side * scale) for side in box])) is None

    assert free(x, y, x + width, y + height)
    assert free(sx, y, sx + seal, y + height)


def test_a_long_attestation_shrinks_and_an_endless_one_is_refused():
    long = replace(ATTESTATION, lines=("Nội dung lời chứng dài. " * 60,))
    assert attest_pdf(make_pdf(), long).pages == 2
    endless = replace(ATTESTATION, lines=("Nội dung lời chứng dài. " * 600,))
    with pytest.raises(DocumentRefused) as refused:
        attest_pdf(make_pdf(), endless)
    assert refused.value.code == "attestation_too_long"


def test_characters_without_a_glyph_are_refused_not_printed_as_boxes():
    with pytest.raises(DocumentRefused) as refused:
        attest_pdf(make_pdf(), replace(ATTESTATION, signer_name="Nguyễn 漢"))
    assert refused.value.code == "missing_glyph"
    assert "漢" in refused.value.message_vi


@pytest.mark.parametrize(
    ("pdf", "code"),
    [
        (b"", "unreadable"),
        (b"not a pdf", "unreadable"),
        (make_pdf().replace(b"/Kids [3 0 R] /Count 1", b"/Kids [     ] /Count 0"), "no_pages"),
        (make_pdf().replace(b"/Kids [3 0 R]", b"/Kids (3 0 R)"), "broken_page_tree"),
    ],
)
def test_copies_that_cannot_take_a_page_are_refused(pdf, code):
    with pytest.raises(DocumentRefused) as refused:
        attest_pdf(pdf, ATTESTATION)
    assert refused.value.code == code


def test_a_signed_copy_keeps_its_bytes_as_a_prefix():
    signed = sign(make_pdf())
    assert attest_pdf(signed, ATTESTATION).pdf.startswith(signed)


def test_the_result_may_be_signed(attested):
    assert not inspect_pdf(attested.pdf).blocked
    assert inspect_pdf(sign(attested.pdf)).signatures[0].covers_whole_file


def corpus_files():
    found = sorted(CORPUS.glob("*.pdf"))
    missing = pytest.param(None, marks=pytest.mark.skip(reason="no shared corpus"), id="absent")
    return [pytest.param(p, id=p.name) for p in found] or [missing]


@pytest.mark.parametrize("path", corpus_files())
def test_every_corpus_file_takes_the_page_or_is_refused_by_name(path):
    pdf = path.read_bytes()
    found = inspect_pdf(pdf, repair=False).findings
    blocking = {f.code for f in found if f.severity is Severity.BLOCK}
    if blocking & {"unreadable", "encrypted", "broken_page_tree", "no_pages", "not_a_pdf"}:
        with pytest.raises(DocumentRefused):
            attest_pdf(pdf, ATTESTATION)
        return
    made = attest_pdf(pdf, ATTESTATION)
    assert made.pdf.startswith(pdf)
    before, after = pypdfium2.PdfDocument(pdf), pypdfium2.PdfDocument(made.pdf)
    assert len(after) == made.pages == len(before) + 1
    assert same(picture(made.pdf, 1), picture(pdf, 1))
    assert ATTESTATION.heading in words(made.pdf, made.pages)


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("qpdf") is None, reason="no qpdf")
def test_qpdf_finds_nothing_wrong(tmp_path, attested):
    path = tmp_path / "copy.pdf"
    path.write_bytes(attested.pdf)
    run = subprocess.run(
        ["qpdf", "--check", str(path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


async def test_a_file_gets_the_same_page_beside_its_source(service, tmp_path):
    """Appended to a copy on the disk; what cannot take a page leaves none."""
    source, target = tmp_path / "scan.pdf", tmp_path / "attested.pdf"
    source.write_bytes(make_pdf())
    made = await service.attest_file(source, target, ATTESTATION)
    whole, wanted = target.read_bytes(), attest_pdf(make_pdf(), ATTESTATION)
    assert source.read_bytes() == make_pdf()
    assert whole.startswith(make_pdf())
    assert made.sha256 == hashlib.sha256(whole).hexdigest()
    assert (made.pages, made.certifier, made.agency) == (
        wanted.pages,
        wanted.certifier,
        wanted.agency,
    )
    assert same(picture(whole, made.pages), picture(wanted.pdf, made.pages))
    target.unlink()
    source.write_bytes(b"%PDF-1.7 nothing")
    with pytest.raises(DocumentRefused):
        await service.attest_file(source, target, ATTESTATION)
    assert not target.exists()
