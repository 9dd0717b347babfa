"""The money and papers lanes, deadlines of a shipment, announcements, questions before acting."""

from datetime import date, timedelta

import pytest

from connectors.contract import CancelOutcome, MoneyLane, Movement
from gateway.shipments.facts import Proof
from gateway.shipments.rules import announce, may_order, must_look_up
from gateway.shipments.statuses import CallStep, MoneyStep, PapersLane
from tests.gateway.shipments.stories import (
    asked,
    at,
    called,
    cancelled,
    heard,
    money,
    paper,
    ruled,
    state_of,
)

DELIVERED = heard(Movement.DELIVERED, 1)
COLLECTED = heard(None, 1, code="20", money=MoneyLane.COLLECTED)
REMITTED = heard(None, 3, code="21", money=MoneyLane.REMITTED)


@pytest.mark.parametrize(
    ("facts", "lane", "collected", "remitted", "questions"),
    [
        ([], "due", 0, 0, []),
        ([COLLECTED], "collected", 50_000, 0, []),
        ([DELIVERED], "due", 0, 0, ["collection_unreported"]),
        ([DELIVERED, COLLECTED], "collected", 50_000, 0, []),
        ([COLLECTED, REMITTED], "remitted", 50_000, 50_000, []),
        ([REMITTED], "remitted", 0, 50_000, []),
        ([money(MoneyStep.COLLECTED, 50_000)], "collected", 50_000, 0, []),
        ([money(MoneyStep.COLLECTED, 40_000)], "short", 40_000, 0, ["collected_short"]),
        ([money(MoneyStep.COLLECTED, 60_000)], "over", 60_000, 0, ["collected_over"]),
        ([money(MoneyStep.COLLECTED, 0)], "short", 0, 0, ["collected_short"]),
        (
            [COLLECTED, money(MoneyStep.COLLECTED, 40_000)],
            *("collected", 50_000, 0, ["amounts_differ"]),
        ),
        (
            [COLLECTED, money(MoneyStep.REMITTED, 30_000), money(MoneyStep.REMITTED, 20_000, "2")],
            *("remitted", 50_000, 50_000, []),
        ),
        (
            [COLLECTED, REMITTED, money(MoneyStep.REMITTED, 30_000)],
            *("short", 50_000, 30_000, ["remitted_short"]),
        ),
        (
            [COLLECTED, money(MoneyStep.REMITTED, 70_000)],
            *("over", 50_000, 70_000, ["remitted_over"]),
        ),
        (
            [COLLECTED, money(MoneyStep.REMITTED, 50_000), money(MoneyStep.RECONCILED)],
            *("reconciled", 50_000, 50_000, []),
        ),
        ([money(MoneyStep.WAIVED)], "waived", 0, 0, []),
        (
            [money(MoneyStep.WAIVED), money(MoneyStep.COLLECTED, 50_000)],
            *("over", 50_000, 0, ["collected_over"]),
        ),
        ([COLLECTED, money(MoneyStep.REFUNDED, 50_000)], "refunded", 50_000, 0, []),
        (
            [heard(Movement.LOST, 1), money(MoneyStep.COMPENSATED, 500_000)],
            *("compensated", 0, 0, []),
        ),
    ],
)
def test_the_money_lane_follows_what_was_said_of_the_money(
    facts, lane, collected, remitted, questions
):
    """Fifty thousand due; every fact twice and backwards says the same."""
    for order in (facts, [*facts, *reversed(facts)]):
        state = state_of(*order, collect_vnd=50_000)
        assert (state.money, state.collected_vnd, state.remitted_vnd) == (
            lane,
            collected,
            remitted,
        )
        assert asked(state) == questions


def test_money_never_touches_the_movement():
    """A remittance after a delivery is not a contradiction of it."""
    state = state_of(DELIVERED, COLLECTED, REMITTED, collect_vnd=50_000)
    assert (state.movement, asked(state)) == (Movement.DELIVERED, [])


