"""Time-stamps that prove nothing any more, told to whoever reckons until when files are provable.

Owns which those are, to which portal: what the issuer says, or the gateway's operator, is true of
the world and holds in every portal, also where nobody has been told yet; what a portal's own
operator decided holds in that portal alone. Leaves reckoning to ``gateway.preservation`` and the
signing service.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from gateway.documents.revocation import store
from gateway.documents.revocation.service import effective, revoked_by
from gateway.documents.revocation.store import OPERATOR
from gateway.foundation.database import Database
from gateway.preservation.doubts import Doubts, Known
from signing.contract import VoidStamps


class Distrust:
    """Keeps one process's doubts up to date."""

    def __init__(self, database: Database, doubts: Doubts) -> None:
        self._database = database
        self._doubts = doubts

    async def learn(self) -> None:
        """Take in what is void as of now."""
        self._doubts.learnt(await self._database.read(known_doubts))


def known_doubts(connection: Connection) -> Known:
    """What holds about every authority whose time-stamps somebody keeps."""
    everywhere: dict[str, VoidStamps] = {}
    own: dict[str, dict[str, VoidStamps | None]] = {}
    for digest in store.doubted(connection):
        rows = store.said_about(connection, digest)
        world = [row for row in rows if row.source != OPERATOR]
        word = _void(digest, world)
        if word is not None:
            everywhere[digest] = word
        for tenant in {row.tenant for row in rows if row.source == OPERATOR}:
            held = _void(digest, store.held(connection, tenant, digest))
            if held != word:
                own.setdefault(tenant, {})[digest] = held
    return Known(everywhere, own)


def _void(certificate_sha256: str, rows: Sequence[Any]) -> VoidStamps | None:
    revoked = revoked_by(effective(rows))
    if revoked.at is None:
        return None
    return VoidStamps(certificate_sha256, None if revoked.voids_all else revoked.at)
