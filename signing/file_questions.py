"""What the service answers about a file without any key: its pieces, and room for a number.

Owns loading the rooms that answer when they are first needed. Leaves inspection and judgement to
``signing.service``.
"""

from __future__ import annotations

from pathlib import Path

from signing.contract import DocumentNumber, DocumentSurvey, Placement, SignedPieces
from signing.reading.mapped_files import mapped


class FileQuestions:
    """``TakingApart`` and ``Numbering`` for the service."""

    async def take_apart(self, pdf: bytes) -> SignedPieces:
        """The pieces of a signed file that other programs check."""
        from signing.preservation.pieces import take_apart  # noqa: PLC0415 - when first needed

        return take_apart(pdf)

    async def take_apart_file(self, path: Path) -> SignedPieces:
        """The same of a file on the disk, which is mapped and not read."""
        from signing.preservation.pieces import take_apart  # noqa: PLC0415 - when first needed

        with mapped(path) as data:
            return take_apart(data)

    async def check_number(
        self,
        pdf: bytes,
        number: DocumentNumber,
        placement: Placement | None = None,
        survey: DocumentSurvey | None = None,
    ) -> None:
        """Refuse a number, symbol or date that the document's first page contradicts.

        ``survey`` is what is known of exactly this file's pages.

        Raises:
            DocumentRefused: what the clerk's act would be refused for, see ``appearance.acts``.
        """
        from signing.appearance.acts import rehearse_number  # noqa: PLC0415 - when first needed
        from signing.pades.refusals import refusing_documents  # noqa: PLC0415 - likewise

        with refusing_documents():
            rehearse_number(pdf, number, placement, survey)

    async def check_number_file(
        self, path: Path, number: DocumentNumber, placement: Placement | None = None
    ) -> None:
        """The same of a file on the disk, which is mapped and not read."""
        with mapped(path) as data:
            await self.check_number(data, number, placement)
