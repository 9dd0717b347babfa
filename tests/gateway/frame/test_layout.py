"""The frame around pages: strict templates, languages, links."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import gateway
from gateway.frame.layout import Frame, asked_language, page_templates, render_page

ROOT = Path(gateway.__file__).parent


def test_no_template_has_inline_style_script_or_foreign_address():
    """What the content security policy forbids is not even written."""
    templates = list(ROOT.rglob("templates/*.html"))
    assert len(templates) > 8
    for path in templates:
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|data:image", text), path
        assert not re.search(r"https?://", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path
        assert "| safe" not in text, path


def test_a_value_that_is_missing_breaks_the_page(tmp_path):
    """An empty spot would be found by a citizen; an error is found by a test."""
    (tmp_path / "x.html").write_text("{{ nobody_gave_this }}", "utf-8")
    with pytest.raises(UndefinedError):
        render_page(page_templates(tmp_path), "x.html", Frame(path="/", agency="A"), {})


@pytest.mark.parametrize(
    ("url", "vi", "en"),
    [
        ("/pay/x", "/pay/x", "/pay/x?lang=en"),
        ("/pay/x?helper=1", "/pay/x?helper=1", "/pay/x?helper=1&lang=en"),
        ("https://b.example/p?q=1", "https://b.example/p?q=1", "https://b.example/p?q=1"),
        ("//b.example/p", "//b.example/p", "//b.example/p"),
    ],
)
def test_links_carry_the_language_on_our_own_pages(url, vi, en):
    """The default language leaves no trace in the address."""
    assert Frame(path="/", agency="A").link(url) == vi
    assert Frame(path="/", agency="A", lang="en").link(url) == en


def test_only_known_languages_are_spoken():
    """Anything unknown in the address is Vietnamese; in code it is an error."""
    assert [asked_language(query) for query in ({}, {"lang": "en"}, {"lang": "<x>"})] == [
        "vi",
        "en",
        "vi",
    ]
    with pytest.raises(ValueError, match="fr"):
        Frame(path="/", agency="A", lang="fr")
