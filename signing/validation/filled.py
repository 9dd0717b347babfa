"""Fields that were filled in after signing: do they show what they hold?

Owns asking it once for each set of fields of a file. A listed field may be filled in, and people
then read one amount on the page while software takes another one out of the form: that is no
filling in. Leaves comparing to ``signing.reading``, and which fields are listed to ``changes``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import pypdfium2

from signing.reading.opening import Data
from signing.reading.shown_fields import compare_shown, is_hidden
from signing.reading.signature_fields import FormField

log = logging.getLogger(__name__)


class FilledFields:
    """Looks at filled-in fields of one file's newest revision."""

    def __init__(self, pdf: Data) -> None:
        self._pdf = pdf
        self._known: dict[str, bool] = {}

    def lying(self, fields: Iterable[FormField], pages: list[Any]) -> tuple[str, ...]:
        """The names of those that show something else than their value, or could not be looked at.

        Args:
            fields: filled in since.
            pages: the page dictionaries, from the same reader.
        """
        asked = list(fields)
        fresh = [field for field in asked if field.name not in self._known]
        if fresh:
            found = self._look([field for field in fresh if not _is_left_to_viewers(field)], pages)
            self._known |= {field.name: field.name in found for field in fresh}
        return tuple(field.name for field in asked if self._known[field.name])

    def _look(self, fields: list[FormField], pages: list[Any]) -> set[str]:
        try:
            compared = compare_shown(self._pdf, fields, pages)
        except (pypdfium2.PdfiumError, OSError, ValueError) as error:
            log.info("filled-in fields not drawn: %s", type(error).__name__)
            return {field.name for field in fields}
        return {field.name for field in (*compared.differing, *compared.unseen)}


def _is_left_to_viewers(field: FormField) -> bool:
    """Whether nothing is drawn in the file: each viewer then draws the value itself."""
    return not any("/AP" in widget or is_hidden(widget) for widget in field.widgets)
