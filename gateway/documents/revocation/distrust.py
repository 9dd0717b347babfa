"""Time-stamps that prove nothing any more, told to whoever reckons until when files are provable.

Owns which those are: of every authority whose certificate somebody says is revoked, by the word
that holds. A signing service reckons for all portals alike, so the strictest word of any portal
counts. Leaves reckoning to ``gateway.preservation`` and the signing service.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gateway.documents.revocation import store
from gateway.documents.revocation.service import effective, revoked_by
from gateway.foundation.database import Database
from signing.contract import Distrusting, VoidStamps


class Distrust:
    """One process's signing service, kept up to date."""

    def __init__(self, database: Database, signatures: Distrusting) -> None:
        self._database = database
        self._signatures = signatures

    async def learn(self) -> None:
        """Tell the signing service which time-stamps are void as of now."""
        self._signatures.distrust(await self._database.read(void_stamps))


def void_stamps(connection: Connection) -> list[VoidStamps]:
    """Of every portal, the strictest word about each certificate."""
    since: dict[str, datetime | None] = {}
    for tenant, digest in store.decided(connection):
        revoked = revoked_by(effective(store.decisions(connection, tenant, digest)))
        if revoked.at is None:
            continue
        earlier = since.get(digest, revoked.at)
        since[digest] = None if revoked.voids_all or earlier is None else min(earlier, revoked.at)
    return [VoidStamps(digest, at) for digest, at in since.items()]
