"""Every page in a real browser: quiet console, no sideways scroll, accessible, light."""

import json
from pathlib import Path

import pypdfium2
import pytest

from tests.browser.gallery import pages

pytestmark = pytest.mark.browser
NAMES = sorted(pages())
KINDS = (
    ("checkout-error", "vi", 320),
    ("checkout-many", "en", 1280),
    ("qr-not-yet", "vi", 320),
    ("qr-not-yet", "en", 1280),
    ("result-unknown", "vi", 320),
    ("result-paid", "en", 1280),
    ("receipt", "vi", 320),
    ("verify-revoked", "vi", 320),
    ("entry-error", "en", 320),
    ("tracking-failed", "vi", 320),
    ("tracking-overdue", "en", 1280),
)

STRUCTURE = """() => {
  const problems = [];
  const one = (selector) => {
    const found = document.querySelectorAll(selector).length;
    if (found !== 1) problems.push(`${found} of ${selector}`);
  };
  ["h1", "main", "header", "footer", "[role=status][aria-live=polite]"].forEach(one);
  const h1 = document.querySelector("h1").textContent.trim().replace(/\u00a0/g, " ");
  if (!document.title.replace(/^(Lỗi|Error): /, "").startsWith(h1)) problems.push("title");
  if (innerWidth < document.documentElement.scrollWidth) problems.push("scrolls sideways");
  for (const field of document.querySelectorAll("input:not([type=hidden])"))
    if (!field.labels.length) problems.push(`no label: ${field.id}`);
  let level = 0;
  for (const heading of document.querySelectorAll("h1,h2,h3")) {
    const now = Number(heading.tagName[1]);
    if (level && now > level + 1) problems.push(`skips to ${heading.tagName}`);
    level = now;
  }
  for (const target of document.querySelectorAll("a, button, summary, [type=radio]")) {
    const box = target.getBoundingClientRect();
    const inText = target.closest("p, li, .choice") && !target.matches(".button, .quiet, .plain");
    if (!box.width || inText) continue;
    if (!target.matches(".skip") && box.height < 43.5) problems.push(`small: ${target.className}`);
  }
  if (document.querySelector("[style], style, script:not([src])")) problems.push("inline");
  return problems;
}"""


@pytest.mark.parametrize(("lang", "width"), [("vi", 320), ("en", 1280)])
def test_every_state_holds_its_structure(open_page, lang, width):
    """One h1, labels, targets, no sideways scroll, nothing inline."""
    page = open_page(f"/gallery/checkout?lang={lang}", width=width)
    found = {}
    for name in NAMES:
        page.goto(page.url.split("/gallery/")[0] + f"/gallery/{name}?lang={lang}")
        problems = page.evaluate(STRUCTURE)
        if problems:
            found[name] = problems
    assert found == {}


@pytest.mark.parametrize(("name", "lang", "width"), KINDS)
def test_a_page_passes_axe(open_page, name, lang, width):
    """WCAG 2.2 AA by axe-core, where its test-only package is installed."""
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    page = open_page(f"/gallery/{name}?lang={lang}", width=width)
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text("utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = page.evaluate(f"axe.run({{runOnly: {json.dumps(tags)}}})")
    found = [(v["id"], [node["target"] for node in v["nodes"]]) for v in result["violations"]]
    assert len(result["passes"]) > 15
    assert found == []


@pytest.mark.parametrize("name", ["checkout", "qr-expired", "result-paid", "verify-valid"])
def test_a_cold_page_is_light(browser, site, name):
    """At most 60 KB and 7 requests on the wire, HTML at most 14 KB; warm at most 12 KB."""
    context = browser.new_context()
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    sizes = []
    cdp.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(f"{site}/gallery/{name}", wait_until="networkidle")
    assert len(sizes) <= 7
    assert sum(sizes) <= 60 * 1024
    sizes.clear()
    page.goto(f"{site}/gallery/{name}", wait_until="networkidle")
    assert sum(sizes) <= 12 * 1024
    context.close()


def test_text_twice_as_large_still_fits(open_page):
    """A zoom of 200 % on a 640 px window is a 320 px page with larger text spacing."""
    page = open_page("/gallery/checkout-many", width=320)
    page.evaluate("""() => { const sheet = new CSSStyleSheet();
      sheet.replaceSync("* { line-height: 1.6 !important; letter-spacing: .12em !important; \
word-spacing: .16em !important }");
      document.adoptedStyleSheets = [sheet]; }""")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_only_our_own_host_is_ever_asked(browser, site):
    """Anything from elsewhere would be a leak, and makes every other address a fake."""
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("checkout", "qr", "verify-valid"):
        page.goto(f"{site}/gallery/{name}")
    assert {url for url in asked if not url.startswith(site + "/")} == set()
    context.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("verify-valid", "Địa chỉ kiểm tra: https://mot-cua.example/v/7F3K9QXM2HTD"),
        ("receipt", "Bằng chữ: Hai mươi mốt nghìn đồng"),
    ],
)
def test_a_paper_is_one_sheet_and_says_what_matters(open_page, name, said):
    """The check slip names its address, the confirmation its amount in words; no buttons."""
    page = open_page(f"/gallery/{name}")
    document = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    try:
        text = " ".join(document[0].get_textpage().get_text_range().split())
        assert len(document) == 1
    finally:
        document.close()
    assert said in text
    assert "Sao chép" not in text
    assert "English" not in text


LINES_OF_CODES = """() => [...document.querySelectorAll(".copyable .value")].map((code) => {
  const text = document.createRange();
  text.selectNodeContents(code);
  return [code.textContent, new Set([...text.getClientRects()].map((box) => box.top)).size];
})"""


def test_a_code_to_copy_stands_on_one_line(open_page):
    """A letter alone on the next line is easily forgotten by whoever copies by hand."""
    page = open_page("/gallery/qr", width=320)
    lines = page.evaluate(LINES_OF_CODES)
    assert len(lines) == 3
    assert [text for text, count in lines if count != 1] == []
