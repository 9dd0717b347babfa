"""Bad moments: a database that goes away, endpoints that change under the worker's hands."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.foundation.clock import FakeClock, SystemClock
from gateway.foundation.database import DatabaseUnavailable
from gateway.webhooks import delivery_store
from gateway.webhooks.acknowledge import Sent, acknowledging
from gateway.webhooks.rules import RETRY_SCHEDULE_S, Answer
from gateway.webhooks.sender import Sender
from gateway.webhooks.store import update_endpoint
from tests.gateway.webhooks.kit import LOOPBACK, TENANT, Kit, receiving, status, until


@pytest.fixture
def kit(sqlite):
    return Kit(sqlite, FakeClock(datetime.now(UTC).replace(microsecond=0)))


async def _delivered(kit, count):
    return (await kit.states()).count("delivered") == count


async def _claim(kit, endpoint_id):
    now = kit.clock.now()
    return await kit.database.write(
        lambda c: delivery_store.claim(
            c, endpoint_id, limit=9, now=now, lease_until=now + timedelta(60), worker="w"
        )
    )


async def _acknowledge(kit, row, *codes):
    unit = acknowledging(kit.clock, RETRY_SCHEDULE_S)
    for code in codes:
        sent = Sent(
            row.number, row.fence, row.tries, row.tenant, row.endpoint_id, Answer(code),
            kit.clock.now(), 1, "", 0.5,
        )  # fmt: skip
        await kit.database.submit(unit, sent)


class Outage:
    """Makes a database unreachable for everybody but the test."""

    def __init__(self, database, monkeypatch):
        self.on = False
        self.calls = 0
        for name in ("read", "write"):
            monkeypatch.setattr(database, name, self._wrap(getattr(database, name)))

    def _wrap(self, real):
        async def call(unit):
            if self.on:
                self.calls += 1
                raise DatabaseUnavailable("away")
            return await real(unit)

        return call


async def test_a_database_that_goes_away_for_a_while_stops_nothing_for_good(kit, monkeypatch):
    kit.webhooks.subscribe("idle", ["*"], lambda _c, _e: None)
    outage = Outage(kit.database, monkeypatch)
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        outage.on = True
        kit.clock.advance(16)
        await until(lambda: outage.calls > 10)
        outage.on = False
        await kit.emit_many(3)
        await until(lambda: _delivered(kit, 3))
        assert len(portal.requests) == 3


async def test_a_database_that_goes_away_after_the_claim_only_costs_the_lease(kit, monkeypatch):
    outage = Outage(kit.database, monkeypatch)

    def render(_connection, ids):
        if outage.calls == 0:
            outage.calls, outage.on = 1, True
            raise DatabaseUnavailable("away")
        return {i: {"id": i} for i in ids}

    kit.webhooks.register("pay", render)
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit()
        await until(lambda: outage.calls > 3)
        outage.on = False
        await asyncio.sleep(0.2)
        assert not portal.requests
        kit.clock.advance(61)
        await until(lambda: _delivered(kit, 1))


async def test_an_answer_that_cannot_be_recorded_in_time_is_sent_again(kit, monkeypatch):
    real = kit.database.submit
    away = True

    async def submit(unit, item):
        if away:
            kit.clock.advance(61)  # longer than the lease
            raise DatabaseUnavailable("away")
        return await real(unit, item)

    monkeypatch.setattr(kit.database, "submit", submit)
    async with receiving() as portal, kit.running():
        await kit.endpoint(portal.url)
        await kit.emit()
        await until(lambda: b"webhook_not_acknowledged" in kit.metrics.page())
        away = False
        kit.clock.advance(61)
        await until(lambda: _delivered(kit, 1))
        assert len(portal.requests) >= 2


async def test_an_endpoint_disabled_or_deleted_between_claim_and_sending_is_not_called(kit):
    disabled = await kit.endpoint("http://127.0.0.1:1/")
    deleted = await kit.endpoint("http://127.0.0.1:1/")
    await kit.emit()
    await kit.webhooks.dispatcher.drain()
    claimed = [*await _claim(kit, disabled.id), *await _claim(kit, deleted.id)]
    now = kit.clock.now()
    await kit.database.write(lambda c: update_endpoint(c, disabled.id, status="disabled"))
    await kit.database.write(lambda c: update_endpoint(c, deleted.id, deleted_at=now))
    preparation = kit.webhooks.worker._preparation
    assert await preparation.prepare(claimed) == []
    assert await preparation.prepare([]) == []
    assert await kit.states() == ["held", "held"]


async def test_answers_of_an_endpoint_deleted_meanwhile_are_logged_and_end_the_delivery(kit):
    endpoint = await kit.endpoint("http://127.0.0.1:1/")
    await kit.emit_many(2)
    await kit.webhooks.dispatcher.drain()
    good, bad = await _claim(kit, endpoint.id)
    now = kit.clock.now()
    await kit.database.write(lambda c: update_endpoint(c, endpoint.id, deleted_at=now))
    await _acknowledge(kit, good, 200)
    await _acknowledge(kit, bad, 500)
    assert await kit.states() == ["delivered", "failed"]


async def test_gone_twice_tells_the_others_once(kit):
    endpoint = await kit.endpoint("http://127.0.0.1:1/")
    await kit.emit_many(2)
    await kit.webhooks.dispatcher.drain()
    rows = await _claim(kit, endpoint.id)
    for row in rows:
        await _acknowledge(kit, row, 410)
    page = await kit.database.read(
        lambda c: kit.webhooks.history.events(c, TENANT, after=None, limit=9, full=False)
    )
    await kit.webhooks.dispatcher.drain()
    page = await kit.database.read(
        lambda c: kit.webhooks.history.events(c, TENANT, after=None, limit=9, full=False)
    )
    assert [e.type for e in page.data].count("endpoint.disabled") == 1


async def test_a_sender_that_is_not_open_sends_nothing():
    sender = Sender(LOOPBACK, SystemClock())
    with pytest.raises(RuntimeError, match="not open"):
        await sender.send("http://127.0.0.1:1/", {}, b"{}")
    async with sender:
        pass
    await sender.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("raw", "error"),
    [(b"not http at all\r\n\r\n", "protocol"), (b"", "connection")],
)
async def test_an_endpoint_that_speaks_no_http_is_logged_in_one_word(raw, error):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Sender(LOOPBACK, SystemClock(), timeout_s=5) as sender:
        received = await sender.send(f"http://127.0.0.1:{port}/", {}, b"{}")
        assert received.answer == Answer(None, error)
        bad = await sender.send("http://127.0.0.1:port/", {}, b"{}")
        assert bad.answer == Answer(None, "url")
    server.close()
    await server.wait_closed()


async def test_a_late_disconnect_is_a_failure_and_not_tried_at_once(monkeypatch):
    monkeypatch.setattr("gateway.webhooks.sender._AT_ONCE_S", 0.05)
    calls = []

    async def drop(request):
        calls.append(1)
        await asyncio.sleep(0.2)
        request.transport.close()
        return status(200)(request)

    async with receiving(drop) as portal, Sender(LOOPBACK, SystemClock(), timeout_s=5) as sender:
        received = await sender.send(portal.url, {}, b"{}")
    assert received.answer == Answer(None, "connection")
    assert len(calls) == 1


async def test_waiting_deliveries_are_counted_for_the_metrics(kit):
    endpoint = await kit.endpoint("http://127.0.0.1:1/")
    await kit.emit_many(4)
    await kit.webhooks.dispatcher.drain()
    await kit.database.write(
        lambda c: update_endpoint(
            c, endpoint.id, throttled_until=kit.clock.now() + timedelta(hours=1)
        )
    )
    async with kit.running("webhooks.deliver"):
        await until(lambda: b'motcua_backlog{queue="webhooks"} 4.0' in kit.metrics.page())


async def test_sealed_keys_are_remembered_only_in_bounded_number(kit, monkeypatch):
    monkeypatch.setattr("gateway.webhooks.keyring._REMEMBERED", 2)
    async with receiving() as portal, kit.running():
        for _ in range(4):
            await kit.endpoint(portal.url)
        await kit.emit()
        await until(lambda: _delivered(kit, 4))
    assert len(kit.webhooks.endpoints.keys._opened) <= 2
