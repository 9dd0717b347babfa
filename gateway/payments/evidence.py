"""The values a payment's state is folded from.

Owns the shape of obligation, attempt and evidence; leaves grouping to ``facts`` and meaning to
``rules``. Evidence is append-only and is never corrected: what turns out wrong is contradicted
by more evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.payments.statuses import Channel


@dataclass(frozen=True, slots=True)
class Obligation:
    """What is owed: ``amount`` in đồng, and the moment after which money is late."""

    amount: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the account it goes through, the amount it asks for, its own time window."""

    id: str
    account: str
    amount: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """One stored piece of evidence.

    ``key`` is the identity of the fact within its channel: the same key is the same fact, and
    another amount under the same key is a contradiction, never a replay. ``says`` is a word of
    the channel: a ``Meaning`` (callback, answer, return, bank, statement), a ``CallOutcome``, a
    ``Decision``, a ``RefundStep`` or the clock's tick. ``subject`` names the refund of a step or
    the question that a decision answers.
    """

    key: str
    channel: Channel
    says: str
    received_at: datetime
    attempt: str | None = None
    account: str = ""
    amount: int | None = None
    transaction_id: str | None = None
    occurred_at: datetime | None = None
    subject: str | None = None
    reason: str | None = None

    @property
    def at(self) -> datetime:
        """When it happened: the provider's time, unless its clock runs ahead of ours."""
        if self.occurred_at is None:
            return self.received_at
        return min(self.occurred_at, self.received_at)
