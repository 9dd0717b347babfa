"""What follows from which evidence: one test for every hard case of collecting money."""

from __future__ import annotations

import pytest

from connectors.contract import Meaning
from gateway.payments.refund_states import refundable
from gateway.payments.statuses import (
    AttemptStatus,
    CallOutcome,
    Channel,
    Decision,
    PaymentStatus,
    RefundStatus,
    RefundStep,
    ReviewReason,
)
from tests.gateway.payments.payment_stories import (
    ATTEMPTS,
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
    counter,
    decide,
    minute,
    piece,
    refund,
    statement,
    story,
    story_of_two,
    tick,
)

R = ReviewReason


def status_of_attempt(*pieces):
    return story(*pieces).attempt(A).status


def test_without_attempts_nobody_is_trying():
    state = story(attempts=())
    assert (state.status, state.rest) == (PaymentStatus.PENDING, DUE)


def test_nothing_owed_is_not_due():
    assert story(owed=NOTHING_OWED, attempts=()).status is PaymentStatus.NOT_DUE


def test_money_for_a_payment_that_is_not_due_is_surplus():
    state = story(counter(), owed=NOTHING_OWED)
    assert (state.status, state.surplus) == (PaymentStatus.NOT_DUE, DUE)
    assert state.review == (R.OVERPAID,)


def test_a_committed_attempt_without_a_known_call_is_under_way():
    state = story()
    assert state.attempt(A).status is AttemptStatus.CREATED
    assert state.status is PaymentStatus.PROCESSING


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((CallOutcome.ACCEPTED,), AttemptStatus.PENDING),
        ((CallOutcome.NOT_SENT,), AttemptStatus.FAILED),
        ((CallOutcome.REFUSED,), AttemptStatus.FAILED),
        ((CallOutcome.UNKNOWN,), AttemptStatus.UNKNOWN),
        ((CallOutcome.NOT_SENT, CallOutcome.ACCEPTED), AttemptStatus.PENDING),
        ((CallOutcome.NOT_SENT, CallOutcome.UNKNOWN), AttemptStatus.UNKNOWN),
        ((CallOutcome.UNKNOWN, CallOutcome.ACCEPTED), AttemptStatus.PENDING),
    ],
)
def test_the_four_ends_of_an_outbound_call(outcomes, expected):
    assert status_of_attempt(*(call(outcome) for outcome in outcomes)) is expected


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        (Meaning.SUCCEEDED, AttemptStatus.SUCCEEDED),
        (Meaning.PENDING, AttemptStatus.PENDING),
        (Meaning.FAILED, AttemptStatus.FAILED),
        (Meaning.CANCELLED, AttemptStatus.CANCELLED),
        (Meaning.EXPIRED, AttemptStatus.EXPIRED),
        (Meaning.REVIEW, AttemptStatus.REVIEW),
        (Meaning.REVERSED, AttemptStatus.FAILED),
        (Meaning.NOT_FOUND, AttemptStatus.PENDING),
        (Meaning.UNKNOWN, AttemptStatus.UNKNOWN),
    ],
)
def test_what_a_providers_word_makes_of_an_attempt(meaning, expected):
    assert status_of_attempt(call(), answer(meaning)) is expected


def test_a_success_pays():
    state = story(call(), callback())
    assert state.status is PaymentStatus.PAID
    assert (state.collected, state.surplus, state.rest) == (DUE, 0, 0)
    assert (state.paid_at, state.late, state.review) == (minute(5), False, ())


def test_the_same_money_by_callback_answer_and_statement_counts_once():
    state = story(call(), callback(), answer(), answer(tid=None, when=9), statement())
    assert state.collected == DUE
    assert state.settled_at == minute(1500)


def test_a_transfer_told_by_two_notifiers_counts_once():
    state = story_of_two(bank(account="casso"), bank(account="sepay", when=6))
    assert state.collected == DUE
    assert state.facts[0].account == "vietqr-main"


def test_a_transfer_without_an_attempt_joins_the_attempt_that_knows_its_transaction():
    state = story_of_two(bank(), bank(attempt=None, when=7))
    assert (state.collected, len(state.facts)) == (DUE, 1)


