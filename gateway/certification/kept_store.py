"""Issued copies as files to be kept provable: every statement beside those of their own store.

The latest file of a copy is the one its row names; earlier ones stay, because citizens hold them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.certification.rules import SUBJECT, Status
from gateway.certification.store import certification_files, certifications

_latest = sa.and_(
    certification_files.c.certification_id == certifications.c.id,
    certification_files.c.sha256 == certifications.c.sha256,
)


def shelf() -> sa.Select[Any]:
    """Copies worth keeping: issued, not cancelled (``gateway.preservation.kept``).

    Kept since they were issued: extensions do not count.
    """
    every = certification_files.alias("own")
    files = (
        sa.select(sa.func.count())
        .where(every.c.certification_id == certifications.c.id)
        .scalar_subquery()
    )
    return (
        sa.select(
            certifications.c.id,
            certifications.c.tenant,
            certifications.c.reference,
            sa.literal(SUBJECT).label("kind"),
            certification_files.c.level,
            (files - 1).label("revision"),
            certifications.c.sha256,
            certification_files.c.provable_until,
            certification_files.c.provable_reason,
            certifications.c.issued_at.label("kept_since"),
            sa.true().label("is_signed"),
            sa.true().label("is_renewable"),
        )
        .join(certification_files, _latest)
        .where(certifications.c.status == Status.ISSUED)
    )


def set_provability(
    connection: Connection, certification_id: str, sha256: str, **values: Any
) -> None:
    """What was reckoned about one file: ``level``, ``provable_until``, ``provable_reason``."""
    table = certification_files
    this = (table.c.certification_id == certification_id, table.c.sha256 == sha256)
    connection.execute(table.update().where(*this).values(**values))


def forget_provability(connection: Connection, ids: Sequence[str]) -> None:
    """Have the latest files of these copies reckoned anew."""
    latest = (
        sa.select(certifications.c.sha256)
        .where(certifications.c.id == certification_files.c.certification_id)
        .scalar_subquery()
    )
    connection.execute(
        certification_files.update()
        .where(
            certification_files.c.certification_id.in_(ids),
            certification_files.c.sha256 == latest,
        )
        .values(provable_until=None, provable_reason=None)
    )


def lengthened() -> sa.Select[Any]:
    """Every file that a renewal made: ``id``, ``tenant``, ``number`` from 1, ``sha256``.

    What was issued comes first and is the shortest: a renewal only appends.
    """
    one, earlier = certification_files, certification_files.alias("earlier")
    number = (
        sa.select(sa.func.count())
        .where(earlier.c.certification_id == one.c.certification_id, earlier.c.size < one.c.size)
        .scalar_subquery()
    )
    return (
        sa.select(
            one.c.certification_id.label("id"),
            certifications.c.tenant,
            number.label("number"),
            one.c.sha256,
        )
        .join(certifications, certifications.c.id == one.c.certification_id)
        .where(number > 0)
    )


def signature_fields(connection: Connection, certification_id: str, sha256: str) -> Any:
    """The fields that were signed in one file."""
    table = certification_files
    this = (table.c.certification_id == certification_id, table.c.sha256 == sha256)
    return connection.execute(sa.select(table.c.signature_fields).where(*this)).scalar_one()


def add_file(connection: Connection, row: Mapping[str, Any]) -> None:
    """One more file of a copy, beside the earlier ones."""
    connection.execute(certification_files.insert(), dict(row))