def test_a_carriers_collected_says_nothing_where_nothing_was_due():
    """Carriers report it with every delivery; an amount is another matter."""
    assert state_of(COLLECTED).money is MoneyLane.NONE
    state = state_of(heard(None, 1, money=MoneyLane.COLLECTED, amount=10_000))
    assert (state.money, state.collected_vnd) == (MoneyLane.OVER, 10_000)


def test_papers_go_their_own_way_and_follow_the_parcel():
    """Attested steps, and what the movement implies without attesting it."""
    listed = state_of()
    sealed = state_of(paper(PapersLane.SEALED))
    scanned = state_of(paper(PapersLane.SEALED), heard(Movement.IN_TRANSIT, 1))
    signed = state_of(paper(PapersLane.HANDED_OVER, 1))
    assert [s.papers for s in (listed, sealed, scanned, signed)] == [
        *("listed", "sealed", "handed_over", "handed_over")
    ]
    assert scanned.handover_signed_at is None
    assert signed.handover_signed_at == at(1)
    assert state_of(DELIVERED).papers is PapersLane.DELIVERED
    returned = state_of(heard(Movement.RETURNED, 1), kind="dossier_collection")
    assert returned.papers is PapersLane.RETURNED


def test_old_papers_to_be_withdrawn_stay_open_until_the_agency_has_them():
    """TT 17/2017 Điều 5.2.đ and 5.2.e: withdrawn at the door, handed back to the agency."""
    proof = Proof("Nguyễn Văn B", identity_shown=True)
    facts = [DELIVERED, paper(PapersLane.DELIVERED, 1, proof)]
    state = state_of(*facts, withdraw=True)
    assert state.withdrawal_open
    assert state.proof == proof
    assert not state_of(*facts).withdrawal_open
    back = state_of(*facts, paper(PapersLane.WITHDRAWN_RETURNED, 3), withdraw=True)
    assert (back.papers, back.withdrawal_open) == (PapersLane.WITHDRAWN_RETURNED, False)


def test_the_limit_runs_from_the_day_on_the_consignment_note():
    """J is the day of the signed hand-over; a scan stands in for it until it is known."""
    scanned = heard(Movement.PICKED_UP, 1)
    terms = {"scope": "intra_province"}
    assert state_of(scanned, **terms).due_on == date(2026, 9, 10)
    signed = paper(PapersLane.HANDED_OVER, 0)
    assert state_of(scanned, signed, **terms).due_on == date(2026, 9, 9)
    slip = state_of(scanned, signed, **terms, with_appointment_slip=True)
    assert slip.due_on == date(2026, 9, 11)
    assert state_of(heard(Movement.PICKUP_ASSIGNED, 1), **terms).due_on is None
    assert state_of(scanned).due_on is None


def test_a_hold_pauses_the_limit():
    """Tuesday to Thursday on hold: two working days more."""
    facts = [
        heard(Movement.PICKED_UP, 0),
        heard(Movement.ON_HOLD, 1),
        heard(Movement.IN_TRANSIT, 3),
    ]
    state = state_of(*facts, scope="intra_province")
    assert (state.due_on, state.due_paused) == (date(2026, 9, 11), False)
    assert state_of(*facts[:2], scope="intra_province").due_paused


def test_a_result_comes_back_only_after_two_invitations():
    """Two working days apart (TT 17/2017 Điều 5.2.h); else somebody has to ask the post."""
    back = heard(Movement.RETURNING, 5, key="back")
    first, second = heard(Movement.DELIVERY_FAILED, 0), heard(Movement.DELIVERY_FAILED, 2)
    notice = heard(Movement.AWAITING_COLLECTION, 2)
    early = state_of(first, back)
    assert [question.id for question in early.questions] == ["returned_too_early:back"]
    assert asked(state_of(first, second, back)) == []
    assert asked(state_of(first, notice, back)) == []
    assert asked(state_of(first, heard(Movement.DELIVERY_FAILED, 1), back)) == [
        "returned_too_early"
    ]
    late = heard(Movement.DELIVERY_FAILED, 6)
    assert "returned_too_early" in asked(state_of(first, back, late))


