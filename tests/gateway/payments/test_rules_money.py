"""The ledger's accounts and the money line's nine sentences, case by case."""

from __future__ import annotations

import pytest

from connectors.contract import Meaning
from gateway.payments.ledger import implied_balances, postings
from gateway.payments.money_line import LineKey, MoneyLine, money_line, money_position
from gateway.payments.statuses import CallOutcome, MoneyPosition, RefundStep
from tests.gateway.payments.payment_stories import (
    DUE,
    NOTHING_OWED,
    A,
    B,
    answer,
    bank,
    call,
    callback,
    came_back,
    cancel,
    minute,
    refund,
    statement,
    story,
    story_of_two,
    tick,
)

K = LineKey
P = MoneyPosition
NOT_SENT = call(CallOutcome.NOT_SENT)
GIVEN_UP = answer(Meaning.NOT_FOUND, when=20, amount=None, tid=None)


def balances(*pieces):
    return implied_balances(story_of_two(*pieces), "H55")


def test_money_taken_stands_at_the_provider_and_belongs_to_the_agency():
    assert balances(callback()) == {"clearing:vnpay-main": DUE, "payable:H55": -DUE}


def test_settled_money_stands_at_the_bank():
    assert balances(callback(), statement())["bank:vnpay-main"] == DUE


def test_money_beyond_the_due_amount_is_owed_back():
    assert balances(callback(), bank()) == {
        "clearing:vnpay-main": DUE,
        "clearing:vietqr-main": DUE,
        "payable:H55": -DUE,
        "surplus:H55": -DUE,
    }


def test_a_refund_comes_out_of_the_surplus_first():
    sent = refund(RefundStep.SUBMITTED, amount=30_000)
    assert balances(callback(), bank(), sent) == {
        "clearing:vnpay-main": DUE,
        "clearing:vietqr-main": DUE,
        "payable:H55": -12_000,
        "refunding:vnpay-main": -30_000,
    }
    done = refund(RefundStep.SUCCEEDED, amount=30_000)
    assert balances(callback(), bank(), sent, done) == {
        "clearing:vnpay-main": -9_000,
        "clearing:vietqr-main": DUE,
        "payable:H55": -12_000,
    }


def test_an_entry_is_only_the_difference():
    before = balances(callback())
    lines = postings(before, story_of_two(callback(), bank()), "H55")
    assert [(line.account, line.amount) for line in lines] == [
        ("clearing:vietqr-main", DUE),
        ("surplus:H55", -DUE),
    ]


@pytest.mark.parametrize(
    ("pieces", "key", "position"),
    [
        ((NOT_SENT,), K.NOT_DISPATCHED, P.NONE_TAKEN),
        ((), K.UNKNOWN, P.MAY_BE_TAKEN),
        ((call(),), K.NOT_RECEIVED, P.MAY_BE_TAKEN),
        ((call(), came_back()), K.UNKNOWN, P.MAY_BE_TAKEN),
        ((call(), answer(Meaning.PENDING)), K.UNKNOWN, P.MAY_BE_TAKEN),
        ((call(CallOutcome.UNKNOWN),), K.UNKNOWN, P.MAY_BE_TAKEN),
        ((call(CallOutcome.REFUSED),), K.DECLINED, P.NONE_TAKEN),
        ((call(), callback(Meaning.FAILED)), K.DECLINED, P.NONE_TAKEN),
        ((call(), came_back(), callback(Meaning.CANCELLED)), K.DECLINED, P.NONE_TAKEN),
        ((call(), answer(Meaning.CANCELLED)), K.NOT_DISPATCHED, P.NONE_TAKEN),
        ((call(), answer(Meaning.EXPIRED)), K.NOT_DISPATCHED, P.NONE_TAKEN),
        ((call(), answer(Meaning.FAILED)), K.DECLINED, P.NONE_TAKEN),
        ((call(), GIVEN_UP), K.DECLINED, P.NONE_TAKEN),
        ((call(), tick(15, A)), K.NOT_RECEIVED, P.MAY_BE_TAKEN),
        ((call(), came_back(), tick(15, A)), K.UNKNOWN, P.MAY_BE_TAKEN),
        ((call(), callback()), K.FULL, P.TAKEN),
        ((call(), callback(Meaning.REVIEW)), K.UNKNOWN, P.TAKEN),
        ((call(), callback(amount=1_000)), K.PART, P.TAKEN),
        ((call(), callback(amount=30_000)), K.OVER, P.TAKEN),
        ((call(), callback(), refund(RefundStep.REQUESTED)), K.FULL, P.TAKEN),
        ((call(), callback(), refund(RefundStep.SUBMITTED)), K.REFUND_SENT, P.TAKEN),
        ((call(), callback(), refund(RefundStep.SUCCEEDED)), K.REFUNDED, P.NONE_TAKEN),
        ((call(), callback(), refund(RefundStep.SUCCEEDED, 1)), K.REFUNDED, P.TAKEN),
        ((call(), callback(), answer(Meaning.REVERSED)), K.REFUNDED, P.NONE_TAKEN),
        ((call(), callback(), cancel(2)), K.OVER, P.TAKEN),
    ],
)
def test_which_sentence_holds_for_one_attempt(pieces, key, position):
    state = story(*pieces)
    assert (money_line(state).key, money_position(state)) == (key, position)


def test_nothing_was_ever_tried():
    assert money_line(story(attempts=())).key is K.NOT_DISPATCHED
    assert money_line(story(attempts=(), owed=NOTHING_OWED)).key is K.NOT_DISPATCHED


def test_part_with_another_attempt_in_doubt_does_not_ask_for_the_rest():
    state = story_of_two(bank(amount=1_000), call(), came_back())
    assert money_line(state).key is K.UNKNOWN
    assert money_position(state) is P.TAKEN


def test_a_decline_beside_an_open_attempt_is_not_the_whole_truth():
    state = story_of_two(call(), callback(Meaning.FAILED), call(attempt=B))
    assert money_line(state).key is K.NOT_RECEIVED


def test_a_reversal_beside_an_open_attempt_says_only_what_we_received():
    state = story_of_two(callback(), answer(Meaning.REVERSED), call(attempt=B))
    assert money_line(state).key is K.NOT_RECEIVED


def test_a_refund_in_part_of_a_surplus_still_says_that_too_much_was_paid():
    back = refund(RefundStep.SUCCEEDED, amount=1_000)
    assert money_line(story_of_two(callback(), bank(), back)).key is K.OVER


def test_the_sentences_carry_their_values():
    assert money_line(story_of_two(bank(amount=20_000), call(CallOutcome.NOT_SENT))) == MoneyLine(
        K.PART, amount=20_000, total=DUE, rest=1_000
    )
    assert money_line(story(call(), callback())) == MoneyLine(K.FULL, amount=DUE, total=DUE)
    assert money_line(story(call(), callback(amount=30_000))).amount == 9_000
    refunded = story(call(), callback(), refund(RefundStep.SUCCEEDED, when=200))
    assert money_line(refunded) == MoneyLine(
        K.REFUNDED, amount=DUE, at=minute(200), account="vnpay-main"
    )
    reversed_ = story(call(), callback(), answer(Meaning.REVERSED, when=90))
    assert money_line(reversed_) == MoneyLine(
        K.REFUNDED, amount=DUE, at=minute(90), account="vnpay-main"
    )
