"""Asking before anybody signs whether a document takes the number it is to be given."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from signing.contract.orders import DocumentNumber, Placement


@runtime_checkable
class Numbering(Protocol):
    """Looks at a document's first page as the clerk's act will."""

    async def check_number(
        self, pdf: bytes, number: DocumentNumber, placement: Placement | None = None
    ) -> None:
        """Refuse what the clerk's act would be refused for; nothing is signed.

        Raises:
            DocumentRefused: ``number_already_written``, ``symbol_already_written``,
                ``year_already_written``, ``page_without_text``, ``text_under_stamp``,
                ``missing_glyph``, ``bad_document_number``.
        """
        ...

    async def check_number_file(
        self, path: Path, number: DocumentNumber, placement: Placement | None = None
    ) -> None:
        """As ``check_number``, of a file on this machine, of which only that page is read."""
        ...
