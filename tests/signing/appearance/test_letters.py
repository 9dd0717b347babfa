"""Where signatures stand on letters as offices really write them, measured on pictures."""

from __future__ import annotations

import dataclasses

import pytest

from signing.contract import DocumentNumber, DocumentRefused, Level, Placement, Role, SignOrder
from tests.signing.appearance.ink import BLUE, MM, RED, ink
from tests.signing.appearance.letters import (
    BODY,
    DATE,
    HEAD,
    HEADER,
    LEFT,
    NAME,
    NUMBER,
    RIGHT,
    TITLE,
    Line,
    letter,
)
from tests.signing.pages import rects

ISSUED = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
FAR = Placement(page=1, rect_mm=(20.0, 230.0, 36.0, 36.0))
HEIGHT = 841.89


def person(pdf, name="Nguyễn Văn Mẫu", title="Chủ tịch", **more):
    return SignOrder(
        pdf, "official-rsa", Role.PERSON, Level.B_B, signer_name=name, title=title, **more
    )


def agency(pdf, number=ISSUED, **more):
    return SignOrder(pdf, "agency", Role.AGENCY, Level.B_B, document_number=number, **more)


def line(x, text, y=HEADER, **more):
    return Line(x, y, text, centred=False, **more)


async def places(service, order):
    """Field → (left, top, right, bottom) in points from the top left."""
    found = rects((await service.sign(order)).pdf)
    return {name: (a, HEIGHT - d, c, HEIGHT - b) for name, (a, b, c, d) in found.items()}


# ------------------------------------------------------------------ number and date

# what is drawn → where the number's place begins and ends, in points
CITED = "ngày 19 tháng 6 năm 2015;"
HEADS = {
    "spaces": ((NUMBER, DATE), (96, 140)),
    "dots": (
        (line(80, "Số: ........./QĐ-UBND"), line(310, "ngày ..... tháng ..... năm 2026")),
        (96, 150),
    ),
    "leader glyphs": (
        (line(80, "Số:…………/QĐ-UBND"), line(310, "ngày ……tháng ……năm 2026")),
        (96, 150),
    ),
    "capitals": (
        (line(80, "SỐ:       /QĐ-UBND"), line(310, "NGÀY       THÁNG       NĂM 2026")),
        (96, 140),
    ),
    "letters apart": (
        (
            line(80, "Số:      /QĐ-UBND", apart=3.0),
            line(290, "ngày      tháng      năm 2026", apart=3.0),
        ),
        (100, 160),
    ),
    "date drawn last": (
        (NUMBER, BODY, line(80, f"Căn cứ Quyết định {CITED}", 190), DATE),
        (96, 140),
    ),
    "body cites first": (
        (line(80, f"Căn cứ văn bản số: 12/QĐ {CITED}", 190), NUMBER, DATE),
        (96, 140),
    ),
    "a dossier's code above": (
        (line(80, "Mã hồ sơ: 0001", 30), line(310, "Cơ sở: 7", 30), NUMBER, DATE),
        (96, 140),
    ),
    "number of the Party": ((line(80, "Số:        -QĐ/TU"), DATE), (96, 140)),
    "in one line": (
        (line(60, f"Số:         /QĐ-UBND{' ' * 19}Hà Mẫu, ngày      tháng      năm 2026"),),
        (76, 120),
    ),
}


@pytest.mark.parametrize("how", HEADS)
async def test_number_and_date_stand_on_their_places(service, how):
    """However the places are drawn, and whatever else the page says of numbers and dates."""
    lines, (low, high) = HEADS[how]
    party = dataclasses.replace(ISSUED, symbol="QĐ/TU")
    issued = party if how == "number of the Party" else ISSUED
    found = await places(service, agency(letter(*HEAD, *lines), issued, placement=FAR))
    number, day, month = (found[name] for name in ("Number1", "Day1", "Month1"))
    for left, top, right, bottom in (number, day, month):
        assert top < HEADER < bottom
        assert right - left < 40
    assert low < number[0]
    assert number[2] < high
    assert number[2] < day[0]
    assert day[2] < month[0]


