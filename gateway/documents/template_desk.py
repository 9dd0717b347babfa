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
from signing.contract import Inspection, Severity, Validation, Verdict

WRONG_PAGES = "template_pages"
PAGES_UNKNOWN = "template_pages_unknown"


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

    def fitting(self, asked: str | None, look: Inspection) -> Template | None:
        """The template named for a new document; it must be in force today.

        Raises:
            Problem: ``validation_failed``, at ``/template``: unknown, of another page count, or
                the file's pages could not be counted.
        """
        template = self.named(asked) if asked else None
        if template is not None and not template.holds_on(self._today()):
            raise self._unknown(asked or "", self._book.in_force(self._today()))
        if template is not None and template.pages is not None:
            misfit = _unlike(template, look)
            if misfit is not None:
                raise invalid([FieldError("/template", *misfit)])
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
    """A file that is signed is called valid only when it is known to have its template's pages."""
    if template is None or template.pages is None or not validation.signatures:
        return validation
    found = await _misfit(template, inspect)
    if found is None:
        return validation
    reason, told = found
    changed = replace(validation, messages=(*validation.messages, told))
    if validation.verdict is not Verdict.VALID:
        return changed
    return replace(changed, verdict=Verdict.INDETERMINATE, summary=told, reason=reason)


async def _misfit(
    template: Template, inspect: Callable[[], Awaitable[Inspection]]
) -> tuple[str, str] | None:
    """Why a file is not known to have its template's pages: a code and a sentence."""
    try:
        look = await inspect()
    except Problem as problem:
        return PAGES_UNKNOWN, _unknown_pages(template, problem.detail_vi)
    return _unlike(template, look)


def _unlike(template: Template, look: Inspection) -> tuple[str, str] | None:
    if look.pages == template.pages:
        return None
    if look.pages:
        told = f"Tệp có {look.pages} trang, mẫu {template.label} có {template.pages} trang."
        return WRONG_PAGES, told
    # the look ended before the pages were counted
    why = next((f.detail for f in look.findings if f.severity is Severity.BLOCK), "")
    return PAGES_UNKNOWN, _unknown_pages(template, why)


def _unknown_pages(template: Template, why: str) -> str:
    known = f"chưa so được với mẫu {template.label} có {template.pages} trang"
    reason = why.rstrip(". ") or "chưa kiểm tra được tệp"
    return f"Không đếm được số trang của tệp ({reason}), {known}."


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
