"""Label and consignment note: what is on them, that it can be scanned, that nothing overflows."""

import unicodedata
from dataclasses import replace
from datetime import date, datetime

import pypdfium2
import pytest
import segno
from reportlab.graphics.barcode import code128 as reference

from connectors.conformance import Outcome
from connectors.conformance.postal import Rules, suite
from gateway.shipments import code128
from gateway.shipments.consignment_note import (
    ConsignmentNote,
    ContentLine,
    render_consignment_note,
)
from gateway.shipments.label import Label, PostalParty, render_label, spaced_item_code
from gateway.shipments.statuses import ShipmentKind
from tests.gateway.shipments.stories import LAW, VECTORS

MM = 72 / 25.4
URL = "https://motcua.example/t/k3JxV0Qe2bWm9d7LrT5yHs"
AGENCY = PostalParty(
    name="Trung tâm Phục vụ hành chính công tỉnh Gia Lai",
    phone="0269 000 0000",
    address="69 Hùng Vương, phường Pleiku, tỉnh Gia Lai",
    email="mot-cua@gialai.example",
)
CITIZEN = PostalParty(
    name="Nguyễn Thị Hồng Nhung",
    phone="0912 345 678",
    address="Số 12, ngõ 5, đường Nguyễn Tất Thành, phường Quy Nhơn, tỉnh Gia Lai",
)
LONG = PostalParty(
    name="Công ty trách nhiệm hữu hạn một thành viên Đầu tư <Đất Việt> & Cộng sự " * 3,
    phone="+84 912 345 678 máy lẻ 12",
    address="Tầng 12, Tòa nhà Hỗn hợp Thương mại, đường Nguyễn Thị Minh Khai nối dài, " * 6,
)


def make_label(**changes):
    values = {
        "kind": ShipmentKind.RESULT_DELIVERY,
        "carrier": "VNPost HCC",
        "order_number": "000.00.05.H21-261105-0010-1",
        "dossier": "000.00.05.H21-261105-0010",
        "item_code": "EA123456785VN",
        "sender": AGENCY,
        "recipient": CITIZEN,
        "weight_g": 1250,
        "collect_vnd": 35_000,
        "postage_payer": "applicant",
        "tracking_url": URL,
        "due_on": date(2026, 11, 25),
    }
    return Label(**{**values, **changes})


def make_note(**changes):
    values = {
        "number": "PG-2026-000123",
        "kind": ShipmentKind.RESULT_DELIVERY,
        "agency": AGENCY.name,
        "carrier": "VNPost HCC",
        "order_number": "000.00.05.H21-261105-0010-1",
        "dossier": "000.00.05.H21-261105-0010",
        "procedure": "Cấp giấy phép xây dựng nhà ở riêng lẻ tại đô thị",
        "item_code": "EA123456785VN",
        "sender": AGENCY,
        "recipient": CITIZEN,
        "contents": (
            ContentLine(title="Giấy phép xây dựng", form="original"),
            ContentLine(title="Bản vẽ thiết kế", form="copy", quantity=2, note="2 tập"),
        ),
        "withdraw": ("Giấy hẹn trả kết quả",),
        "proxy": "Trần Văn Bình",
        "weight_g": 350,
        "collect_vnd": 35_000,
        "postage_payer": "applicant",
        "postage_vnd": 26_000,
        "tracking_url": URL,
        "accepted_on": date(2026, 11, 23),
        "due_on": date(2026, 11, 25),
        "texts": LAW.texts_on(date(2026, 11, 23)),
        "made_at": datetime.fromisoformat("2026-11-23T08:30:00+07:00"),
    }
    return ConsignmentNote(**{**values, **changes})


def read_pages(pdf):
    """The text of every page, words separated by single spaces."""
    with pypdfium2.PdfDocument(pdf) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    return [" ".join(unicodedata.normalize("NFC", text).split()) for text in texts]


def picture_of(pdf, dots_per_mm=16):
    with pypdfium2.PdfDocument(pdf) as document:
        return document[0].render(scale=dots_per_mm / MM).to_pil().convert("L")


def scan(picture, y_mm, left_mm, right_mm, dots_per_mm=16):
    """Read a Code 128 B bar code along one line of a picture, as a laser would."""
    y = round(y_mm * dots_per_mm)
    line = [
        picture.getpixel((x, y)) < 128
        for x in range(round(left_mm * dots_per_mm), round(right_mm * dots_per_mm))
    ]
    runs = [[line[0], 0]]
    for dark in line:
        if dark is not runs[-1][0]:
            runs.append([dark, 0])
        runs[-1][1] += 1
    assert not runs[0][0]
    assert not runs[-1][0]
    widths = [length for _, length in runs[1:-1]]
    module = sum(widths) / code128_modules(len(widths))
    assert min(runs[0][1], runs[-1][1]) >= 9.5 * module
    patterns = {
        "".join(str(" abcd".index(char.lower())) for char in pattern): value
        for value, pattern in reference._patterns.items()
    }
    digits = "".join(str(round(width / module)) for width in widths)
    cells = [digits[n : n + 6] for n in range(0, len(digits) - 7, 6)] + [digits[-7:]]
    values = [patterns[cell] for cell in cells]
    weighted = values[0] + sum(n * value for n, value in enumerate(values[:-2]))
    assert values[-2] == weighted % 103
    return "".join(chr(value + 32) for value in values[1:-2])


