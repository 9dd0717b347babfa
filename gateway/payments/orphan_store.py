"""Money that nobody could be named for, until a person gives it to a payment.

Owns the rows of orphans after they came in. Two services may report the same transfer, and one
of the two memos may be spoiled: the same money is the same channel, transaction and amount, so
it is shown once, attached once, and not at all when a payment has it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from gateway.foundation.problems import Problem, not_found
from gateway.payments.evidence import Evidence
from gateway.payments.evidence_store import NewEvidence
from gateway.payments.statuses import Channel
from gateway.payments.tables import evidence, orphans

_counted = sa.exists().where(
    evidence.c.transaction_id == orphans.c.transaction_id,
    evidence.c.channel == orphans.c.channel,
    evidence.c.amount == orphans.c.amount,
)


def list_orphans(connection: Connection, limit: int = 100) -> Sequence[Row[Any]]:
    """Money that waits for a person, oldest first; each transfer once."""
    first = sa.select(sa.func.min(orphans.c.id)).group_by(
        orphans.c.channel,
        orphans.c.amount,
        sa.func.coalesce(orphans.c.transaction_id, orphans.c.id),
    )
    query = sa.select(orphans).where(
        orphans.c.payment_id.is_(None), ~_counted, orphans.c.id.in_(first)
    )
    return connection.execute(query.order_by(orphans.c.id).limit(limit)).all()


def lock_orphan(connection: Connection, orphan_id: str) -> Row[Any]:
    """One orphan that may be attached, held until the transaction ends.

    Raises:
        Problem: ``not_found``; ``conflict`` when a payment has this money already.
    """
    query = sa.select(orphans, _counted.label("counted")).where(orphans.c.id == orphan_id)
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise not_found("khoản tiền này")
    if row.payment_id is not None or row.counted:
        raise Problem("conflict", "Khoản tiền này đã được gắn.", "Already attached.")
    return row


def mark_attached(
    connection: Connection, orphan: Row[Any], payment_id: str, actor: str, at: datetime
) -> None:
    """Note whose money an orphan was, and every other report of the same money."""
    same = orphans.c.id == orphan.id
    if orphan.transaction_id is not None:
        same |= sa.and_(
            orphans.c.channel == orphan.channel,
            orphans.c.transaction_id == orphan.transaction_id,
            orphans.c.amount == orphan.amount,
        )
    statement = orphans.update().where(same, orphans.c.payment_id.is_(None))
    connection.execute(statement.values(payment_id=payment_id, attached_by=actor, attached_at=at))


def orphan_evidence(row: Row[Any]) -> NewEvidence:
    """An orphan's own evidence, to be filed under the payment it belongs to."""
    piece = Evidence(
        key=row.key,
        channel=Channel(row.channel),
        says=row.says,
        received_at=row.received_at,
        account=row.account,
        amount=row.amount,
        transaction_id=row.transaction_id,
        occurred_at=row.occurred_at,
    )
    return NewEvidence(piece, row.code, facts=row.facts, message_id=row.message_id)
