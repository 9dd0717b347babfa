"""The event log: one transaction with its cause, gap-free positions, internal subscribers."""

import asyncio
import random
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gateway.foundation.clock import FakeClock
from gateway.foundation.columns import Instant
from gateway.foundation.database import Database
from gateway.webhooks import event_store
from gateway.webhooks.outbox import emit, events
from tests.gateway.webhooks.kit import TENANT, Kit

pytestmark = pytest.mark.long_on_postgresql

own = sa.MetaData()  # a subscriber's table, not the product's
notes = sa.Table(
    "test_notes",
    own,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("at", Instant),
)


@pytest.fixture
def kit(database):
    own.create_all(database.engine)
    return Kit(database, FakeClock(datetime.now(UTC)))


async def read_positions(kit):
    return await kit.database.read(
        lambda c: list(
            c.execute(
                sa.select(events.c.position)
                .where(events.c.position.is_not(None))
                .order_by(events.c.position)
            ).scalars()
        )
    )


async def noted(kit):
    return await kit.database.read(
        lambda c: list(c.execute(sa.select(notes.c.event).order_by(notes.c.number)).scalars())
    )


def note(connection, event):
    connection.execute(notes.insert().values(event=event.id))


# ------------------------------------------------------------------ the outbox


async def test_event_exists_exactly_when_its_cause_does(kit):
    def failing(connection):
        emit(connection, [kit.new_event()])
        raise RuntimeError("the change did not happen")

    with pytest.raises(RuntimeError):
        await kit.database.write(failing)
    assert await kit.webhooks.dispatcher.drain() == 0


async def test_unknown_type_and_reused_sequence_are_refused(kit):
    with pytest.raises(ValueError, match=r"payment\.payed"):
        await kit.emit(kit.new_event(type="payment.payed"))
    await kit.emit(kit.new_event("pay_1", 1))
    with pytest.raises(IntegrityError):
        await kit.emit(kit.new_event("pay_1", 1))
    await kit.database.write(lambda c: emit(c, []))
    assert await kit.webhooks.dispatcher.drain() == 1


async def test_positions_have_no_gaps_though_many_emit_fail_and_dispatch_at_once(kit):
    chance = random.Random(11)

    async def one(number):
        def unit(connection):
            emit(connection, [kit.new_event(f"pay_{number}", 1), kit.new_event(f"pay_{number}", 2)])
            if chance.random() < 0.3:
                raise RuntimeError("refused")

        try:
            await kit.database.write(unit)
        except RuntimeError:
            return 0
        return 2

    async def dispatch():
        for _ in range(20):
            await kit.webhooks.dispatcher.drain()
            await asyncio.sleep(0.005)

    *written, _, _ = await asyncio.gather(*(one(n) for n in range(120)), dispatch(), dispatch())
    await kit.webhooks.dispatcher.drain()
    positions = await read_positions(kit)
    assert positions == list(range(1, sum(written) + 1))
    rows = await kit.database.read(
        lambda c: c.execute(sa.select(events).order_by(events.c.position)).all()
    )
    for subject in {row.subject for row in rows}:
        assert [r.sequence for r in rows if r.subject == subject] == [1, 2]


async def test_a_transaction_that_commits_late_is_not_missed_by_a_reader(kit):
    """On PostgreSQL row numbers are given before the commit; readers follow positions instead."""
    if kit.database.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    seen, after = [], None

    async def follow():
        nonlocal after
        await kit.webhooks.dispatcher.drain()
        page = await kit.database.read(
            lambda c: kit.webhooks.history.events(c, TENANT, after=after, limit=100, full=False)
        )
        seen.extend(e.id for e in page.data)
        after = page.next

    with kit.database.engine.connect() as slow, slow.begin():
        late = kit.new_event()
        emit(slow, [late])
        (early,) = await kit.emit()
        await follow()
        assert seen == [early]
    await follow()
    assert seen == [early, late.id]


async def test_only_one_dispatcher_works_at_a_time(kit):
    if kit.database.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    await kit.emit()
    with kit.database.engine.connect() as other, other.begin():
        assert event_store.claim_dispatcher(other)
        assert await kit.webhooks.dispatcher.drain() == 0
    assert await kit.webhooks.dispatcher.drain() == 1


# ------------------------------------------------------------------ internal subscribers


