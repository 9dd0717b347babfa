"""Runs the watch over certificates and lists, for ever."""

from __future__ import annotations

from functools import partial

from gateway.documents.revocation.distrust import Distrust
from gateway.documents.revocation.lists import RevocationLists
from gateway.documents.revocation.watch import CertificateWatch
from gateway.foundation.clock import Clock
from gateway.foundation.tasks import for_ever

_EVERY_S = 60.0


class RevocationWorker:
    """A background task; several processes may run it."""

    def __init__(
        self,
        watch: CertificateWatch,
        lists: RevocationLists,
        distrust: Distrust,
        clock: Clock,
    ) -> None:
        self._watch = watch
        self._lists = lists
        self._distrust = distrust
        self._clock = clock

    async def run(self) -> None:
        """Look every minute, for ever; one damaged answer does not end the watch."""
        await for_ever(self.once, partial(self._clock.sleep, _EVERY_S), "revocations_not_watched")

    async def once(self) -> int:
        """Lists first, so that the certificates are answered from them; how many were asked for."""
        await self._lists.once()
        asked = await self._watch.once()
        await self._distrust.learn()
        return asked
