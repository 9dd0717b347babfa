"""Signatures look as NĐ 30/2020, Annex I says: measured in millimetres on pictures of the page."""

from __future__ import annotations

import dataclasses
import re
import struct
import unicodedata
import zlib

import pypdfium2
import pytest
from PIL import Image

from signing.clock import SystemClock
from signing.contract import (
    CredentialRefused,
    DocumentNumber,
    DocumentRefused,
    Level,
    Placement,
    Role,
    SignOrder,
)
from signing.service import SigningService
from tests.signing.appearance.ink import BLUE, DARK, MM, RED, ink, shown, stored
from tests.signing.decision import SIGNER, decision
from tests.signing.pages import rects

NUMBER = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
NAME_MIDDLE = (595.28 - 160) / MM  # of title and name in the decision
TITLE_BOTTOM, NAME_TOP = 302 / MM, 380 / MM
NEAR = 0.6  # mm: a pixel is 0.18 mm wide


def person(pdf, **more):
    return SignOrder(pdf, "official-rsa", Role.PERSON, Level.B_B, title="Chủ tịch", **more)


def agency(pdf, number=NUMBER, **more):
    return SignOrder(pdf, "agency", Role.AGENCY, Level.B_B, document_number=number, **more)


async def act(service, pdf, *orders):
    for order in orders:
        pdf = (await service.sign(dataclasses.replace(order, pdf=pdf))).pdf
    return pdf


async def issued(service, pdf):
    return await act(service, pdf, person(b""), agency(b""))


@pytest.fixture
def with_pictures(make_service, server):
    """A service whose keys show other pictures."""

    def make(**pictures):
        keys = tuple(
            dataclasses.replace(key, **pictures.get(key.name.replace("-", "_"), {}))
            for key in server.signer_config().keys
        )
        return make_service(keys=keys)

    return make


async def test_the_hand_is_centred_between_title_and_name(service, decision_pdf):
    left, top, width, height = ink(await act(service, decision_pdf, person(b"")), BLUE)
    assert left + width / 2 == pytest.approx(NAME_MIDDLE, abs=NEAR)
    assert top > TITLE_BOTTOM
    assert top + height < NAME_TOP
    middle = (TITLE_BOTTOM + NAME_TOP) / 2
    assert top + height / 2 == pytest.approx(middle, abs=2.0)


async def test_the_seal_is_36_mm_and_covers_the_left_third_of_the_hand(service, decision_pdf):
    hand = await act(service, decision_pdf, person(b""))
    sealed = await act(service, hand, agency(b"", number=None))
    hand_left, hand_top, hand_width, hand_height = ink(hand, BLUE)
    left, top, width, height = ink(sealed, RED)
    assert (width, height) == pytest.approx((36.0, 36.0), abs=NEAR)
    assert left + width == pytest.approx(hand_left + hand_width / 3, abs=NEAR)
    assert top + height / 2 == pytest.approx(hand_top + hand_height / 2, abs=NEAR)


async def test_a_pictures_transparent_margin_changes_nothing(
    with_pictures, service, server, decision_pdf, tmp_path
):
    """The ink has the real size, wherever it lies in its file."""
    (seal,) = [key.image_path for key in server.signer_config().keys if key.name == "agency"]
    wide = Image.new("RGBA", (1500, 1300), (255, 0, 0, 0))
    with Image.open(seal) as image:
        wide.paste(image, (700, 100))
    path = tmp_path / "wide.png"
    wide.save(path)
    padded = with_pictures(agency={"image_path": str(path)})
    hand = await act(service, decision_pdf, person(b""))
    order = agency(b"", number=None)
    plain = ink(await act(service, hand, order), RED)
    assert ink(await act(padded, hand, order), RED) == pytest.approx(plain, abs=NEAR)


@pytest.mark.parametrize("size_mm", [34.0, 42.0])
async def test_a_configured_seal_keeps_its_size_also_on_a_named_place(
    with_pictures, decision_pdf, size_mm
):
    service = with_pictures(agency={"image_width_mm": size_mm, "image_height_mm": size_mm})
    placement = Placement(page=1, rect_mm=(30.0, 200.0, 20.0, 20.0))
    sealed = await act(service, decision_pdf, agency(b"", number=None, placement=placement))
    left, top, width, height = ink(sealed, RED)
    assert (width, height) == pytest.approx((size_mm, size_mm), abs=NEAR)
    assert (left + width / 2, top + height / 2) == pytest.approx((40.0, 210.0), abs=NEAR)


