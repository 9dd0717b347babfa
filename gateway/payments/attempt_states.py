"""One attempt's status from everything known about it.

Owns what calls, reports, returns and the clock mean for one attempt; leaves its money to
``facts`` and the payment's own status to ``rules``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.contract import Meaning
from gateway.payments.evidence import Attempt, Evidence
from gateway.payments.facts import Fact
from gateway.payments.statuses import AttemptStatus, CallOutcome, Channel

_FINAL = {
    Meaning.FAILED: AttemptStatus.FAILED,
    Meaning.CANCELLED: AttemptStatus.CANCELLED,
    Meaning.EXPIRED: AttemptStatus.EXPIRED,
}
_WORD_OF_PROVIDER = frozenset({Channel.CALLBACK, Channel.ANSWER})


@dataclass(frozen=True, slots=True)
class AttemptState:
    """What is known of an attempt.

    ``dispatched``: the citizen may have been able to pay through it. ``denied``: the provider
    said, finally, that it took nothing; ``denied_when_asked``: it said so in answer to a query.
    ``doubtful``: money may have moved without our knowing. ``contradicted``: the provider said
    both that it took money and that it took none.
    """

    id: str
    account: str
    status: AttemptStatus
    dispatched: bool
    denied: bool
    denied_when_asked: bool
    doubtful: bool
    contradicted: bool


def fold_attempt(
    attempt: Attempt, evidence: Iterable[Evidence], facts: Sequence[Fact]
) -> AttemptState:
    """Derive the state of one attempt; ``evidence`` and ``facts`` are those of this attempt."""
    pieces = list(evidence)
    told = [e for e in pieces if e.channel in _WORD_OF_PROVIDER]
    calls = {e.says for e in pieces if e.channel is Channel.CALL}
    status = _money_status(facts) or _word_status(attempt, pieces, told, calls)
    denials = [e for e in told if e.says in _FINAL or _is_absent_for_good(attempt, e)]
    refused = calls and calls <= {CallOutcome.REFUSED, CallOutcome.NOT_SENT}
    closed_unpaid = status in (*_FINAL.values(),) and not facts
    return AttemptState(
        id=attempt.id,
        account=attempt.account,
        status=status,
        dispatched=not _was_never_sent(pieces, calls),
        denied=closed_unpaid and bool(denials or (refused and CallOutcome.REFUSED in calls)),
        denied_when_asked=closed_unpaid and any(e.channel is Channel.ANSWER for e in denials),
        doubtful=_is_doubtful(status, pieces),
        contradicted=_is_contradicted(facts, [e for e in told if e.says in _FINAL]),
    )


def _money_status(facts: Sequence[Fact]) -> AttemptStatus | None:
    """Money speaks first: taken, waiting for a decision, or taken and given back."""
    if any(fact.amount for fact in facts):
        return AttemptStatus.SUCCEEDED
    if any(fact.held for fact in facts):
        return AttemptStatus.REVIEW
    return AttemptStatus.FAILED if facts else None


def _word_status(
    attempt: Attempt, pieces: Sequence[Evidence], told: Sequence[Evidence], calls: set[str]
) -> AttemptStatus:
    """Without money: the provider's final word, then doubt, then our clock, then our call."""
    meanings = {e.says for e in told}
    for meaning, status in _FINAL.items():
        if meaning in meanings:
            return status
    if Meaning.UNKNOWN in meanings:
        return AttemptStatus.UNKNOWN
    if any(_is_absent_for_good(attempt, e) for e in told):
        # A provider that once had it and now does not know it contradicts itself: keep asking.
        known_before = Meaning.PENDING in meanings
        return AttemptStatus.UNKNOWN if known_before else AttemptStatus.FAILED
    return _call_status(pieces, meanings, calls)


def _call_status(pieces: Sequence[Evidence], meanings: set[str], calls: set[str]) -> AttemptStatus:
    accepted = CallOutcome.ACCEPTED in calls or Meaning.PENDING in meanings
    if CallOutcome.UNKNOWN in calls and not accepted:
        return AttemptStatus.UNKNOWN
    if not accepted and calls:
        return AttemptStatus.FAILED
    if not accepted:
        return AttemptStatus.CREATED  # the call may be on its way: no clock closes that
    ticked = any(e.channel is Channel.CLOCK for e in pieces)
    return AttemptStatus.EXPIRED if ticked else AttemptStatus.PENDING


def _is_absent_for_good(attempt: Attempt, piece: Evidence) -> bool:
    """*Not found* is final only once the attempt's own window has closed."""
    return (
        piece.channel is Channel.ANSWER
        and piece.says == Meaning.NOT_FOUND
        and piece.received_at >= attempt.expires_at
    )


def _was_never_sent(pieces: Sequence[Evidence], calls: set[str]) -> bool:
    return calls == {CallOutcome.NOT_SENT} and all(
        e.channel in (Channel.CALL, Channel.CLOCK) for e in pieces
    )


def _is_doubtful(status: AttemptStatus, pieces: Sequence[Evidence]) -> bool:
    """Whether the outcome may exist where we cannot see it.

    The citizen came back, or a call
    or a report left it open.
    """
    if status in (AttemptStatus.UNKNOWN, AttemptStatus.REVIEW, AttemptStatus.CREATED):
        return True
    seen = any(
        e.channel is Channel.RETURN
        or (e.channel in _WORD_OF_PROVIDER and e.says in (Meaning.PENDING, Meaning.UNKNOWN))
        for e in pieces
    )
    return seen and status in (AttemptStatus.PENDING, AttemptStatus.EXPIRED)


def _is_contradicted(facts: Sequence[Fact], denials: Sequence[Evidence]) -> bool:
    """A final denial of the very money that was reported taken."""
    paid = {fact.id.partition("/")[2] for fact in facts if fact.amount}
    return bool(paid) and any(not e.transaction_id or e.transaction_id in paid for e in denials)
