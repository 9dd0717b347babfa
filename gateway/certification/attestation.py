"""Attestation texts (lời chứng): dated templates that an operator edits, not code.

Owns reading the templates of a folder and filling one in. Every wrong file stops the start: an
unknown placeholder or two texts for one day must not be found out while somebody waits.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

_SAMPLE = {
    "number": "01", "volume": "01/2026", "book": "SCT/BS", "day": "02", "month": "11",
    "year": "2026", "agency": "", "certifier": "", "title": "", "pages": "1", "copies": "1",
}  # fmt: skip


class TemplateError(Exception):
    """What is wrong with the templates, one sentence each."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One attestation text and the days it is the law's."""

    kind: str
    books: list[str]
    valid_from: date
    valid_to: date | None = None  # inclusive
    legal_basis: str
    heading: str
    lines: list[str]
    footer: str = ""

    def covers(self, kind: str, book: str, day: date) -> bool:
        """Whether this is the text for such an act on such a day."""
        in_time = self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
        return in_time and self.kind == kind and book in self.books


@dataclass(frozen=True, slots=True)
class Wording:
    """A template filled in."""

    heading: str
    lines: tuple[str, ...]
    footer: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Templates:
    """All known texts, past and present."""

    every: tuple[Template, ...]

    def find(self, kind: str, book: str, day: date) -> Template | None:
        """The one text in force, or None."""
        return next((t for t in self.every if t.covers(kind, book, day)), None)


def load_templates(folder: Path) -> Templates:
    """Read every ``*.toml`` of a folder.

    Raises:
        TemplateError: naming every unreadable, ill-typed or overlapping file.
    """
    found: list[tuple[str, Template]] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            template = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Template)
            fill_in(template, _SAMPLE)
        except (ValueError, LookupError, OSError) as error:
            problems.append(f"{path.name}: {error}")
        else:
            found.append((path.name, template))
    if not found and not problems:
        problems.append(f"{folder.name}: không có mẫu lời chứng nào")
    problems += _overlaps(found)
    if problems:
        raise TemplateError("\n".join(problems))
    return Templates(tuple(template for _, template in found))


def fill_in(template: Template, values: Mapping[str, str]) -> Wording:
    """Put the facts of one act into a text.

    Raises:
        KeyError: the text names something that is not known.
    """
    return Wording(
        template.heading.format_map(values),
        tuple(line.format_map(values) for line in template.lines),
        template.footer.format_map(values),
        template.legal_basis,
    )


def _overlaps(found: Sequence[tuple[str, Template]]) -> list[str]:
    problems = []
    for position, (name, template) in enumerate(found):
        for other_name, other in found[position + 1 :]:
            same = template.kind == other.kind and set(template.books) & set(other.books)
            if same and _meet(template, other):
                problems.append(f"{name}, {other_name}: hai mẫu cùng có hiệu lực")
    return problems


def _meet(a: Template, b: Template) -> bool:
    a_end, b_end = a.valid_to or date.max, b.valid_to or date.max
    return a.valid_from <= b_end and b.valid_from <= a_end
