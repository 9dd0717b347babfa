"""Runs the watch over certificates and lists, for ever."""

from __future__ import annotations

import structlog

from gateway.documents.revocation.lists import RevocationLists
from gateway.documents.revocation.watch import CertificateWatch
from gateway.foundation.clock import Clock
from gateway.foundation.database import DatabaseUnavailable

_log = structlog.get_logger(__name__)
_EVERY_S = 60.0


class RevocationWorker:
    """A background task; several processes may run it."""

    def __init__(self, watch: CertificateWatch, lists: RevocationLists, clock: Clock) -> None:
        self._watch = watch
        self._lists = lists
        self._clock = clock

    async def run(self) -> None:
        """Look every minute; a database that is away is asked again."""
        while True:
            try:
                worked = await self.once()
            except DatabaseUnavailable:
                worked = 0
            except Exception:  # one damaged answer must not end the watch; its lease runs out
                _log.exception("revocations_not_watched")
                worked = 0
            if not worked:
                await self._clock.sleep(_EVERY_S)

    async def once(self) -> int:
        """Lists first, so that the certificates are answered from them; how many were asked for."""
        await self._lists.once()
        return await self._watch.once()
