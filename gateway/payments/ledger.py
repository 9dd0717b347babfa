"""Double entry: where the money of a payment stands, and the postings that bring it there.

Owns the accounts and the difference between what the state implies and what is posted; leaves
the rows to ``store``. An amount is signed: debit positive, credit negative. Every balance sheet
made here sums to zero, so every difference does, so the ledger does.

=====================  ======  =================================================================
``clearing:<account>``  asset   money a provider (or the counter) holds for us
``bank:<account>``      asset   of it, what a statement shows as paid out to us
``payable:<agency>``    debt    fees that belong to the collecting agency
``surplus:<agency>``    debt    money beyond what was due, to be given back
``refunding:<account>`` debt    refunds that were sent and are not confirmed yet
=====================  ======  =================================================================
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.payments.rules import PaymentState
from gateway.payments.statuses import RefundStatus


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry: debit positive, credit negative, never zero."""

    account: str
    amount: int


def implied_balances(state: PaymentState, agency: str) -> dict[str, int]:
    """The balance of every account that this payment touches; they sum to zero."""
    balances: defaultdict[str, int] = defaultdict(int)
    for fact in state.facts:
        kind = "clearing" if fact.settled_at is None else "bank"
        balances[f"{kind}:{fact.account}"] += fact.amount
    given_back = 0
    for refund in state.refunds:
        if refund.status is RefundStatus.SUCCEEDED:
            balances[f"clearing:{refund.account}"] -= refund.amount
            given_back += refund.amount
        elif refund.moving:
            balances[f"refunding:{refund.account}"] -= refund.amount
            given_back += refund.amount
    extra = max(0, state.collected - state.due)
    out_of_extra = min(extra, given_back)
    fees = min(state.collected, state.due)
    balances[f"payable:{agency}"] -= fees - (given_back - out_of_extra)
    balances[f"surplus:{agency}"] -= extra - out_of_extra
    return {account: amount for account, amount in balances.items() if amount}


def postings(posted: Mapping[str, int], state: PaymentState, agency: str) -> tuple[Posting, ...]:
    """What must be posted so that the ledger says what the state says; empty when it does."""
    implied = implied_balances(state, agency)
    accounts = sorted({*posted, *implied})
    changes = ((name, implied.get(name, 0) - posted.get(name, 0)) for name in accounts)
    return tuple(Posting(name, change) for name, change in changes if change)
