"""Static files: hashed names, long caching, compression, and nothing from other hosts."""

import gzip
import hashlib
import re
from pathlib import Path

from aiohttp import web

from gateway.frame.assets import add_asset_routes, asset_url, assets

FONTS = Path(__file__).resolve().parents[3] / "config" / "fonts"


async def client_of(aiohttp_client):
    app = web.Application()
    add_asset_routes(app)
    return await aiohttp_client(app, auto_decompress=False)


async def test_a_file_is_served_for_a_year_under_its_hash(aiohttp_client):
    """The name changes with the content, so browsers never ask again."""
    client = await client_of(aiohttp_client)
    answer = await client.get(asset_url("motcua.js"), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    body = gzip.decompress(await answer.read())
    assert hashlib.sha256(body).hexdigest()[:12] in asset_url("motcua.js")


async def test_a_browser_without_gzip_gets_plain_bytes(aiohttp_client):
    """Compression is offered, never forced."""
    client = await client_of(aiohttp_client)
    answer = await client.get(asset_url("motcua.css"), headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert await answer.read() == assets()["motcua.css"].body


async def test_other_names_are_not_found_and_not_kept(aiohttp_client):
    """Neither an old hash nor a path outside the folder is answered."""
    client = await client_of(aiohttp_client)
    for path in ("/assets/motcua.000000000000.js", "/assets/motcua.js", "/assets/..%2f__init__.py"):
        answer = await client.get(path)
        assert answer.status == 404, path


def test_the_style_sheet_names_its_fonts_by_hash():
    """A font in the style sheet is the very file we serve."""
    css = assets()["motcua.css"].body.decode()
    assert re.findall(r'url\("([^"]+)"\)', css) == [
        asset_url("NotoSansVN-400.woff2"),
        asset_url("NotoSansVN-700.woff2"),
    ]


def test_fonts_are_the_ones_of_the_configuration_folder():
    """The copies for the web never drift from the licensed originals."""
    for name in ("NotoSansVN-400.woff2", "NotoSansVN-700.woff2", "OFL-1.1.txt"):
        assert assets()[name].body == (FONTS / name).read_bytes()


def test_budgets_hold():
    """CSS at most 8 KB and JavaScript at most 4 KB compressed (pages guide §7)."""
    assert len(assets()["motcua.css"].packed) <= 8 * 1024
    assert len(assets()["motcua.js"].packed) <= 4 * 1024


def test_no_line_is_too_tight_for_stacked_vietnamese_marks():
    """No line-height below 1.35, no capitals and no spacing made by the style sheet."""
    css = assets()["motcua.css"].body.decode()
    heights = re.findall(r"line-height: ([\d.]+)", css) + re.findall(
        r"font: [\d.]+rem/([\d.]+)", css
    )
    assert len(heights) > 8
    assert min(map(float, heights)) >= 1.35
    assert "uppercase" not in css
    assert "letter-spacing" not in css


async def test_the_icon_that_browsers_guess_leads_to_ours(aiohttp_client):
    """A PDF in a tab has no place to name its icon."""
    client = await client_of(aiohttp_client)
    answer = await client.get("/favicon.ico", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, asset_url("favicon.svg"))
