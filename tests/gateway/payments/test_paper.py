"""QR pictures and the payment confirmation: readable by machines and by people."""

import io
import re
import unicodedata

import pypdfium2
import segno
from PIL import Image

from gateway.payments.checkout.confirmation import (
    Confirmation,
    ConfirmedItem,
    render_confirmation_pdf,
)
from gateway.payments.checkout.qr_image import QUIET_ZONE, QrPicture, qr_png, qr_svg
from tests.gateway.payments.page_samples import NOW, PAYLOAD


def matrix_of(payload):
    return [[bool(cell) for cell in row] for row in segno.make_qr(payload, error="M").matrix]


def modules_of_svg(svg):
    """Follow the path's strokes back into modules."""
    side = int(re.search(r'viewBox="0 0 (\d+)', svg)[1])
    grid = [[False] * side for _ in range(side)]
    path = re.search(r'stroke="#000" d="([^"]+)"', svg)[1]
    x = y = 0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: ([\d.]+))?", path):
        if command == "M":
            x, y = int(first), int(float(second))
        elif command == "m":
            x += int(first)
        else:
            for column in range(x, x + int(first)):
                grid[y][column] = True
            x += int(first)
    return grid


def bordered(matrix):
    side = len(matrix) + 2 * QUIET_ZONE
    empty = [[False] * side for _ in range(QUIET_ZONE)]
    gap = [False] * QUIET_ZONE
    return [*empty, *([*gap, *row, *gap] for row in matrix), *empty]


def test_the_drawn_code_is_the_payload_s_code_at_level_m():
    """Every module, with four modules of quiet zone around."""
    svg = str(qr_svg(PAYLOAD))
    assert modules_of_svg(svg) == bordered(matrix_of(PAYLOAD))
    assert len(svg) < 4096


def picture(**changes):
    values = {
        "payload": PAYLOAD,
        "agency": "UBND phường A",
        "amount": 21000,
        "memo": "MC2611020001K7QX2W",
        "expires_at": NOW,
    }
    return QrPicture(**{**values, **changes})


def test_the_saved_picture_holds_the_same_code():
    """Sampling the middle of every module gives the matrix back."""
    image = Image.open(io.BytesIO(qr_png(picture()))).convert("L")
    wanted = bordered(matrix_of(PAYLOAD))
    side = len(wanted)
    scale = 640 // side
    left = (image.width - side * scale) // 2
    seen = [
        [
            image.getpixel((left + x * scale + scale // 2, y * scale + scale // 2)) < 128
            for x in range(side)
        ]
        for y in range(side)
    ]
    assert seen == wanted


def test_the_saved_picture_prints_words_below_the_code():
    """A longer agency name makes a taller picture, so nothing is cut off."""
    short = Image.open(io.BytesIO(qr_png(picture())))
    long = Image.open(io.BytesIO(qr_png(picture(agency="Ủy ban nhân dân xã " * 12 + "Ơ" * 90))))
    assert long.height > short.height
    assert long.width == short.width
    ink = long.convert("L").crop((0, long.height - 100, long.width, long.height)).getextrema()
    assert ink[0] < 128


def confirmation(**changes):
    values = {
        "number": "XN-2026-000001",
        "agency": "UBND phường A",
        "province": "tỉnh Thái Nguyên",
        "code": "000.00.12.H55-261102-0001",
        "procedure": "Chứng thực bản sao từ bản chính (5 trang, 3 bản)",
        "payer_name": "Nguyễn Văn An",
        "items": (ConfirmedItem(name="Phí chứng thực bản sao", amount=21000),),
        "total": 21000,
        "method": "VietQR",
        "reference": "FT26306123456789",
        "paid_at": NOW,
        "made_at": NOW,
    }
    return Confirmation(**{**values, **changes})


def pdf_text(data):
    document = pypdfium2.PdfDocument(data)
    try:
        pages = [
            document[number].get_textpage().get_text_range() for number in range(len(document))
        ]
    finally:
        document.close()
    return re.sub(r"\s+", " ", " ".join(pages))


def test_the_confirmation_says_what_it_is_and_what_it_is_not():
    """Amount in figures and words, and no pretence of being the legal receipt."""
    text = pdf_text(render_confirmation_pdf(confirmation()))
    for said in (
        "GIẤY XÁC NHẬN THANH TOÁN",
        "Giấy này không phải là biên lai thu phí, lệ phí",
        "21.000 đồng",
        "Hai mươi mốt nghìn đồng",
        "16:30 ngày 02/11/2026",
        "Nguyễn Văn An",
        "000.00.12.H55-261102-0001",
    ):
        assert said in text
    assert "GIẢ LẬP" not in text


def test_a_simulated_confirmation_says_so():
    """No test paper can be taken for a real one."""
    assert "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in pdf_text(
        render_confirmation_pdf(confirmation(simulated=True))
    )


def test_the_same_confirmation_is_the_same_bytes():
    """Hashes of papers can be compared."""
    assert render_confirmation_pdf(confirmation()) == render_confirmation_pdf(confirmation())


def test_a_hostile_name_is_printed_as_it_is():
    """Markup, decomposed marks and endless words neither break nor vanish."""
    name = unicodedata.normalize("NFD", "Nguyễn <b>&amp; Ẩn </para>") + "Ơ" * 400
    text = pdf_text(render_confirmation_pdf(confirmation(payer_name=name)))
    assert "Nguyễn <b>&amp; Ẩn </para>" in text
