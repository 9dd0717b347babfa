"""The movement lane: order, final states, cancelling, attempts, the order call."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.conformance import Outcome, run_file
from connectors.conformance.postal import Rules, suite
from connectors.contract import CancelOutcome, Movement
from gateway.shipments import code128
from gateway.shipments.law import due_date_of, may_return_after
from gateway.shipments.rules import fold_events
from gateway.shipments.statuses import CallStep, CancelState
from tests.gateway.shipments.stories import (
    MONDAY,
    VECTORS,
    asked,
    at,
    called,
    cancelled,
    heard,
    ruled,
    state_of,
)

RULES = Rules(fold=fold_events, due_date=due_date_of, may_return=may_return_after)


@pytest.mark.parametrize(
    "result",
    [r for r in suite(RULES).run(VECTORS) if not r.id.startswith(("code128", "status-map"))],
    ids=lambda result: result.id,
)
def test_every_published_scenario_deadline_and_return_case_holds(result):
    """As published, backwards and every event twice."""
    assert result.outcome is Outcome.PASSED, result.detail


def test_events_count_by_the_time_they_happened():
    """What arrives late and is older only joins the history."""
    delivered = heard(Movement.DELIVERED, 2, received=at(2, 1))
    late = heard(Movement.IN_TRANSIT, 1, received=at(5))
    state = state_of(delivered, late)
    assert state.movement is Movement.DELIVERED
    assert [happening.movement for happening in state.history] == ["in_transit", "delivered"]
    assert asked(state) == []


def test_at_equal_times_the_rank_decides():
    """Two scans in one second: the parcel is where the later step puts it."""
    facts = [heard(Movement.AT_DELIVERY_OFFICE, 1), heard(Movement.OUT_FOR_DELIVERY, 1)]
    assert state_of(*facts).movement is Movement.OUT_FOR_DELIVERY
    assert state_of(*reversed(facts)).movement is Movement.OUT_FOR_DELIVERY


@pytest.mark.parametrize("final", [Movement.DELIVERED, Movement.RETURNED, Movement.LOST])
def test_a_final_state_stays_and_a_contradiction_asks(final):
    """Nothing newer changes it but an official."""
    state = state_of(
        heard(final, 1), heard(Movement.IN_TRANSIT, 2, key="odd"), kind="dossier_collection"
    )
    assert state.movement is final
    assert [question.id for question in state.questions] == ["conflict:odd"]
    assert state.is_over


def test_the_same_final_word_again_is_no_contradiction():
    """A shipper's echo, then the system's own code."""
    state = state_of(
        heard(Movement.DELIVERED, 1, code="45"), heard(Movement.DELIVERED, 2, code="5")
    )
    assert asked(state) == []
    assert state.movement_since == at(1)


def test_an_official_can_rule_on_a_contradiction():
    """Closing the question leaves the state; naming a movement changes it."""
    facts = [heard(Movement.DELIVERED, 1), heard(Movement.RETURNED, 2, key="odd")]
    kept = state_of(*facts, ruled("conflict:odd"), kind="dossier_collection")
    changed = state_of(*facts, ruled("conflict:odd", movement=Movement.RETURNED))
    assert (kept.movement, kept.questions) == (Movement.DELIVERED, ())
    assert (changed.movement, changed.questions) == (Movement.RETURNED, ())


def test_a_ruling_does_not_silence_what_comes_after_it():
    """A question has the name of its evidence."""
    facts = [heard(Movement.DELIVERED, 1), heard(Movement.IN_TRANSIT, 2, key="odd")]
    state = state_of(*facts, ruled("conflict:odd"), heard(Movement.IN_TRANSIT, 30, key="new"))
    assert [question.id for question in state.questions] == ["conflict:new"]


def test_a_parcel_that_moves_after_its_cancellation_is_open_again():
    """With an alert: somebody has to stop it."""
    state = state_of(cancelled(CancelOutcome.ACCEPTED, 1), heard(Movement.PICKED_UP, 2, key="scan"))
    assert state.movement is Movement.PICKED_UP
    assert [question.id for question in state.questions] == ["revived_after_cancel:scan"]
    older = state_of(cancelled(CancelOutcome.ACCEPTED, 1), heard(Movement.PICKED_UP, 0))
    assert (older.movement, asked(older)) == (Movement.CANCELLED, [])


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], CancelState.NONE),
        ([cancelled(None)], CancelState.REQUESTED),
        ([cancelled(None), cancelled(CancelOutcome.WAITING, 0, 1)], CancelState.WAITING),
        ([cancelled(None), cancelled(CancelOutcome.REFUSED, 0, 1)], CancelState.REFUSED),
        (
            [cancelled(CancelOutcome.WAITING), heard(Movement.CANCELLED, 1)],
            CancelState.ACCEPTED,
        ),
        (
            [cancelled(CancelOutcome.WAITING), heard(Movement.DELIVERED, 1)],
            CancelState.REFUSED,
        ),
        (
            [cancelled(CancelOutcome.REFUSED), cancelled(None, 1)],
            CancelState.REQUESTED,
        ),
    ],
)
def test_a_cancellation_waits_for_its_own_end(facts, expected):
    """Waiting is not cancelled; the parcel itself has the last word."""
    assert state_of(*facts).cancel is expected


def test_an_unknown_code_moves_nothing_and_asks_once():
    """Kept in the history, shown to a person."""
    state = state_of(
        heard(Movement.REGISTERED), heard(None, 1, code="99"), heard(None, 2, code="99")
    )
    assert state.movement is Movement.REGISTERED
    assert [question.id for question in state.questions] == ["unknown_code:99"]
    assert state.distinct_events == 3


def test_a_final_state_by_an_inferred_code_asks_for_confirmation():
    """The carrier's table is not published; closing a dossier on a guess needs a person."""
    state = state_of(heard(Movement.DELIVERED, 1, key="d", certainty="unconfirmed"))
    assert state.movement is Movement.DELIVERED
    assert [question.id for question in state.questions] == ["unconfirmed_status:d"]
    assert asked(state_of(heard(Movement.IN_TRANSIT, 1, certainty="unconfirmed"))) == []


