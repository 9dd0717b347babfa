"""What is kept, and what a keeper has to do for it: the words of this room.

A keeper is a capability with signed files. It shows them as one query (its *shelf*), publishes a
longer file as its own law wants, and tells its portals what is overdue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.preservation.asked import Asked
from signing.contract import Level, Provability

After = tuple[datetime, str]  # the end of proof and the id of the last one that was shown

# What a shelf's query gives, one row a file in its latest form.
SHELF = (
    "id",
    "tenant",
    "reference",
    "kind",
    "level",
    "revision",  # how often something was appended since it was made
    "sha256",
    "provable_until",
    "provable_reason",  # null: not reckoned yet
    "kept_since",  # when it was last signed or issued
    "is_signed",  # else nothing can be reckoned
    "is_renewable",  # whether its level is one that is kept up
)


@dataclass(frozen=True, slots=True)
class Proof:
    """Until when something can be proven, and what ends it (``signing.contract.Provability``)."""

    until: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One kept file in its latest form; ``owner`` names its keeper."""

    owner: str
    id: str
    tenant: str
    reference: str
    kind: str
    level: str | None
    revision: int
    sha256: str
    provable_until: datetime | None
    provable_reason: str | None
    kept_since: datetime

    @property
    def proof(self) -> Proof:
        """How long it is provable as it is."""
        return Proof(self.provable_until, self.provable_reason)


@dataclass(frozen=True, slots=True)
class Window:
    """Which of a portal's files are listed: those that end before a moment, a page of them."""

    tenant: str
    before: datetime
    after: After | None
    limit: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an extension came to; ``changed``: whether anything was appended."""

    level: str
    until: datetime | None
    changed: bool


class Keeper(Protocol):
    """A capability that has files kept provable."""

    owner: str  # in the queue
    overdue: str  # what the log and the alerts call a file that is told about
    broken: str  # and one that could not be worked on through a fault of ours

    def shelf(self) -> sa.Select[Any]:
        """Every file that is to be kept; columns: ``SHELF``."""
        ...

    def lock(self, connection: Connection, file: KeptFile) -> None:
        """Lock a file's own row, before the queue's (part of a unit of work)."""
        ...

    def reckoned(self, connection: Connection, file: KeptFile, found: Provability) -> None:
        """Write down until when this form of a file is provable (part of a unit of work)."""
        ...

    def forget(self, connection: Connection, ids: Sequence[str]) -> None:
        """Forget what was reckoned about these files' latest forms (part of a unit of work).

        Ids of other keepers are none of its business.
        """
        ...

    async def extend(self, file: KeptFile, level: Level, asked: Asked, *, renews: bool) -> Outcome:
        """Append proof to a file, publish and record it, take it out of the queue.

        ``renews``: refuse what proves nothing for longer (``stored_files``).

        Raises:
            SigningError: the signing service's refusal, or ``renewal_no_gain``.
            Problem: it is being signed, or was changed or cancelled meanwhile.
            FileMissing, FileDamaged: the file store's.
        """
        ...

    def tell_overdue(self, connection: Connection, file: KeptFile, now: datetime) -> None:
        """Emit that it was not raised or renewed in time (part of a unit of work)."""
        ...

    def announce(self) -> None:
        """Wake the deliveries after a commit that told."""
        ...
