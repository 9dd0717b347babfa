"""The words of the pages agree in both languages and never carry markup from outside."""

import re
from pathlib import Path

import pytest
from markupsafe import Markup

import gateway
from gateway.frame.catalog import Catalog, CatalogError, words


def test_both_languages_have_every_text():
    """Loading the shipped catalog is the check itself."""
    assert words().plain("vi", "money.M0") == "Chưa có khoản tiền nào bị trừ."
    assert words().plain("en", "money.M0") == "No money has been taken."


def test_every_disagreement_is_named_at_once():
    """An editor of the texts sees all mistakes in one start."""
    with pytest.raises(CatalogError) as caught:
        Catalog(
            {"vi": {"a": "{x}", "b": "chữ", "d": ""}, "en": {"a": "{y}", "c": "word", "d": "d"}}
        )
    assert caught.value.problems == (
        "vi: d is empty",
        "en: b is missing",
        "en: c is not in vi",
        "en: a has other fields than vi",
    )


def test_a_hostile_value_is_escaped_and_emphasis_kept():
    """Only our own text makes markup."""
    text = words().text("vi", "qr.step2", name='<img src=x onerror="a"> & {y} **z**')
    assert "<img" not in text
    assert text.startswith("Kiểm tra tên người nhận <strong>&lt;img")
    assert text.endswith("{y} **z**</strong> và số tiền.")


def test_markup_values_are_kept():
    """Dates arrive as ``<time>`` elements."""
    shown = words().text("vi", "money.M7", amount="1", time=Markup("<time>x</time>"))
    assert "<time>x</time>" in shown


def test_values_are_normalised_to_nfc():
    """Decomposed marks would be drawn beside their letters."""
    assert "Nguyễn" in words().plain("vi", "result.declined", reason="Nguyễn")


def test_a_missing_value_is_an_error():
    """No page ever shows an empty spot."""
    with pytest.raises(KeyError):
        words().text("vi", "money.M3")


def test_every_text_that_a_page_asks_for_exists():
    """A misspelt id is found here, not by a citizen."""
    root = Path(gateway.__file__).parent
    asked = re.compile(r'\b(?:t|s|say|_say)\("([a-z_]+\.[A-Za-z0-9_]+)"\s*[,)]')
    used = set()
    for path in [*root.rglob("templates/*.html"), *root.rglob("*view*.py")]:
        used |= set(asked.findall(path.read_text("utf-8")))
    assert len(used) > 80
    assert used - words().ids() == set()