STORED = {
    "turned 90": {"rotate": 90},
    "turned 180": {"rotate": 180},
    "turned 270": {"rotate": 270},
    "origin elsewhere": {"origin": (100.0, 250.0)},
    "negative origin": {"origin": (-200.0, -421.0), "rotate": 90},
    "crop box": {"origin": (36.0, 20.0), "margin": 40.0},
    "crop box turned": {"origin": (-36.0, 20.0), "margin": 40.0, "rotate": 270},
    "letter": {"size": (612.0, 792.0)},
    "letter turned": {"size": (612.0, 792.0), "rotate": 180, "origin": (10.0, -10.0)},
}


@pytest.fixture(scope="session")
def upright_ink():
    return {}


@pytest.mark.parametrize("how", STORED)
async def test_however_a_page_is_stored_it_looks_the_same(service, upright_ink, how):
    """Rotation, boxes and formats: every colour's ink is where it is on a plain A4 page."""
    if not upright_ink:
        upright_ink.update(await measured(service, decision()))
    for colour, box in (await measured(service, stored(decision(), **STORED[how]))).items():
        assert box == pytest.approx(upright_ink[colour], abs=NEAR), colour


async def measured(service, pdf):
    made = await issued(service, pdf)
    # a seal over a printed name makes dark pixels of its own, more or fewer as the dots fall
    numbered = await act(service, pdf, agency(b"", placement=FAR_SEAL))
    return {
        "blue": ink(made, BLUE),
        "red": ink(made, RED),
        "dark": ink(numbered, DARK, before=pdf),
    }


FAR_SEAL = Placement(page=1, rect_mm=(20.0, 200.0, 36.0, 36.0))


async def test_number_day_and_month_are_written_on_the_line(service):
    """On the dotted places, on the words' own baseline, and nowhere else."""
    pdf = decision(number_gap=" ........ ", date_gap=" ..... ")
    signed = await act(service, pdf, agency(b"", placement=FAR_SEAL))
    left, top, width, height = ink(signed, DARK, before=pdf)
    baseline = 110 / MM
    assert top + height == pytest.approx(baseline, abs=0.5)
    assert 2.0 < height < 4.0
    assert left > 80 / MM + 8
    assert left + width < 560 / MM


async def test_without_a_printed_symbol_the_whole_code_is_written(service):
    pdf = decision(symbol="", date_gap="     ")
    signed = await act(service, pdf, agency(b"", placement=FAR_SEAL))
    x0, _, x1, _ = rects(signed)["Number1"]
    widths = {"0": 0.5, "5": 0.5, "/": 0.278, "Q": 0.722, "Đ": 0.722, "-": 0.333, "U": 0.722}
    widths |= {"B": 0.667, "N": 0.722, "D": 0.722}  # of Times New Roman
    wanted = 12 * sum(widths[letter] for letter in "05/QĐ-UBND") + 2
    assert x1 - x0 == pytest.approx(wanted, abs=0.5)


def letters(pdf):
    """(letter, font, size) of everything shown on page 1, signatures drawn in."""
    document = pypdfium2.PdfDocument(pdf)
    document.init_forms()
    document[0].flatten()
    page = document[0]
    text = page.get_textpage()
    found = []
    for item in page.get_objects(filter=[1], max_depth=6, textpage=text):
        font = item.get_font()
        found.append((item.extract(), font.get_base_name(), item.get_font_size()))
    text.close()
    page.close()
    document.close()
    return found


@pytest.mark.parametrize(
    ("role", "style", "wanted"),
    [
        (Role.COPY, "iso", ["SAO Y", "UBND phường Mẫu", "Thời gian ký: 20"]),
        (Role.COPY, "vgca", ["SAO Y", "UBND phường Mẫu", "+07:00"]),
        (Role.ANNEX, "iso", ["Số: 05/QĐ-UBND", "Thời gian ký: 20"]),
    ],
)
async def test_a_mark_is_ten_points_of_black_times_at_the_top_right(
    service, decision_pdf, role, style, wanted
):
    order = SignOrder(
        b"", "agency", role, Level.B_B, document_number=NUMBER, text_style=style,
        signer_name="UBND phường Mẫu",
    )  # fmt: skip
    made = await act(service, decision_pdf, order)
    left, top, width, height = ink(made, DARK, before=decision_pdf)
    assert left + width == pytest.approx(210 - 8 / MM, abs=1.0)
    assert top == pytest.approx(8 / MM, abs=2.0)
    assert top + height < 52 / MM  # over the letterhead
    for colour in (BLUE, RED):
        assert ink(made, colour) is None
    ours = [row for row in letters(made) if "Motcua" in row[1]]
    text = "".join(row[0] for row in ours)
    for words in wanted:
        assert words in text
    assert {size for _, _, size in ours} == {10.0}


