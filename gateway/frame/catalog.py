"""The words of the pages, in Vietnamese and English.

Owns loading, checking and filling of ``text/vi.toml`` and ``text/en.toml``. What is said where
belongs to the views. Vietnamese is the source; both files must have the same ids and fields.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter

from markupsafe import Markup, escape

from gateway.frame.formats import nfc

LANGUAGES = ("vi", "en")
_FOLDER = Path(__file__).parent / "text"
_BOLD = re.compile(r"\*\*(.+?)\*\*")


class CatalogError(ValueError):
    """The catalogs disagree; ``problems`` names every disagreement at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Catalog:
    """Checked texts of every language, by dotted id such as ``qr.note``."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        problems = _disagreements(texts)
        if problems:
            raise CatalogError(problems)
        self._plain = {lang: dict(entries) for lang, entries in texts.items()}
        self._marked = {
            lang: {key: _marked(entry) for key, entry in entries.items()}
            for lang, entries in texts.items()
        }

    def text(self, lang: str, key: str, /, **fields: object) -> Markup:
        """Fill a text for HTML; every field is escaped unless it is ``Markup`` already."""
        return self._marked[lang][key].format(**{name: nfc(v) for name, v in fields.items()})

    def plain(self, lang: str, key: str, /, **fields: object) -> str:
        """Fill a text for places without markup (PDF, pictures, live events)."""
        words = self._plain[lang][key].replace("**", "")
        return words.format(**{name: nfc(v) for name, v in fields.items()})

    def ids(self) -> frozenset[str]:
        """All text ids."""
        return frozenset(self._plain["vi"])

    def __contains__(self, key: str) -> bool:
        return key in self._plain["vi"]


def _marked(entry: str) -> Markup:
    return Markup(_BOLD.sub(r"<strong>\1</strong>", str(escape(entry))))  # noqa: S704 - our own text, escaped just before


def _fields(entry: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(entry) if name is not None}


def _disagreements(texts: Mapping[str, Mapping[str, str]]) -> list[str]:
    source = texts["vi"]
    problems: list[str] = []
    for lang, entries in texts.items():
        problems += [f"{lang}: {key} is missing" for key in source if key not in entries]
        problems += [f"{lang}: {key} is not in vi" for key in entries if key not in source]
        problems += [f"{lang}: {key} is empty" for key, entry in entries.items() if not entry]
        problems += [
            f"{lang}: {key} has other fields than vi"
            for key, entry in entries.items()
            if key in source and _fields(entry) != _fields(source[key])
        ]
    return problems


def _flatten(tables: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {
        f"{table}.{name}": nfc(entry)
        for table, entries in tables.items()
        for name, entry in entries.items()
    }


@cache
def words() -> Catalog:
    """Return the catalog that ships with the gateway, read and checked once."""
    return Catalog(
        {
            lang: _flatten(tomllib.loads((_FOLDER / f"{lang}.toml").read_text("utf-8")))
            for lang in LANGUAGES
        }
    )