async def test_subscriber_gets_its_events_once_and_in_order(kit):
    kit.webhooks.subscribe("notes", ["payment.*"], note)
    wanted = await kit.emit_many(7)
    await kit.emit_many(3, type="refund.succeeded")
    wanted += await kit.emit_many(450)
    await kit.webhooks.dispatcher.drain()
    assert await kit.webhooks.subscriptions.drain() == 457
    assert await kit.webhooks.subscriptions.drain() == 0
    assert await noted(kit) == wanted


async def test_subscriber_resumes_after_a_restart_where_its_cursor_stood(kit, database):
    kit.webhooks.subscribe("notes", ["payment.*"], note)
    first = await kit.emit_many(2)
    await kit.webhooks.dispatcher.drain()
    await kit.webhooks.subscriptions.drain()
    second = await kit.emit_many(2)
    again = Kit(database, kit.clock)
    again.webhooks.subscribe("notes", ["payment.*"], note)
    await again.webhooks.dispatcher.drain()
    await again.webhooks.subscriptions.drain()
    assert await noted(kit) == first + second


async def test_two_processes_share_a_subscriber_without_handling_twice(kit, database, database_url):
    other_database = Database(database_url)
    kits = [kit, Kit(other_database, kit.clock)]
    for each in kits:
        each.webhooks.subscribe("notes", ["*"], note)
    ids = await kit.emit_many(100)
    await kit.webhooks.dispatcher.drain()
    await asyncio.gather(*(each.webhooks.subscriptions.drain() for each in kits * 3))
    assert await noted(kit) == ids
    await other_database.close()


async def test_a_handler_that_fails_undoes_its_work_waits_longer_and_blocks_nobody(kit):
    refuse = set()

    def picky(connection, event):
        note(connection, event)
        if event.id in refuse:
            raise RuntimeError("not yet")

    others = []
    kit.webhooks.subscribe("picky", ["payment.*"], picky)
    kit.webhooks.subscribe("other", ["payment.*"], lambda _c, e: others.append(e.id))
    ids = await kit.emit_many(5)
    refuse.add(ids[2])
    await kit.webhooks.dispatcher.drain()
    await kit.webhooks.subscriptions.drain()
    assert await noted(kit) == ids[:2], "those before it pass, its own note is undone"
    assert others == ids
    assert b'kind="event_subscriber_failed"} 1.0' in kit.metrics.page()
    refuse.clear()
    await kit.webhooks.subscriptions.drain()
    assert await noted(kit) == ids[:2], "it waits before it tries again"
    kit.clock.advance(1)
    await kit.webhooks.subscriptions.drain()
    assert await noted(kit) == ids


@pytest.mark.long
async def test_the_pause_of_a_failing_subscriber_doubles_up_to_a_minute(sqlite):
    kit = Kit(sqlite, FakeClock(datetime.now(UTC)))
    tries = []

    def refuse(_connection, event):
        tries.append(event.id)
        raise RuntimeError

    kit.webhooks.subscribe("never", ["payment.*"], refuse)
    await kit.emit()
    await kit.webhooks.dispatcher.drain()
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        before = len(tries)
        await kit.webhooks.subscriptions.drain()
        assert len(tries) > before
        kit.clock.advance(pause - 0.1)
        before = len(tries)
        await kit.webhooks.subscriptions.drain()
        assert len(tries) == before
        kit.clock.advance(0.1)


async def test_reactions_may_cause_events_of_their_own(kit):
    def react(connection, event):
        emit(connection, [kit.new_event(type="receipt.issued", reference=event.reference)])

    kit.webhooks.subscribe("receipts", ["payment.paid"], react)
    kit.webhooks.subscribe("notes", ["receipt.issued"], note)
    await kit.emit_many(3)
    for _ in range(2):
        await kit.webhooks.dispatcher.drain()
        await kit.webhooks.subscriptions.drain()
    assert len(await noted(kit)) == 3


async def test_subscriptions_that_make_no_sense_are_refused(kit):
    kit.webhooks.subscribe("notes", ["*"], note)
    for name, types in [
        ("notes", ["*"]),
        ("$dispatcher", ["*"]),
        ("typing", ["payment.payed"]),
        ("nothing", []),
    ]:
        with pytest.raises(ValueError, match=name.lstrip("$")):
            kit.webhooks.subscribe(name, types, note)


async def test_dispatch_and_subscribers_run_in_the_background(kit):
    kit.webhooks.subscribe("notes", ["payment.*"], note)
    async with kit.running("events.dispatch", "events.subscribers"):
        ids = await kit.emit_many(2)
        for _ in range(500):
            if await noted(kit) == ids:
                return
            await asyncio.sleep(0.01)
    pytest.fail("nobody reacted")