async def test_the_next_lines_figure_is_not_the_number(service):
    lines = (line(80, "Số:"), DATE, line(80, "15 hộ dân được cấp giấy phép", 130))
    found = await places(service, agency(letter(*HEAD, *lines), placement=FAR))
    assert found["Number1"][2] - found["Number1"][0] > 50  # the whole code: no symbol is printed


async def test_a_printed_year_that_is_not_the_documents_is_refused(service):
    lines = (NUMBER, line(310, "ngày      tháng      năm 2025"))
    with pytest.raises(DocumentRefused) as refused:
        await service.sign(agency(letter(*HEAD, *lines), placement=FAR))
    assert refused.value.code == "year_already_written"
    assert "2025" in refused.value.message_vi


# ------------------------------------------------------------------ the hand

BETWEEN = (320, 408)  # title's baseline, top of the name


HANDS = {
    "plain": ((TITLE, NAME), {}),
    "spaces doubled": ((TITLE, Line(RIGHT, 420, "Nguyễn   Văn  Mẫu")), {}),
    "letters apart": ((TITLE, Line(RIGHT, 420, "Nguyễn Văn Mẫu", apart=2.0)), {}),
    "capitals": ((TITLE, Line(RIGHT, 420, "NGUYỄN VĂN MẪU")), {}),
    "named after it again": ((TITLE, NAME, line(80, "Người soạn: Nguyễn Văn Mẫu.", 700)), {}),
    "named after it, no title": (
        (TITLE, NAME, line(80, "Người soạn: Nguyễn Văn Mẫu.", 700)),
        {"title": None},
    ),
    "deputy": (
        (Line(RIGHT, 300, "KT. CHỦ TỊCH"), Line(RIGHT, 320, "PHÓ CHỦ TỊCH"), NAME),
        {"title": "Phó Chủ tịch", "capacity": "KT."},
    ),
    "deputy asked by the chief's title": (
        (Line(RIGHT, 300, "KT. CHỦ TỊCH"), Line(RIGHT, 320, "PHÓ CHỦ TỊCH"), NAME),
        {"capacity": "KT."},
    ),
    "two hands": (
        (TITLE, Line(LEFT, 320, "CHỦ TỊCH"), NAME, Line(LEFT, 420, "Trần Thị Ví Dụ")),
        {},
    ),
    "a namesake but for a mark": ((TITLE, Line(LEFT, 420, "Nguyễn Vân Mẫu"), NAME), {}),
    "a namesake drawn last": ((TITLE, NAME, Line(LEFT, 420, "Nguyễn Vân Mẫu")), {"title": None}),
    "titles in the other column": (
        (
            Line(LEFT, 380, "Chủ tịch Hội đồng"),
            TITLE,
            NAME,
            line(60, "Nguyễn Văn Mẫu: bản chính", 430),
        ),
        {},
    ),
}


@pytest.mark.parametrize("how", HANDS)
async def test_the_hand_is_over_the_name_to_be_signed(service, how):
    """Not over one that the text mentions, nor over somebody else's."""
    lines, asked = HANDS[how]
    pdf = letter(*HEAD, BODY, *lines)
    left, top, width, height = ink((await service.sign(person(pdf, **asked))).pdf, BLUE)
    assert left + width / 2 == pytest.approx(RIGHT / MM, abs=2.0)
    assert BETWEEN[0] / MM < top
    assert top + height < BETWEEN[1] / MM


