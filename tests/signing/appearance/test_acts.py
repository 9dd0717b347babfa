"""Acts of officials: the person's signature, the clerk's four, and how they look on the page."""

from __future__ import annotations

import asyncio
import dataclasses
import io

import pytest
from pyhanko.pdf_utils.generic import ArrayObject, FloatObject, NameObject, NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing.appearance.figures import month_digits, two_digits
from signing.contract import (
    DocumentNumber,
    DocumentRefused,
    Level,
    Placement,
    Role,
    SigningUnavailable,
    SignOrder,
)
from tests.signing import oracles
from tests.signing.decision import decision
from tests.signing.pages import counted, is_blue, is_dark, is_red, picture, rects

NUMBER = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
A4_HEIGHT = 841.89


def person(pdf, level=Level.B_LTA, **more):
    return SignOrder(pdf, "official-rsa", Role.PERSON, level, title="Chủ tịch", **more)


def agency(pdf, level=Level.B_LTA, number=NUMBER, **more):
    return SignOrder(pdf, "agency", Role.AGENCY, level, document_number=number, **more)


@pytest.mark.oracle
async def test_person_then_agency_makes_five_signatures_and_all_are_valid(
    service, server, decision_pdf, tmp_path
):
    """The real order of work; the second act leaves the first one's bytes alone."""
    first = await service.sign(person(decision_pdf))
    second = await service.sign(agency(first.pdf))
    assert second.pdf.startswith(first.pdf)
    assert second.field_names == ("Number1", "Day1", "Month1", "Seal1")
    path = tmp_path / "issued.pdf"
    path.write_bytes(second.pdf)
    verdicts, _ = oracles.pdfsig_verdicts(path)
    valid = [name for name, verdict in verdicts if verdict == "Signature is Valid."]
    assert valid == ["Person1", "Number1", "Day1", "Month1", "Seal1"]
    assert oracles.qpdf_accepts(path)
    assert oracles.openssl_accepts(second.pdf, server.pki.root_pem, tmp_path)
    judged = await asyncio.to_thread(oracles.lta_verdicts, second.pdf, server.pki.root_pem)
    assert judged == [oracles.AdESPassed.OK] * 5


async def test_the_seal_covers_the_left_third_of_the_signature_in_real_size(service, decision_pdf):
    """NĐ 30/2020: red, real size, over a third of the person's signature, on its left."""
    first = await service.sign(person(decision_pdf, Level.B_B))
    second = await service.sign(agency(first.pdf, Level.B_B))
    found = rects(second.pdf)
    hand, seal = found["Person1"], found["Seal1"]
    assert seal[2] - seal[0] == pytest.approx(36 * 72 / 25.4, abs=0.1)
    assert seal[2] == pytest.approx(hand[0] + (hand[2] - hand[0]) / 3, abs=0.5)
    assert (seal[1] + seal[3]) / 2 == pytest.approx((hand[1] + hand[3]) / 2, abs=0.5)


async def test_the_page_shows_blue_hand_red_seal_and_dark_numbers(service, decision_pdf):
    """A picture of the page has the right colours in the right places."""
    before = picture(decision_pdf)
    first = await service.sign(person(decision_pdf, Level.B_B))
    second = await service.sign(agency(first.pdf, Level.B_B))
    after, found = picture(second.pdf), rects(second.pdf)

    def box(name):
        x0, y0, x1, y1 = found[name]
        return (x0, A4_HEIGHT - y1, x1 - x0, y1 - y0)

    for name, colour, least in (
        ("Person1", is_blue, 300),
        ("Seal1", is_red, 2000),
        ("Number1", is_dark, 30),
        ("Day1", is_dark, 30),
        ("Month1", is_dark, 30),
    ):
        drawn = counted(after, box(name), colour) - counted(before, box(name), colour)
        assert drawn > least, name


@pytest.mark.parametrize(
    "layout",
    [{}, {"nfd": True}, {"number_gap": " ........ ", "date_gap": " ..... "}, {"date_gap": "  …  "}],
)
async def test_number_day_and_month_stand_on_their_dotted_places(service, layout):
    """Composed or decomposed letters, spaces or dots: the anchors are found."""
    signed = await service.sign(agency(decision(**layout), Level.B_B))
    found = rects(signed.pdf)
    for name in ("Number1", "Day1", "Month1"):
        x0, y0, x1, y1 = found[name]
        assert y0 < A4_HEIGHT - 110 < y1, name  # the baseline of the line lies inside
        assert x1 - x0 < 80
    assert found["Number1"][0] > 80
    assert found["Number1"][2] < found["Day1"][0] < found["Day1"][2] <= found["Month1"][0]


