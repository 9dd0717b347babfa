"""What the payment pages share: the money line, the template environment, one render call.

Which money line holds is decided from evidence elsewhere; here it only gets its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from markupsafe import Markup

from gateway.foundation.money import format_amount
from gateway.frame.catalog import words
from gateway.frame.formats import time_element
from gateway.frame.layout import Frame, page_templates, render_page

_TEMPLATES = page_templates(Path(__file__).parent / "templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLine:
    """Where the money is: a key M0–M8 of the pages guide and the values its sentence needs.

    ``evidence`` are ids of what it rests on, ``grounds`` the same in words for "Căn cứ".
    """

    key: str
    amount: int | None = None
    got: int | None = None
    total: int | None = None
    rest: int | None = None
    diff: int | None = None
    at: datetime | None = None
    provider: str = ""
    evidence: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()


def money_text(money: MoneyLine, lang: str) -> Markup:
    """Write the money line's sentence.

    Raises:
        KeyError: the line lacks a value that its sentence names.
    """
    fields: dict[str, object] = {
        name: format_amount(amount, lang)
        for name in ("amount", "got", "total", "rest", "diff")
        if (amount := getattr(money, name)) is not None
    }
    if money.provider:
        fields["provider"] = money.provider
    if money.at:
        fields["time"] = time_element(money.at, lang)
    undated = money.key == "M7" and money.at is None
    return words().text(lang, f"money.{money.key}{'_undated' if undated else ''}", **fields)


def render(template: str, frame: Frame, context: Mapping[str, object]) -> str:
    """Render one of the payment templates."""
    text_of = partial(money_text, lang=frame.lang)
    return render_page(_TEMPLATES, template, frame, {"money_text": text_of, **context})
