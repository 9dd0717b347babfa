"""Money facts: what several reports of the same money come to.

Owns the grouping of evidence into facts, so that money reported by callback, answer, bank and
statement counts once; leaves what the sums mean to ``rules``. Every choice inside a group is a
maximum, a minimum or a set, therefore free of order and of repetition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.contract import Meaning
from gateway.payments.evidence import Attempt, Evidence
from gateway.payments.statuses import Channel, Decision, ReviewReason

_TOLD_BY_PROVIDER = frozenset({Channel.CALLBACK, Channel.ANSWER})
_SEEN_ON_PAPER = frozenset({Channel.BANK, Channel.STATEMENT, Channel.COUNTER})
_ABOUT_MONEY = frozenset({Meaning.SUCCEEDED, Meaning.REVIEW, Meaning.REVERSED})


@dataclass(frozen=True, slots=True)
class Fact:
    """One movement of money towards us.

    ``amount`` counts; ``held`` was taken but waits for a decision; ``returned`` went back by the
    provider's own doing; ``contradicted`` says that two reports of it name different sums.
    """

    id: str
    attempt: str | None
    account: str
    amount: int
    held: int
    returned: int
    at: datetime
    received_at: datetime
    returned_at: datetime | None
    settled_at: datetime | None
    suspicious: bool
    contradicted: bool


def gather_facts(attempts: Mapping[str, Attempt], evidence: Iterable[Evidence]) -> tuple[Fact, ...]:
    """Group what is said about money into facts, in the order in which the money came."""
    pieces = list(evidence)
    groups = _group([e for e in pieces if _is_about_money(e)])
    answered = answers(pieces, ReviewReason.PROVIDER_SUSPECTS_FRAUD)
    facts = [_sum_up(key, group, attempts, answered) for key, group in groups.items()]
    return tuple(sorted(facts, key=lambda fact: (fact.at, fact.id)))


def answers(evidence: Iterable[Evidence], reason: ReviewReason) -> dict[str, Decision]:
    """Which questions of this kind were answered: subject → decision; accepting prevails."""
    found: dict[str, Decision] = {}
    for piece in evidence:
        if piece.channel is not Channel.DECISION or piece.reason != reason:
            continue
        if piece.says in (Decision.ACCEPT, Decision.DISMISS) and piece.subject:
            decision = Decision(piece.says)
            found[piece.subject] = min(found.get(piece.subject, decision), decision)
    return found


def question_subject(attempt: str | None, fact_id: str) -> str:
    """What a question about money is asked of: its attempt, or the fact when it has none."""
    return attempt or fact_id


def _is_about_money(piece: Evidence) -> bool:
    if piece.channel is Channel.COUNTER:
        return True
    if piece.channel not in _TOLD_BY_PROVIDER | _SEEN_ON_PAPER:
        return False
    return piece.says in _ABOUT_MONEY


def _group(pieces: Sequence[Evidence]) -> dict[tuple[str, str], list[Evidence]]:
    """Same attempt and same transaction is the same money.

    A report without a transaction id confirms the attempt's first transaction; a report without
    an attempt joins the attempt that knows its transaction.
    """
    homes: dict[str, str] = {}
    first: dict[str, str] = {}
    for piece in pieces:
        name = _transaction(piece)
        if piece.attempt and name:
            homes[name] = min(homes.get(name, piece.attempt), piece.attempt)
            first[piece.attempt] = min(first.get(piece.attempt, name), name)
    groups: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for piece in pieces:
        name = _transaction(piece)
        home = piece.attempt or homes.get(name, "")
        groups[home, name or first.get(home, "")].append(piece)
    return groups


def _transaction(piece: Evidence) -> str:
    """The name of the money; a transfer without one is named by its own evidence."""
    if piece.transaction_id:
        return piece.transaction_id
    return piece.key if piece.channel in _SEEN_ON_PAPER or not piece.attempt else ""


def _sum_up(
    key: tuple[str, str],
    group: Sequence[Evidence],
    attempts: Mapping[str, Attempt],
    answered: Mapping[str, Decision],
) -> Fact:
    home, name = key
    attempt = attempts.get(home)
    fact_id = f"{home or '-'}/{name}"
    asked = attempt.amount if attempt else 0
    sums = {e.amount if e.amount is not None else asked for e in group if _is_taken(e)}
    sent_back = [e for e in group if e.says == Meaning.REVERSED]
    whole = max(sums, default=asked)
    returned = max((whole if e.amount is None else e.amount for e in sent_back), default=0)
    kept = max(0, max(sums, default=0) - returned)
    suspicious = all(e.says == Meaning.REVIEW for e in group if _is_taken(e)) and bool(sums)
    verdict = answered.get(question_subject(home or None, fact_id)) if suspicious else None
    waits = suspicious and verdict is None
    settled = [e.at for e in group if e.channel is Channel.STATEMENT and _is_taken(e)]
    return Fact(
        id=fact_id,
        attempt=home or None,
        account=attempt.account if attempt else min(e.account for e in group),
        amount=0 if waits or verdict is Decision.DISMISS else kept,
        held=kept if waits else 0,
        returned=returned,
        at=min(e.at for e in group),
        received_at=min(e.received_at for e in group),
        returned_at=max((e.at for e in sent_back), default=None),
        settled_at=max(settled, default=None),
        suspicious=suspicious,
        contradicted=len(sums) > 1,
    )


def _is_taken(piece: Evidence) -> bool:
    return piece.channel is Channel.COUNTER or piece.says in (Meaning.SUCCEEDED, Meaning.REVIEW)
