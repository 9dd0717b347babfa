"""Page surveys of files seen lately, so that no page is read twice.

Owns a bounded store by the file's SHA-256, the least used forgotten first. What a survey is, is
``signing.contract``'s; making one is ``signing.appearance.surveying``'s. Signing changes no page's
own text, so that a file we appended signatures to keeps the survey of the file before.
"""

from __future__ import annotations

from collections import OrderedDict

from signing.contract import DocumentSurvey, PageSurvey

_MOST_BYTES = 32 * 1024 * 1024


class Surveys:
    """Surveys by the hash of exactly the file they are of."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, tuple[tuple[PageSurvey, ...], int]] = OrderedDict()  # and size

    def of(self, sha256: str) -> DocumentSurvey | None:
        """The survey of the file with this hash."""
        kept = self._kept.get(sha256)
        if kept is None:
            return None
        self._kept.move_to_end(sha256)
        return DocumentSurvey(sha256, kept[0])

    def keep(self, survey: DocumentSurvey | None) -> None:
        """Remember a survey; one that holds nothing, or too much, is not."""
        if survey is not None and survey.pages:
            self._keep(survey.sha256, survey.pages, survey.size)

    def _keep(self, sha256: str, pages: tuple[PageSurvey, ...], size: int) -> None:
        if size > self._most_bytes:
            return
        before = self._kept.pop(sha256, None)
        self._bytes += size - (before[1] if before is not None else 0)
        self._kept[sha256] = pages, size
        while self._bytes > self._most_bytes:
            _, (_, forgotten) = self._kept.popitem(last=False)
            self._bytes -= forgotten

    def carry(self, before: str, after: str) -> None:
        """A file grew by signatures of ours alone: its pages say what they said."""
        kept = self._kept.get(before)
        if kept is not None:
            self._kept.move_to_end(before)
            self._keep(after, *kept)
