"""Who is calling: API keys with scopes, two modes, and the tenant every object belongs to.

A key is ``mc_<mode>_<26 characters><6 check characters>``: the check is offline, so a typing
error never reaches the database. Only a keyed hash is stored. ``live`` and ``test`` never see
each other: the tenant of an object is ``portal/mode``. A gateway serves the keys of its own mode
only, for its accounts at providers are of that mode.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.foundation.clock import Clock
from gateway.foundation.columns import Instant, Json, metadata
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem

SCOPES = (
    "payments:read",
    "payments:write",
    "payments:counter",
    "payments:refund",
    "documents:read",
    "documents:write",
    "documents:sign",
    "authority:read",
    "authority:write",
    "certifications:read",
    "certifications:write",
    "shipments:read",
    "shipments:write",
    "webhooks:read",
    "webhooks:write",
    "reports:read",
)
MODES = ("live", "test")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
_BODY = 26  # 26 × log2(54) ≈ 149 bits
_REMEMBER_S = 5.0
_OFFICIAL = re.compile(r"official:[A-Za-z0-9._-]{1,100}")  # as steps of a request name signers

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("portal", sa.String(64), nullable=False),
    sa.Column("mode", sa.String(4), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("official", sa.String(120)),  # a person's own token: "official:nguyen.van.a"
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("last_four", sa.String(4), nullable=False),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("last_used_at", Instant),
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: which key, for which tenant, allowed what."""

    key_id: str
    portal: str
    mode: str
    scopes: frozenset[str]
    official: str | None = None

    @property
    def tenant(self) -> str:
        """What every object is filed under."""
        return f"{self.portal}/{self.mode}"

    def require(self, scope: str) -> None:
        """Refuse with ``403 missing_scope`` unless the key has it, or one of ``a|b``."""
        if not {"*", *scope.split("|")} & set(self.scopes):
            raise Problem(
                "missing_scope", f"Khóa này không có quyền {scope}.", f"Missing scope {scope}."
            )


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; ``secret`` is shown this once."""

    id: str
    secret: str


def make_secret(mode: str) -> str:
    """A fresh key text with its checksum."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_BODY))
    return f"mc_{mode}_{body}{_check(mode, body)}"


def is_well_formed(secret: str) -> bool:
    """The offline check: prefix, mode, length and checksum."""
    parts = secret.split("_")
    if len(parts) != 3 or parts[0] != "mc" or parts[1] not in MODES:
        return False
    body, check = parts[2][:_BODY], parts[2][_BODY:]
    if len(body) != _BODY or not secret.isascii():
        return False
    return hmac.compare_digest(check.encode(), _check(parts[1], body).encode())


def _check(mode: str, body: str) -> str:
    value = zlib.crc32(f"{mode}_{body}".encode())
    characters = []
    for _ in range(6):
        value, digit = divmod(value, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(characters)


class Keys:
    """Makes, finds and revokes keys; remembers found ones for a few seconds."""

    def __init__(
        self, database: Database, clock: Clock, pepper: bytes, modes: Sequence[str] = MODES
    ) -> None:
        self._database = database
        self._clock = clock
        self._pepper = pepper
        self._modes = tuple(modes)
        self._seen: dict[bytes, tuple[float, Principal]] = {}
        self._local = secrets.token_bytes(32)
        self._used: dict[str, datetime] = {}

    def hash(self, secret: str) -> str:
        """The keyed hash that is stored."""
        return hmac.digest(self._pepper, secret.encode(), hashlib.sha256).hex()

    async def create(
        self,
        portal: str,
        mode: str,
        scopes: Iterable[str],
        name: str = "",
        *,
        official: str | None = None,
        expires_in: timedelta | None = None,
    ) -> NewKey:
        """Make a key.

        Raises:
            Problem: ``invalid_request`` for an unknown mode or scope, or another form of official.
        """
        if official is not None and not _OFFICIAL.fullmatch(official):
            raise Problem("invalid_request", f"Người ký có dạng official:nguyen.van.a: {official}.")
        wanted = sorted(set(scopes))
        unknown = [s for s in wanted if s != "*" and s not in SCOPES]
        if mode not in self._modes:
            raise Problem("invalid_request", f"Cổng này không chạy chế độ {mode}.")
        if unknown:
            known = ", ".join(sorted(SCOPES))
            raise Problem(
                "invalid_request", f"Không có quyền {', '.join(unknown)}; các quyền: {known}, *."
            )
        secret = make_secret(mode)
        now = self._clock.now()
        row = {
            "id": new_id("key", self._clock),
            "portal": portal,
            "mode": mode,
            "name": name or portal,
            "official": official,
            "hash": self.hash(secret),
            "last_four": secret[-4:],
            "scopes": wanted,
            "created_at": now,
            "expires_at": now + expires_in if expires_in else None,
        }
        await self._database.write(lambda c: c.execute(api_keys.insert(), row) and None)
        return NewKey(str(row["id"]), secret)

    async def identify(self, secret: str) -> Principal:
        """The principal of a presented key.

        Raises:
            Problem: ``unauthenticated``, ``key_expired``, ``key_revoked``.
        """
        # Of what was found a moment ago a quicker hash, good for this process, is enough.
        mark = hashlib.blake2b(secret.encode("utf-8", "replace"), key=self._local).digest()
        seen = self._seen.get(mark)
        if seen and self._clock.monotonic() - seen[0] < _REMEMBER_S:
            return seen[1]
        if not is_well_formed(secret):
            raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        digest = self.hash(secret)
        row = await self._database.read(
            lambda c: c.execute(sa.select(api_keys).where(api_keys.c.hash == digest)).first()
        )
        if row is None:
            raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        if row.revoked_at is not None:
            raise Problem("key_revoked")
        if row.mode not in self._modes:
            raise Problem("wrong_mode", f"Cổng này chỉ nhận khóa {'/'.join(self._modes)}.")
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            raise Problem("key_expired")
        principal = Principal(row.id, row.portal, row.mode, frozenset(row.scopes), row.official)
        if len(self._seen) > 10_000:
            self._seen.clear()
        self._seen[mark] = (self._clock.monotonic(), principal)
        self._used[row.id] = self._clock.now()
        return principal

    async def note_uses(self) -> None:
        """Write the last uses seen since the last call (a background task's work)."""
        used, self._used = self._used, {}
        if not used:
            return

        def unit(connection: Connection) -> None:
            for key_id, moment in used.items():
                connection.execute(
                    api_keys.update().where(api_keys.c.id == key_id).values(last_used_at=moment)
                )

        await self._database.write(unit)

    async def revoke(self, key_id: str) -> bool:
        """Revoke; effective here at once, elsewhere within five seconds."""
        now = self._clock.now()
        self._seen.clear()
        return await self._database.write(
            lambda c: (
                c.execute(
                    api_keys.update()
                    .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
                    .values(revoked_at=now)
                ).rowcount
                == 1
            )
        )

    async def every(self) -> list[dict[str, object]]:
        """All keys, without their hashes, newest first."""
        columns = [c for c in api_keys.c if c.name != "hash"]
        rows = await self._database.read(
            lambda c: c.execute(sa.select(*columns).order_by(api_keys.c.id.desc())).all()
        )
        return [dict(r._mapping) for r in rows]  # noqa: SLF001 - SQLAlchemy's public mapping