async def test_times_are_written_as_configured(make_service, decision_pdf):
    order = SignOrder(b"", "agency", Role.COPY, Level.B_B)
    for style, middle in (("iso", "T"), ("vgca", " ")):
        made = await act(make_service(time_style=style), decision_pdf, order)
        text = "".join(row[0] for row in letters(made) if "Motcua" in row[1])
        date = r"\d{4}-\d\d-\d\d" if style == "iso" else r"\d\d\.\d\d\.\d{4}"
        assert re.search(rf"{date}{middle}\d\d:\d\d:\d\d ?\+07:00", text)


async def test_a_long_agency_name_is_broken_and_never_made_smaller(service):
    pdf = decision()
    name = "Trung tâm Phục vụ hành chính công tỉnh Ví Dụ và các vùng lân cận của nó"
    order = SignOrder(b"", "agency", Role.COPY, Level.B_B, signer_name=name)
    with pytest.raises(DocumentRefused) as refused:  # four lines do not fit over this letterhead
        await act(service, pdf, dataclasses.replace(order, signer_name=f"{name} {name} {name}"))
    assert refused.value.code == "text_under_stamp"
    made = await act(service, decision(numbered=False, names=False, head=False), order)
    assert {size for _, font, size in letters(made) if "Motcua" in font} == {10.0}
    left, _, width, _ = ink(made, DARK, before=decision(numbered=False, names=False, head=False))
    assert width <= 105.5
    assert left > 100


class StoppedClock:
    moment = SystemClock().now()

    def now(self):
        return self.moment


async def test_composed_and_decomposed_letters_make_one_picture(server):
    """In the name, in the title and in the anchor."""
    config = server.signer_config()
    keys = tuple(dataclasses.replace(key, image_path=None) for key in config.keys)
    service = SigningService(dataclasses.replace(config, keys=keys), StoppedClock())
    pictures = []
    for form in ("NFC", "NFD"):
        name, title = (unicodedata.normalize(form, text) for text in (SIGNER, "Chủ tịch"))
        order = SignOrder(
            b"", "official-rsa", Role.PERSON, Level.B_B, signer_name=name, capacity="KT.",
            title=title, placement=Placement(anchor=name),
        )  # fmt: skip
        pictures.append(shown(await act(service, decision(), order)))
    await service.close()
    assert pictures[0].tobytes() == pictures[1].tobytes()
    assert pictures[0].tobytes() != shown(decision()).tobytes()


async def test_a_decomposed_document_is_signed_in_the_same_places(service, decision_pdf):
    found = [rects(await issued(service, pdf)) for pdf in (decision_pdf, decision(nfd=True))]
    for name, rect in found[0].items():
        assert found[1][name] == pytest.approx(rect, abs=2.0), name


async def test_a_letter_that_the_font_lacks_is_named(make_service, server, decision_pdf):
    keys = tuple(dataclasses.replace(k, image_path=None) for k in server.signer_config().keys)
    with pytest.raises(DocumentRefused) as refused:
        await act(make_service(keys=keys), decision_pdf, person(b"", signer_name="Nguyễn 王"))
    assert refused.value.code == "missing_glyph"
    assert "王" in refused.value.message_vi


# ------------------------------------------------------------------ text that is there already


async def test_text_is_not_covered_unless_the_order_says_so(service, decision_pdf):
    over = Placement(page=1, rect_mm=(28.0, 60.0, 40.0, 20.0))
    with pytest.raises(DocumentRefused) as refused:
        await act(service, decision_pdf, person(b"", placement=over))
    assert refused.value.code == "text_under_stamp"
    assert "Trang 1" in refused.value.message_vi
    allowed = dataclasses.replace(over, over_text=True)
    signed = await act(service, decision_pdf, person(b"", placement=allowed))
    left, top, *_ = ink(signed, BLUE)
    assert 27.8 < left < 40
    assert 59.8 < top < 75


async def test_only_what_is_drawn_counts_not_the_place_around_it(service, decision_pdf):
    """A place that reaches over text is fine when the picture in its middle does not."""
    tall = Placement(page=1, rect_mm=(135.0, 100.0, 36.0, 40.0))  # title, name
    signed = await act(service, decision_pdf, person(b"", placement=tall))
    assert ink(signed, BLUE)[2] <= 36.5