def test_a_success_without_an_amount_takes_what_was_asked():
    assert story(call(), callback(amount=None)).collected == DUE


def test_money_without_any_attempt_counts_by_its_own_name():
    state = story(callback(attempt=None, tid=None, key="k"), attempts=())
    assert (state.status, state.facts[0].account) == (PaymentStatus.PAID, "elsewhere")


def test_cash_at_the_counter_pays():
    assert story(counter(), attempts=()).status is PaymentStatus.PAID


def test_the_browsers_return_is_never_money():
    state = story(call(), came_back())
    assert (state.status, state.collected) == (PaymentStatus.PROCESSING, 0)


def test_two_successes_of_different_attempts_are_a_duplicate_payment():
    state = story_of_two(callback(), bank())
    assert (state.status, state.surplus) == (PaymentStatus.PAID, DUE)
    assert state.review == (R.DUPLICATE_PAYMENT,)


def test_the_same_memo_transferred_twice_is_a_duplicate_payment():
    state = story_of_two(bank(), bank(tid="FT2", when=8))
    assert (state.collected, state.review) == (2 * DUE, (R.DUPLICATE_PAYMENT,))


def test_too_little_is_partially_paid_and_a_question():
    state = story_of_two(bank(amount=20_000))
    assert (state.status, state.rest) == (PaymentStatus.PARTIALLY_PAID, 1_000)
    assert state.review == (R.AMOUNT_MISMATCH,)


def test_a_top_up_that_completes_the_sum_leaves_nothing_to_ask():
    state = story_of_two(bank(amount=20_000), counter(amount=1_000, when=20))
    assert (state.status, state.review) == (PaymentStatus.PAID, ())
    assert state.paid_at == minute(20)


def test_too_much_is_paid_with_surplus():
    state = story_of_two(bank(amount=30_000))
    assert (state.status, state.surplus) == (PaymentStatus.PAID, 9_000)
    assert state.review == (R.AMOUNT_MISMATCH, R.OVERPAID)


def test_too_much_and_twice_are_both_asked():
    state = story_of_two(callback(), bank(amount=30_000))
    assert state.review == (R.AMOUNT_MISMATCH, R.DUPLICATE_PAYMENT, R.OVERPAID)


def test_another_amount_under_the_same_event_key_is_a_contradiction_not_a_replay():
    state = story(call(), callback(key="k"), callback(key="k", amount=1, when=7))
    assert (state.collected, state.review) == (DUE, (R.AMOUNT_MISMATCH,))


def test_a_success_contradicted_by_a_failure_stays_and_is_asked():
    state = story(call(), callback(), answer(Meaning.FAILED, when=9))
    assert (state.status, state.collected) == (PaymentStatus.PAID, DUE)
    assert state.review == (R.AMOUNT_MISMATCH,)


def test_a_failure_of_another_transaction_is_no_contradiction():
    state = story(call(), callback(), answer(Meaning.FAILED, tid="T0"))
    assert state.review == ()


def test_suspicious_money_is_held_until_the_provider_clears_it():
    held = story(call(), callback(Meaning.REVIEW))
    assert (held.status, held.collected, held.held) == (PaymentStatus.PROCESSING, 0, DUE)
    assert held.review == (R.PROVIDER_SUSPECTS_FRAUD,)
    cleared = story(call(), callback(Meaning.REVIEW), answer())
    assert (cleared.status, cleared.held, cleared.review) == (PaymentStatus.PAID, 0, ())


def test_an_official_accepts_suspicious_money():
    accepted = decide(Decision.ACCEPT, R.PROVIDER_SUSPECTS_FRAUD, A)
    state = story(call(), callback(Meaning.REVIEW), accepted)
    assert (state.status, state.review) == (PaymentStatus.PAID, ())


