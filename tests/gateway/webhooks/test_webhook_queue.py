"""The queue in the database: claims, leases, fences, order, crashes, lost wake-ups."""

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.foundation.clock import FakeClock, SystemClock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.waker import Redis, Waker
from gateway.webhooks import delivery_store, store
from gateway.webhooks.acknowledge import Sent, acknowledging
from gateway.webhooks.delivery_store import attempts, deliveries
from gateway.webhooks.rules import RETRY_SCHEDULE_S, Answer
from tests.gateway.webhooks.kit import TENANT, Kit, hang, receiving, status, until
from tests.support import valkey as valkey_server


@pytest.fixture
def kit(database):
    return Kit(database, FakeClock(datetime.now(UTC).replace(microsecond=0)))


async def claim(kit, endpoint_id, limit=100, lease_s=60.0):
    now = kit.clock.now()
    return await kit.database.write(
        lambda c: delivery_store.claim(
            c,
            endpoint_id,
            limit=limit,
            now=now,
            lease_until=now + timedelta(seconds=lease_s),
            worker="w",
        )
    )


async def acknowledge(kit, row, code=200):
    unit = acknowledging(kit.clock, RETRY_SCHEDULE_S)
    sent = Sent(
        number=row.number,
        fence=row.fence,
        tries=row.tries,
        tenant=row.tenant,
        endpoint_id=row.endpoint_id,
        answer=Answer(code),
        at=kit.clock.now(),
        latency_ms=1,
        text="",
        jitter=0.5,
    )
    await kit.database.submit(unit, sent)


async def test_concurrent_claimers_never_get_the_same_delivery(kit):
    endpoint = await kit.endpoint("https://portal.example/")
    await kit.emit_many(300)
    await kit.webhooks.dispatcher.drain()
    claims = await asyncio.gather(*(claim(kit, endpoint.id, limit=20) for _ in range(30)))
    numbers = [row.number for rows in claims for row in rows]
    while rest := await claim(kit, endpoint.id):
        numbers += [row.number for row in rest]
    assert len(numbers) == len(set(numbers)) == 300


async def test_a_lease_keeps_others_away_until_it_ends(kit):
    endpoint = await kit.endpoint("https://portal.example/")
    await kit.emit_many(1)
    await kit.webhooks.dispatcher.drain()
    (first,) = await claim(kit, endpoint.id)
    kit.clock.advance(59)
    assert not await claim(kit, endpoint.id)
    kit.clock.advance(2)
    (second,) = await claim(kit, endpoint.id)
    assert second.number == first.number
    assert (second.fence, second.tries) == (first.fence + 1, first.tries + 1)


async def test_a_worker_that_comes_back_late_changes_nothing_but_the_log(kit):
    endpoint = await kit.endpoint("https://portal.example/")
    await kit.emit_many(1)
    await kit.webhooks.dispatcher.drain()
    (late,) = await claim(kit, endpoint.id)
    kit.clock.advance(61)
    (current,) = await claim(kit, endpoint.id)
    await acknowledge(kit, late, 500)
    (row,) = await kit.deliveries()
    assert (row.state, row.fence, row.leased_by) == ("pending", current.fence, "w")
    await acknowledge(kit, late, 200)
    assert await kit.states() == ["pending"]
    await acknowledge(kit, current, 200)
    assert await kit.states() == ["delivered"]
    assert [a.status for a in await kit.attempts()] == [500, 200, 200]


async def test_an_answer_after_disabling_still_counts_as_delivered(kit):
    endpoint = await kit.endpoint("https://portal.example/")
    await kit.emit_many(2)
    await kit.webhooks.dispatcher.drain()
    good, bad = await claim(kit, endpoint.id)
    await kit.database.write(lambda c: kit.webhooks.endpoints.disable(c, TENANT, endpoint.id))
    await acknowledge(kit, good, 200)
    await acknowledge(kit, bad, 500)
    assert await kit.states() == ["delivered", "held"]


async def test_many_answers_are_acknowledged_together(kit):
    endpoint = await kit.endpoint("https://portal.example/")
    other = await kit.endpoint("https://other.example/")
    await kit.emit_many(40)
    await kit.webhooks.dispatcher.drain()
    good, bad = await claim(kit, endpoint.id), await claim(kit, other.id)
    before = kit.database.commits
    await asyncio.gather(
        *(acknowledge(kit, row, 204) for row in good), *(acknowledge(kit, row, 503) for row in bad)
    )
    assert kit.database.commits - before < 20
    states = await kit.states()
    assert (states.count("delivered"), states.count("pending")) == (40, 40)
    assert len(await kit.attempts()) == 80