async def test_person_signs_between_title_and_name(service, decision_pdf):
    """Centred over the name, below the title; decomposed text too."""
    for pdf in (decision_pdf, decision(nfd=True)):
        signed = await service.sign(person(pdf, Level.B_B))
        x0, y0, x1, y1 = rects(signed.pdf)["Person1"]
        assert (x0 + x1) / 2 == pytest.approx(595.28 - 160, abs=3)
        assert y0 > A4_HEIGHT - 390
        assert y1 < A4_HEIGHT - 300


async def test_without_any_hold_in_the_text_the_defaults_are_on_the_page(service):
    """No names, no dotted places: lower right for the hand, full words for the number."""
    bare = decision(names=False, numbered=False)
    first = await service.sign(person(bare, Level.B_B))
    second = await service.sign(agency(first.pdf, Level.B_B))
    for name, (x0, y0, x1, y1) in rects(second.pdf).items():
        assert x0 >= 0, name
        assert y0 >= 0, name
        assert x1 <= 595.3, name
        assert y1 <= A4_HEIGHT + 0.1, name
    assert rects(first.pdf)["Person1"][0] > 297


async def test_a_number_already_printed_is_kept_and_a_different_one_refused(service):
    """Nothing is written over; another number is a mistake somebody must see."""
    printed = decision(number_gap=" 05 ", date_gap="     ")
    signed = await service.sign(agency(printed, Level.B_B))
    assert signed.field_names == ("Day1", "Month1", "Seal1")
    with pytest.raises(DocumentRefused) as refused:
        await service.sign(agency(decision(number_gap=" 17 "), Level.B_B))
    assert refused.value.code == "number_already_written"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (DocumentNumber(5, "TB-UBND", "2026-11-02"), "symbol_already_written"),
        (DocumentNumber(5, "QĐ-UBND-VP", "2026-11-02"), "symbol_already_written"),
        (DocumentNumber(5, "QĐ-UBND", "2025-11-02"), "year_already_written"),
    ],
)
async def test_a_symbol_or_year_that_contradicts_the_page_is_refused(service, number, code):
    """The page would say one thing and the register another."""
    for pdf in (decision(), decision(nfd=True)):
        with pytest.raises(DocumentRefused) as refused:
            await service.sign(agency(pdf, Level.B_B, number))
        assert refused.value.code == code


async def test_a_printed_symbol_is_compared_without_case_spaces_and_marks(service):
    """One word in two spellings is no contradiction; a dotted symbol says nothing."""
    for symbol in ("/Q Đ - UBND", "/QD-UBND", "/……"):
        number = DocumentNumber(5, "QĐ-UBND", "2026-11-02")
        signed = await service.sign(agency(decision(symbol=symbol), Level.B_B, number))
        assert "Number1" in signed.field_names


@pytest.mark.parametrize(
    "number", [DocumentNumber(0, "QĐ", "2026-02-09"), DocumentNumber(5, "QĐ", "9/2")]
)
async def test_a_senseless_number_or_date_is_refused(service, decision_pdf, number):
    """Zero and a date that is none."""
    with pytest.raises(DocumentRefused):
        await service.sign(agency(decision_pdf, Level.B_B, number))


def test_leading_zeros_follow_the_decree():
    """NĐ 30/2020: numbers and days below 10, months 1 and 2."""
    assert [two_digits(n) for n in (1, 9, 10, 128)] == ["01", "09", "10", "128"]
    assert [month_digits(n) for n in (1, 2, 3, 12)] == ["01", "02", "3", "12"]


async def test_the_clerks_act_is_whole_or_nothing(service, server, decision_pdf):
    """The authority fails in the middle of four signatures: the caller gets no file at all."""
    await service.sign(agency(decision_pdf, Level.B_T))
    grant = server._grant

    class Counting:
        left = 2

        def __call__(self, asked):
            self.left -= 1
            server.faults.tsa_down = self.left <= 0
            return grant(asked)

    type(server)._grant, original = Counting(), type(server)._grant
    try:
        with pytest.raises(SigningUnavailable):
            await service.sign(agency(decision_pdf, Level.B_T))
    finally:
        type(server)._grant = original
    assert server.faults.tsa_down


