"""Closes signature requests whose deadline has passed.

Answers already say ``expired`` from the deadline on; this makes the rows say so too.
"""

from __future__ import annotations

import contextlib

from gateway.documents.requests import SignatureRequests
from gateway.foundation.clock import Clock
from gateway.foundation.database import DatabaseUnavailable

_EVERY_S = 30.0


class ExpiryWorker:
    """A background task; several processes may run it."""

    def __init__(self, requests: SignatureRequests, clock: Clock) -> None:
        self._requests = requests
        self._clock = clock

    async def run(self) -> None:
        """Look every half minute, for ever; a database that is away is asked again."""
        while True:
            with contextlib.suppress(DatabaseUnavailable):
                await self._requests.expire_overdue()
            await self._clock.sleep(_EVERY_S)
