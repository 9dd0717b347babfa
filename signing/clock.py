"""The system clock of processes that the gateway's own clock does not reach; Vietnam's zone.

Owns nothing but the zone that times are shown in and a picklable ``Clock`` for signer processes,
the command line and the development PKI; everything else in ``signing`` is handed a clock and never
asks the system.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the package's one home of system time
