"""Time-stamping authorities: how each is asked, and what one asking came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

LONGEST_TIMEOUT_S = 180.0  # the government's authority was seen to need up to 131 s


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """One RFC 3161 authority over HTTP; ``attempts`` are made on one before the next is asked."""

    url: str
    timeout_s: float = 30.0  # for one answer
    concurrent: int = 4  # requests at once, over every signer process that shares the slots
    attempts: int = 1  # a lie is never asked for again
    backoff_s: float = 2.0  # before the second attempt; doubled for each further one
    user: str = ""
    password: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


class TimeSource(StrEnum):
    """By which time-stamp it is proven when a signature existed."""

    SIGNATURE = "signature_timestamp"  # its own
    DOCUMENT = "document_timestamp"  # a later one over the whole document


@dataclass(frozen=True, slots=True)
class TimestampTrip:
    """One asking of one authority, for the operator's figures."""

    authority: str  # host name
    outcome: str  # granted | failed (no answer, or a refusal) | untrusted (a lie) | busy (no slot)
    seconds: float
