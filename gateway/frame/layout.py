"""One Jinja2 environment a capability, all with the same frame and the same strictness.

Owns escaping, the names every template may use and the frame's own values; what a page says
belongs to the capability's views. A missing value is an error here, never an empty spot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from gateway.foundation.money import amount_in_words, format_amount
from gateway.frame import formats
from gateway.frame.assets import asset_url
from gateway.frame.catalog import LANGUAGES, words
from gateway.frame.icons import icon

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page.

    ``path`` is this page's own path, for the language link. ``reference`` is the code a citizen
    quotes on the telephone. ``service`` is a text id.
    """

    path: str
    agency: str
    province: str = ""
    phone: str = ""
    hours: str = ""
    reference: str = ""
    lang: str = "vi"
    service: str = "frame.service"
    simulated: bool = False

    def __post_init__(self) -> None:
        if self.lang not in LANGUAGES:
            raise ValueError(f"no page speaks {self.lang!r}")

    @property
    def contact(self) -> str:
        """Whom to ask: the telephone number, or who the agency is while it has none."""
        return self.phone or self.agency

    def link(self, url: str, lang: str | None = None) -> str:
        """Carry the language along one of our own paths; other hosts' addresses stay as given."""
        parts = urlsplit(url)
        lang = lang or self.lang
        if parts.scheme or parts.netloc or lang == "vi":
            return url
        query = "&".join(filter(None, [parts.query, urlencode({"lang": lang})]))
        return urlunsplit(parts._replace(query=query))


def asked_language(query: Mapping[str, str]) -> str:
    """Read ``?lang=``; Vietnamese unless English is asked for, never guessed from headers."""
    return "en" if query.get("lang") == "en" else "vi"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct: the field's element id and the words shown there."""

    field: str
    text: str


def page_templates(folder: Path) -> Environment:
    """Build the environment of one capability; ``frame/…`` names the shared templates."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=formats.nfc,
        loader=ChoiceLoader(
            [
                PrefixLoader({"frame": FileSystemLoader(_TEMPLATES)}),
                FileSystemLoader(folder),
            ]
        ),
    )
    environment.globals.update(icon=icon, asset_url=asset_url, in_words=amount_in_words)
    environment.filters.update(in_groups=formats.in_groups)
    return environment


def render_page(
    environment: Environment, template: str, frame: Frame, context: Mapping[str, object]
) -> str:
    """Render a whole page in the frame's language."""
    lang = frame.lang
    return environment.get_template(template).render(
        frame=frame,
        lang=lang,
        t=partial(words().text, lang),
        s=partial(words().plain, lang),
        vnd=partial(format_amount, language=lang),
        number=partial(formats.bare_amount, lang=lang),
        when=lambda moment, form="sentence": formats.time_element(moment, lang, form),
        **context,
    )
