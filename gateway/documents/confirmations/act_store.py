"""The table of acts that wait for an official elsewhere, and every statement about it.

One row a taking of a step (request and fence). ``stage`` says what we have yet to do, ``state``
what the confirmation is waiting for (``signing.contract.RemoteState``). Addresses of a hand-off
are stored as hashes only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.confirmations.claims import due_index, queue_columns
from gateway.foundation.columns import Blob, Instant, metadata


class Stage(StrEnum):
    """How far an act has come; the last two are final."""

    PREPARED = "prepared"  # written and stored; under no ticket yet
    WAITING = "waiting"  # for the official
    ARRIVED = "arrived"  # the raw signature is here and has to be embedded
    PUBLISHED = "published"
    ENDED = "ended"  # without a result


LIVE = (Stage.PREPARED, Stage.WAITING, Stage.ARRIVED)

remote_acts = sa.Table(
    "remote_acts",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("request_id", sa.String(40), sa.ForeignKey("signature_requests.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),  # of the request
    sa.Column("batch_id", sa.String(40), index=True),
    sa.Column("confirmation", sa.String(16), nullable=False),
    sa.Column("credential", sa.String(120), nullable=False),
    sa.Column("provider", sa.String(40), nullable=False),
    sa.Column("official", sa.String(120), nullable=False),
    sa.Column("title", sa.String(255), nullable=False),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),  # Vietnamese, for the official
    sa.Column("input_sha256", sa.String(64), nullable=False),
    # Elsewhere: the prepared file, what ``finish`` needs, and what the key was asked to sign.
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("prepared_sha256", sa.String(64)),
    sa.Column("prepared_state", Blob),
    sa.Column("to_be_signed", Blob),
    sa.Column("digest", sa.String(64)),  # SHA-256 of ``to_be_signed``: what the key signs
    sa.Column("reference", sa.String(40), index=True),  # the ticket it is, or last was, under
    sa.Column("signature", Blob),
    # Hand-off: the two addresses, and what came back.
    sa.Column("download_hash", sa.String(64), unique=True),
    sa.Column("upload_hash", sa.String(64), unique=True),
    sa.Column("downloads", sa.Integer, nullable=False),
    sa.Column("upload_sha256", sa.String(64)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("confirm_by", Instant),  # as the provider says
    sa.Column("expires_at", Instant, nullable=False),  # the end of our own patience
    sa.Column("undecided_at", Instant),  # since when only the official can tell what became of it
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("ended_at", Instant),
    *queue_columns(),
    sa.UniqueConstraint("request_id", "fence", name="uq_remote_acts_fence"),
    due_index("ix_remote_acts_due"),
)


def insert_act(connection: Connection, row: Mapping[str, Any]) -> None:
    """A new act."""
    connection.execute(remote_acts.insert(), dict(row))


def find_act(connection: Connection, act_id: str, *, lock: bool = False) -> Any:
    """One act, or None."""
    query = sa.select(remote_acts).where(remote_acts.c.id == act_id)
    return connection.execute(query.with_for_update() if lock else query).first()


def live_act(connection: Connection, request_id: str, fence: int, *, lock: bool = False) -> Any:
    """The act that holds a request's present step, or None."""
    query = sa.select(remote_acts).where(
        remote_acts.c.request_id == request_id,
        remote_acts.c.fence == fence,
        remote_acts.c.stage.in_(LIVE),
    )
    return connection.execute(query.with_for_update() if lock else query).first()


def find_hand_off(connection: Connection, *, lock: bool = False, **address: str) -> Any:
    """The act whose ``download_hash`` or ``upload_hash`` this is, or None."""
    ((name, value),) = address.items()
    query = sa.select(remote_acts).where(remote_acts.c[name] == value)
    return connection.execute(query.with_for_update() if lock else query).first()


def acts_under(
    connection: Connection, reference: str, *stages: Stage, lock: bool = False
) -> Sequence[Any]:
    """The acts of a ticket, in a fixed order; all of them when no stage is named."""
    query = sa.select(remote_acts).where(remote_acts.c.reference == reference)
    if stages:
        query = query.where(remote_acts.c.stage.in_(stages))
    query = query.order_by(remote_acts.c.id)
    return connection.execute(query.with_for_update() if lock else query).all()


def acts_of_batch(connection: Connection, batch_id: str, *stages: Stage) -> Sequence[Any]:
    """The acts of a batch in these stages, in the order they were prepared."""
    query = sa.select(remote_acts).where(
        remote_acts.c.batch_id == batch_id, remote_acts.c.stage.in_(stages)
    )
    return connection.execute(query.order_by(remote_acts.c.id)).all()


def change_act(connection: Connection, act_id: str, **values: Any) -> None:
    """Set columns of one act."""
    connection.execute(remote_acts.update().where(remote_acts.c.id == act_id).values(**values))


def change_acts(connection: Connection, act_ids: Sequence[str], **values: Any) -> None:
    """Set columns of many acts."""
    connection.execute(remote_acts.update().where(remote_acts.c.id.in_(act_ids)).values(**values))


def latest_acts(connection: Connection, request_ids: Sequence[str]) -> dict[str, Any]:
    """The newest act of each request that ever had one (without what only ``finish`` needs)."""
    heavy = ("prepared_state", "to_be_signed", "signature")
    arrived = remote_acts.c.signature.is_not(None).label("arrived")
    columns = [*(c for c in remote_acts.c if c.name not in heavy), arrived]
    rows = connection.execute(
        sa.select(*columns)
        .where(remote_acts.c.request_id.in_(request_ids))
        .order_by(remote_acts.c.id)
    )
    return {row.request_id: row for row in rows}