async def test_a_page_stored_on_its_side_is_signed_where_people_read(service, decision_pdf):
    """Scanners turn pages by /Rotate: the same picture comes out as for an upright page."""
    pictures = []
    for pdf in (decision_pdf, decision(turned=True)):
        first = await service.sign(person(pdf, Level.B_B))
        second = await service.sign(agency(first.pdf, Level.B_B))
        pictures.append(picture(second.pdf))
    upright, turned = pictures
    assert upright.size == turned.size
    for colour, boxes in ((is_blue, (330, 300, 220, 90)), (is_red, (280, 270, 150, 130))):
        one, other = counted(upright, boxes, colour), counted(turned, boxes, colour)
        assert one > 300
        assert other == pytest.approx(one, rel=0.1)
    for gap in ((100, 98, 30, 14), (390, 98, 40, 14)):
        one, other = counted(upright, gap, is_dark), counted(turned, gap, is_dark)
        assert other == pytest.approx(one, rel=0.25)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
async def test_an_explicit_place_is_where_people_see_it(service, rotation):
    """Rotation and a crop box are taken into account; the drawing stays upright."""
    writer = IncrementalPdfFileWriter(io.BytesIO(decision()))
    page = writer.find_page_for_modification(0)[0].get_object()
    page[NameObject("/Rotate")] = NumberObject(rotation)
    page[NameObject("/CropBox")] = ArrayObject([FloatObject(v) for v in (30, 40, 560, 800)])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    placement = Placement(page=1, rect_mm=(20, 30, 40, 20), over_text=True)
    signed = await service.sign(person(out.getvalue(), Level.B_B, placement=placement))
    image = picture(signed.pdf)
    mm = 72 / 25.4
    box = (20 * mm, 30 * mm, 40 * mm, 20 * mm)
    inside = counted(image, box, is_blue)
    everywhere = counted(image, (0, 0, image.width / 2, image.height / 2), is_blue)
    assert inside > 300
    assert inside > everywhere * 0.99
    upper = counted(image, (*box[:3], box[3] * 0.15), is_blue)
    assert upper < inside / 4  # the scrawl's lower stroke is long, its top is not


async def test_a_key_without_a_picture_shows_a_readable_block(make_service, server, decision_pdf):
    """Signer, title and time in Vietnamese that can be searched in the page's text."""
    keys = tuple(dataclasses.replace(k, image_path=None) for k in server.signer_config().keys)
    service = make_service(keys=keys)
    order = person(decision_pdf, Level.B_B, signer_name="Nguyễn Thị Ước Ngỗng")
    signed = await service.sign(dataclasses.replace(order, text_style="iso"))
    appended = signed.pdf[len(decision_pdf) :]
    assert b"NotoSansVN" in appended
    x0, y0, x1, y1 = rects(signed.pdf)["Person1"]
    image = picture(signed.pdf)
    assert counted(image, (x0, A4_HEIGHT - y1, x1 - x0, y1 - y0), is_blue) > 300


@pytest.mark.parametrize("role", [Role.COPY, Role.ANNEX])
async def test_copies_and_annexes_are_marked_at_the_top_right_of_page_1(
    service, decision_pdf, role
):
    """Text only, in the corner."""
    order = SignOrder(decision_pdf, "agency", role, Level.B_B, document_number=NUMBER)
    signed = await service.sign(order)
    ((x0, y0, x1, y1),) = rects(signed.pdf).values()
    assert x1 > 595.28 - 20
    assert y1 > A4_HEIGHT - 20
    image = picture(signed.pdf)
    assert counted(image, (x0, A4_HEIGHT - y1, x1 - x0, y1 - y0), is_dark) > 200


async def test_an_initial_follows_the_end_of_the_text(service, decision_pdf):
    """After the “./.”."""
    signed = await service.sign(SignOrder(decision_pdf, "official-ec", Role.INITIAL, Level.B_B))
    x0, y0, _, y1 = rects(signed.pdf)["Initial1"]
    assert x0 > 300
    assert y0 < A4_HEIGHT - 200 < y1
