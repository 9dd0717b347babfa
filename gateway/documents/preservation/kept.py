"""Signed files that another capability keeps, as the calendar sees them.

The calendar of what loses its proof is one, whoever keeps the files: documents here, certified
copies in certification. Leaves renewing to whoever keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

After = tuple[datetime, str]  # the end of proof and the id of the last one that was shown


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One kept object whose proof ends; ``revision`` counts what was appended since it was made."""

    id: str
    reference: str
    kind: str
    level: str | None
    revision: int
    provable_until: datetime
    provable_reason: str
    renewal_queued: bool


class KeptElsewhere(Protocol):
    """What the calendar asks of another capability; every method is part of a unit of work."""

    def expiring(
        self,
        connection: Connection,
        tenant: str,
        before: datetime,
        after: After | None,
        limit: int,
    ) -> Sequence[KeptFile]:
        """A portal's objects that lose their proof before a moment, soonest first, then by id."""
        ...

    def end_of(self, connection: Connection, tenant: str, id_: str) -> datetime | None:
        """Until when one object is provable; None for unknown ids."""
        ...

    def levels(self, connection: Connection, ids: Sequence[str]) -> dict[str, str | None]:
        """Id → the level of its latest file, for those that are kept here."""
        ...
