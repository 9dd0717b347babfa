"""Evidence, raw messages and orphans in the database: written once, read in sets.

Owns the rows of what was said and by whom, callbacks and answers byte for byte. A fact repeated
with the same content is not stored again; the same key with other content is stored beside it.
Leaves what follows to ``recording``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from connectors.contract import Callback, Report
from gateway.foundation.bulk import BulkInsert
from gateway.foundation.clock import Clock
from gateway.foundation.ids import new_id
from gateway.payments.evidence import Evidence
from gateway.payments.statuses import Channel
from gateway.payments.tables import evidence, messages, orphans

_FOLDED = (
    *("payment_id", "attempt_id", "channel", "key", "says", "account", "amount"),
    *("transaction_id", "occurred_at", "received_at", "subject", "reason"),
)
_TOLD = sa.select(*(evidence.c[name] for name in _FOLDED)).where(
    evidence.c.payment_id.in_(sa.bindparam("ids", expanding=True))
)
_MESSAGES = BulkInsert(messages, [column.name for column in messages.c], key="id")
_ATTACHED = ("payment_id", "attached_by", "attached_at")
_EVIDENCE = BulkInsert(
    evidence, [column.name for column in evidence.c if column.name != "number"], key="id"
)
_ORPHANS = BulkInsert(
    orphans,
    [column.name for column in orphans.c if column.name not in _ATTACHED],
    key="id",
)


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """Evidence about to be stored, with what only people read: code, actor, facts."""

    piece: Evidence
    code: str = ""
    actor: str = ""
    facts: Mapping[str, Any] | None = None
    message_id: str | None = None

    @property
    def digest(self) -> str:
        """Tells a replay from a contradiction."""
        piece = self.piece
        parts = (piece.attempt, piece.says, piece.amount, piece.transaction_id)
        return _short_digest("|".join(str(part) for part in parts))


def from_report(
    report: Report,
    channel: Channel,
    account: str,
    *,
    attempt: str | None,
    received_at: datetime,
    message_id: str | None = None,
) -> NewEvidence:
    """A provider's report as evidence; text of unknown length is made to fit its column."""
    piece = Evidence(
        key=fit(f"{account}:{report.event_key}", 200),
        channel=channel,
        says=report.meaning.value,
        received_at=received_at,
        attempt=attempt,
        account=account,
        amount=report.amount_vnd,
        transaction_id=fit(report.provider_transaction_id or "", 100) or None,
        occurred_at=report.occurred_at,
    )
    facts = {name: clean(value) for name, value in report.facts.items()}
    if report.memo:
        facts["memo"] = clean(report.memo)
    return NewEvidence(piece, clean(report.code)[:64], facts=facts or None, message_id=message_id)


def insert_evidence(
    connection: Connection, clock: Clock, new: Sequence[tuple[str, NewEvidence]]
) -> list[bool]:
    """Store evidence of payments; says for each, in order, whether it was new."""
    rows = [_evidence_row(payment_id, item, clock) for payment_id, item in new]
    stored = _EVIDENCE.run(connection, rows)
    return [row["id"] in stored for row in rows]


def _evidence_row(payment_id: str, item: NewEvidence, clock: Clock) -> dict[str, Any]:
    piece = item.piece
    return {
        "id": new_id("evd", clock),
        "payment_id": payment_id,
        "attempt_id": piece.attempt,
        "channel": piece.channel.value,
        "key": piece.key,
        "digest": item.digest,
        "says": str(piece.says),
        "account": piece.account,
        "amount": piece.amount,
        "transaction_id": piece.transaction_id,
        "occurred_at": piece.occurred_at,
        "received_at": piece.received_at,
        "subject": piece.subject,
        "reason": piece.reason,
        "code": item.code,
        "actor": item.actor,
        "facts": item.facts,
        "message_id": item.message_id,
    }


