"""What JavaScript adds, and that nothing needs it."""

import hashlib

import pytest

from tests.gateway.certification import page_samples as copies

pytestmark = pytest.mark.browser


def test_checkout_works_without_javascript(open_page):
    """Choose, see where one is going, send: plain HTML."""
    page = open_page("/gallery/checkout", java_script_enabled=False)
    assert page.locator("[data-copy]:visible").count() == 0
    away = page.locator("#method-vnpay-away")
    assert not away.is_visible()
    page.locator(".choice", has_text="VNPAY").click()
    assert page.locator("#method-vnpay").is_checked()
    assert away.is_visible()
    assert page.get_by_role("button", name="Tiếp tục").is_visible()


def test_qr_page_works_without_javascript(open_page):
    """It does not claim to update itself, and the check button sends a form."""
    page = open_page("/live", java_script_enabled=False)
    assert "Bấm nút bên dưới" in page.locator("noscript p").inner_text()
    assert page.locator("noscript p").is_visible()
    assert not page.get_by_text("Trang tự cập nhật").is_visible()
    page.get_by_role("button", name="Tôi đã chuyển tiền").click()
    assert page.url.endswith("/live")


def test_the_button_names_the_chosen_way(open_page):
    """Verb and object: what pressing will do."""
    page = open_page("/gallery/checkout")
    page.locator(".choice", has_text="VietQR").click()
    button = page.locator("button[type=submit]")
    assert button.text_content() == "Tiếp tục với VietQR (ứng dụng ngân hàng)"


def test_copying_takes_the_bare_digits_and_says_so(open_page):
    """Shown in groups, copied without spaces, announced to screen readers."""
    page = open_page("/gallery/qr-not-yet", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Sao chép số tài khoản").click()
    page.locator("#announce:not(:empty)").wait_for(state="attached")
    assert page.locator("#announce").text_content() == "Đã sao chép số tài khoản"
    assert page.evaluate("navigator.clipboard.readText()") == "0011009950446"


def test_a_refused_copy_selects_the_text(open_page):
    """No clipboard: the words are marked and the person is told."""
    page = open_page("/gallery/qr-not-yet")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')); }")
    page.get_by_role("button", name="Sao chép nội dung").click()
    page.locator("#announce:not(:empty)").wait_for(state="attached")
    assert "hãy sao chép bằng tay" in page.locator("#announce").text_content()
    assert page.evaluate("getSelection().toString()") == "MC2611020001K7QX2W"


def test_live_status_leads_to_the_result(open_page):
    """An event with a next page replaces the QR page, leaving no way back to the code."""
    page = open_page("/live")
    page.wait_for_url("**/gallery/result-paid")
    assert page.get_by_role("heading", level=1).text_content().strip() == "Đã nộp 21.000\xa0đồng"


def test_minutes_left_count_down_in_words(open_page):
    """Whole minutes, from the server's count."""
    page = open_page("/gallery/qr-not-yet")
    page.clock.install()
    page.reload()
    assert "còn khoảng 14 phút" in page.locator("[data-seconds-left]").text_content()
    page.clock.run_for(4 * 60_000)
    assert "còn khoảng 10 phút" in page.locator("[data-seconds-left]").text_content()
    page.clock.run_for(5 * 60_000)
    assert page.locator("#announce").text_content() == "Mã QR còn dùng được khoảng 5 phút."


@pytest.mark.parametrize(("body", "shown"), [(b"foo", "ok"), (b"changed", "differs")])
def test_a_local_file_is_hashed_in_the_browser(open_page, body, shown):
    """A known hash is confirmed on the spot; another one is offered for upload, not condemned."""
    assert hashlib.sha256(b"foo").hexdigest() == copies.FIRST_HASH
    page = open_page("/gallery/verify-valid")
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    file = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": body}
    page.locator("#file").set_input_files(file)
    page.locator(f'[data-file-note="{shown}"]').wait_for(state="visible")
    assert page.locator("[data-file-note]:visible").count() == 1
    assert page.locator("form [type=submit]").is_visible() is (shown == "differs")
    assert "POST" not in sent


def test_the_error_summary_has_the_focus_and_its_link_reaches_the_field(open_page):
    """Keyboard and screen reader start at what is wrong, even without a script."""
    page = open_page("/gallery/checkout-error", java_script_enabled=False)
    assert page.locator(".problems").evaluate("node => node === document.activeElement")
    page.locator(".problems a").click()
    assert page.locator("#method-vietqr").evaluate("node => node === document.activeElement")


def test_the_skip_link_comes_first_and_is_seen(open_page):
    """One Tab, Enter, and the keyboard is in the content."""
    page = open_page("/gallery/checkout")
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("node => node === document.activeElement")
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_focus_is_visible_on_dark_and_light(open_page):
    """The double ring: dark outline and yellow around it."""
    page = open_page("/gallery/checkout")
    page.locator(".lang").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    style = page.locator(".lang").evaluate(
        "node => [getComputedStyle(node).outlineStyle, getComputedStyle(node).boxShadow]"
    )
    assert style[0] == "solid"
    assert "255, 200, 61" in style[1]
