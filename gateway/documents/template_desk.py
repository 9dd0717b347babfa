"""Templates as callers meet them: named at upload and at validation, known by a document of ours.

Owns choosing the template of a file, its problems and what its page count means for a verdict.
Leaves the table to ``templates``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date

import msgspec

from gateway.documents import store
from gateway.documents.templates import Template, TemplateBook, UnknownTemplate
from gateway.foundation.clock import Clock, in_vietnam
from gateway.foundation.database import Database
from gateway.foundation.problems import FieldError, Problem, invalid
from signing.contract import Inspection, Validation, Verdict

WRONG_PAGES = "template_pages"


class TemplateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A template in force today; ``fields`` may be filled in after signing (``*`` = anything)."""

    name: str
    version: str
    title: str
    fields: list[str]
    pages: int | None
    valid_from: str
    valid_to: str | None
    legal_basis: str


class TemplateList(msgspec.Struct, frozen=True):
    """All templates in force today, by name."""

    data: list[TemplateAnswer]


class TemplateDesk:
    """Chooses templates for every portal."""

    def __init__(self, book: TemplateBook, database: Database, clock: Clock) -> None:
        self._book = book
        self._database = database
        self._clock = clock

    def in_force(self) -> TemplateList:
        """What may be named today."""
        return TemplateList([_show(template) for template in self._book.in_force(self._today())])

    def named(self, asked: str) -> Template:
        """The template that a caller named.

        Raises:
            Problem: ``validation_failed``, at ``/template``.
        """
        try:
            return self._book.find(asked, self._today())
        except UnknownTemplate as unknown:
            raise self._unknown(asked, self._book.in_force(self._today())) from unknown

    def fitting(self, asked: str | None, pages: int) -> Template | None:
        """The template named for a new document of so many pages; it must be in force today.

        Raises:
            Problem: ``validation_failed``, at ``/template``: unknown, or of another page count.
        """
        template = self.named(asked) if asked else None
        if template is not None and not template.holds_on(self._today()):
            raise self._unknown(asked or "", self._book.in_force(self._today()))
        if template is not None and template.pages not in (None, pages):
            detail = _wrong_pages(template, pages)
            raise invalid([FieldError("/template", WRONG_PAGES, detail)])
        return template

    async def of_file(self, tenant: str, sha256: str) -> Template | None:
        """The template of the document of ours that has this file among its revisions."""
        label = await self._database.read(lambda c: store.template_of(c, tenant, sha256))
        return self.remembered(label)

    def remembered(self, label: str | None) -> Template | None:
        """The template a document was named after; None when the operator took it away."""
        try:
            return self._book.find(label, self._today()) if label else None
        except UnknownTemplate:
            return None

    @staticmethod
    def _unknown(asked: str, known: Sequence[Template]) -> Problem:
        names = ", ".join(one.name for one in known) or "chưa có mẫu nào"
        detail = f"Không có mẫu văn bản “{asked[:80]}” đang có hiệu lực; các mẫu: {names}."
        return invalid([FieldError("/template", "unknown_template", detail)])

    def _today(self) -> date:
        return in_vietnam(self._clock.now()).date()


async def hold_to_pages(
    validation: Validation,
    template: Template | None,
    inspect: Callable[[], Awaitable[Inspection]],
) -> Validation:
    """A file that is signed but has not its template's pages is not called valid."""
    if template is None or template.pages is None or not validation.signatures:
        return validation
    try:
        pages = (await inspect()).pages
    except Problem:
        return validation  # what cannot be looked at was told by the judgement already
    if pages == template.pages:
        return validation
    told = _wrong_pages(template, pages)
    changed = replace(validation, messages=(*validation.messages, told))
    if validation.verdict is not Verdict.VALID:
        return changed
    return replace(changed, verdict=Verdict.INDETERMINATE, summary=told, reason=WRONG_PAGES)


def _wrong_pages(template: Template, pages: int) -> str:
    return f"Tệp có {pages} trang, mẫu {template.label} có {template.pages} trang."


def _show(template: Template) -> TemplateAnswer:
    return TemplateAnswer(
        name=template.name,
        version=template.version,
        title=template.title,
        fields=sorted(template.fields),
        pages=template.pages,
        valid_from=template.valid_from.isoformat(),
        valid_to=template.valid_to.isoformat() if template.valid_to else None,
        legal_basis=template.legal_basis,
    )
