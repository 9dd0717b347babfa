"""Short words for telling the story of a payment in a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.contract import Meaning
from gateway.payments.evidence import Attempt, Evidence, Obligation
from gateway.payments.rules import fold
from gateway.payments.statuses import (
    EXPIRED_TICK,
    CallOutcome,
    Channel,
    Decision,
)

START = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
DUE = 21_000
DEADLINE = 60
A, B = "att_a", "att_b"


def minute(number):
    return START + timedelta(minutes=number)


OWED = Obligation(DUE, minute(DEADLINE))
NOTHING_OWED = Obligation(0, minute(DEADLINE))
ATTEMPTS = (
    Attempt(A, "vnpay-main", DUE, minute(15)),
    Attempt(B, "vietqr-main", DUE, minute(30)),
)


def piece(channel, says, when, attempt=None, amount=None, tid=None, **more):
    key = more.pop("key", f"{channel}:{says}:{attempt}:{amount}:{tid}:{when}")
    account = more.pop("account", {A: "vnpay-main", B: "vietqr-main"}.get(attempt, "elsewhere"))
    return Evidence(
        key=key,
        channel=channel,
        says=says,
        received_at=minute(when),
        attempt=attempt,
        account=account,
        amount=amount,
        transaction_id=tid,
        **more,
    )


def callback(says=Meaning.SUCCEEDED, when=5, attempt=A, amount=DUE, tid="T1", **more):
    return piece(Channel.CALLBACK, says, when, attempt, amount, tid, **more)


def answer(says=Meaning.SUCCEEDED, when=6, attempt=A, amount=DUE, tid="T1", **more):
    return piece(Channel.ANSWER, says, when, attempt, amount, tid, **more)


def bank(when=5, attempt=B, amount=DUE, tid="FT1", **more):
    return piece(Channel.BANK, Meaning.SUCCEEDED, when, attempt, amount, tid, **more)


def statement(when=1500, attempt=A, amount=DUE, tid="T1", **more):
    return piece(Channel.STATEMENT, Meaning.SUCCEEDED, when, attempt, amount, tid, **more)


def counter(when=5, amount=DUE, **more):
    return piece(Channel.COUNTER, "received", when, None, amount, account="counter", **more)


def came_back(when=5, attempt=A, says=Meaning.SUCCEEDED):
    return piece(Channel.RETURN, says, when, attempt, DUE)


def call(outcome=CallOutcome.ACCEPTED, when=1, attempt=A):
    return piece(Channel.CALL, outcome, when, attempt)


def tick(when, attempt=None):
    return piece(Channel.CLOCK, EXPIRED_TICK, when, attempt)


def cancel(when=10):
    return piece(Channel.DECISION, Decision.CANCEL, when)


def decide(decision, reason, subject, when=40):
    return piece(Channel.DECISION, decision, when, subject=subject, reason=reason)


def refund(step, amount=DUE, when=100, name="ref_1", account="vnpay-main"):
    return piece(Channel.REFUND, step, when, amount=amount, subject=name, account=account)


def story(*pieces, owed=OWED, attempts=ATTEMPTS[:1]):
    return fold(owed, attempts, pieces)


def story_of_two(*pieces, owed=OWED):
    return fold(owed, ATTEMPTS, pieces)
