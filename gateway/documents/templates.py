"""The register of document templates: which form fields may be filled in after signing.

Owns the dated table (law is data), its rules and finding a template by name and day; pure. Reading
the operator's file is ``gateway.wiring``'s, answering callers ``template_desk``'s, and applying the
fields to a file ``signing.validation``'s.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,15}")
_MAX_FIELD = 200


class TemplateTableError(ValueError):
    """The table is incomplete or contradicts itself; the text says where."""


class UnknownTemplate(LookupError):
    """No template of this name or version, or none in force on that day."""

    def __init__(self, asked: str, known: Iterable[str]) -> None:
        super().__init__(asked)
        self.asked = asked
        self.known = tuple(known)


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template.

    ``fields`` are full names of form fields, in which ``*`` stands for any characters; ``pages``
    is the exact number of pages, None where documents differ.
    """

    name: str
    version: str
    title: str
    fields: frozenset[str]
    valid_from: date
    valid_to: date | None
    legal_basis: str
    pages: int | None = None

    @property
    def label(self) -> str:
        """How a version is told apart: ``name@version``."""
        return f"{self.name}@{self.version}"

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a Vietnamese day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class TemplateBook:
    """All templates of a province."""

    def __init__(self, templates: Iterable[Template] = ()) -> None:
        self._templates = tuple(templates)

    def find(self, asked: str, day: date) -> Template:
        """The version in force on a day for ``name``, a certain one for ``name@version``.

        Raises:
            UnknownTemplate: names what is known.
        """
        name, _, version = asked.partition("@")
        for template in self._templates:
            chosen = template.version == version if version else template.holds_on(day)
            if template.name == name and chosen:
                return template
        raise UnknownTemplate(asked, (template.name for template in self.in_force(day)))

    def in_force(self, day: date) -> tuple[Template, ...]:
        """What a document may be named after on a day, by name."""
        return tuple(
            sorted((t for t in self._templates if t.holds_on(day)), key=lambda one: one.name)
        )


def read_templates(text: str) -> TemplateBook:
    """Read the table from TOML.

    Raises:
        TemplateTableError: naming what is missing, ill-typed or overlapping.
    """
    try:
        rows = [_template(row) for row in tomllib.loads(text).get("template", [])]
    except (KeyError, TypeError, ValueError) as error:
        raise TemplateTableError(f"{type(error).__name__}: {error}") from error
    _refuse_overlaps(rows)
    return TemplateBook(rows)


def _template(row: Mapping[str, Any]) -> Template:
    values = {"valid_to": None, "pages": None, "title": "", **row}
    template = Template(**{**values, "fields": frozenset(values["fields"])})
    label = f"{template.name}@{template.version}"
    wrong = {
        "name": not _NAME.fullmatch(template.name),
        "version": not _VERSION.fullmatch(template.version),
        "fields": not isinstance(values["fields"], list)
        or not all(isinstance(f, str) and 0 < len(f) <= _MAX_FIELD for f in template.fields),
        "pages": template.pages is not None and not _is_count(template.pages),
        "valid_from": type(template.valid_from) is not date,
        "valid_to": template.valid_to is not None and type(template.valid_to) is not date,
        "legal_basis": not template.legal_basis,
    }
    if any(wrong.values()):
        names = ", ".join(name for name, bad in wrong.items() if bad)
        raise TemplateTableError(f"{label}: {names}")
    return template


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _refuse_overlaps(rows: list[Template]) -> None:
    labels = [row.label for row in rows]
    if len(set(labels)) != len(labels):
        raise TemplateTableError("a version is there twice")
    ordered = sorted(rows, key=lambda row: (row.name, row.valid_from))
    for earlier, later in itertools.pairwise(ordered):
        if earlier.name == later.name and earlier.holds_on(later.valid_from):
            raise TemplateTableError(
                f"{earlier.label} and {later.label} are both in force on {later.valid_from}"
            )
