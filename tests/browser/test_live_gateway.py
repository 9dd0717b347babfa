"""A citizen with a real browser at a real gateway, from the portal's link to the last page."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from PIL import Image

from tests.browser.living_gateway import PARTY, LivingGateway

pytestmark = pytest.mark.browser
AMOUNT = "21.000\u00a0đồng"


@pytest.fixture(scope="module")
def town(browser, tmp_path_factory):
    """A gateway and its world; asked for only when there is a browser."""
    del browser
    with LivingGateway(tmp_path_factory.mktemp("town")) as living:
        yield living


@pytest.fixture
def open_tab(browser, town):
    """Open a tab; anything our own pages say on its console fails the test."""
    contexts, complaints = [], []

    def opening(path="", *, width=360, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 740}, accept_downloads=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)

        def heard(message):
            ours = str(message.location.get("url", "")).startswith(town.base)
            expected = "status of 404" in message.text and "khong-co" in page.url
            if ours and not expected:
                complaints.append(f"{page.url}: {message.text}")

        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        if path:
            page.goto(town.base + path if path.startswith("/") else path)
        return page

    yield opening
    for context in contexts:
        context.close()
    assert complaints == []


def heading(page):
    return page.locator("h1").inner_text().replace("\n", " ")


def money(page):
    return page.locator("[data-money]").get_attribute("data-money")


def payload_of(town, page, payment):
    """What the QR code on the page says."""
    attempt = town.ask(page, f"/v1/payments/{payment['id']}")["attempts"][-1]
    return attempt["action"]["qr_payload"]


def pay_at_the_bank(tab, town, payload):
    """Scan and confirm in the simulated banking app."""
    tab.goto(f"{town.simulators}/bank/")
    tab.fill("#payload", payload)
    tab.get_by_role("button", name="Read").click()
    tab.get_by_role("button", name="Transfer").click()
    assert "Transferred" in tab.inner_text("h1")


def text_of(pdf):
    document = pypdfium2.PdfDocument(pdf)
    try:
        return " ".join(document[0].get_textpage().get_text_range().split())
    finally:
        document.close()


def choose(page, method):
    """Choose a way to pay on the checkout page."""
    page.locator("label", has_text=method).click()
    page.locator("form button[type=submit]").click()


def test_a_transfer_is_paid_and_the_page_says_so_by_itself(open_tab, town):
    """Checkout, VietQR, the bank, the result without a click, the confirmation as a PDF."""
    page = open_tab()
    payment = town.payment(page)
    page.goto(payment["checkout_url"])
    assert (AMOUNT in heading(page), money(page)) == (True, "M0")
    choose(page, "VietQR")
    page.wait_for_url("**/qr")
    assert money(page) == "M1"
    picture = page.request.get(page.url + ".png").body()
    assert Image.open(io.BytesIO(picture)).size > (200, 200)
    pay_at_the_bank(open_tab(), town, payload_of(town, page, payment))
    page.wait_for_url("**/result")
    assert (heading(page), money(page)) == (f"Đã nộp {AMOUNT}", "M3")
    page.get_by_role("link", name="giấy xác nhận").click()
    page.wait_for_url("**/receipt")
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    assert download.value.suggested_filename.startswith("giay-xac-nhan-")
    said = text_of(download.value.path())
    assert "Hai mươi mốt nghìn đồng" in said
    page.go_back()
    assert page.locator("h1").count() == 1


def test_vnpay_is_paid_on_its_own_page_and_leads_back(open_tab, town):
    """Checkout, our page before VNPAY's, VNPAY, and back at the result."""
    page = open_tab(width=1280)
    payment = town.payment(page)
    page.goto(payment["checkout_url"])
    choose(page, "VNPAY")
    page.wait_for_url("**/handover")
    assert "VNPAY" in heading(page)
    page.locator("a.button").click()
    page.wait_for_url("**/vpcpay.html**")
    page.get_by_role("button", name="Pay", exact=False).first.click()
    page.wait_for_url("**/result")
    page.wait_for_selector("[data-money=M3]")
    assert heading(page) == f"Đã nộp {AMOUNT}"
    assert town.ask(page, f"/v1/payments/{payment['id']}")["status"] == "paid"


@pytest.mark.parametrize("method", ["VietQR", "VNPAY"])
def test_everything_is_paid_without_javascript(open_tab, town, method):
    """Links and forms are enough."""
    page = open_tab(java_script_enabled=False)
    payment = town.payment(page)
    page.goto(payment["checkout_url"] + "?lang=en")
    choose(page, method)
    if method == "VietQR":
        pay_at_the_bank(open_tab(), town, payload_of(town, page, payment))
        town.until(page, f"/v1/payments/{payment['id']}", status="paid")
        page.get_by_role("button", name="I have paid").click()
    else:
        page.locator("a.button").click()
        page.get_by_role("button", name="Pay", exact=False).first.click()
        town.until(page, f"/v1/payments/{payment['id']}", status="paid")
        page.reload()
    assert page.url.partition("?")[0].endswith("/result")
    assert money(page) == "M3"


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_certified_copy_is_told_from_a_changed_one(open_tab, town, script):
    """The hash is compared here when there is a script, else the file is sent; same verdicts."""
    page = open_tab(java_script_enabled=script)
    issued, pdf = town.certified_copy(page)
    changed = pdf.replace(b"/Type", b"/Tipe", 1)
    assert changed != pdf
    page.goto(issued["verification_url"])
    assert page.locator("[data-verdict=valid]").count() == 1, heading(page)
    for content, verdict in ((pdf, "ok"), (changed, "changed")):
        file = {"name": "x.pdf", "mimeType": "application/pdf", "buffer": content}
        page.set_input_files("input[type=file]", file)
        if script and verdict == "changed":
            page.wait_for_selector("[data-file-note=differs]:visible")
        if not script or verdict == "changed":
            page.locator("main form button").click()
        page.wait_for_selector(f"[data-file-note={verdict}]:visible")
        if not script:
            assert page.locator("[data-file-note]:visible").count() == 1


def test_a_parcel_is_followed_by_its_link(open_tab, town):
    """The link that the label carries, before and after the post has moved the parcel."""
    page = open_tab()
    shipment = town.parcel(page)
    page.goto(town.tracking_link(shipment))
    assert heading(page).endswith("Đã tạo vận đơn")
    town.world.vnpost.parcels.advance(shipment["client_ref"], "out_for_delivery")
    town.until(page, f"/v1/shipments/{shipment['id']}", movement="out_for_delivery")
    page.reload()
    assert heading(page).endswith("Bưu tá đang đi phát")
    assert page.locator(".timeline li[aria-current=step]").count() == 1
    page.get_by_role("link", name="English").click()
    assert heading(page).endswith("Out for delivery")
    said = page.content()
    assert not any(text in said for text in (PARTY["name"], PARTY["phone"], "Số 5 ngõ 7"))


def test_an_address_that_leads_nowhere_is_a_page(open_tab, town):
    """With the incident code, in both languages, and nothing for the browser to complain about."""
    page = open_tab("/khong-co")
    assert heading(page) == "Không tìm thấy trang này"
    page.get_by_role("link", name="English").click()
    assert heading(page) == "We cannot find this page"
    for path in ("/pay/khong-co", "/t/khong-co", "/v/khong-co"):
        assert page.goto(town.base + path).status == 404
        assert page.locator("h1").count() == 1