def test_a_day_that_no_law_in_the_tables_covers_gives_no_deadline_and_no_reproach():
    """Before the tables begin nothing is known, so nothing is said."""
    long_ago = -40 * 365
    picked, failed = heard(Movement.PICKED_UP, long_ago), heard(Movement.DELIVERY_FAILED, long_ago)
    state = state_of(
        picked, failed, heard(Movement.RETURNING, long_ago + 5), scope="intra_province"
    )
    assert state.due_on is None
    assert asked(state) == []


def test_a_recalled_parcel_or_a_dossier_may_come_back_at_once():
    """We asked for it, or it was never a result."""
    back = heard(Movement.RETURNING, 5)
    assert asked(state_of(cancelled(CancelOutcome.WAITING, 1), back)) == []
    assert asked(state_of(back, kind="dossier_collection")) == []
    assert asked(state_of(back, law=None)) == []


def test_a_ruling_closes_a_question_about_money():
    """By its id, like any other."""
    facts = [money(MoneyStep.COLLECTED, 40_000), ruled("collected_short")]
    state = state_of(*facts, collect_vnd=50_000)
    assert (state.money, state.questions) == (MoneyLane.SHORT, ())


def test_a_change_announces_what_happened_once():
    """In the words of the webhooks; nothing changed, nothing announced."""
    steps = [
        [called(CallStep.BEGUN)],
        [called(CallStep.ACCEPTED)],
        [heard(Movement.PICKED_UP, 1)],
        [heard(Movement.IN_TRANSIT, 2)],
        [heard(Movement.AT_DELIVERY_OFFICE, 3)],
        [heard(Movement.OUT_FOR_DELIVERY, 4)],
        [heard(Movement.DELIVERY_FAILED, 4, 1)],
        [heard(Movement.DELIVERY_FAILED, 5, code="again")],
        [heard(Movement.DELIVERED, 6), heard(None, 6, money=MoneyLane.COLLECTED)],
        [heard(None, 9, money=MoneyLane.REMITTED)],
        [heard(None, 10, code="?")],
    ]
    known, before, told = [], None, []
    for facts in steps:
        known += facts
        after = state_of(*known, collect_vnd=50_000)
        told.append([name.removeprefix("shipment.") for name in announce(before, after)])
        assert announce(after, after) == ()
        before = after
    assert told == [
        *([], ["registered"], ["picked_up"], ["in_transit"], [], ["out_for_delivery"]),
        *(["delivery_failed"], ["delivery_failed"], ["delivered", "fee_collected"]),
        *(["fee_remitted"], []),
    ]


@pytest.mark.parametrize(
    ("steps", "order", "look_up"),
    [
        ([], True, False),
        ([CallStep.BEGUN], False, True),
        ([CallStep.BEGUN, CallStep.NOT_SENT], True, False),
        ([CallStep.BEGUN, CallStep.UNKNOWN], False, True),
        ([CallStep.BEGUN, CallStep.UNKNOWN, CallStep.ABSENT], True, False),
        ([CallStep.BEGUN, CallStep.REFUSED], False, False),
        ([CallStep.BEGUN, CallStep.ACCEPTED], False, False),
    ],
)
def test_an_order_goes_out_again_only_when_it_surely_did_not(steps, order, look_up):
    """A call that began and never ended is unknown after some patience."""
    facts = [called(step) for step in steps]
    patience = timedelta(minutes=5)
    assert may_order(facts) is order
    assert must_look_up(facts, at(0, 1), patience) is look_up
    assert must_look_up(facts, at(0), patience) is (CallStep.UNKNOWN in steps and look_up)
