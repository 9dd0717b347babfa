"""What providers report, taken in many at once: match, store, answer.

Owns the set-based unit behind every callback: whose attempt a report is about, the evidence, the
orphans, the raw messages, and the receipt that the provider is told. Leaves verifying to the
connectors (before anything comes here) and what money means to ``recording``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from connectors.contract import Callback, Interpretation, Meaning, Receipt, Report, Unrecognised
from gateway.foundation.clock import Clock
from gateway.payments.accounts import RETURN_LEG
from gateway.payments.evidence_store import (
    NewEvidence,
    clean,
    from_report,
    insert_messages,
    insert_orphans,
    message_row,
    orphan_row,
)
from gateway.payments.matching import Candidate, OrphanReason, match_transfer
from gateway.payments.recording import record
from gateway.payments.references import find_references
from gateway.payments.statuses import Channel
from gateway.payments.store import ask_soon, attempts_named

_MONEY = (Meaning.SUCCEEDED, Meaning.REVIEW, Meaning.REVERSED)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One verified callback: what it says and by whose account it came."""

    account: str
    bank: bool  # from a bank-notification service: matched by memo
    callback: Callback
    said: tuple[Interpretation, ...]

    @property
    def reports(self) -> list[Report]:
        """What is about money."""
        return [said for said in self.said if isinstance(said, Report)]

    @property
    def note(self) -> str:
        """Why a message was not read, for whoever looks at it raw."""
        return "; ".join(said.reason for said in self.said if not isinstance(said, Report))


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a callback; ``payments`` changed, ``alerts`` are for people."""

    receipt: Receipt
    payments: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    payment_id: str | None = None


@dataclass(slots=True)
class _Filed:
    """One report on its way into the tables."""

    place: int  # of its callback in the batch
    attempt: Row[Any] | None
    evidence: NewEvidence
    wrong_amount: bool = False
    new: bool = False


@dataclass(slots=True)
class _Batch:
    """What a batch of callbacks may be about, and everything it writes."""

    clock: Clock
    candidates: Mapping[str, Row[Any]]
    messages: list[dict[str, Any]] = field(default_factory=list)
    orphans: list[dict[str, Any]] = field(default_factory=list)
    filed: list[_Filed] = field(default_factory=list)


def take_in(
    connection: Connection, clock: Clock, deliveries: Sequence[Delivered]
) -> list[Taken | Exception]:
    """Store verified callbacks and everything that follows; one outcome each, in order."""
    batch = _Batch(clock, _candidates(connection, deliveries))
    for place, delivered in enumerate(deliveries):
        message = message_row(delivered.callback, delivered.account, clock, delivered.note)
        batch.messages.append(message)
        for report in delivered.reports:
            _file(batch, place, delivered, report, message["id"])
    insert_messages(connection, batch.messages)
    insert_orphans(connection, batch.orphans)
    known = [filed for filed in batch.filed if filed.attempt is not None]
    additions = [(filed.attempt.payment_id, filed.evidence) for filed in known if filed.attempt]
    recording = record(connection, clock, additions)
    for filed, new in zip(known, recording.new, strict=True):
        filed.new = new
    _ask_after_returns(connection, known, clock)
    return [_outcome(place, delivered, batch) for place, delivered in enumerate(deliveries)]


def _candidates(connection: Connection, deliveries: Sequence[Delivered]) -> dict[str, Row[Any]]:
    """Every attempt that one of these messages may be about, by reference."""
    names: set[str] = set()
    numbers: set[str] = set()
    for delivered in deliveries:
        for report in delivered.reports:
            if report.reference:
                names.add(clean(report.reference))
            if delivered.bank:
                names.update(find_references(report.memo or ""))
                numbers.update(_account_numbers(report))
    if not names and not numbers:
        return {}
    return {row.reference: row for row in attempts_named(connection, names, numbers)}


def _account_numbers(report: Report) -> set[str]:
    """The credited account, and the virtual account in front of it."""
    numbers = {report.account_number, report.facts.get("virtual_account")}
    return {clean(number) for number in numbers if number}


def _file(batch: _Batch, place: int, delivered: Delivered, report: Report, message_id: str) -> None:
    attempt, why = _owner(delivered, report, batch.candidates)
    channel = Channel.BANK if delivered.bank else Channel.CALLBACK
    if delivered.callback.leg == RETURN_LEG:
        channel = Channel.RETURN
    evidence = from_report(
        report,
        channel,
        delivered.account,
        attempt=attempt.id if attempt else None,
        received_at=delivered.callback.received_at,
        message_id=message_id,
    )
    if attempt is None and channel is not Channel.RETURN and report.meaning in _MONEY:
        batch.orphans.append(orphan_row(evidence, report, why, batch.clock))
    wrong = (
        attempt is not None
        and report.amount_vnd is not None
        and report.amount_vnd != attempt.amount
    )
    batch.filed.append(_Filed(place, attempt, evidence, wrong_amount=wrong))


def _owner(
    delivered: Delivered, report: Report, candidates: Mapping[str, Row[Any]]
) -> tuple[Row[Any] | None, str]:
    """The attempt a report is about, or why there is none."""
    if not delivered.bank:
        row = candidates.get(report.reference or "")
        owned = row is not None and row.account == delivered.account
        return (row, "") if owned else (None, OrphanReason.UNKNOWN_REFERENCE)
    named = find_references(report.memo or "")
    numbers = _account_numbers(report)
    choices = [
        _candidate(row)
        for row in candidates.values()
        if row.reference in named or row.virtual_account in numbers
    ]
    virtual = report.facts.get("virtual_account")
    match = match_transfer(named, report.account_number, choices)
    if isinstance(match, OrphanReason) and virtual:
        match = match_transfer(named, virtual, choices)
    if isinstance(match, OrphanReason):
        return None, match.value
    return candidates[match.reference], ""


def _candidate(row: Row[Any]) -> Candidate:
    number = row.virtual_account or (row.action or {}).get("account_number")
    return Candidate(row.id, row.reference, number, dedicated=row.virtual_account is not None)


def _ask_after_returns(connection: Connection, filed: Sequence[_Filed], clock: Clock) -> None:
    """A browser that came back is a reason to ask, whatever it says."""
    returned = [
        f.attempt.id for f in filed if f.attempt and f.evidence.piece.channel is Channel.RETURN
    ]
    if returned:
        ask_soon(connection, returned, clock.now())


def _outcome(place: int, delivered: Delivered, batch: _Batch) -> Taken:
    mine = [filed for filed in batch.filed if filed.place == place]
    owned = [filed.attempt.payment_id for filed in mine if filed.attempt]
    return Taken(
        receipt=_receipt(delivered, mine),
        payments=tuple(f.attempt.payment_id for f in mine if f.attempt and f.new),
        alerts=tuple(_alerts(delivered, mine)),
        payment_id=owned[0] if owned else None,
    )


def _receipt(delivered: Delivered, mine: Sequence[_Filed]) -> Receipt:
    """The most serious thing to be said about a message."""
    if any(isinstance(said, Unrecognised) for said in delivered.said):
        return Receipt.UNREADABLE
    if any(filed.attempt is None for filed in mine):
        return Receipt.UNKNOWN_ORDER
    if any(filed.wrong_amount for filed in mine):
        return Receipt.WRONG_AMOUNT
    if mine and not any(filed.new for filed in mine):
        return Receipt.DUPLICATE
    return Receipt.STORED


def _alerts(delivered: Delivered, mine: Sequence[_Filed]) -> list[str]:
    """What a person should look at."""
    found = []
    if any(isinstance(said, Unrecognised) for said in delivered.said):
        found.append("unreadable_callback")
    if any(filed.attempt is None and filed.evidence.piece.says in _MONEY for filed in mine):
        found.append("orphan")
    if any(filed.new and filed.evidence.piece.says == Meaning.UNKNOWN for filed in mine):
        found.append("unknown_code")
    return found
