"""Reading carriers' feeds: one poller, a cursor that moves with what it brought."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
import sqlalchemy as sa

from connectors.contract import Feed, MoneyLane, Movement, OutcomeUnknown, ParcelEvent
from gateway.shipments import store
from gateway.shipments.tables import feeds, messages
from tests.gateway.shipments.desk import POST, SILENT
from tests.gateway.shipments.stories import VECTORS
from tests.support.wire import overheard

pytestmark = pytest.mark.long_on_postgresql

# The published tables say "collected_if_cod" for carriers that collect on delivery.
MONEY = {lane.value: lane for lane in MoneyLane} | {"collected_if_cod": MoneyLane.COLLECTED}


async def feed_of(desk, account=POST):
    query = sa.select(feeds).where(feeds.c.account == account)
    return await desk.database.read(lambda c: c.execute(query).first())


def say(desk, monkeypatch, *pages):
    """Let the account's feed answer with these pages of events, then with nothing."""
    waiting = list(pages)

    async def events_since(cursor):
        events = tuple(waiting.pop(0)) if waiting else ()
        return Feed(events, f"{cursor}+" if events else cursor, bool(waiting))

    monkeypatch.setattr(desk.carriers[POST], "events_since", events_since)


def event(key, at, movement=None, *, ref=None, code="x", item=None, money=None, amount=None):
    moment = datetime.fromisoformat(at)
    return ParcelEvent(key, ref, item, code, "", moment, movement, money, amount)


async def test_two_pollers_at_once_bring_every_event_once(both):
    opened = [await both.ordered(reference=f"H55-{n}") for n in range(3)]
    other = both.another()
    for shipment in opened:
        both.post.parcels.advance(shipment["client_ref"], "delivered")
        await asyncio.gather(both.poll(), other.trackers[POST].once())
        await asyncio.gather(both.poll(), other.trackers[POST].once())
    assert {(await both.read(s))["movement"] for s in opened} == {"delivered"}
    assert len([row for row in await both.stored() if row.kind == "event"]) == 3 * 7
    told = await both.types()
    assert sorted(told) == sorted(
        3 * ["registered", "picked_up", "in_transit", "out_for_delivery", "delivered"]
    )


async def test_while_one_polls_another_does_not(both, monkeypatch):
    reading, go_on = asyncio.Event(), asyncio.Event()
    asked = []

    async def slowly(cursor):
        asked.append(cursor)
        reading.set()
        await go_on.wait()
        return Feed((), cursor, more=False)

    monkeypatch.setattr(both.carriers[POST], "events_since", slowly)
    polling = asyncio.ensure_future(both.poll())
    await reading.wait()
    assert await both.another().trackers[POST].once() == 0
    assert len(asked) == 1
    go_on.set()
    await polling


async def test_a_poller_that_lost_its_lease_moves_no_cursor(both, monkeypatch):
    """It was away for so long that another took over and read on."""
    shipment = await both.ordered()
    both.post.parcels.advance(shipment["client_ref"])
    real = both.carriers[POST].events_since

    async def too_late(cursor):
        page = await real(cursor)
        monkeypatch.setattr(both.carriers[POST], "events_since", real)
        both.clock.advance(store.FEED_LEASE.total_seconds())
        both.post.parcels.advance(shipment["client_ref"])
        assert await both.another().trackers[POST].once() == 3
        return page

    monkeypatch.setattr(both.carriers[POST], "events_since", too_late)
    assert await both.poll() == 0
    cursor = (await feed_of(both)).cursor
    assert cursor == both.post.parcels.feed[-1]["_id"]["$oid"]
    assert len([row for row in await both.stored() if row.kind == "event"]) == 3


async def test_the_cursor_stays_when_the_events_cannot_be_stored(desk, monkeypatch):
    shipment = await desk.ordered()
    await desk.poll()
    before = (await feed_of(desk)).cursor
    desk.post.parcels.advance(shipment["client_ref"])

    def crash(*_):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(store, "insert_evidence", crash)
    with pytest.raises(RuntimeError):
        await desk.poll()
    monkeypatch.undo()
    assert (await feed_of(desk)).cursor == before
    assert await desk.poll() == 1
    assert (await desk.read(shipment))["movement"] == "pickup_assigned"


async def test_a_dead_poller_is_replaced_after_its_lease(desk):
    await desk.database.write(lambda c: store.take_feed(c, POST, desk.clock.now()))
    await desk.ordered()
    assert await desk.poll() == 0
    desk.clock.advance(store.FEED_LEASE.total_seconds())
    assert await desk.poll() == 1


async def test_a_carrier_that_is_away_stops_no_other(desk):
    shipment = await desk.ordered()
    assert await desk.poll(SILENT) == 0
    assert desk.alerts("shipment_feed_failed") == 1
    desk.post.parcels.advance(shipment["client_ref"])
    assert await desk.poll() == 2
    assert (await feed_of(desk, SILENT)).lease_until is None


