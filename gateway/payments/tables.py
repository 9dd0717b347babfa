"""The tables of payments, one home for their columns.

Owns names, keys and indexes; leaves every statement to the stores beside it. ``evidence`` and
``ledger_entries`` are append-only: nothing updates or deletes a row of them. Columns of
``payments`` and ``payment_attempts`` from ``status`` on are derived from evidence, kept for
reading, and only ``recording`` writes them.
"""

from __future__ import annotations

import sqlalchemy as sa

from gateway.foundation.columns import Blob, Instant, Json, metadata

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_ID = sa.String(40)
_ACCOUNT = sa.String(64)
_WORD = sa.String(32)

payments = sa.Table(
    "payments",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant", sa.String(80), nullable=False),
    sa.Column("reference", sa.String(64), nullable=False),
    sa.Column("procedure_code", sa.String(64), nullable=False),
    sa.Column("agency_code", sa.String(35), nullable=False),
    sa.Column("channel", _WORD, nullable=False),
    sa.Column("method", _ACCOUNT),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("items", Json, nullable=False),
    sa.Column("payer", Json, nullable=False),
    sa.Column("description", sa.String(255), nullable=False),
    sa.Column("return_url", sa.String(2048)),
    sa.Column("locale", sa.String(2), nullable=False),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("token", sa.String(40), nullable=False, unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("status", _WORD, nullable=False),
    sa.Column("collected", sa.BigInteger, nullable=False),
    sa.Column("refunded", sa.BigInteger, nullable=False),
    sa.Column("surplus", sa.BigInteger, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("questions", Json, nullable=False),
    sa.Column("paid_at", Instant),
    sa.Column("settled_at", Instant),
    sa.Column("posted", Json, nullable=False),  # the ledger's balances of this payment
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("look_at", Instant),  # when the worker looks whether it has expired
    sa.Index("ix_payments_tenant", "tenant", "id"),
    sa.Index("ix_payments_reference", "tenant", "reference"),
    sa.Index(
        "ix_payments_look",
        "look_at",
        sqlite_where=sa.text("look_at IS NOT NULL"),
        postgresql_where=sa.text("look_at IS NOT NULL"),
    ),
)

attempts = sa.Table(
    "payment_attempts",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("payment_id", _ID, sa.ForeignKey("payments.id"), nullable=False, index=True),
    sa.Column("account", _ACCOUNT, nullable=False),
    sa.Column("provider", _ACCOUNT, nullable=False),
    sa.Column("reference", sa.String(40), nullable=False, unique=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("description", sa.String(255), nullable=False),
    sa.Column("return_url", sa.String(2048)),
    sa.Column("bank_code", sa.String(40)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("action", Json),  # what the citizen does; None until the call ended well
    sa.Column("state", Json),  # the connector's own, handed back for queries and refunds
    sa.Column("virtual_account", sa.String(40), index=True),
    sa.Column("status", _WORD, nullable=False),
    sa.Column("transaction_id", sa.String(100)),
    sa.Column("ask_at", Instant),  # when the worker looks at it next
    sa.Column("asks", sa.Integer, nullable=False),
    sa.Index(
        "ix_attempts_ask",
        "ask_at",
        sqlite_where=sa.text("ask_at IS NOT NULL"),
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    ),
)

evidence = sa.Table(
    "payment_evidence",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("id", _ID, nullable=False, unique=True),
    sa.Column("payment_id", _ID, sa.ForeignKey("payments.id"), nullable=False),
    sa.Column("attempt_id", _ID),
    sa.Column("channel", _WORD, nullable=False),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("digest", sa.String(16), nullable=False),  # tells a replay from a contradiction
    sa.Column("says", _WORD, nullable=False),
    sa.Column("account", _ACCOUNT, nullable=False),
    sa.Column("amount", sa.BigInteger),
    sa.Column("transaction_id", sa.String(100), index=True),
    sa.Column("occurred_at", Instant),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("subject", sa.String(200)),
    sa.Column("reason", _WORD),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("facts", Json),
    sa.Column("message_id", _ID),
    sa.UniqueConstraint("payment_id", "channel", "key", "digest", name="uq_payment_evidence"),
)

messages = sa.Table(
    "provider_messages",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("account", _ACCOUNT, nullable=False),
    sa.Column("leg", _WORD, nullable=False),
    sa.Column("method", sa.String(8), nullable=False),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("body", Blob, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("received_at", Instant, nullable=False, index=True),
    sa.Column("note", sa.String(200), nullable=False),
    sa.UniqueConstraint("account", "digest", name="uq_provider_messages"),
)

orphans = sa.Table(
    "payment_orphans",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("account", _ACCOUNT, nullable=False),
    sa.Column("channel", _WORD, nullable=False),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("digest", sa.String(16), nullable=False),
    sa.Column("says", _WORD, nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("reason", _WORD, nullable=False),
    sa.Column("amount", sa.BigInteger),
    sa.Column("transaction_id", sa.String(100)),
    sa.Column("memo", sa.Text),
    sa.Column("account_number", sa.String(40)),
    sa.Column("occurred_at", Instant),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("facts", Json),
    sa.Column("message_id", _ID),
    sa.Column("payment_id", _ID, index=True),  # once an official has attached it
    sa.Column("attached_by", sa.String(120)),
    sa.Column("attached_at", Instant),
    sa.UniqueConstraint("account", "key", "digest", name="uq_payment_orphans"),
)

ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("payment_id", _ID, sa.ForeignKey("payments.id"), nullable=False, index=True),
    sa.Column("entry", _ID, nullable=False),  # lines of one entry sum to zero
    sa.Column("account", sa.String(120), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),  # debit positive, credit negative
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_ledger_account", "account", "number"),
)

refunds = sa.Table(
    "refunds",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("payment_id", _ID, sa.ForeignKey("payments.id"), nullable=False, index=True),
    sa.Column("attempt_id", _ID),
    sa.Column("account", _ACCOUNT, nullable=False),
    sa.Column("reference", sa.String(40), nullable=False, unique=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("full", sa.Boolean, nullable=False),
    sa.Column("by_hand", sa.Boolean, nullable=False),  # a transfer task for the finance desk
    sa.Column("reason", _WORD, nullable=False),
    sa.Column("note", sa.String(500), nullable=False),
    sa.Column("destination", Json),
    sa.Column("requested_by", sa.String(120), nullable=False),
    sa.Column("approved_by", sa.String(120)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("status", _WORD, nullable=False),
    sa.Column("transaction_id", sa.String(100)),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("sending_at", Instant),  # committed before the call that uses the reference
    sa.Column("ask_at", Instant, index=True),
    sa.Column("asks", sa.Integer, nullable=False),
)
