"""Form fields that show something else than their value, as findings.

Owns the finding only; comparing is ``signing.reading.shown_fields``, which validation asks as well.
Values never appear in a finding: they are personal data.
"""

from __future__ import annotations

from typing import Any

from signing.contract import Finding
from signing.inspection.findings import finding
from signing.reading.opening import Data
from signing.reading.shown_fields import mismatched_fields
from signing.reading.signature_fields import form_fields


def compare_fields(pdf: Data, root: Any, pages: list[Any]) -> list[Finding]:
    """A finding for every field whose shown text is not its value.

    Args:
        pdf: the file's bytes.
        root: its catalog.
        pages: its page dictionaries in order.
    """
    return [
        finding("field_value_mismatch", f"trường {field.name}")
        for field in mismatched_fields(pdf, form_fields(root), pages)
    ]
