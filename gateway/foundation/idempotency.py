"""Same key, same content, same answer: the record commits with the work it protects.

Scope is (tenant, method and route, key). The fingerprint covers path and content; a JSON body
counts by its canonical form, so a re-serialised retry is the same request. Two ways to use it:

* ``once``: the work is one unit of the database; record and work commit together.
* ``begin`` … ``finish``: the work calls somebody in between. ``begin`` commits a lease first;
  a crash leaves ``in_progress``, and after the lease the next try resumes with a higher fence.

Refusals before execution and 5xx are never stored. Kept 31 days.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway.foundation.columns import Blob, Instant, Json, metadata
from gateway.foundation.problems import Problem

KEEP = timedelta(days=31)
LEASE = timedelta(seconds=60)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

records = sa.Table(
    "idempotency_records",
    metadata,
    sa.Column("scope", sa.String(200), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("created_at", Instant, nullable=False, index=True),
    sa.Column("fence", sa.Integer, nullable=False, default=1),
    sa.Column("lease_until", Instant),
    sa.Column("subject", sa.String(40)),
    sa.Column("status", sa.Integer),
    sa.Column("headers", Json),
    sa.Column("body", Blob),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's claim on a key."""

    scope: str
    key: str
    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored or fresh answer: status, body bytes, allow-listed headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do the work: ``resumed`` says that an earlier try left ``subject`` behind.

    ``broken_off``: that try never said how it ended (a crash, a fault), nobody gave the key back.
    """

    claim: Claim
    fence: int
    subject: str | None
    resumed: bool
    broken_off: bool = False

    def left(self, subject: str) -> bool:
        """Whether an earlier try broke off over this subject."""
        return self.broken_off and self.subject == subject


def read_key(header: str | None) -> str:
    """The key of an ``Idempotency-Key`` header, bare or as a quoted structured string.

    Raises:
        Problem: ``idempotency_key_required``, ``idempotency_key_invalid``.
    """
    if header is None or not header.strip():
        raise Problem("idempotency_key_required")
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if not _KEY.fullmatch(key):
        raise Problem("idempotency_key_invalid", "Khóa gồm 1–255 ký tự ASCII nhìn thấy được.")
    return key


def fingerprint(method: str, path: str, query: str, content: Any) -> str:
    """SHA-256 over method, concrete path, query and content (bytes, or JSON data)."""
    if query:
        query = "&".join(sorted(query.split("&")))
    digest = hashlib.sha256(f"{method}\n{path}\n{query}\n".encode())
    if isinstance(content, bytes):
        digest.update(b"raw\n" + hashlib.sha256(content).digest())
    else:
        digest.update(b"json\n" + msgspec.json.encode(content, order="deterministic"))
    return digest.hexdigest()


def once(connection: Connection, claim: Claim, work: Callable[[], Answer]) -> Answer:
    """Do the work unless it was done; the record joins the work's transaction.

    Raises:
        Problem: ``idempotency_key_reused``, ``idempotency_in_progress``, or the work's own.
    """
    if not insert_claims(connection, [claim]):
        return stored_answer(connection, claim)
    answer = work()
    save_answer(connection, claim, answer)
    return answer


def insert_claims(connection: Connection, claims: Sequence[Claim]) -> set[tuple[str, str]]:
    """Insert many claims with one statement; returns the (scope, key) pairs that are new."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(records)
        .values(
            [
                {
                    "scope": c.scope,
                    "key": c.key,
                    "fingerprint": c.fingerprint,
                    "created_at": c.at,
                    "fence": 1,
                }
                for c in claims
            ]
        )
        .on_conflict_do_nothing()
        .returning(records.c.scope, records.c.key)
    )
    return {(row.scope, row.key) for row in connection.execute(statement)}


def save_answer(connection: Connection, claim: Claim, answer: Answer) -> None:
    """Write a claim's answer."""
    connection.execute(
        records.update()
        .where(records.c.scope == claim.scope, records.c.key == claim.key)
        .values(
            status=answer.status,
            body=answer.body,
            headers=dict(answer.headers),
            lease_until=None,
        )
    )


def stored_answer(connection: Connection, claim: Claim) -> Answer:
    """The answer of an earlier request with this key.

    Raises:
        Problem: ``idempotency_key_reused`` for other content, ``idempotency_in_progress``.
    """
    row = _row(connection, claim)
    if row is None or row.status is None:
        raise _in_progress()
    return Answer(row.status, bytes(row.body), row.headers or {}, replayed=True)


def begin(connection: Connection, claim: Claim) -> Lease | Answer:
    """Take the lease, or the stored answer.

    Raises:
        Problem: ``idempotency_key_reused``, ``idempotency_in_progress``.
    """
    if insert_claims(connection, [claim]):
        _set_lease(connection, claim, 1)
        return Lease(claim, 1, None, resumed=False)
    row = _row(connection, claim)
    if row is None:
        raise _in_progress()
    if row.status is not None:
        return Answer(row.status, bytes(row.body), row.headers or {}, replayed=True)
    if row.lease_until is not None and row.lease_until > claim.at:
        raise _in_progress()
    _set_lease(connection, claim, row.fence + 1)
    broken_off = row.lease_until is not None
    return Lease(claim, row.fence + 1, row.subject, resumed=True, broken_off=broken_off)


def remember(connection: Connection, lease: Lease, subject: str) -> None:
    """Note what the work created, before any foreign call, so that a resumed try finds it."""
    _guarded(connection, lease, subject=subject)


def finish(connection: Connection, lease: Lease, answer: Answer) -> None:
    """Store the answer, if the lease is still ours."""
    _guarded(
        connection,
        lease,
        status=answer.status,
        body=answer.body,
        headers=dict(answer.headers),
        lease_until=None,
    )


def release(connection: Connection, lease: Lease) -> None:
    """Give the key back after a refusal or a fault: the same key may be tried again at once."""
    if lease.subject is None:
        connection.execute(
            records.delete().where(
                records.c.scope == lease.claim.scope,
                records.c.key == lease.claim.key,
                records.c.fence == lease.fence,
                records.c.subject.is_(None),
            )
        )
    connection.execute(
        records.update()
        .where(
            records.c.scope == lease.claim.scope,
            records.c.key == lease.claim.key,
            records.c.fence == lease.fence,
        )
        .values(lease_until=None)
    )


def forget_old(connection: Connection, now: datetime) -> int:
    """Delete finished records past their keep; unfinished ones stay."""
    return connection.execute(
        records.delete().where(records.c.created_at < now - KEEP, records.c.status.is_not(None))
    ).rowcount


def _row(connection: Connection, claim: Claim) -> Any:
    row = connection.execute(
        sa.select(records)
        .where(records.c.scope == claim.scope, records.c.key == claim.key)
        .with_for_update()
    ).first()
    if row is not None and row.fingerprint != claim.fingerprint:
        raise Problem("idempotency_key_reused")
    return row


def _set_lease(connection: Connection, claim: Claim, fence: int) -> None:
    connection.execute(
        records.update()
        .where(records.c.scope == claim.scope, records.c.key == claim.key)
        .values(lease_until=claim.at + LEASE, fence=fence)
    )


def _guarded(connection: Connection, lease: Lease, **values: Any) -> None:
    changed = connection.execute(
        records.update()
        .where(
            records.c.scope == lease.claim.scope,
            records.c.key == lease.claim.key,
            records.c.fence == lease.fence,
        )
        .values(**values)
    ).rowcount
    if changed != 1:
        raise _in_progress()


def _in_progress() -> Problem:
    return Problem("idempotency_in_progress", headers={"Retry-After": "2"})
