"""Payments, attempts and refunds in the database: reading, opening, claiming.

Owns the statements on those three tables except the derived columns, which ``recording``
writes. Every function runs inside somebody's unit of work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from gateway.foundation.problems import not_found
from gateway.payments.evidence import Attempt, Obligation
from gateway.payments.tables import attempts, payments, refunds

LEASE = timedelta(seconds=60)
"""How long a worker may think about one thing before another looks at it."""


def _some(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, expanding=True)


# Statements of the hot paths are written once: building them costs more than running them.
_PAYMENT = sa.select(payments).where(
    payments.c.id == sa.bindparam("id"), payments.c.tenant == sa.bindparam("tenant")
)
_LOCKED = (
    sa.select(payments)
    .where(payments.c.id.in_(_some("ids")))
    .order_by(payments.c.id)
    .with_for_update()
)
_ATTEMPT = sa.select(attempts).where(attempts.c.id == sa.bindparam("id"))
_ATTEMPTS = (
    sa.select(attempts).where(attempts.c.payment_id.in_(_some("ids"))).order_by(attempts.c.id)
)
_REFUNDS = sa.select(refunds).where(refunds.c.payment_id.in_(_some("ids"))).order_by(refunds.c.id)
_NAMED = sa.select(attempts).where(
    attempts.c.reference.in_(_some("names")) | attempts.c.virtual_account.in_(_some("numbers"))
)


# ------------------------------------------------------------------ payments


def find_payment(connection: Connection, tenant: str, payment_id: str) -> Row[Any]:
    """One payment of this tenant.

    Raises:
        Problem: ``not_found``, for another tenant's payment too.
    """
    row = connection.execute(_PAYMENT, {"id": payment_id, "tenant": tenant}).first()
    if row is None:
        raise not_found("khoản nộp này")
    return row


def find_by_token(connection: Connection, token: str) -> Row[Any] | None:
    """The payment behind a citizen's link."""
    return connection.execute(sa.select(payments).where(payments.c.token == token)).first()


def find_token(connection: Connection, payment_id: str) -> str:
    """The unguessable part of a payment's link."""
    query = sa.select(payments.c.token).where(payments.c.id == payment_id)
    return str(connection.execute(query).scalar_one())


def payments_named(connection: Connection, ids: Iterable[str]) -> Sequence[Row[Any]]:
    """Payments by id."""
    return connection.execute(sa.select(payments).where(payments.c.id.in_(sorted(ids)))).all()


def lock_payments(connection: Connection, ids: Iterable[str]) -> dict[str, Row[Any]]:
    """Payments held until the transaction ends, always taken in the same order."""
    rows = connection.execute(_LOCKED, {"ids": sorted(set(ids))})
    return {row.id: row for row in rows}


def obligation_of(row: Row[Any]) -> Obligation:
    """What a payment's row says is owed."""
    return Obligation(row.amount, row.expires_at)


# ------------------------------------------------------------------ attempts


def attempts_of(connection: Connection, payment_ids: Iterable[str]) -> dict[str, list[Row[Any]]]:
    """Attempts of some payments, oldest first."""
    wanted = list(payment_ids)
    found: dict[str, list[Row[Any]]] = {payment_id: [] for payment_id in wanted}
    for row in connection.execute(_ATTEMPTS, {"ids": wanted}):
        found[row.payment_id].append(row)
    return found


def as_attempt(row: Row[Any]) -> Attempt:
    """An attempt's row as the value the rules fold."""
    return Attempt(row.id, row.account, row.amount, row.expires_at)


def find_attempt(connection: Connection, attempt_id: str) -> Row[Any] | None:
    """One attempt, whoever asks: for our own workers."""
    return connection.execute(_ATTEMPT, {"id": attempt_id}).first()


def attempts_named(
    connection: Connection, references: Iterable[str], virtual_accounts: Iterable[str]
) -> Sequence[Row[Any]]:
    """Attempts that messages may be about: by reference, or by an account of their own."""
    values = {"names": sorted(set(references)), "numbers": sorted(set(virtual_accounts))}
    return connection.execute(_NAMED, values).all()


