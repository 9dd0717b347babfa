"""The payment pages say the right words, in every state, to any name."""

import re
import unicodedata
from html import unescape

import pytest

from gateway.frame.catalog import words
from gateway.payments.checkout import views
from gateway.payments.checkout.views import FeeLine, MoneyLine, ResultState
from tests.gateway.payments import page_samples as samples

HOSTILE = 'Nguyễn "Văn" <script>alert(1)</script> & Ẩn\' ' + "Ơ" * 300


def text_of(html):
    """What a person reads: tags away, spaces joined."""
    bare = re.sub(r"<(script|svg|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare))).strip()


def heading(html):
    return text_of(re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)[1])


def test_checkout_shows_dossier_one_of_the_samples():
    """Amount in figures and in words, the agency, the masked payer, the check code."""
    html = views.render_checkout(samples.checkout())
    text = text_of(html)
    assert heading(html) == "Nộp 21.000 đồng cho hồ sơ 000.00.12.H55-261102-0001"
    for words_shown in (
        "Chưa có khoản tiền nào bị trừ.",
        "Bằng chữ: Hai mươi mốt nghìn đồng",
        "N. V. An",
        "Mã đối chiếu: K7QX . Mã này phải trùng",
        "16:30 ngày 05/11/2026",
        "Ông/Bà sẽ chuyển sang trang của VNPAY (pay.vnpay.example). Xong sẽ tự quay lại đây.",
    ):
        assert words_shown in text
    assert "Nguyễn Văn An" not in html
    assert "checked" not in html


def test_the_money_line_stands_directly_under_the_heading():
    """Where the money is comes before everything else."""
    html = views.render_checkout(samples.checkout(money=MoneyLine(key="M0", evidence=("a", "b"))))
    assert re.search(r'</h1>\s*<p class="money info" data-evidence="a b"', html)


@pytest.mark.parametrize(
    ("money", "vi", "en"),
    [
        (MoneyLine(key="M0"), "Chưa có khoản tiền nào bị trừ.", "No money has been taken."),
        (MoneyLine(key="M1"), "Chúng tôi chưa nhận được tiền.", "We have not received any money."),
        (
            MoneyLine(key="M2"),
            "Có thể ngân hàng đã trừ tiền. Xin đừng nộp lại.",
            "Your bank may have taken the money. Do not pay again.",
        ),
        (
            MoneyLine(key="M3", amount=21000),
            "Đã nhận đủ 21.000 đồng.",
            "We have received VND 21,000 in full.",
        ),
        (
            MoneyLine(key="M4", got=15000, total=21000, rest=6000),
            "Đã nhận 15.000 đồng trên 21.000 đồng. Còn thiếu 6.000 đồng.",
            "We have received VND 15,000 of VND 21,000. VND 6,000 is still due.",
        ),
        (
            MoneyLine(key="M5", diff=1000),
            "Đã nhận nhiều hơn số phải nộp 1.000 đồng. Phần thừa sẽ được hoàn trả.",
            "You paid VND 1,000 more than required. The excess will be returned.",
        ),
        (
            MoneyLine(key="M6", amount=21000),
            "Đã gửi lệnh hoàn 21.000 đồng. Tiền chưa chắc đã về tài khoản.",
            "A refund of VND 21,000 has been sent to the bank. It may not have arrived yet.",
        ),
        (
            MoneyLine(key="M7", amount=21000, at=samples.NOW),
            "Ngân hàng đã xác nhận hoàn 21.000 đồng lúc 16:30 ngày 02/11/2026 .",
            "The bank confirmed a refund of VND 21,000 at 2 Nov 2026, 16:30 (GMT+7) .",
        ),
        (
            MoneyLine(key="M7", amount=21000),
            "Ngân hàng đã xác nhận hoàn 21.000 đồng.",
            "The bank confirmed a refund of VND 21,000.",
        ),
        (
            MoneyLine(key="M8", provider="VNPAY"),
            "VNPAY xác nhận không trừ tiền.",
            "VNPAY confirmed that no money was taken.",
        ),
    ],
    ids=lambda value: value.key if isinstance(value, MoneyLine) else "",
)
def test_every_money_line_has_its_exact_words(money, vi, en):
    """The nine sentences of the pages guide, in both languages."""
    assert vi in text_of(views.render_checkout(samples.checkout(money=money)))
    assert en in text_of(views.render_checkout(samples.checkout("en", money=money)))


def test_a_money_line_without_its_amount_is_an_error():
    """Better no page than a page with a hole where the money is."""
    with pytest.raises(KeyError):
        views.render_checkout(samples.checkout(money=MoneyLine(key="M3")))


