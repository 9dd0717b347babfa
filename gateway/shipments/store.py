"""Every statement about shipments, their evidence and the carriers' cursors.

Each function runs inside somebody's unit of work; what follows from the evidence is decided in
``recording``. Rows are locked in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Row
from sqlalchemy.dialects import postgresql, sqlite

from gateway.foundation.problems import not_found
from gateway.shipments.tables import evidence, feeds, messages, shipments

LEASE: Final = timedelta(seconds=20)
"""How long a worker may think about one shipment before another looks at it."""
FEED_LEASE: Final = timedelta(seconds=15)
"""How long a poller that fell silent keeps its account; a living one renews it."""


# ------------------------------------------------------------------ shipments


def insert_shipment(connection: Connection, row: Mapping[str, Any]) -> Row[Any]:
    """A new shipment."""
    statement = shipments.insert().values(dict(row)).returning(*shipments.c)
    return connection.execute(statement).one()


def find_shipment(
    connection: Connection, tenant: str, shipment_id: str, *, lock: bool = False
) -> Row[Any]:
    """One shipment of this tenant.

    Raises:
        Problem: ``not_found``, for another tenant's shipment too.
    """
    query = sa.select(shipments).where(shipments.c.id == shipment_id, shipments.c.tenant == tenant)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise not_found("bưu gửi này")
    return row


def find_by_token(connection: Connection, token: str) -> Row[Any] | None:
    """The shipment whose public page has this token, whoever asks."""
    return connection.execute(sa.select(shipments).where(shipments.c.token == token)).first()


def shipments_by_id(connection: Connection, ids: Iterable[str]) -> Sequence[Row[Any]]:
    """Shipments as they are, whoever asks."""
    wanted = sorted(set(ids))
    return connection.execute(sa.select(shipments).where(shipments.c.id.in_(wanted))).all()


def lock_shipments(connection: Connection, ids: Iterable[str]) -> dict[str, Row[Any]]:
    """Shipments, held until the transaction ends."""
    query = (
        sa.select(shipments)
        .where(shipments.c.id.in_(sorted(set(ids))))
        .order_by(shipments.c.id)
        .with_for_update()
    )
    return {row.id: row for row in connection.execute(query)}


def change_shipment(connection: Connection, shipment_id: str, **values: Any) -> None:
    """Set columns of a shipment that the caller holds locked."""
    connection.execute(shipments.update().where(shipments.c.id == shipment_id).values(**values))


def owners(
    connection: Connection, account: str, client_refs: Iterable[str], item_codes: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Whose these numbers are: client reference → id, item number → id.

    An item number that two shipments carry (the post uses them again after years) is the newest
    one's.
    """
    c = shipments.c
    query = sa.select(c.id, c.client_ref, c.tracking_number).where(c.carrier == account)
    refs, codes = sorted(set(client_refs)), sorted(set(item_codes))
    by_ref = connection.execute(query.where(c.client_ref.in_(refs))) if refs else ()
    by_code = (
        connection.execute(query.where(c.tracking_number.in_(codes)).order_by(c.id))
        if codes
        else ()
    )
    return (
        {row.client_ref: row.id for row in by_ref},
        {row.tracking_number: row.id for row in by_code},
    )


# ------------------------------------------------------------------ the queue


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """A cheap look before claiming, so that an idle worker writes nothing."""
    due = sa.select(sa.exists().where(shipments.c.next_at <= now))
    return bool(connection.execute(due).scalar())


def claim_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Take due shipments for a while; whoever dies over one leaves it to the next."""
    chosen = (
        sa.select(shipments.c.id)
        .where(shipments.c.next_at <= now)
        .order_by(shipments.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = shipments.update().where(shipments.c.id.in_(chosen)).values(next_at=now + LEASE)
    return [row.id for row in connection.execute(statement.returning(shipments.c.id))]


def give_back(connection: Connection, ids: Iterable[str], claimed_at: datetime) -> None:
    """Let others look at once at what was claimed and not begun."""
    untouched = shipments.c.next_at == claimed_at + LEASE
    statement = shipments.update().where(shipments.c.id.in_(sorted(ids)), untouched)
    connection.execute(statement.values(next_at=claimed_at))


# ------------------------------------------------------------------ evidence


def insert_evidence(
    connection: Connection, rows: Sequence[Mapping[str, Any]]
) -> set[tuple[str, str]]:
    """Store facts; returns the (account, key) pairs that are new."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new: set[tuple[str, str]] = set()
    for start in range(0, len(rows), 500):
        statement = (
            dialect.insert(evidence)
            .values([dict(row) for row in rows[start : start + 500]])
            .on_conflict_do_nothing()
            .returning(evidence.c.account, evidence.c.key)
        )
        new |= {(row.account, row.key) for row in connection.execute(statement)}
    return new


def keep_message(
    connection: Connection, message_id: str, account: str, body: bytes, received_at: datetime
) -> None:
    """Keep what a carrier sent, byte for byte."""
    row = {"id": message_id, "account": account, "body": body, "received_at": received_at}
    connection.execute(messages.insert(), row)


def known_keys(connection: Connection, account: str, keys: Iterable[str]) -> set[str]:
    """Those of an account's facts that are stored already."""
    query = sa.select(evidence.c.key).where(
        evidence.c.account == account, evidence.c.key.in_(sorted(set(keys)))
    )
    return set(connection.execute(query).scalars())


def evidence_of(connection: Connection, ids: Iterable[str]) -> dict[str, list[Row[Any]]]:
    """Everything stored about some shipments, in the order of arrival."""
    wanted = sorted(set(ids))
    found: dict[str, list[Row[Any]]] = {shipment_id: [] for shipment_id in wanted}
    query = sa.select(evidence).where(evidence.c.shipment_id.in_(wanted))
    for row in connection.execute(query.order_by(evidence.c.number)):
        found[row.shipment_id].append(row)
    return found


def adopt_orphans(
    connection: Connection, account: str, item_code: str, shipment_id: str
) -> Sequence[Row[Any]]:
    """Give a shipment what was said of its item number before we knew it.

    Only what names no order of its own: an event under another reference stays an orphan.
    """
    return connection.execute(
        evidence.update()
        .where(
            evidence.c.account == account,
            evidence.c.item_code == item_code,
            evidence.c.shipment_id.is_(None),
            evidence.c.client_ref.is_(None),
        )
        .values(shipment_id=shipment_id)
        .returning(*evidence.c)
    ).all()


# ------------------------------------------------------------------ carriers' feeds


def take_feed(connection: Connection, account: str, now: datetime) -> Row[Any] | None:
    """Become the one poller of an account; None while another one is, or nothing is due."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(feeds)
        .values(account=account, cursor="", next_at=now, fence=0)
        .on_conflict_do_nothing()
    )
    free = sa.or_(feeds.c.lease_until.is_(None), feeds.c.lease_until <= now)
    statement = (
        feeds.update()
        .where(feeds.c.account == account, feeds.c.next_at <= now, free)
        .values(fence=feeds.c.fence + 1, lease_until=now + FEED_LEASE)
    )
    return connection.execute(statement.returning(*feeds.c)).first()


def move_feed(connection: Connection, account: str, fence: int, **values: Any) -> bool:
    """Set columns of a feed while the lease of ``fence`` is still the present one."""
    statement = feeds.update().where(feeds.c.account == account, feeds.c.fence == fence)
    return connection.execute(statement.values(**values)).rowcount == 1


def due_in(now: datetime, seconds: float) -> datetime:
    """The moment some seconds from now."""
    return now + timedelta(seconds=seconds)