def test_an_official_dismisses_suspicious_money():
    dismissed = decide(Decision.DISMISS, R.PROVIDER_SUSPECTS_FRAUD, A)
    state = story(call(), callback(Meaning.REVIEW), dismissed)
    assert (state.status, state.collected) == (PaymentStatus.PENDING, 0)
    assert state.attempt(A).status is AttemptStatus.FAILED


def test_of_two_decisions_about_the_same_question_accepting_prevails():
    decisions = [decide(d, R.PROVIDER_SUSPECTS_FRAUD, A) for d in (Decision.DISMISS, "accept")]
    assert story(call(), callback(Meaning.REVIEW), *decisions).collected == DUE


def test_an_answered_question_is_closed_until_the_sum_changes():
    answered = decide(Decision.ACCEPT, R.DUPLICATE_PAYMENT, str(2 * DUE))
    assert story_of_two(callback(), bank(), answered).review == ()
    again = story_of_two(callback(), bank(), bank(tid="FT2"), answered)
    assert again.review == (R.DUPLICATE_PAYMENT,)


def test_decisions_about_nothing_change_nothing():
    pointless = [
        decide(Decision.ATTACH, R.LATE_PAYMENT, A),
        decide(Decision.ACCEPT, R.LATE_PAYMENT, None),
    ]
    assert story(call(), *pointless) == story(call())


def test_a_payment_expires_when_the_clock_says_so():
    state = story(call(), tick(15, A), tick(60))
    assert state.status is PaymentStatus.EXPIRED
    assert state.attempt(A).status is AttemptStatus.EXPIRED


def test_too_little_money_expires_too():
    state = story_of_two(bank(amount=1_000), tick(60))
    assert (state.status, state.collected) == (PaymentStatus.EXPIRED, 1_000)


def test_an_unknown_outcome_keeps_a_payment_processing_past_its_deadline():
    state = story(call(CallOutcome.UNKNOWN), tick(15, A), tick(60))
    assert state.status is PaymentStatus.PROCESSING


def test_the_clock_does_not_close_a_call_that_may_be_on_its_way():
    assert status_of_attempt(tick(15, A)) is AttemptStatus.CREATED


def test_late_success_wins_over_expiry():
    state = story(call(), tick(15, A), tick(60), callback(when=70))
    assert (state.status, state.late) == (PaymentStatus.PAID, True)
    assert state.review == (R.LATE_PAYMENT,)


def test_money_heard_of_after_expiry_was_announced_is_late():
    state = story(call(), tick(60), callback(when=70, occurred_at=minute(50)))
    assert (state.late, state.paid_at) == (True, minute(50))


def test_money_found_before_expiry_is_not_late():
    state = story(call(), answer(when=61, occurred_at=minute(50)))
    assert (state.late, state.review) == (False, ())


def test_a_providers_clock_that_runs_ahead_is_not_believed():
    assert story(call(), callback(occurred_at=minute(500))).paid_at == minute(5)


def test_money_after_cancelling_is_surplus():
    state = story(call(), cancel(), callback(when=20))
    assert (state.status, state.surplus) == (PaymentStatus.CANCELLED, DUE)
    assert (state.review, state.paid_at) == ((R.PAID_AFTER_CANCEL,), None)


def test_not_found_is_final_only_after_the_attempts_own_window():
    early = answer(Meaning.NOT_FOUND, when=14, amount=None, tid=None)
    late = answer(Meaning.NOT_FOUND, when=15, amount=None, tid=None)
    unknown = call(CallOutcome.UNKNOWN)
    assert status_of_attempt(unknown, early) is AttemptStatus.UNKNOWN
    assert status_of_attempt(unknown, early, late) is AttemptStatus.FAILED


def test_a_provider_that_forgot_what_it_was_working_on_is_asked_again():
    late = answer(Meaning.NOT_FOUND, when=15, amount=None, tid=None)
    assert status_of_attempt(call(), answer(Meaning.PENDING), late) is AttemptStatus.UNKNOWN


def test_an_unknown_code_keeps_the_payment_processing():
    state = story(call(), callback(Meaning.UNKNOWN), tick(15, A))
    assert state.attempt(A).status is AttemptStatus.UNKNOWN
    assert state.status is PaymentStatus.PROCESSING