@pytest.mark.parametrize("role", [Role.COPY, Role.ANNEX, Role.INITIAL])
async def test_on_a_page_without_room_it_is_refused(service, role):
    order = SignOrder(b"", "agency", role, Level.B_B, document_number=NUMBER)
    with pytest.raises(DocumentRefused) as refused:
        await act(service, decision(crowded=True, names=False), order)
    assert refused.value.code == "text_under_stamp"


async def test_a_second_mark_goes_beside_the_first(service, decision_pdf):
    first, second = (
        SignOrder(b"", "agency", role, Level.B_B, document_number=NUMBER)
        for role in (Role.COPY, Role.ANNEX)
    )
    found = rects(await act(service, decision_pdf, first, second))
    one, other = found["Copy1"], found["Annex1"]
    apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
    assert apart


async def test_in_a_narrow_room_the_hand_is_smaller_and_in_none_it_is_refused(service):
    narrow = decision(name_at=340)
    _, top, _, height = ink(await act(service, narrow, person(b"")), BLUE)
    assert top > 302 / MM
    assert top + height < 331 / MM
    with pytest.raises(DocumentRefused) as refused:
        await act(service, decision(name_at=318), person(b""))
    assert refused.value.code == "text_under_stamp"


async def test_the_hand_keeps_off_words_above_it_that_nobody_named(service):
    """Without a title in the order, the words over the name are found all the same."""
    order = dataclasses.replace(person(b""), title=None)
    _, top, _, _ = ink(await act(service, decision(name_at=350), order), BLUE)
    assert top > 302 / MM


async def test_a_name_drawn_in_pieces_is_found(service):
    """Word draws a line in several runs; the letters' distance is not a space."""
    signed = await act(service, decision(pieces=True), person(b""))
    left, top, width, height = ink(signed, BLUE)
    assert left + width / 2 == pytest.approx(NAME_MIDDLE, abs=4.0)
    assert top > TITLE_BOTTOM
    assert top + height < NAME_TOP


async def test_the_date_is_written_in_italics_where_the_line_is(service):
    signed = await act(service, decision(italic_date=True), agency(b"", placement=FAR_SEAL))
    assert b"MotcuaSerifVN-400i-date" in signed
    upright = await act(service, decision(), agency(b"", placement=FAR_SEAL))
    assert b"MotcuaSerifVN-400i-date" not in upright


# ------------------------------------------------------------------ pictures from operators


@pytest.mark.parametrize("size", [(30_000, 30_000), (9_000, 4_000)])
async def test_a_picture_with_too_many_pixels_is_refused(
    with_pictures, decision_pdf, tmp_path, size
):
    """A small file that would inflate to gigabytes: refused from its header."""
    path = tmp_path / "bomb.png"
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", *size, 1, 0, 0, 0, 0), b"IDAT", b"IEND")
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks
        )
    )
    service = with_pictures(agency={"image_path": str(path)})
    with pytest.raises(CredentialRefused) as refused:
        await act(service, decision_pdf, agency(b""))
    assert refused.value.code == "image_too_large"


async def test_what_is_no_png_is_refused(with_pictures, decision_pdf, tmp_path):
    path = tmp_path / "seal.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    service = with_pictures(agency={"image_path": str(path)})
    with pytest.raises(CredentialRefused) as refused:
        await act(service, decision_pdf, agency(b""))
    assert refused.value.code == "image_unreadable"


@pytest.mark.parametrize(
    ("mode", "colour", "code"),
    [
        ("RGB", (200, 0, 0), "image_opaque"),
        ("L", 90, "image_opaque"),
        ("RGBA", (200, 0, 0, 255), "image_opaque"),
        ("RGBA", (200, 0, 0, 0), "image_empty"),
    ],
)
async def test_a_picture_that_hides_the_page_or_shows_nothing_is_refused(
    with_pictures, decision_pdf, tmp_path, mode, colour, code
):
    """The law wants a transparent ground: a white box over the hand's left third would hide it."""
    path = tmp_path / "seal.png"
    Image.new(mode, (40, 40), colour).save(path)
    service = with_pictures(agency={"image_path": str(path)})
    with pytest.raises(CredentialRefused) as refused:
        await act(service, decision_pdf, agency(b""))
    assert refused.value.code == code
