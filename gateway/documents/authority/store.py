"""Tables of the authority register, and every statement about them.

Nothing in them is ever changed or deleted: a mandate that ends gets a row of its own, and another
end can only be an earlier one. The earliest end is the one that holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.authority.rules import Mandate
from gateway.foundation.columns import Instant, Json, metadata
from signing.contract import CertificateBinding

authorities = sa.Table(
    "authorities",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("agency_code", sa.String(100), nullable=False),
    sa.Column("official", sa.String(120), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("capacities", Json, nullable=False),
    sa.Column("title", sa.String(200)),
    sa.Column("document_kinds", Json, nullable=False),
    sa.Column("valid_from", sa.String(10), nullable=False),  # Vietnamese days, ISO 8601
    sa.Column("valid_to", sa.String(10)),
    sa.Column("decision_number", sa.String(60), nullable=False),
    sa.Column("decision_date", sa.String(10), nullable=False),
    sa.Column("granted_by", sa.String(120)),
    sa.Column("certificate", Json),  # sha256, or serial and issuer
    sa.Column("credential", sa.String(100)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("created_by", sa.String(120), nullable=False),
    sa.Index("ix_authorities_tenant", "tenant", "id"),
    sa.Index("ix_authorities_agency", "tenant", "agency_code", "official"),
)

authority_endings = sa.Table(
    "authority_endings",
    metadata,
    sa.Column("authority_id", sa.String(40), sa.ForeignKey("authorities.id"), primary_key=True),
    sa.Column("ended_at", Instant, primary_key=True),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("decision_number", sa.String(60)),
    sa.Column("decided_at", Instant, nullable=False),
    sa.Column("decided_by", sa.String(120), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Entered:
    """A mandate, with who entered it and who ended it."""

    mandate: Mandate
    created_at: datetime
    created_by: str
    ending: Any = None


def insert_authority(
    connection: Connection, tenant: str, mandate: Mandate, now: datetime, by: str
) -> None:
    """A new row."""
    last, binding = mandate.valid_to, mandate.binding
    row = {
        "id": mandate.id,
        "tenant": tenant,
        "agency_code": mandate.agency_code,
        "official": mandate.official,
        "role": mandate.role,
        "capacities": list(mandate.capacities),
        "title": mandate.title,
        "document_kinds": sorted(mandate.document_kinds),
        "valid_from": mandate.valid_from.isoformat(),
        "valid_to": last.isoformat() if last is not None else None,
        "decision_number": mandate.decision_number,
        "decision_date": mandate.decision_date.isoformat(),
        "granted_by": mandate.granted_by,
        "certificate": asdict(binding) if binding is not None else None,
        "credential": mandate.credential,
        "created_at": now,
        "created_by": by,
    }
    connection.execute(authorities.insert(), row)


def insert_ending(connection: Connection, row: Mapping[str, Any]) -> None:
    """The end of a row."""
    connection.execute(authority_endings.insert(), dict(row))


def lock_authority(connection: Connection, tenant: str, authority_id: str) -> Any:
    """The bare row, locked, or None for unknown ids and other tenants' alike."""
    query = sa.select(authorities).where(
        authorities.c.id == authority_id, authorities.c.tenant == tenant
    )
    return connection.execute(query.with_for_update()).first()


def with_endings(connection: Connection, rows: Sequence[Any]) -> list[Entered]:
    """Bare rows with the ends that hold, in the same order."""
    ids = [row.id for row in rows]
    ends = connection.execute(
        sa.select(authority_endings)
        .where(authority_endings.c.authority_id.in_(ids))
        .order_by(authority_endings.c.ended_at.desc())
    ).all()
    earliest = {end.authority_id: end for end in ends}
    return [_entered(row, earliest.get(row.id)) for row in rows]


def mandates(
    connection: Connection, tenant: str, agency_code: str | None = None
) -> tuple[Mandate, ...]:
    """Every mandate of an agency, or of all agencies; ended ones too."""
    query = sa.select(authorities).where(authorities.c.tenant == tenant)
    if agency_code is not None:
        query = query.where(authorities.c.agency_code == agency_code)
    rows = connection.execute(query.order_by(authorities.c.id)).all()
    return tuple(one.mandate for one in with_endings(connection, rows))


def _entered(row: Any, ending: Any) -> Entered:
    mandate = Mandate(
        id=row.id,
        agency_code=row.agency_code,
        official=row.official,
        role=row.role,
        capacities=tuple(row.capacities),
        title=row.title,
        document_kinds=frozenset(row.document_kinds),
        valid_from=date.fromisoformat(row.valid_from),
        valid_to=date.fromisoformat(row.valid_to) if row.valid_to else None,
        decision_number=row.decision_number,
        decision_date=date.fromisoformat(row.decision_date),
        granted_by=row.granted_by,
        binding=CertificateBinding(**row.certificate) if row.certificate else None,
        credential=row.credential,
        ended_at=ending.ended_at if ending else None,
        end_reason=ending.reason if ending else None,
    )
    return Entered(mandate, row.created_at, row.created_by, ending)
