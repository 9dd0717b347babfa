"""Whether a document takes the number it is to be given, asked before anybody signs.

The clerk's act is the last of a request: what its number, symbol or date would be refused for must
not come out after the leader has signed. Owns which step of a request gives the number, and how a
refusal is told. Leaves reading the page to the signing service, in a process without keys.
"""

from __future__ import annotations

from typing import Any

from gateway.documents import store
from gateway.documents.agency_acts import NUMBERED, parts_of
from gateway.documents.large import DocumentSignatures, LargeDocuments
from gateway.documents.requests import NewRequest, NewStep
from gateway.documents.steps import placement_of
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.signing_problems import refusing
from gateway.preservation.doubts import Doubts
from signing.contract import DocumentNumber, DocumentRefused, Placement, Severity

_FIELD = "/document_number"
_PLACES = {
    "symbol_already_written": f"{_FIELD}/symbol",
    "missing_glyph": f"{_FIELD}/symbol",
    "year_already_written": f"{_FIELD}/date",
}


class NumberCheck:
    """Looks at the page with the number in hand."""

    def __init__(
        self, database: Database, files: FileStore, signatures: DocumentSignatures
    ) -> None:
        self._database = database
        self._files = files
        self._signatures = signatures
        self._large = LargeDocuments(files, signatures, Doubts())  # asks for no proof

    def concerns(self, new: NewRequest) -> bool:
        """Whether some step of the request gives the document its number."""
        return _numbering(new) is not None

    async def check(self, new: NewRequest) -> None:
        """Refuse a number that the printed page contradicts, or has no room for.

        What else is wrong with the request is for whoever opens it to say.

        Raises:
            Problem: ``validation_failed`` at ``/document_number``; ``signing_unavailable``.
        """
        step = _numbering(new)
        document = await self._database.read(
            lambda c: store.find_document(c, new.tenant, new.document_id)
        )
        if step is None or new.document_number is None or not _is_signable(document):
            return
        number, placement = DocumentNumber(**new.document_number), placement_of(step.placement)
        with refusing():
            try:
                await self._look(document.sha256, number, placement)
            except DocumentRefused as refused:
                where = _PLACES.get(refused.code, _FIELD)
                raise invalid([FieldError(where, refused.code, refused.message_vi)]) from refused

    async def _look(self, sha256: str, number: DocumentNumber, placement: Placement | None) -> None:
        """A file too large to be handed about is looked at where it lies."""
        pdf = await self._files.get_small(sha256)
        if pdf is None:
            await self._large.check_number(sha256, number, placement)
        else:
            await self._signatures.check_number(pdf, number, placement)


def _numbering(new: NewRequest) -> NewStep | None:
    """The step that gives the number; None also where its parts are wrong."""
    numbered = new.document_number is not None
    for step in new.steps:
        try:
            if numbered and parts_of(step.role, step.parts, numbered=True) == NUMBERED:
                return step
        except ValueError:
            return None
    return None


def _is_signable(document: Any) -> bool:
    return document is not None and all(f["severity"] != Severity.BLOCK for f in document.findings)
