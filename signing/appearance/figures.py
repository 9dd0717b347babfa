"""How numbers and dates of documents are written (NĐ 30/2020 Annex I §II.3, 4)."""

from __future__ import annotations


def two_digits(number: int) -> str:
    """A document number or a day: below 10 with a leading zero (NĐ 30/2020 Annex I §II.3, 4)."""
    return f"{number:02d}"


def month_digits(month: int) -> str:
    """A month: January and February with a leading zero, the others without."""
    return f"{month:02d}" if month < 3 else str(month)