RESULTS = {
    "confirming": ("Đang xác nhận khoản nộp", "Chúng tôi đang hỏi VNPAY. Thường mất dưới 1 phút."),
    "unknown": (
        "Chưa có kết quả từ VNPAY",
        "Hệ thống tự hỏi lại lúc 16:30 , 16:40 ; chậm nhất 17:00 ngày 02/11/2026 sẽ có kết quả.",
    ),
    "paid": (
        "Đã nộp 21.000 đồng",
        "Mã giao dịch FT26306123456789. Hồ sơ 000.00.12.H55-261102-0001 đã được báo đã nộp lúc",
    ),
    "paid_untold": (
        "Đã nộp 21.000 đồng",
        "Đang báo cho cổng dịch vụ công (lần 2). Ông/Bà không cần làm gì.",
    ),
    "paid_late": (
        "Đã nhận khoản nộp đến muộn",
        (
            "Tiền đến lúc 16:30 ngày 02/11/2026 , sau hạn 16:30 ngày 01/11/2026 . "
            "Hồ sơ được xử lý tiếp."
        ),
    ),
    "paid_late_review": (
        "Đã nhận khoản nộp đến muộn",
        "Cán bộ sẽ xem trong 1 ngày làm việc.",
    ),
    "partial": ("Còn thiếu 6.000 đồng", "Mã QR mới chỉ ghi số còn thiếu."),
    "over": (
        "Đã nhận thừa 21.000 đồng",
        "Không cần làm gì thêm. Kế toán sẽ liên hệ hoàn tiền trước 07/11/2026 .",
    ),
    "review": (
        "Khoản nộp đang được cán bộ kiểm tra",
        "Lý do: nội dung chuyển khoản bị sửa. Chậm nhất 07/11/2026 . Đừng nộp lại.",
    ),
    "expired": ("Hết hạn nộp", "Lấy mã mới"),
    "cancelled_by_payer": (
        "Ông/Bà đã dừng việc nộp",
        "Hồ sơ vẫn còn, hạn nộp 16:30 ngày 07/11/2026 .",
    ),
    "cancelled_by_agency": ("Cơ quan đã hủy yêu cầu nộp", "Lý do: hồ sơ đã rút."),
    "declined": ("VNPAY không thực hiện được giao dịch", "Tài khoản không đủ số dư."),
    "refunding": ("Đang hoàn 21.000 đồng", "Mã hoàn HP-0001; tài khoản …0446."),
    "refunded": ("Đã hoàn 21.000 đồng", "Mã hoàn HP-0001."),
}


@pytest.mark.parametrize("name", sorted(samples.results()))
def test_every_result_has_its_heading_and_words(name):
    """One row of the guide's table: heading, body, title beginning with the heading."""
    html = views.render_result(samples.results()[name])
    wanted, body = RESULTS.get(name, (None, ""))
    if wanted:
        assert heading(html) == wanted
    assert body in text_of(html)
    title = unescape(re.search(r"<title>(.*?)</title>", html, re.DOTALL)[1]).replace("\xa0", " ")
    assert title.startswith(f"{heading(html)} – {samples.CODE} – ")


def test_the_samples_cover_every_state():
    """A new state without a sample page fails here."""
    assert {view.state for view in samples.results().values()} == set(ResultState)


@pytest.mark.parametrize("name", sorted(samples.results()))
def test_a_state_in_doubt_never_invites_to_pay_again(name):
    """With M2 on the page no button leads to paying."""
    view = samples.results()[name]
    html = views.render_result(view)
    if view.money.key == "M2":
        assert f'href="{samples.PAGE}"' not in html
        assert "đừng nộp lại" in text_of(html)


def test_a_legal_receipt_replaces_the_plain_confirmation():
    """Two papers for one payment would confuse."""
    view = samples.results()["paid"]
    assert "Tải giấy xác nhận thanh toán" in views.render_result(view)
    with_receipt = samples.result(
        ResultState.PAID,
        money=view.money,
        told_at=samples.NOW,
        receipt_url="/r",
        confirmation_url="/c",
    )
    html = views.render_result(with_receipt)
    assert "Tải biên lai" in html
    assert "Tải giấy xác nhận" not in html


def test_qr_page_shows_grouped_account_and_copies_it_ungrouped():
    """People compare groups, banks want digits."""
    html = views.render_qr(samples.qr())
    assert "0011 0099 5044 6" in html
    assert 'data-copy="0011009950446"' in html
    assert 'data-copy="21000"' in html
    assert "còn khoảng 14 phút" in text_of(html)


@pytest.mark.parametrize("changes", [{"expired": True}, {"seconds_left": 0}])
def test_an_expired_qr_page_shows_neither_code_nor_account(changes):
    """Nobody can pay into a dead code from it, and late money is promised to be kept."""
    html = views.render_qr(samples.qr(**changes))
    assert "0011009950446" not in html
    assert "code-image" not in html
    assert "không chuyển lại : tiền đến muộn vẫn được ghi nhận." in text_of(html)


