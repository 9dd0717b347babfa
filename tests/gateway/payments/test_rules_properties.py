"""Laws over generated evidence: order, repetition, money, ledger, the money line's promise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import Meaning
from gateway.payments.evidence import Obligation
from gateway.payments.ledger import implied_balances, postings
from gateway.payments.money_line import LineKey, money_line, money_position
from gateway.payments.rules import fold
from gateway.payments.statuses import (
    AttemptStatus,
    CallOutcome,
    Channel,
    Decision,
    MoneyPosition,
    PaymentStatus,
    RefundStep,
    ReviewReason,
)
from tests.gateway.payments.payment_stories import ATTEMPTS, OWED, A, B, minute, piece

whens = st.integers(0, 90)
amounts = st.sampled_from([None, 1, 10_000, 11_000, 21_000, 30_000])
attempts = st.sampled_from([A, B])
tids = st.sampled_from([None, "T1", "T2"])


nothing = st.none()


def pieces(channel, says, attempt=nothing, amount=amounts, tid=nothing, **more):
    return st.builds(piece, st.just(channel), says, whens, attempt, amount, tid, **more)


meanings = st.sampled_from(list(Meaning))
received = st.just(Meaning.SUCCEEDED)
anybody = st.one_of(st.none(), attempts)
callbacks = pieces(Channel.CALLBACK, meanings, attempts, tid=tids)
queries = pieces(Channel.ANSWER, meanings, attempts, tid=tids)
returns = pieces(Channel.RETURN, meanings, attempts)
transfers = pieces(Channel.BANK, received, anybody, st.integers(1, 30_000), tids)
counters = pieces(Channel.COUNTER, st.just("received"), amount=st.just(21_000))
statements = pieces(Channel.STATEMENT, received, attempts, st.just(21_000), tids)
calls = pieces(Channel.CALL, st.sampled_from(list(CallOutcome)), attempts, st.none())
ticks = pieces(Channel.CLOCK, st.just("expired"), anybody, st.none())
decisions = pieces(
    Channel.DECISION,
    st.sampled_from(list(Decision)),
    amount=st.none(),
    subject=st.sampled_from([A, B, "42000"]),
    reason=st.sampled_from(list(ReviewReason)),
)
refunds = pieces(
    Channel.REFUND,
    st.sampled_from(list(RefundStep)),
    amount=st.sampled_from([1_000, 21_000]),
    subject=st.sampled_from(["ref_1", "ref_2"]),
)
any_evidence = st.lists(
    st.one_of(
        callbacks,
        queries,
        returns,
        transfers,
        counters,
        statements,
        calls,
        ticks,
        decisions,
        refunds,
    ),
    max_size=9,
)
obligations = st.sampled_from([OWED, Obligation(0, minute(60))])


def fold_two(owed, told):
    return fold(owed, ATTEMPTS, told)


@settings(max_examples=300, deadline=None)
@given(obligations, any_evidence, st.randoms(use_true_random=False))
def test_any_order_and_any_duplication_give_the_same_state(owed, told, chance):
    again = told + chance.choices(told, k=len(told)) if told else []
    chance.shuffle(again)
    assert fold_two(owed, again) == fold_two(owed, told)


def takes_back(one):
    return one.says in (Meaning.REVERSED, Decision.DISMISS)


@settings(max_examples=300, deadline=None)
@given(any_evidence)
def test_money_never_goes_down_without_evidence_of_going_back(told):
    """Unless two reports turn out to be of one transaction: then it counts once, not less."""
    told = [one for one in told if not takes_back(one)]
    before = fold_two(OWED, [])
    for count in range(len(told) + 1):
        state = fold_two(OWED, told[:count])
        joined = len(state.facts) < len(before.facts)
        assert joined or state.collected >= before.collected
        for known in before.facts:
            assert any(fact.amount >= known.amount for fact in state.facts)
        before = state


@settings(max_examples=300, deadline=None)
@given(obligations, any_evidence)
def test_the_trial_balance_is_always_zero_and_postings_reach_the_state(owed, told):
    posted: dict[str, int] = {}
    for count in range(len(told) + 1):
        state = fold_two(owed, told[:count])
        entry = postings(posted, state, "H55.12")
        assert sum(line.amount for line in entry) == 0
        assert all(line.amount for line in entry)
        for line in entry:
            posted[line.account] = posted.get(line.account, 0) + line.amount
        assert postings(posted, state, "H55.12") == ()
        assert {name: sum_ for name, sum_ in posted.items() if sum_} == implied_balances(
            state, "H55.12"
        )


def may_have_reached_the_provider(told, attempt):
    about = [one for one in told if one.attempt == attempt]
    calls_made = {one.says for one in about if one.channel is Channel.CALL}
    spoke = any(one.channel not in (Channel.CALL, Channel.CLOCK) for one in about)
    return spoke or calls_made != {CallOutcome.NOT_SENT}


def denied_when_asked(told, attempt):
    final = (Meaning.FAILED, Meaning.CANCELLED, Meaning.EXPIRED)
    return any(
        one.channel is Channel.ANSWER
        and one.attempt == attempt.id
        and (
            one.says in final
            or (one.says == Meaning.NOT_FOUND and one.received_at >= attempt.expires_at)
        )
        for one in told
    )


@settings(max_examples=500, deadline=None)
@given(any_evidence)
def test_no_money_was_taken_is_said_only_when_it_is_known(told):
    state = fold_two(OWED, told)
    if money_line(state).key is LineKey.NOT_DISPATCHED:
        assert not state.collected
        assert not state.held
        for attempt in ATTEMPTS:
            assert not may_have_reached_the_provider(told, attempt.id) or denied_when_asked(
                told, attempt
            )


@settings(max_examples=300, deadline=None)
@given(any_evidence)
def test_doubt_is_never_called_none_taken(told):
    state = fold_two(OWED, told)
    doubt = any(a.status in (AttemptStatus.UNKNOWN, AttemptStatus.CREATED) for a in state.attempts)
    if doubt and not any(r.status.value == "succeeded" or r.moving for r in state.refunds):
        assert money_position(state) is not MoneyPosition.NONE_TAKEN
        assert money_line(state).key not in (LineKey.NOT_RECEIVED, LineKey.DECLINED, LineKey.PART)


@settings(max_examples=300, deadline=None)
@given(any_evidence)
def test_paid_means_that_the_due_amount_was_collected(told):
    state = fold_two(OWED, told)
    assert (state.status is PaymentStatus.PAID) == (state.due > 0 and state.collected >= state.due)
    assert (state.paid_at is not None) == (state.status is PaymentStatus.PAID)
    assert state.rest == max(0, state.due - state.collected)
