"""Any order and any duplication of the evidence gives the same state."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import CancelOutcome, MoneyLane, Movement, ParcelEvent
from gateway.shipments.facts import (
    CallFact,
    CancelFact,
    CarrierFact,
    MoneyFact,
    PaperFact,
    Proof,
    Ruling,
    Terms,
)
from gateway.shipments.movement import FINAL
from gateway.shipments.rules import fold
from gateway.shipments.statuses import CallStep, MoneyStep, PapersLane, ShipmentKind
from tests.gateway.shipments.stories import LAW, MONDAY

# Few distinct moments, codes and keys, so that ties and duplicates are frequent.
moments = st.integers(0, 12).map(lambda n: MONDAY + timedelta(hours=7 * n))
amounts = st.sampled_from([None, 0, 40_000, 50_000])
events = st.builds(
    ParcelEvent,
    event_key=st.sampled_from([f"k{n}" for n in range(12)]),
    client_ref=st.just("ref"),
    item_code=st.sampled_from([None, "EA123456785VN", "EA047852350VN"]),
    code=st.sampled_from(["", "1", "4", "7", "99"]),
    label=st.sampled_from(["", "a"]),
    at=moments,
    movement=st.none() | st.sampled_from(Movement),
    money=st.none() | st.sampled_from(MoneyLane),
    amount_vnd=amounts,
    facts=st.sampled_from([{}, {"certainty": "unconfirmed"}]),
)
facts = st.one_of(
    st.builds(CarrierFact, events, st.none() | moments),
    st.builds(CallFact, moments, st.sampled_from(CallStep), st.integers(1, 2)),
    st.builds(CancelFact, moments, st.none() | st.sampled_from(CancelOutcome)),
    st.builds(MoneyFact, moments, st.sampled_from(MoneyStep), st.sampled_from("ab"), amounts),
    st.builds(
        PaperFact,
        moments,
        st.sampled_from(PapersLane),
        st.none() | st.builds(Proof, st.sampled_from(["A", "B"]), st.booleans()),
    ),
    st.builds(
        Ruling,
        moments,
        st.sampled_from(["x", "y"]),
        st.frozensets(st.sampled_from(["amounts_differ", "unknown_code:99"])),
        st.none() | st.sampled_from(Movement),
    ),
)
terms = st.builds(
    Terms,
    kind=st.sampled_from(ShipmentKind),
    collect_vnd=st.sampled_from([0, 50_000]),
    scope=st.sampled_from(["", "intra_province"]),
    withdraw=st.booleans(),
)


@settings(max_examples=400)
@given(terms, st.lists(facts, max_size=12), st.data())
def test_any_order_and_duplication_gives_the_same_state(agreed, evidence, data):
    """Law 1 of the house, for shipments."""
    again = data.draw(st.permutations([*evidence, *data.draw(_some_of(evidence))]))
    assert fold(agreed, again, LAW) == fold(agreed, evidence, LAW)


def _some_of(evidence):
    return st.lists(st.sampled_from(evidence), max_size=6) if evidence else st.just([])


@given(st.sampled_from(sorted(FINAL)), st.lists(events, max_size=8))
def test_nothing_a_carrier_says_later_changes_a_final_state(final, later):
    """Only an official does."""
    end = CarrierFact(ParcelEvent("end", "ref", None, "end", "", MONDAY - timedelta(days=1), final))
    state = fold(Terms(), [end, *map(CarrierFact, later)], LAW)
    assert state.movement is final


@given(terms, st.lists(facts, max_size=8), facts)
def test_collected_money_never_goes_down(agreed, evidence, one_more):
    """More evidence can only show more money."""
    before, after = fold(agreed, evidence), fold(agreed, [*evidence, one_more])
    assert after.collected_vnd >= before.collected_vnd