def test_not_yet_tells_when_it_was_checked():
    """The citizen learns that looking took place, and not to send again."""
    html = views.render_qr(samples.qr(checked_at=samples.NOW))
    assert "Chưa thấy tiền về (kiểm tra lúc 16:30 )" in text_of(html)
    assert "Không cần chuyển lại." in text_of(html)


def test_a_helper_payer_sees_no_name_and_no_whole_code():
    """Amount, agency and four digits are all a stranger learns."""
    html = views.render_checkout(samples.checkout(for_helper=True))
    assert samples.CODE not in html
    assert "N. V. An" not in html
    assert "Chứng thực bản sao từ bản chính" not in html
    assert "hồ sơ …0001" in heading(html)


def test_nothing_to_pay_offers_no_way_to_pay():
    """Exempt is a result with its legal basis, not a payment of zero."""
    html = views.render_checkout(samples.checkout(total=0, items=(), zero_basis="NQ 77/2025"))
    assert "Hồ sơ này không phải nộp phí, lệ phí (NQ 77/2025)." in text_of(html)
    assert "<form" not in html


def test_kinds_of_fees_stand_apart_in_their_order():
    """Phí, lệ phí and postage are different money by law."""
    items = tuple(reversed(samples.MANY_ITEMS))
    text = text_of(views.render_checkout(samples.checkout(items=items, total=135500)))
    places = [text.index(f" {kind} ") for kind in ("Phí", "Lệ phí", "Cước bưu điện")]
    assert places == sorted(places)
    assert "Giảm 50%: nộp trực tuyến, Nghị quyết 09/2025/NQ-HĐND" in text


def test_an_error_is_told_in_summary_at_the_field_and_in_the_title():
    """The same words twice, a prefix in the title, a link from the summary to the choice."""
    sentence = words().plain("vi", "error.method_missing")
    html = views.render_checkout(samples.checkout(problems=(sentence,)))
    assert html.count("Hãy chọn một cách nộp") == 2
    assert "<title>Lỗi: Nộp" in html
    assert 'href="#method-vietqr"' in html
    assert 'id="method-vietqr"' in html
    assert 'aria-describedby="method-error"' in html


def test_a_system_error_does_not_claim_that_no_money_was_taken():
    """By itself it says nothing of money; with an attempt under way it says M2."""
    assert "bị trừ" not in text_of(views.render_error(samples.error(money=None)))
    assert "Có thể ngân hàng đã trừ tiền." in text_of(views.render_error(samples.error()))
    closed = text_of(views.render_error(samples.error(closed_until=samples.NOW)))
    assert "Tạm dừng đến 16:30 ngày 02/11/2026" in closed
    assert "Tiền chuyển trong lúc này vẫn được ghi nhận." in closed


def test_a_handover_leads_only_to_the_web():
    """No script address can hide behind the button."""
    view = samples.handover()
    assert 'href="https://pay.vnpay.example/pay?vnp_TxnRef=1&amp;vnp_Amount=2100000"' in (
        views.render_handover(view)
    )
    bad = views.HandoverView(
        **{f: getattr(view, f) for f in view.__dataclass_fields__ if f != "url"},
        url="javascript:alert(1)",
    )
    with pytest.raises(ValueError, match="web address"):
        views.render_handover(bad)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_hostile_and_decomposed_text_stays_text(lang):
    """Markup in a name is shown, never obeyed; decomposed marks come out composed."""
    nasty = unicodedata.normalize("NFD", HOSTILE)
    item = FeeLine(name=nasty, kind="other", amount=1000, reduction=nasty, basis=nasty)
    frame = samples.frame(lang=lang, agency=nasty, province=nasty, reference=nasty)
    pages = [
        views.render_checkout(
            samples.checkout(lang, frame=frame, payer_name=nasty, items=(item,), procedure=nasty)
        ),
        views.render_qr(samples.qr(lang, frame=frame, recipient=nasty, bank=nasty, memo=nasty)),
        views.render_receipt(samples.receipt(lang, frame=frame, payer_name=nasty, items=(item,))),
        views.render_result(
            samples.result(ResultState.REVIEW, lang, frame=frame, reason=nasty, reference=nasty)
        ),
    ]
    for html in pages:
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html
        assert unicodedata.is_normalized("NFC", html)


def test_the_language_travels_with_our_links_only():
    """English stays English inside, and other hosts get their address untouched."""
    html = views.render_result(
        samples.result(ResultState.DECLINED, "en", money=MoneyLine(key="M8", provider="VNPAY"))
    )
    assert f'href="{samples.PAGE}?lang=en"' in html
    assert 'href="https://portal.example/ho-so/1"' in html
    assert '<html lang="en">' in html


def test_not_found_is_one_page_for_all_bad_links():
    """It gives no hint whether a token ever existed."""
    text = text_of(views.render_not_found(samples.frame()))
    assert "Liên kết này không còn dùng được. Mở lại từ cổng dịch vụ công." in text
