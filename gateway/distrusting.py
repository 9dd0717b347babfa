"""``motcua distrust``: the gateway's operator says that a certificate is not to be believed.

A portal's operator speaks for that portal only (``POST /v1/certificates/{sha256}/revocation``).
That a time-stamping authority's key was stolen is true of the world: whoever runs the gateway says
it once, in every portal that keeps something the certificate has signed or stamped, all in one
transaction. Owns putting that together; what a word means is ``gateway.documents.revocation``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from sqlalchemy import Connection

from gateway.certification import kept_store
from gateway.certification.keeping import CopyKeeping
from gateway.documents.evidence import authority_store
from gateway.documents.preservation import store as preservation_store
from gateway.documents.preservation.shortfalls import OWNER
from gateway.documents.revocation import store
from gateway.documents.revocation.service import Revocations, Word
from gateway.documents.revocation.store import GATEWAY
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.waker import Redis, Waker
from gateway.preservation.worker import topic_of
from gateway.settings import Settings

COMMAND = "motcua distrust"
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Said:
    """In which portals it was said now, and where it had been said before."""

    told: Sequence[str]
    known: Sequence[str]


class _Reckoning:
    """Has files reckoned again by the gateway that keeps them (``service.Reckoning``)."""

    def __init__(self, waker: Waker) -> None:
        self._waker = waker

    def reckon_anew(self, connection: Connection, ids: Sequence[str]) -> None:
        preservation_store.forget_provability(connection, ids)
        kept_store.forget_provability(connection, ids)

    def look_soon(self) -> None:
        for owner in (OWNER, CopyKeeping.owner):
            self._waker.wake(topic_of(owner))


def certificate_named(text: str) -> str:
    """The SHA-256 of a certificate, given so or as a file (PEM or DER).

    Raises:
        ValueError: it is neither.
    """
    if len(text) == 64 and set(text.lower()) <= _HEX:
        return text.lower()
    try:
        data = Path(text).read_bytes()
    except OSError as error:
        raise ValueError(str(error)) from error
    read = x509.load_pem_x509_certificate if b"-----BEGIN" in data else None
    certificate = (read or x509.load_der_x509_certificate)(data)
    return certificate.fingerprint(hashes.SHA256()).hex()


async def distrust(
    settings: Settings,
    database: Database,
    clock: Clock,
    certificate_sha256: str,
    *,
    revoked_at: datetime | None,
    reason: str,
    cause: str | None = None,
) -> Said:
    """Say it in every portal; ``revoked_at`` None takes back what was said so before.

    Raises:
        Problem: ``validation_failed``: a moment still to come.
    """
    redis = Redis(settings.redis.url) if settings.redis.url else None
    waker = Waker(redis)
    revocations = Revocations(database, clock, waker, _Reckoning(waker))
    word = Word(GATEWAY, revoked_at, reason, COMMAND, cause=cause)

    def unit(connection: Connection) -> Said:
        tenants = set(store.tenants_with(connection, certificate_sha256))
        tenants |= set(authority_store.tenants_with(connection, certificate_sha256))
        said = {
            tenant: revocations.say(connection, tenant, certificate_sha256, word)
            for tenant in sorted(tenants)
        }
        told = [tenant for tenant, new in said.items() if new]
        return Said(told, [tenant for tenant in said if tenant not in told])

    try:
        found = await database.write(unit)
        revocations.announce()
        return found
    finally:
        if redis is not None:
            await redis.close()
