"""The manual carrier: no network, typed numbers and typed events."""

from datetime import datetime, timedelta

import pytest

from connectors.contract import (
    Account,
    CancelOutcome,
    MisconfiguredAccount,
    MoneyLane,
    Movement,
    PostalConnector,
    ProviderRejected,
)
from connectors.postal.emsevt import EMSEVT
from connectors.postal.manual.connector import ManualCarrier
from connectors.postal.manual.messages import Entry
from tests.connectors.postal.parcels import (
    START,
    VECTORS,
    ScriptedTransport,
    SteppedClock,
    make_order,
)


def make_carrier(**options):
    return ManualCarrier(Account("tay", "manual", options), ScriptedTransport(), SteppedClock())


async def test_an_order_is_our_own_record():
    """Accepted under its reference, without number and label."""
    carrier = make_carrier()
    accepted = await carrier.submit(make_order())
    assert isinstance(carrier, PostalConnector)
    assert accepted.carrier_order_id == "H38.17-260901-0001"
    assert accepted.item_code is None
    assert accepted.label is None
    assert await carrier.find("H38.17-260901-0001", START) is not None
    assert await carrier.cancel(accepted, "") is CancelOutcome.ACCEPTED


@pytest.mark.parametrize(
    ("typed", "code", "check"),
    [
        ("ea 1234 5678 5 vn", "EA123456785VN", "s10"),
        ("BK990032289VN", "BK990032289VN", "check_digit"),
        ("1684063821201", "1684063821201", "service_indicator"),
    ],
)
async def test_a_typed_number_is_normalised_and_only_warned_about(typed, code, check):
    """Domestic numbers need not follow S10; VNPost's own sample does not."""
    accepted = await make_carrier().submit(make_order(item_code=typed))
    assert (accepted.item_code, accepted.state["item_number"]) == (code, check)


async def test_a_strict_account_refuses_a_bad_number():
    """Where every number comes from the province's own range."""
    carrier = make_carrier(strict_item_numbers=True)
    with pytest.raises(ProviderRejected, match="check_digit"):
        await carrier.submit(make_order(item_code="BK990032289VN"))
    assert (await carrier.submit(make_order(item_code="EA123456785VN"))).item_code


def test_the_event_vocabulary_is_the_published_one():
    """EMSEVT v3, code for code."""
    published = {row["code"]: row["movement"] for row in VECTORS["emsevt"]}
    assert {code: movement for code, (_, movement) in EMSEVT.items()} == published


def test_an_entry_becomes_an_event_once():
    """A form sent twice is one event; another minute is another."""
    carrier = make_carrier()
    at = datetime.fromisoformat("2026-09-02T10:00:07+07:00")
    entry = Entry("ref", "EMI", at, item_code="ea123456785vn", note="ký nhận")
    event = carrier.read_entry(entry)
    again = carrier.read_entry(Entry("ref", "EMI", at + timedelta(seconds=30)))
    later = carrier.read_entry(Entry("ref", "EMI", at + timedelta(minutes=1)))
    assert (event.movement, event.label, event.at) == (Movement.DELIVERED, "Đã phát", at)
    assert event.item_code == "EA123456785VN"
    assert event.event_key == again.event_key != later.event_key


def test_money_at_the_door_is_typed_with_its_amount():
    """Money never touches the movement."""
    entry = Entry("ref", "collected", START, amount_vnd=50_000)
    event = make_carrier().read_entry(entry)
    assert (event.movement, event.money, event.amount_vnd) == (None, MoneyLane.COLLECTED, 50_000)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Entry("ref", "ZZZ", START), "unknown_code"),
        (Entry("ref", "EMI", START.replace(tzinfo=None)), "time_without_zone"),
    ],
)
def test_an_entry_that_cannot_be_read_is_shown_at_once(entry, code):
    """The officer is still at the form."""
    with pytest.raises(ProviderRejected, match=code):
        make_carrier().read_entry(entry)


def test_a_wrong_account_is_refused():
    """Every problem at once."""
    with pytest.raises(MisconfiguredAccount) as refusal:
        make_carrier(strict_item_numbers="yes", base_url="https://x")
    assert len(refusal.value.problems) == 2
