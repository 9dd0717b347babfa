"""Money taken by a person, at a counter or at the door, as it is told to payments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Cash:
    """Money taken by a person: a counter receipt."""

    amount: int
    receipt_number: str
    collected_by: str
    collected_at: datetime
    place: str = "counter"
    note: str = ""
