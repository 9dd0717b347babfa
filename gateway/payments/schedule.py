"""When to ask a provider what became of an attempt.

Owns the plan as a pure function: some moments after the start, the attempt's own deadline, then
once a day for as long as the provider still remembers (payments.md §15). Deviating from it (a
provider that is away, a citizen who came back) is the worker's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

DAY_S = 86_400


def next_ask(
    created_at: datetime,
    expires_at: datetime,
    now: datetime,
    *,
    after_s: Iterable[int],
    for_days: int,
) -> datetime | None:
    """The next moment of the plan that is still to come; None when the plan is over."""
    planned = {created_at + timedelta(seconds=offset) for offset in after_s}
    planned |= {created_at + timedelta(days=day) for day in range(1, for_days + 1)}
    planned.add(expires_at)
    return min((moment for moment in planned if moment > now), default=None)