def test_a_reversal_takes_the_money_back():
    state = story(call(), callback(), answer(Meaning.REVERSED, when=90))
    assert (state.status, state.collected) == (PaymentStatus.PENDING, 0)
    assert state.facts[0].returned == DUE


def test_a_reversal_of_a_part_leaves_the_rest():
    state = story(call(), callback(), answer(Meaning.REVERSED, amount=1_000))
    assert (state.status, state.collected) == (PaymentStatus.PARTIALLY_PAID, 20_000)


def test_a_reversal_without_an_amount_takes_all_back():
    assert story(call(), callback(), answer(Meaning.REVERSED, amount=None)).collected == 0


def test_a_payment_is_settled_when_all_of_its_money_was_seen_on_statements():
    half = story_of_two(callback(amount=10_000), bank(amount=11_000), statement(amount=10_000))
    assert half.settled_at is None
    both = story_of_two(
        callback(amount=10_000),
        bank(amount=11_000),
        statement(amount=10_000),
        statement(attempt=B, amount=11_000, tid="FT1", when=3000),
    )
    assert both.settled_at == minute(3000)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((RefundStep.REQUESTED,), RefundStatus.REQUESTED),
        ((RefundStep.APPROVED,), RefundStatus.APPROVED),
        ((RefundStep.APPROVED, RefundStep.NOT_SENT), RefundStatus.APPROVED),
        ((RefundStep.SUBMITTED,), RefundStatus.SUBMITTED),
        ((RefundStep.SUBMITTED, RefundStep.UNKNOWN), RefundStatus.UNKNOWN),
        ((RefundStep.UNKNOWN, RefundStep.PROCESSING), RefundStatus.PROCESSING),
        ((RefundStep.UNKNOWN, RefundStep.REJECTED), RefundStatus.REJECTED),
        ((RefundStep.REJECTED, RefundStep.SUCCEEDED), RefundStatus.SUCCEEDED),
    ],
)
def test_how_far_a_refund_has_come(steps, expected):
    told = [refund(step) for step in (RefundStep.REQUESTED, *steps)]
    assert story(call(), callback(), *told).refunds[0].status is expected


def test_only_a_confirmed_refund_counts_and_the_payment_stays_paid():
    sent = [refund(RefundStep.REQUESTED), refund(RefundStep.SUBMITTED)]
    assert story(call(), callback(), *sent).refunded == 0
    state = story(call(), callback(), *sent, refund(RefundStep.SUCCEEDED, when=200))
    assert (state.status, state.refunded) == (PaymentStatus.PAID, DUE)
    assert state.refunds[0].finished_at == minute(200)


def test_a_refunded_surplus_leaves_nothing_to_ask():
    back = refund(RefundStep.SUCCEEDED)
    assert story_of_two(callback(), bank(), back).review == ()
    part = refund(RefundStep.SUCCEEDED, amount=1_000)
    state = story_of_two(callback(), bank(), part)
    assert (state.surplus, state.review) == (DUE - 1_000, (R.DUPLICATE_PAYMENT,))


def test_refunds_never_exceed_what_was_collected():
    refunds = story(
        callback(),
        refund(RefundStep.REQUESTED, 7_000),
        refund(RefundStep.REJECTED, 9_000, name="ref_2"),
    ).refunds
    assert refundable(DUE, refunds) == 14_000
    assert refundable(5_000, refunds) == 0


def test_a_refund_step_without_a_refund_is_no_refund():
    assert story(refund(RefundStep.SUCCEEDED, name=None)).refunds == ()


def test_an_unheard_of_attempt_is_an_error_of_the_caller():
    with pytest.raises(StopIteration):
        story().attempt("att_none")


def test_money_of_an_attempt_that_is_not_known_here_still_counts():
    state = story(callback(attempt="att_gone"), attempts=ATTEMPTS[:1])
    assert state.collected == DUE


def test_words_of_other_channels_are_not_money():
    assert story(call(), piece(Channel.CLOCK, "succeeded", 3, A, DUE)).collected == 0
