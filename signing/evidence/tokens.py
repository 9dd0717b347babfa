"""The time-stamps that an act or an extension has added to a file.

Owns what they say together. Leaves finding and judging them to the proof of the file, which hands
them on.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from signing.contract import TimeSource
from signing.evidence.messages import read_message


class Tokens(msgspec.Struct, frozen=True):
    """Time-stamps (DER): each added signature's own, and those of the document."""

    of_signatures: tuple[bytes | None, ...]
    archives: tuple[bytes, ...]
    over_all: tuple[bytes, ...] = ()  # of ``archives``: what follows the last signature

    def all(self) -> tuple[bytes, ...]:
        """Every token, the document's last."""
        return (*(t for t in self.of_signatures if t is not None), *self.archives)

    def proven_time(self) -> datetime | None:
        """When the last signature existed at the latest; None when one has no time-stamp.

        By their own time-stamps where each has one, else by the document's first over all of them.
        """
        match self.time_source():
            case TimeSource.SIGNATURE:
                return max(_moment(t) for t in self.of_signatures if t is not None)
            case TimeSource.DOCUMENT:
                return min(_moment(t) for t in self.over_all)
        return None

    def time_source(self) -> TimeSource | None:
        """Whose time that is."""
        if not self.of_signatures or (self.bare() and not self.over_all):
            return None
        return TimeSource.DOCUMENT if self.bare() else TimeSource.SIGNATURE

    def bare(self) -> int:
        """How many signatures carry no time-stamp of their own."""
        return self.of_signatures.count(None)


def _moment(token: bytes) -> datetime:
    return read_message(token).time_stamp.time
