"""The tables of shipments: orders, everything said about them, the carriers' cursors.

``shipments`` holds what was ordered and, derived from the evidence, where it stands. In
``shipment_evidence`` nothing is ever changed but whose an orphan is; ``(account, key)`` is a
fact's identity, ``message_id`` the page of the feed it came on, kept byte for byte in
``carrier_messages``. ``carrier_feeds`` holds each account's cursor and the lease of its one
poller.
"""

from __future__ import annotations

import sqlalchemy as sa

from gateway.foundation.columns import Blob, Instant, Json, metadata

_Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

shipments = sa.Table(
    "shipments",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("reference", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("carrier", sa.String(80), nullable=False),  # the account's name
    sa.Column("client_ref", sa.String(64), nullable=False),
    sa.Column("token", sa.String(32), nullable=False, unique=True),  # of the citizen's page
    # What was ordered; never changes.
    sa.Column("sender", Json, nullable=False),
    sa.Column("recipient", Json, nullable=False),
    sa.Column("proxy", Json),
    sa.Column("contents", Json, nullable=False),
    sa.Column("withdraw", Json, nullable=False),
    sa.Column("procedure", sa.String(500), nullable=False),
    sa.Column("note", sa.String(500), nullable=False),
    sa.Column("payment_id", sa.String(40)),
    sa.Column("collect_vnd", sa.BigInteger, nullable=False),
    sa.Column("postage_payer", sa.String(16), nullable=False),
    sa.Column("weight_g", sa.Integer, nullable=False),
    sa.Column("item_code", sa.String(40)),  # taken from a range or typed before the order
    sa.Column("scope", sa.String(32), nullable=False),  # of the legal limit
    sa.Column("created_at", Instant, nullable=False),
    # Derived from the evidence.
    sa.Column("movement", sa.String(32), nullable=False),
    sa.Column("money", sa.String(16), nullable=False),
    sa.Column("papers", sa.String(32), nullable=False),
    sa.Column("cancel", sa.String(16), nullable=False),
    sa.Column("questions", Json, nullable=False),
    sa.Column("failed_attempts", sa.Integer, nullable=False),
    sa.Column("collected_vnd", sa.BigInteger, nullable=False),
    sa.Column("remitted_vnd", sa.BigInteger, nullable=False),
    sa.Column("tracking_number", sa.String(40)),
    sa.Column("accepted_at", Instant),
    sa.Column("due_at", Instant),
    sa.Column("sequence", sa.Integer, nullable=False),
    # What the carrier answered to the order.
    sa.Column("carrier_order_id", sa.String(120)),
    sa.Column("carrier_state", Json),
    sa.Column("postage_vnd", sa.BigInteger),
    sa.Column("refusal", sa.String(120)),
    # The queue: when a worker should look again. ``cancel_sent``: asked, never to be repeated.
    sa.Column("next_at", Instant),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("cancel_sent", sa.Boolean, nullable=False),
    sa.Column("cancel_reason", sa.String(500), nullable=False),
    sa.UniqueConstraint("carrier", "client_ref", name="uq_shipments_client_ref"),
    sa.Index("ix_shipments_tenant", "tenant", "id"),
    sa.Index("ix_shipments_reference", "tenant", "reference"),
    sa.Index("ix_shipments_number", "carrier", "tracking_number"),
    sa.Index("ix_shipments_next", "next_at"),
)

evidence = sa.Table(
    "shipment_evidence",
    metadata,
    sa.Column("number", _Number, primary_key=True, autoincrement=True),
    sa.Column("account", sa.String(80), nullable=False),
    sa.Column("key", sa.String(128), nullable=False),
    sa.Column("shipment_id", sa.String(40)),  # null: an orphan, nobody's parcel
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("client_ref", sa.String(64)),
    sa.Column("item_code", sa.String(40)),
    sa.Column("at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("body", Json, nullable=False),
    sa.Column("message_id", sa.String(40)),
    sa.UniqueConstraint("account", "key", name="uq_shipment_evidence_key"),
    sa.Index("ix_shipment_evidence_shipment", "shipment_id", "number"),
    sa.Index("ix_shipment_evidence_item", "account", "item_code"),
)

messages = sa.Table(
    "carrier_messages",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("account", sa.String(80), nullable=False),
    sa.Column("body", Blob, nullable=False),
    sa.Column("received_at", Instant, nullable=False, index=True),
)

feeds = sa.Table(
    "carrier_feeds",
    metadata,
    sa.Column("account", sa.String(80), primary_key=True),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("lease_until", Instant),
)