def test_an_event_from_the_future_does_not_freeze_the_parcel():
    """A wrong clock at the carrier counts as the moment we heard of it, and asks."""
    wrong = heard(Movement.IN_TRANSIT, 3650, key="wrong", received=at(1))
    state = state_of(wrong, heard(Movement.DELIVERED, 2, received=at(2)))
    assert state.movement is Movement.DELIVERED
    assert asked(state) == ["time_ahead"]


def test_duplicates_are_one_event_and_the_fullest_telling_is_kept():
    """By key, and by the same code at the same time under another key."""
    bare = heard(Movement.PICKED_UP, 1, key="a", code="7")
    full = heard(Movement.PICKED_UP, 1, key="b", code="7", item_code="EA123456785VN")
    state = state_of(bare, full, bare)
    assert state.distinct_events == 1
    assert state.item_code == "EA123456785VN"


def test_echoes_of_one_failed_attempt_count_once():
    """The shipper's word and the system's, on one day; a second try after going out again."""
    echo = [
        heard(Movement.OUT_FOR_DELIVERY, 1),
        heard(Movement.DELIVERY_FAILED, 1, 1, code="49"),
        heard(Movement.DELIVERY_FAILED, 1, 2, code="9"),
    ]
    again = [
        heard(Movement.OUT_FOR_DELIVERY, 1, 5, code="4b"),
        heard(Movement.DELIVERY_FAILED, 1, 6, code="9b"),
    ]
    next_day = heard(Movement.DELIVERY_FAILED, 2, code="9c")
    assert state_of(*echo).failed_attempts == 1
    assert state_of(*echo, *again).failed_attempts == 2
    assert state_of(*echo, next_day).failed_attempts == 2
    assert (
        state_of(
            *echo, heard(Movement.DELIVERED, 3), heard(Movement.DELIVERY_FAILED, 4)
        ).failed_attempts
        == 1
    )


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], Movement.DRAFT),
        ([CallStep.BEGUN], Movement.SUBMITTING),
        ([CallStep.BEGUN, CallStep.NOT_SENT], Movement.SUBMITTING),
        ([CallStep.BEGUN, CallStep.UNKNOWN], Movement.UNKNOWN_OUTCOME),
        ([CallStep.BEGUN, CallStep.UNKNOWN, CallStep.ABSENT], Movement.SUBMITTING),
        ([CallStep.BEGUN, CallStep.UNKNOWN, CallStep.ACCEPTED], Movement.REGISTERED),
        ([CallStep.BEGUN, CallStep.REFUSED], Movement.EXCEPTION),
    ],
)
def test_before_the_carriers_first_word_our_own_call_speaks(steps, expected):
    """All at one moment, in any order: a time-out is not a failure."""
    facts = [called(step) for step in steps]
    assert state_of(*facts).movement is expected
    assert state_of(*reversed(facts)).movement is expected


def test_a_second_call_is_judged_by_itself():
    """Known to be absent, ordered again, and again no answer."""
    facts = [
        called(CallStep.UNKNOWN),
        called(CallStep.ABSENT),
        called(CallStep.BEGUN, attempt=2),
    ]
    assert state_of(*facts).movement is Movement.SUBMITTING
    assert state_of(*facts, called(CallStep.UNKNOWN, attempt=2)).movement == "unknown_outcome"
    assert state_of(*facts, called(CallStep.ACCEPTED, attempt=1)).movement == "registered"


def test_the_carriers_word_outweighs_our_own_doubt():
    """A parcel that is scanned was ordered, whatever became of the call."""
    state = state_of(called(CallStep.UNKNOWN, days=3), heard(Movement.PICKED_UP, 1))
    assert state.movement is Movement.PICKED_UP


def test_a_refused_order_asks():
    """It needs another carrier, or another address."""
    assert asked(state_of(called(CallStep.REFUSED))) == ["refused_by_carrier"]


def test_the_published_copy_is_the_published_file():
    """Every scenario has a time with the Vietnamese offset."""
    for scenario in VECTORS["scenarios"]:
        for event in scenario["events"]:
            assert datetime.fromisoformat(event["at"]).utcoffset() == timedelta(hours=7)
    assert MONDAY.weekday() == 0


def test_the_whole_published_file_holds_under_our_rules():
    """As ``motcua conformance`` runs it: nothing of ours is left unsupported."""
    published = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "postal.json"
    if not published.exists():
        pytest.skip("the published vectors are not here")
    ours = suite(replace(RULES, code128=code128.symbols))
    results = list(run_file(published, [ours]))
    assert not [result for result in results if result.outcome is Outcome.FAILED]
    unsupported = {r.id for r in results if r.outcome is Outcome.UNSUPPORTED}
    assert not [n for n in unsupported if n.startswith(("scenario", "deadline", "return", "code"))]
    assert len(results) - len(unsupported) == 124