async def test_order_per_reference_claims_only_the_head_of_each_key(kit):
    endpoint = await kit.endpoint("https://portal.example/", ordering="per_reference")
    for reference in ("A", "B", "A", "A", "B"):
        await kit.emit(kit.new_event(reference=reference))
    await kit.webhooks.dispatcher.drain()
    heads = await claim(kit, endpoint.id)
    assert [row.ordering_key for row in heads] == ["A", "B"]
    assert not await claim(kit, endpoint.id), "nothing overtakes what is in flight"
    await acknowledge(kit, heads[0], 500)
    assert not await claim(kit, endpoint.id), "nothing overtakes what failed"
    await acknowledge(kit, heads[1], 200)
    (next_b,) = await claim(kit, endpoint.id)
    assert next_b.ordering_key == "B"
    kit.clock.advance(6)
    (again,) = await claim(kit, endpoint.id)
    assert again.number == heads[0].number


async def test_ordered_endpoint_sees_each_dossier_in_sequence_though_it_fails_at_random(database):
    kit = Kit(database, SystemClock(), options={"schedule": (0,) + (0.02,) * 30})
    chance = random.Random(7)

    def moody(_request):
        return status(204 if chance.random() < 0.6 else 500)(_request)

    async with receiving(moody) as portal, kit.running():
        await kit.endpoint(portal.url, ordering="per_reference")
        for sequence in range(1, 7):
            await kit.emit(
                *(kit.new_event(f"pay_{n}", sequence, reference=f"R{n}") for n in range(4))
            )
        await until(lambda: _delivered(kit, 24))
        for number in range(4):
            seen = [
                r.event["sequence"] for r in portal.requests if r.event["reference"] == f"R{number}"
            ]
            assert seen == sorted(seen)
            assert set(seen) == set(range(1, 7))


async def _delivered(kit, count):
    return (await kit.states()).count("delivered") == count


# ------------------------------------------------------------------ workers that die


async def test_two_workers_never_deliver_the_same_attempt_twice(database_url, database):
    first = Kit(database, SystemClock())
    second_database = Database(database_url)
    second = Kit(second_database, SystemClock())
    async with receiving() as portal:
        await first.endpoint(portal.url)
        await first.endpoint(portal.url + "/2")
        async with first.running(), second.running():
            # On SQLite a worker that starts takes over what others had leased.
            await first.webhooks.worker.ready.wait()
            await second.webhooks.worker.ready.wait()
            ids = await first.emit_many(150)
            await until(lambda: _delivered(first, 300))
        assert len(portal.requests) == 300
        assert {i: portal.ids.count(i) for i in ids} == dict.fromkeys(ids, 2)
    await second_database.close()


async def test_a_worker_that_dies_in_the_middle_loses_nothing(database_url, database):
    """The first worker claims and is gone before it sends; the next waits for its lease."""
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    kit = Kit(database, clock)
    async with receiving() as portal:
        endpoint = await kit.endpoint(portal.url)
        await kit.emit_many(3)
        await kit.webhooks.dispatcher.drain()
        assert len(await claim(kit, endpoint.id)) == 3
        alone = database.dialect == "sqlite"
        async with kit.running():
            if not alone:
                await asyncio.sleep(0.3)
                assert not portal.requests, "the lease is still the dead worker's"
                clock.advance(61)
            await until(lambda: _delivered(kit, 3))
        assert len(portal.requests) == 3


@pytest.mark.long_on_postgresql
async def test_a_process_killed_while_it_sends_loses_nothing(database_url, database):
    """``kill -9`` in the middle of a POST: another process sends it when the lease ends."""
    kit = Kit(database, SystemClock(), options={"lease_s": 2.0})
    async with receiving(hang) as portal:
        await kit.endpoint(portal.url)
        ids = await kit.emit_many(4)
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.gateway.webhooks.dying_worker", database_url, "2.0"
        )
        await until(lambda: portal.in_flight == 4)
        worker.kill()
        assert await worker.wait() == -9
        assert await kit.states() == ["pending"] * 4
        portal.answer = status(204)
        async with kit.running():
            await until(lambda: _delivered(kit, 4))
        assert sorted(portal.ids) == sorted(ids * 2)


async def test_shutdown_finishes_what_is_in_flight_and_gives_the_rest_back(database):
    kit = Kit(database, SystemClock(), options={"drain_s": 5.0, "per_endpoint": 2})
    release = asyncio.Event()

    async def slow(request):
        await release.wait()
        return status(204)(request)

    async with receiving(slow) as portal:
        await kit.endpoint(portal.url)
        await kit.emit_many(5)
        async with kit.running():
            await until(lambda: portal.in_flight == 2)
            asyncio.get_running_loop().call_later(0.2, release.set)
        assert sorted(await kit.states()) == ["delivered"] * 2 + ["pending"] * 3
        rows = [row for row in await kit.deliveries() if row.state == "pending"]
        assert all(row.leased_by is None for row in rows)
        assert len(portal.requests) == 2


async def test_what_is_cut_off_at_shutdown_is_sent_again_at_once(database):
    kit = Kit(database, SystemClock(), options={"drain_s": 0.1})
    hold = asyncio.Event()

    async def slow(request):
        await hold.wait()
        return status(204)(request)

    async with receiving(slow) as portal:
        await kit.endpoint(portal.url)
        await kit.emit()
        async with kit.running():
            await until(lambda: portal.in_flight == 1)
        hold.set()
        async with kit.running():
            await until(lambda: _delivered(kit, 1))
        assert len(portal.requests) == 2