def code128_modules(bars_and_spaces):
    """How many modules so many bars and spaces are: 6 a symbol of 11, the stop has 7 and 13."""
    return 11 * ((bars_and_spaces - 7) // 6) + 13


# ------------------------------------------------------------------ bar codes


@pytest.mark.parametrize(
    "result",
    [r for r in suite(Rules(code128=code128.symbols)).run(VECTORS) if "code128" in r.id],
    ids=lambda result: result.id,
)
def test_every_published_bar_code_has_its_symbols(result):
    """Values, check symbol and modules."""
    assert result.outcome is Outcome.PASSED, result.detail


def test_the_bars_are_the_standards():
    """Width for width the same as an independent table, and the sum of a published number."""
    for value, pattern in reference._patterns.items():
        dark = [" ABCD".index(char) for char in pattern if char.isupper()]
        assert [width for _, width in code128.bars([value])] == dark
    values = code128.symbols("EM763972505VN")
    assert code128.module_count(values) == 178


@pytest.mark.parametrize("text", ["", "Hồ sơ", "a\nb", "\x7f"])
def test_what_the_code_cannot_carry_is_refused(text):
    """Nothing is left out or replaced in silence."""
    with pytest.raises(ValueError, match="ASCII"):
        code128.symbols(text)


@pytest.mark.parametrize(
    ("item_code", "printed"),
    [("EA123456785VN", "EA123456785VN"), (None, "000.00.05.H21-261105-0010-1")],
)
def test_the_bar_codes_of_both_papers_can_be_scanned(item_code, printed):
    """From the picture of the page, with its quiet zones."""
    label = picture_of(render_label(make_label(item_code=item_code)))
    note = picture_of(render_consignment_note(make_note(item_code=item_code)))
    assert scan(label, 26, 1, 104) == printed
    assert scan(note, 15, 103, 173) == printed


def test_the_qr_code_is_the_tracking_address():
    """Module for module."""
    picture = picture_of(render_label(make_label()))
    rows = segno.make_qr(URL, error="M", boost_error=False).matrix
    side = 27 / (len(rows) + 8)
    left, top = 105 - 5 - 27 + 2.5 + 4 * side, 66.5 + 4 * side
    seen = [
        [
            picture.getpixel(
                (round((left + (x + 0.5) * side) * 16), round((top + (y + 0.5) * side) * 16))
            )
            < 128
            for x in range(len(rows))
        ]
        for y in range(len(rows))
    ]
    assert seen == [[bool(dark) for dark in row] for row in rows]


# ------------------------------------------------------------------ the label


def test_the_label_says_what_a_postman_needs():
    """Both parties, number, money, weight, limit; one page of A6."""
    pdf = render_label(make_label())
    (text,) = read_pages(pdf)
    for said in (
        *("Trả kết quả", "VNPost HCC", "EA 123 456 785 VN", AGENCY.name, AGENCY.address),
        *(CITIZEN.name, CITIZEN.phone, "phường Quy Nhơn", "35.000", "1.250 g"),
        *("Người dân trả", "25/11/2026", "000.00.05.H21-261105-0010"),
    ):
        assert said in text
    with pypdfium2.PdfDocument(pdf) as document:
        assert [round(side / MM) for side in document[0].get_size()] == [105, 148]


def test_the_label_says_when_there_is_nothing_to_collect():
    """And asks for the post's number where none is known."""
    (text,) = read_pages(render_label(make_label(collect_vnd=0, item_code=None, due_on=None)))
    assert "Không thu tiền" in text
    assert "bưu cục dán mã bưu gửi" in text


def test_item_codes_are_spaced_as_they_are_read_aloud():
    """Only numbers of the standard's shape."""
    assert spaced_item_code("EA123456785VN") == "EA 123 456 785 VN"
    assert spaced_item_code("1684063821201") == "1684063821201"
    assert spaced_item_code("PG-1") == "PG-1"


# ------------------------------------------------------------------ the consignment note


def test_the_note_has_everything_the_law_asks_for():
    """TT 17/2017 Điều 9 khoản 2: points a to k."""
    (text,) = read_pages(render_consignment_note(make_note()))
    for said in (
        *("PHIẾU GỬI HỒ SƠ", "PG-2026-000123", "EA 123 456 785 VN"),
        *(AGENCY.name, AGENCY.address, AGENCY.phone, AGENCY.email),
        *(CITIZEN.name, CITIZEN.phone, "Trần Văn Bình"),
        *("23/11/2026", "25/11/2026", "Phát tận tay", "Nơi nhận gửi"),
        *("26.000 đồng – người dân trả", "35.000 đồng", "Ba mươi lăm nghìn đồng"),
        *("Chất lượng dịch vụ", "Quyền và nghĩa vụ", "Trách nhiệm và bồi thường"),
        *("TT 17/2017/TT-BTTTT", "QĐ 45/2016/QĐ-TTg, Điều 14"),
        *("Cấp giấy phép xây dựng", "Giấy phép xây dựng Bản chính 1", "Bản sao 2 2 tập"),
        *("số bản chính: 1", "Giấy hẹn trả kết quả", "Giấy ủy quyền", "Đã thu đủ"),
        *("Đại diện cơ quan", "Nhân viên bưu chính", "Lập lúc 08:30 ngày 23/11/2026"),
    ):
        assert said.replace("\u00a0", " ") in text.replace("\u00a0", " "), said


def test_a_note_for_a_dossier_is_signed_by_the_other_side():
    """The citizen hands over, the agency takes in; nothing is shown or paid at the counter."""
    pages = read_pages(
        render_consignment_note(
            make_note(kind=ShipmentKind.DOSSIER_COLLECTION, collect_vnd=0, withdraw=(), proxy="")
        )
    )
    text = pages[0]
    assert "Nhận gửi hồ sơ giải quyết thủ tục hành chính" in text
    assert "Người tiếp nhận hồ sơ" in text
    for absent in ("Đã xuất trình", "Đã thu đủ", "thu hồi khi phát", "ủy quyền nhận"):
        assert absent not in text


def test_a_long_list_goes_on_with_its_head_and_numbered_pages():
    """Every paper is on the note, once."""
    contents = tuple(
        ContentLine(title=f"Giấy tờ thứ {n} có tên dài để xuống dòng trong bảng", form="copy")
        for n in range(1, 81)
    )
    pages = read_pages(render_consignment_note(make_note(contents=contents)))
    whole = " ".join(pages)
    assert len(pages) >= 3
    for number, text in enumerate(pages, 1):
        assert f"Trang {number}/{len(pages)}" in text
    for n in range(1, 81):
        assert whole.count(f"Giấy tờ thứ {n} ") == 1
    assert "Tên giấy tờ, tài liệu" in pages[1]
    assert "Cộng 80 loại; số bản chính: 0" in whole


# ------------------------------------------------------------------ both


def render_both(**changes):
    yield render_label(make_label(**changes))
    yield render_consignment_note(make_note(**changes))


def test_the_same_values_give_the_same_bytes():
    """No clock, no chance."""
    assert list(render_both()) == list(render_both())


def test_nothing_is_printed_outside_the_page():
    """Names and addresses far too long shrink, wrap, and at last end in an ellipsis."""
    for pdf in render_both(sender=LONG, recipient=LONG):
        with pypdfium2.PdfDocument(pdf) as document:
            for page in document:
                width, _ = page.get_size()
                text = page.get_textpage()
                boxes = [text.get_charbox(n) for n in range(text.count_chars())]
                visible = [box for box in boxes if box[2] > box[0]]
                assert min(left for left, _, _, _ in visible) >= 4.5 * MM
                assert max(right for _, _, right, _ in visible) <= width - 4 * MM
                assert min(bottom for _, bottom, _, _ in visible) >= 2 * MM


def test_a_name_is_printed_as_it_is_written():
    """Decomposed characters are composed, markup is text, line breaks are spaces."""
    party = replace(CITIZEN, name=unicodedata.normalize("NFD", "Đỗ Thị Mỹ <b>Hạnh</b>\n& con"))
    for pdf in render_both(recipient=party):
        assert "Đỗ Thị Mỹ <b>Hạnh</b> & con" in read_pages(pdf)[0]


def test_every_page_of_a_simulation_says_so():
    """On paper too."""
    long = tuple(ContentLine(title=f"Giấy tờ {n}", form="copy") for n in range(60))
    assert "MÔ PHỎNG" in read_pages(render_label(make_label(simulated=True)))[0]
    pages = read_pages(render_consignment_note(make_note(simulated=True, contents=long)))
    assert len(pages) > 1
    assert all("MÔ PHỎNG" in text for text in pages)
    assert all("MÔ PHỎNG" not in read_pages(pdf)[0] for pdf in render_both())
