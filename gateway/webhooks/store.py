"""SQL of endpoints and their secrets.

Owns the tables ``webhook_endpoints`` and ``webhook_secrets``; secrets arrive here sealed. Leaves
deliveries to ``delivery_store`` and the event log to ``event_store``. A deleted endpoint keeps its
row (its delivery log stays readable by operators) and is invisible to everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from gateway.foundation.columns import Blob, Instant, Json, metadata

ENABLED: Final = "enabled"
DISABLED: Final = "disabled"

endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("url", sa.String(2000), nullable=False),
    sa.Column("events", Json, nullable=False),
    sa.Column("description", sa.String(500), nullable=False),
    sa.Column("mode", sa.String(8), nullable=False),
    sa.Column("ordering", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("disabled_reason", sa.String(16)),
    sa.Column("failing_since", Instant),
    sa.Column("throttled_until", Instant),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("deleted_at", Instant),
    sa.Index("ix_webhook_endpoints_tenant", "tenant", "id"),
)

secrets = sa.Table(
    "webhook_secrets",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("endpoint_id", sa.String(40), nullable=False, index=True),
    sa.Column("sealed", Blob, nullable=False),
    sa.Column("public_key", sa.String(64), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
)

_alive = endpoints.c.deleted_at.is_(None)
_ids: Final[sa.BindParameter[Any]] = sa.bindparam("ids", expanding=True)

# The two questions of every batch are built once: composing one costs more than running it.
_BY_ID: Final = (
    sa.select(endpoints).where(endpoints.c.id.in_(_ids), _alive).order_by(endpoints.c.id)
)
_ACTIVE: Final = (
    sa.select(secrets)
    .where(
        secrets.c.endpoint_id.in_(_ids),
        sa.or_(
            secrets.c.expires_at.is_(None),
            secrets.c.expires_at > sa.bindparam("now", type_=Instant),
        ),
    )
    .order_by(secrets.c.id.desc())
)


def insert_endpoint(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add an endpoint."""
    connection.execute(endpoints.insert(), dict(values))


def count_endpoints(connection: Connection, tenant: str) -> int:
    """How many endpoints a tenant has."""
    query = sa.select(sa.func.count()).where(endpoints.c.tenant == tenant, _alive)
    return int(connection.execute(query).scalar_one())


def find_endpoint(
    connection: Connection, tenant: str, endpoint_id: str, *, lock: bool = False
) -> Row[Any] | None:
    """One endpoint of this tenant, or None."""
    query = sa.select(endpoints).where(
        endpoints.c.id == endpoint_id, endpoints.c.tenant == tenant, _alive
    )
    return connection.execute(query.with_for_update() if lock else query).first()


def list_endpoints(
    connection: Connection, tenant: str, *, limit: int, after: str | None
) -> Sequence[Row[Any]]:
    """A tenant's endpoints, newest first."""
    query = sa.select(endpoints).where(endpoints.c.tenant == tenant, _alive)
    if after is not None:
        query = query.where(endpoints.c.id < after)
    return connection.execute(query.order_by(endpoints.c.id.desc()).limit(limit)).all()


def endpoints_by_id(
    connection: Connection, ids: Iterable[str], *, lock: bool = False
) -> dict[str, Row[Any]]:
    """Endpoints that still exist, of any tenant; locked in one order so that nobody deadlocks."""
    query = _BY_ID.with_for_update() if lock else _BY_ID
    return {row.id: row for row in connection.execute(query, {"ids": sorted(set(ids))})}


def endpoints_of(connection: Connection, tenants: Iterable[str]) -> dict[str, list[Row[Any]]]:
    """Every endpoint of these tenants, by tenant."""
    found: dict[str, list[Row[Any]]] = {}
    query = sa.select(endpoints).where(endpoints.c.tenant.in_(sorted(set(tenants))), _alive)
    for row in connection.execute(query.order_by(endpoints.c.id)):
        found.setdefault(row.tenant, []).append(row)
    return found


def update_endpoint(connection: Connection, endpoint_id: str, **values: Any) -> None:
    """Change columns of one endpoint."""
    connection.execute(endpoints.update().where(endpoints.c.id == endpoint_id).values(**values))


def disable_endpoint(connection: Connection, endpoint_id: str, reason: str) -> int | None:
    """Disable it if it is enabled; returns the new ``sequence``, or None if nothing changed."""
    changed = connection.execute(
        endpoints.update()
        .where(endpoints.c.id == endpoint_id, endpoints.c.status == ENABLED, _alive)
        .values(
            status=DISABLED,
            disabled_reason=reason,
            throttled_until=None,
            sequence=endpoints.c.sequence + 1,
        )
        .returning(endpoints.c.sequence)
    ).first()
    return None if changed is None else int(changed.sequence)


def next_sequence(connection: Connection, endpoint_id: str) -> int:
    """Count one event of this endpoint."""
    return int(
        connection.execute(
            endpoints.update()
            .where(endpoints.c.id == endpoint_id)
            .values(sequence=endpoints.c.sequence + 1)
            .returning(endpoints.c.sequence)
        ).scalar_one()
    )


# ------------------------------------------------------------------ secrets


def insert_secret(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a sealed secret."""
    connection.execute(secrets.insert(), dict(values))


def active_secrets(
    connection: Connection, endpoint_ids: Iterable[str], now: datetime
) -> dict[str, list[Row[Any]]]:
    """Sealed secrets in force, newest first, by endpoint."""
    values = {"ids": sorted(set(endpoint_ids)), "now": now}
    found: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_ACTIVE, values):
        found.setdefault(row.endpoint_id, []).append(row)
    return found


def expire_secrets(connection: Connection, endpoint_id: str, at: datetime) -> None:
    """Give every secret without an end this end."""
    connection.execute(
        secrets.update()
        .where(secrets.c.endpoint_id == endpoint_id, secrets.c.expires_at.is_(None))
        .values(expires_at=at)
    )


def delete_secrets(connection: Connection, endpoint_id: str) -> None:
    """Forget all secrets of an endpoint."""
    connection.execute(secrets.delete().where(secrets.c.endpoint_id == endpoint_id))


def published_keys(connection: Connection, now: datetime) -> Sequence[Row[str, str, Any]]:
    """The public keys in force, of endpoints that exist."""
    query = (
        sa.select(secrets.c.endpoint_id, secrets.c.public_key, secrets.c.expires_at)
        .join(endpoints, endpoints.c.id == secrets.c.endpoint_id)
        .where(_alive, sa.or_(secrets.c.expires_at.is_(None), secrets.c.expires_at > now))
        .order_by(secrets.c.id)
    )
    return connection.execute(query).all()