async def test_an_acknowledgement_waits_for_a_database_that_is_away(database, monkeypatch):
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    kit = Kit(database, clock)
    real, failures = database.submit, []

    async def away(unit, item):
        if len(failures) < 3:
            failures.append(item)
            raise DatabaseUnavailable("away")
        return await real(unit, item)

    async with receiving() as portal:
        await kit.endpoint(portal.url)
        await kit.emit()
        monkeypatch.setattr(database, "submit", away)
        async with kit.running():
            for count in (1, 2, 3):
                await until(lambda n=count: len(failures) == n)
                await asyncio.sleep(0.02)
                clock.advance(1)
            await until(lambda: _delivered(kit, 1))
        assert len(portal.requests) == 1


# ------------------------------------------------------------------ Redis is only a hint


@pytest.fixture
async def valkey():
    server = valkey_server.start()
    if server is None:
        pytest.skip("no Valkey on this machine and no wheel of one installed")
    redis = Redis(server.url)
    yield server, redis
    await redis.close()
    valkey_server.stop(server)


async def test_flushing_valkey_in_the_middle_loses_nothing(database, valkey):
    server, redis = valkey
    kit = Kit(database, SystemClock(), waker=Waker(redis))
    async with receiving() as portal, kit.running():
        assert await redis.ping()
        await kit.endpoint(portal.url)
        ids = []
        for _ in range(5):
            ids += await kit.emit_many(10)
            with server.client() as client:
                client.flushall()
        await until(lambda: _delivered(kit, 50))
        assert sorted(portal.ids) == sorted(ids)


async def test_a_valkey_that_is_gone_costs_time_and_nothing_else(database, valkey):
    server, redis = valkey
    kit = Kit(database, SystemClock(), waker=Waker(redis))
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit_many(5)
        server.process.kill()
        ids = await kit.emit_many(5)
        await until(lambda: _delivered(kit, 10))
        assert set(ids) <= set(portal.ids)


# ------------------------------------------------------------------ our own faults


async def test_an_unreadable_object_delays_only_its_own_events_and_alerts(kit):
    broken = {"pay_bad"}

    def render(_connection, ids):
        if broken & set(ids):
            raise RuntimeError("row is damaged")
        return {i: {"id": i, "status": "paid"} for i in ids}

    kit.webhooks.register("pay", render)
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit(*(kit.new_event(s) for s in ("pay_1", "pay_bad", "pay_2")))
        await until(lambda: _delivered(kit, 2))
        assert {r.event["subject"] for r in portal.requests} == {"pay_1", "pay_2"}
        waiting = [row for row in await kit.deliveries() if row.state == "pending"]
        assert [row.tries for row in waiting] == [0]
        broken.clear()
        kit.clock.advance(61)
        await until(lambda: _delivered(kit, 3))
    assert b'motcua_alerts_total{kind="webhook_state_unreadable"} 1.0' in kit.metrics.page()


async def test_a_damaged_secret_is_our_fault_and_never_an_unsigned_message(kit):
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.database.write(
            lambda c: c.execute(store.secrets.update().values(sealed=b"x" * 80)) and None
        )
        await kit.emit()
        await until(lambda: b"webhook_not_sendable" in kit.metrics.page())
        await until(lambda: _given_back(kit))
        assert not portal.requests


async def _given_back(kit):
    (row,) = await kit.deliveries()
    return row.leased_by is None and row.tries == 0


async def test_a_deleted_endpoint_gets_nothing_more(kit):
    async with receiving() as portal:
        endpoint = await kit.endpoint(portal.url)
        await kit.emit_many(2)
        await kit.webhooks.dispatcher.drain()
        await kit.database.write(lambda c: kit.webhooks.endpoints.delete(c, TENANT, endpoint.id))
        await kit.emit()
        async with kit.running():
            await asyncio.sleep(0.3)
        assert not portal.requests
        assert await kit.states() == ["failed", "failed"]


async def test_nothing_secret_lies_in_the_database_in_the_clear(kit):
    endpoint = await kit.endpoint("https://portal.example/")
    secret = endpoint.secret.removeprefix("whsec_").encode()
    rows = await kit.database.read(lambda c: c.execute(sa.select(store.secrets)).all())
    assert rows
    for row in rows:
        assert secret not in bytes(row.sealed)
        assert secret not in repr(row).encode()


async def test_attempts_of_a_delivery_are_append_only(kit):
    endpoint = await kit.endpoint("https://portal.example/")
    await kit.emit_many(1)
    await kit.webhooks.dispatcher.drain()
    for code in (500, 500, 204):
        (row,) = await claim(kit, endpoint.id)
        await acknowledge(kit, row, code)
        kit.clock.advance(400)
    logged = await kit.database.read(
        lambda c: (
            c.execute(sa.select(attempts.c.status).order_by(attempts.c.number)).scalars().all()
        )
    )
    assert logged == [500, 500, 204]
    total = await kit.database.read(
        lambda c: c.execute(sa.select(sa.func.count()).select_from(deliveries)).scalar()
    )
    assert total == 1