async def test_the_loop_outlives_whatever_a_feed_does(desk, monkeypatch):
    outcomes = iter([RuntimeError("a bug"), OutcomeUnknown("cut off")])
    survived = asyncio.Event()

    async def events_since(cursor):
        error = next(outcomes, None)
        if error is not None:
            raise error
        survived.set()
        return Feed((), cursor, more=False)

    monkeypatch.setattr(desk.carriers[POST], "events_since", events_since)
    running = asyncio.ensure_future(desk.shipments.trackers[POST].run())
    await asyncio.wait_for(survived.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert desk.alerts("shipment_feed_failed") == 2


async def test_several_pages_are_read_in_one_go(desk, monkeypatch):
    shipment = await desk.ordered()
    ref = shipment["client_ref"]
    day = "2026-11-03T0{}:00:00+07:00"
    say(
        desk,
        monkeypatch,
        [event("a", day.format(1), Movement.PICKED_UP, ref=ref)],
        [event("b", day.format(2), Movement.IN_TRANSIT, ref=ref)],
    )
    assert await desk.poll() == 2
    assert (await desk.read(shipment))["movement"] == "in_transit"


async def test_an_event_that_names_only_the_item_number_finds_its_parcel(both, monkeypatch):
    shipment = await both.ordered()
    at = "2026-11-03T08:00:00+07:00"
    say(
        both,
        monkeypatch,
        [event("only-item", at, Movement.PICKED_UP, item=shipment["tracking_number"])],
    )
    await both.poll()
    assert (await both.read(shipment))["movement"] == "picked_up"


async def test_what_was_said_of_an_item_number_before_we_knew_it_is_adopted(both, monkeypatch):
    shipment = await both.ordered()
    at = "2026-11-03T0{}:00:00+07:00"
    early = event("early", at.format(7), Movement.PICKED_UP, item="EA999999999VN")
    foreign = event("foreign", at.format(7), Movement.LOST, ref="OTHER", item="EA999999999VN")
    ours = event(
        "ours", at.format(6), Movement.REGISTERED, ref=shipment["client_ref"], item="EA999999999VN"
    )
    say(both, monkeypatch, [early, foreign], [ours])
    await both.poll()
    seen = await both.read(shipment)
    assert (seen["movement"], seen["tracking_number"]) == ("picked_up", "EA999999999VN")
    assert [row.key for row in await both.stored() if row.shipment_id is None] == ["foreign"]


async def test_hostile_text_in_a_feed_is_stored_and_harms_nothing(both, monkeypatch):
    shipment = await both.ordered()
    ref, at = shipment["client_ref"], "2026-11-03T08:00:00+07:00"
    nasty = "\x00'; DROP TABLE shipments; --" + "ộ" * 5_000
    say(
        both,
        monkeypatch,
        [
            ParcelEvent(nasty, nasty, nasty, nasty, nasty, datetime.fromisoformat(at), None),
            event("good", at, Movement.PICKED_UP, ref=ref),
        ],
    )
    assert await both.poll() == 2
    assert (await both.read(shipment))["movement"] == "picked_up"


@pytest.mark.parametrize("scenario", VECTORS["scenarios"], ids=lambda s: s["id"])
@pytest.mark.parametrize("order", [list, lambda e: [*reversed(e), *e]], ids=["told", "backwards"])
async def test_published_scenarios_hold_through_storage(desk, monkeypatch, scenario, order):
    """As published, and backwards with every event twice; stored, folded and read back."""
    shipment = await desk.ordered()
    table = {row["code"]: row for row in VECTORS["status_maps"][scenario["provider"]]}
    events = []
    for told in scenario["events"]:
        row = table.get(told["code"], {})
        events.append(
            event(
                f"{told['code']}@{told['at']}",
                told["at"],
                Movement(row["movement"]) if row.get("movement") else None,
                ref=shipment["client_ref"],
                code=told["code"],
                money=MONEY.get(row.get("money")),
            )
        )
    say(desk, monkeypatch, *([one] for one in order(events)))
    desk.clock.advance(3_600)
    await desk.poll()
    seen = await desk.read(shipment)
    expected = scenario["expect"]
    assert seen["movement"] == expected["movement"]
    assert seen["failed_attempts"] == expected["failed_attempts"]
    assert seen["money"] == expected.get("money", seen["money"])
    sequences = [number for _, number in await desk.events()]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_a_page_of_news_is_kept_as_it_came_and_its_events_name_it(both):
    shipment = await both.ordered()
    both.post.parcels.advance(shipment["client_ref"], "picked_up")
    heard = overheard(both.carriers[POST])
    await both.poll()
    pages = await both.database.read(lambda c: c.execute(sa.select(messages)).all())
    brought = [row for row in await both.stored() if row.kind == "event"]
    assert [bytes(page.body) for page in pages] == heard
    assert brought
    assert {row.message_id for row in brought} == {pages[0].id}
    await both.poll()
    assert len(await both.database.read(lambda c: c.execute(sa.select(messages)).all())) == 1


async def test_a_page_that_says_nothing_new_is_not_kept_again(desk, monkeypatch):
    told = [event("e1", "2026-11-02T09:00:00+07:00")]

    async def again(cursor):
        return Feed(tuple(told), cursor, more=False, answer=b"the same page")

    monkeypatch.setattr(desk.carriers[POST], "events_since", again)
    await desk.poll()
    await desk.poll()
    pages = await desk.database.read(lambda c: c.execute(sa.select(messages)).all())
    assert [bytes(page.body) for page in pages] == [b"the same page"]
