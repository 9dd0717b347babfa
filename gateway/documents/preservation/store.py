"""Documents as files to be kept provable: every statement beside those of their own store.

The queue is ``gateway.preservation``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.request_store import signature_requests
from gateway.documents.rules import OPEN, RequestStatus
from gateway.documents.store import document_revisions, documents
from signing.contract import Level

EXTENSION_ROLE = "extension"  # of revisions that nobody signed

_latest = sa.and_(
    document_revisions.c.document_id == documents.c.id,
    document_revisions.c.number == documents.c.revision,
)


def being_signed(
    connection: Connection, document_id: str, now: datetime, *, lock: bool = False
) -> bool:
    """Whether somebody's key is at the document right now: its bytes must not change.

    ``lock`` keeps everybody from beginning to sign until the transaction ends. Requests are
    locked before their document, as the act of signing does.
    """
    table = signature_requests
    query = sa.select(table.c.status, table.c.lease_until).where(
        table.c.document_id == document_id, table.c.status.in_(OPEN)
    )
    rows = connection.execute(query.with_for_update() if lock else query).all()
    return any(
        row.status == RequestStatus.SIGNING and row.lease_until and row.lease_until > now
        for row in rows
    )


def own_fields(connection: Connection, document_id: str) -> set[str]:
    """The signature and time-stamp fields that were made here."""
    query = sa.select(document_revisions.c.field_names).where(
        document_revisions.c.document_id == document_id,
        document_revisions.c.field_names.is_not(None),
    )
    return {name for names in connection.execute(query).scalars() for name in names}


def move_open_requests(connection: Connection, document_id: str, digest: str) -> None:
    """Let the next signer sign the new revision; an act that had died cannot publish any more."""
    table = signature_requests
    connection.execute(
        table.update()
        .where(table.c.document_id == document_id, table.c.status.in_(OPEN))
        .values(
            current_sha256=digest,
            status=RequestStatus.WAITING,
            fence=table.c.fence + 1,
            lease_until=None,
        )
    )


def set_provability(
    connection: Connection, document_id: str, number: int, until: datetime | None, reason: str
) -> None:
    """What was reckoned about one revision."""
    connection.execute(
        document_revisions.update()
        .where(
            document_revisions.c.document_id == document_id, document_revisions.c.number == number
        )
        .values(provable_until=until, provable_reason=reason)
    )


def forget_provability(connection: Connection, document_ids: Sequence[str]) -> None:
    """Have the latest revisions of these documents reckoned anew."""
    latest = (
        sa.select(documents.c.revision)
        .where(documents.c.id == document_revisions.c.document_id)
        .scalar_subquery()
    )
    connection.execute(
        document_revisions.update()
        .where(
            document_revisions.c.document_id.in_(document_ids),
            document_revisions.c.number == latest,
        )
        .values(provable_until=None, provable_reason=None)
    )


def latest_provability(connection: Connection, document_ids: Sequence[str]) -> dict[str, Any]:
    """Document id → ``provable_until`` and ``provable_reason`` of its latest revision."""
    query = sa.select(
        documents.c.id, document_revisions.c.provable_until, document_revisions.c.provable_reason
    ).join(document_revisions, _latest)
    rows = connection.execute(query.where(documents.c.id.in_(document_ids)))
    return {row.id: row for row in rows}


def shelf() -> sa.Select[Any]:
    """Every document in its latest form, as files to be kept (``gateway.preservation.kept``).

    Kept since it was signed the last time: extensions do not count.
    """
    revision = document_revisions.alias("own")
    signed_at = (
        sa.select(sa.func.max(revision.c.created_at))
        .where(
            revision.c.document_id == documents.c.id,
            sa.func.coalesce(revision.c.role, "") != EXTENSION_ROLE,
        )
        .scalar_subquery()
    )
    no_signatures = sa.literal([], documents.c.signatures.type)
    is_signed = sa.or_(documents.c.level.is_not(None), documents.c.signatures != no_signatures)
    is_renewable = sa.func.coalesce(documents.c.level, "").in_((Level.B_LT, Level.B_LTA))
    return sa.select(
        documents.c.id,
        documents.c.tenant,
        documents.c.reference,
        documents.c.kind,
        documents.c.level,
        documents.c.revision,
        documents.c.sha256,
        document_revisions.c.provable_until,
        document_revisions.c.provable_reason,
        signed_at.label("kept_since"),
        is_signed.label("is_signed"),
        is_renewable.label("is_renewable"),
    ).join(document_revisions, _latest)
