"""The operator's deadlines and retention periods, the same for every keeper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.preservation.retention import Retention

NO_GAIN = "renewal_no_gain"  # the authority's own certificate ends as soon as the old stamp
_DAILY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PreservationPolicy:
    """The operator's deadlines."""

    when_unavailable: str = "refuse"  # of signature requests that do not say
    alarm_after: timedelta = timedelta(hours=24)  # a level not reached for so long is told
    alarm_before: timedelta = timedelta(days=7)  # and in any case so long before it is too late
    renew_within: timedelta = timedelta(days=90)  # before an archive time-stamp ends; 0 = never
    retry_s: tuple[int, ...] = (60, 300, 900, 3600)
    retention: Mapping[str, Retention] = field(default_factory=dict)  # by kind; others for ever

    def alarm_at(self, now: datetime, until: datetime | None) -> datetime:
        """When somebody is told that a level is still not reached.

        Args:
            now: when the file was published below its level.
            until: when its proof ends, such as with the signer's certificate.
        """
        late = now + self.alarm_after
        return late if until is None else max(now, min(late, until - self.alarm_before))

    def next_try(self, now: datetime, attempts: int, reason: str = "") -> datetime:
        """When to try again after so many failures; the last wait is repeated.

        A renewal that gains nothing is tried once a day: authorities renew their certificates.
        """
        if reason == NO_GAIN:
            return now + _DAILY
        return now + timedelta(seconds=self.retry_s[min(attempts, len(self.retry_s)) - 1])

    @property
    def longest_wait(self) -> timedelta:
        """Between two tries; what waits longer was put there by a clock that was wrong."""
        return max(_DAILY, timedelta(seconds=max(self.retry_s)))

    def cutoffs(self, now: datetime) -> dict[str, datetime]:
        """Kind → files signed or issued before this are past their retention period."""
        found = {kind: one.cutoff(now) for kind, one in self.retention.items()}
        return {kind: at for kind, at in found.items() if at is not None}

    def retained_until(self, kind: str, since: datetime) -> datetime | None:
        """When the retention period of a file ends; None for ever."""
        retention = self.retention.get(kind)
        return retention.ends(since) if retention is not None else None


DEFAULT_POLICY = PreservationPolicy()