def insert_attempt(connection: Connection, row: Mapping[str, Any]) -> None:
    """Commit an attempt and its reference before the call that uses it."""
    connection.execute(attempts.insert(), dict(row))


def update_attempt(connection: Connection, attempt_id: str, **values: Any) -> None:
    """Change what is not derived: the action, the connector's state, the next look."""
    connection.execute(attempts.update().where(attempts.c.id == attempt_id).values(**values))


def ask_soon(connection: Connection, attempt_ids: Iterable[str], at: datetime) -> None:
    """Let the worker ask about attempts that are not finished."""
    wanted = sorted(set(attempt_ids))
    due = attempts.c.ask_at.is_not(None) & (attempts.c.ask_at > at)
    statement = attempts.update().where(attempts.c.id.in_(wanted), due)
    connection.execute(statement.values(ask_at=at))


def claim_attempts(connection: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Take due attempts for a while; whoever dies over one leaves it to the next."""
    return _claim(connection, attempts, attempts.c.ask_at, now, limit)


# ------------------------------------------------------------------ deadlines


def claim_payments(connection: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Take payments whose deadline should be looked at."""
    return _claim(connection, payments, payments.c.look_at, now, limit)


def look_again(connection: Connection, payment_id: str, at: datetime) -> None:
    """Look at a payment's deadline later."""
    statement = payments.update().where(payments.c.id == payment_id)
    connection.execute(statement.values(look_at=at))


# ------------------------------------------------------------------ refunds


def find_refund(connection: Connection, tenant: str, refund_id: str) -> tuple[Row[Any], Row[Any]]:
    """A refund and its payment.

    Raises:
        Problem: ``not_found``, for another tenant's refund too.
    """
    query = (
        sa.select(refunds)
        .join(payments, payments.c.id == refunds.c.payment_id)
        .where(refunds.c.id == refund_id, payments.c.tenant == tenant)
    )
    row = connection.execute(query).first()
    if row is None:
        raise not_found("lệnh hoàn này")
    return row, find_payment(connection, tenant, row.payment_id)


def refunds_of(connection: Connection, payment_ids: Iterable[str]) -> dict[str, list[Row[Any]]]:
    """Refunds of some payments, oldest first."""
    wanted = list(payment_ids)
    found: dict[str, list[Row[Any]]] = {payment_id: [] for payment_id in wanted}
    for row in connection.execute(_REFUNDS, {"ids": wanted}):
        found[row.payment_id].append(row)
    return found


def refunds_named(connection: Connection, ids: Iterable[str]) -> Sequence[Row[Any]]:
    """Refunds by id."""
    return connection.execute(sa.select(refunds).where(refunds.c.id.in_(sorted(ids)))).all()


def insert_refund(connection: Connection, row: Mapping[str, Any]) -> None:
    """Commit a refund and its own reference."""
    connection.execute(refunds.insert(), dict(row))


def update_refund(connection: Connection, refund_id: str, **values: Any) -> None:
    """Change what is not derived."""
    connection.execute(refunds.update().where(refunds.c.id == refund_id).values(**values))


def begin_sending(connection: Connection, refund_id: str, now: datetime) -> bool:
    """Become the one who sends a refund; False when somebody has begun already."""
    statement = refunds.update().where(refunds.c.id == refund_id, refunds.c.sending_at.is_(None))
    return connection.execute(statement.values(sending_at=now)).rowcount == 1


def claim_refunds(connection: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Take due refunds for a while."""
    return _claim(connection, refunds, refunds.c.ask_at, now, limit)


def _claim(
    connection: Connection, table: sa.Table, due: sa.Column[Any], now: datetime, limit: int
) -> Sequence[Row[Any]]:
    chosen = (
        sa.select(table.c.id)
        .where(due <= now)
        .order_by(due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = table.update().where(table.c.id.in_(chosen)).values({due: now + LEASE})
    return connection.execute(statement.returning(*table.c)).all()


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """A cheap look before claiming, so that an idle worker writes nothing."""
    due = sa.or_(
        *(
            sa.exists().where(column <= now)
            for column in (attempts.c.ask_at, refunds.c.ask_at, payments.c.look_at)
        )
    )
    return bool(connection.execute(sa.select(due)).scalar())
