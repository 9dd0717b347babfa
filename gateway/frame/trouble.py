"""The page for what goes wrong: an unknown address, too much, too fast, a gateway in trouble.

Owns the words and the HTML; leaves to ``gateway.trouble`` which trouble it is, and to the
payments' own pages whatever has to say where the money is. Follows the pages guide §9: what
happened and what to do, nobody is blamed, no colour of danger for our own faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.frame.layout import Frame, page_templates, render_page

_TEMPLATES = page_templates(Path(__file__).parent / "templates")


class Trouble(StrEnum):
    """What a browser can run into; the text ids are ``trouble.…``."""

    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    TOO_FAST = "too_fast"
    REFUSED = "refused"
    AWAY = "away"  # we cannot serve at the moment
    FAILED = "failed"  # a fault of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleView:
    """Everything the page shows; ``incident`` is what a citizen reads out on the telephone.

    ``reason`` is a whole sentence in the page's language. ``again_url`` is set where trying
    again is worth it, ``payment_url`` where the page belonged to a payment.
    """

    frame: Frame
    trouble: Trouble
    incident: str
    reason: str = ""
    seconds: int = 5
    again_url: str = ""
    payment_url: str = ""


def render_trouble(view: TroubleView) -> str:
    """Render what went wrong and what to do."""
    return render_page(_TEMPLATES, "trouble.html", view.frame, {"view": view})