@pytest.mark.parametrize("unit", [1.0, 2.0, 0.5])
async def test_sizes_are_real_whatever_the_pages_unit(service, unit):
    """Measured in the page's units, which the renderer takes for points."""
    pdf = letter(*HEAD, NUMBER, DATE, BODY, TITLE, NAME, unit=unit)
    hand = (await service.sign(person(pdf))).pdf
    sealed = (await service.sign(agency(hand))).pdf
    left, top, width, height = (unit * side for side in ink(hand, BLUE))
    red = [unit * side for side in ink(sealed, RED)]
    assert red[2:] == pytest.approx((36.0, 36.0), abs=1.0)
    assert red[0] + red[2] == pytest.approx(left + width / 3, abs=1.0)
    assert red[1] + red[3] / 2 == pytest.approx(top + height / 2, abs=1.0)
    for name in ("Number1", "Day1", "Month1"):
        _, low, _, high = (unit * side for side in rects(sealed)[name])
        assert low < HEIGHT - HEADER < high
        assert high - low < 20


# ------------------------------------------------------------------ seals, initials, scans


async def test_a_second_seal_at_the_agencys_name(service):
    """Over a place the order names, though a person's signature is there as well."""
    pdf = letter(*HEAD, BODY, TITLE, NAME)
    signed = (await service.sign(agency((await service.sign(person(pdf))).pdf, number=None))).pdf
    second = agency(signed, number=None, placement=Placement(page=1, anchor="PHƯỜNG MẪU"))
    found = await places(service, second)
    middle = (found["Seal2"][1] + found["Seal2"][3]) / 2
    assert middle == pytest.approx(76, abs=10)
    assert found["Seal2"][2] < LEFT


async def test_the_initial_stands_beside_the_end_of_the_text(service):
    pdf = letter(*HEAD, Line(80, 230, "Điều 1. Cấp giấy phép . / .", centred=False), TITLE, NAME)
    order = SignOrder(pdf, "official-rsa", Role.INITIAL, Level.B_B)
    left, top, _, bottom = (await places(service, order))["Initial1"]
    assert left > 200
    assert top < 230 < bottom


async def test_what_finds_its_place_by_itself_keeps_off_pictures(service):
    """A logo at the top right: the copy's mark goes beside it."""
    pdf = letter(BODY, picture=(480, 4, 110, 40))
    order = SignOrder(pdf, "agency", Role.COPY, Level.B_B)
    left, top, right, _ = (await places(service, order))["Copy1"]
    assert right <= 480.1 or top >= 43.9
    assert left > 150


SCAN = {"picture": (0, 0, 595, 841)}


@pytest.mark.parametrize(
    "order",
    [
        person(b""),
        SignOrder(b"", "official-rsa", Role.INITIAL, Level.B_B),
        agency(b""),
        agency(b"", placement=FAR),
    ],
    ids=["person", "initial", "agency", "agency, seal placed"],
)
async def test_on_a_scan_nothing_is_guessed(service, order):
    """A picture of a page has no text to go by: the reason says how to name the place."""
    with pytest.raises(DocumentRefused) as refused:
        await service.sign(dataclasses.replace(order, pdf=letter(**SCAN)))
    assert refused.value.code == "page_without_text"
    assert "rect_mm" in refused.value.message_vi
    assert "ảnh quét" in refused.value.message_vi


async def test_on_a_scan_a_named_place_is_taken(service):
    hand = (await service.sign(person(letter(**SCAN), placement=FAR))).pdf
    left, top, width, height = ink(hand, BLUE)
    assert (left + width / 2, top + height / 2) == pytest.approx((38.0, 248.0), abs=0.6)
    sealed = (await service.sign(agency(hand, number=None))).pdf  # over the hand, as everywhere
    assert ink(sealed, RED)[2:] == pytest.approx((36.0, 36.0), abs=0.6)


async def test_a_scanned_copy_has_its_mark_at_the_top_right(service):
    """Copies are scans: the law's place for their mark needs no text."""
    found = await places(service, SignOrder(letter(**SCAN), "agency", Role.COPY, Level.B_B))
    assert found["Copy1"][1] < 30
    assert found["Copy1"][2] > 560


async def test_a_blank_page_is_signed_at_the_roles_own_place(service):
    found = await places(service, person(letter()))
    assert found["Person1"][0] > 300
    assert found["Person1"][1] > 500