def load_evidence(connection: Connection, payment_ids: Iterable[str]) -> dict[str, list[Evidence]]:
    """All evidence of some payments."""
    wanted = list(payment_ids)
    found: dict[str, list[Evidence]] = {payment_id: [] for payment_id in wanted}
    for row in connection.execute(_TOLD, {"ids": wanted}):
        found[row.payment_id].append(as_evidence(row))
    return found


def as_evidence(row: Row[Any]) -> Evidence:
    """A stored row as the value the rules fold."""
    return Evidence(
        key=row.key,
        channel=Channel(row.channel),
        says=row.says,
        received_at=row.received_at,
        attempt=row.attempt_id,
        account=row.account,
        amount=row.amount,
        transaction_id=row.transaction_id,
        occurred_at=row.occurred_at,
        subject=row.subject,
        reason=row.reason,
    )


def timeline_rows(connection: Connection, payment_id: str) -> Sequence[Row[Any]]:
    """Every piece of evidence of a payment, in the order in which we heard of it."""
    query = sa.select(evidence).where(evidence.c.payment_id == payment_id)
    return connection.execute(query.order_by(evidence.c.received_at, evidence.c.number)).all()


# ------------------------------------------------------------------ raw messages


def message_row(callback: Callback, account: str, clock: Clock, note: str = "") -> dict[str, Any]:
    """A provider's message exactly as it came; headers are left out, they may hold keys."""
    whole = b"\n".join((callback.method.encode(), callback.query.encode(), callback.body))
    return {
        "id": new_id("msg", clock),
        "account": account,
        "leg": callback.leg,
        "method": callback.method,
        "query": clean(callback.query),
        "body": callback.body,
        "digest": hashlib.sha256(whole).hexdigest(),
        "received_at": callback.received_at,
        "note": clean(note)[:200],
    }


def keep_answer(
    connection: Connection, clock: Clock, answer: bytes, *, account: str, leg: str, about: str
) -> str | None:
    """Keep what a provider answered when we asked, byte for byte; the id of what was kept.

    Every asking is a message of its own, since *when* it was answered matters: two answers with
    the same bytes are both kept, and ``about`` (an attempt, a refund) finds them all. None when
    there was nothing to keep.
    """
    if not answer:
        return None
    message_id, now = new_id("msg", clock), clock.now()
    row = {
        "id": message_id,
        "account": account,
        "leg": leg,
        "method": "ANSWER",
        "query": "",
        "body": answer,
        "digest": hashlib.sha256(message_id.encode() + b"\n" + answer).hexdigest(),
        "received_at": now,
        "note": about,
    }
    _MESSAGES.run(connection, [row])
    return message_id


def insert_messages(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep raw messages; one that came before with every byte the same is kept once."""
    _MESSAGES.run(connection, rows)


# ------------------------------------------------------------------ orphans


def orphan_row(item: NewEvidence, report: Report, reason: str, clock: Clock) -> dict[str, Any]:
    """Money that belongs to nobody yet."""
    piece = item.piece
    return {
        "id": new_id("orp", clock),
        "account": piece.account,
        "channel": piece.channel.value,
        "key": piece.key,
        "digest": item.digest,
        "says": str(piece.says),
        "code": item.code,
        "reason": reason,
        "amount": piece.amount,
        "transaction_id": piece.transaction_id,
        "memo": clean(report.memo or "") or None,
        "account_number": fit(report.account_number or "", 40) or None,
        "occurred_at": piece.occurred_at,
        "received_at": piece.received_at,
        "facts": item.facts,
        "message_id": item.message_id,
    }


def insert_orphans(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Keep orphans once; returns how many were new."""
    return len(_ORPHANS.run(connection, rows))


# ------------------------------------------------------------------ text from outside


def clean(text: str) -> str:
    """Text that any database can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def fit(text: str, longest: int) -> str:
    """Text that fits a column and still differs where the whole text differed."""
    text = clean(text)
    if len(text) <= longest:
        return text
    return f"{text[: longest - 17]}~{_short_digest(text)}"


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
