"""When the citizen may read that the portal knows."""

from __future__ import annotations

from datetime import timedelta

from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.webhooks.delivery_store import deliveries
from gateway.webhooks.outbox import NewEvent, emit, events
from gateway.webhooks.told_store import told_at

SUBJECT = "pay_00000000000000000000000000"


async def test_a_portal_is_told_when_its_endpoint_took_it_or_when_it_can_pull(
    database: Database, clock: FakeClock
):
    """Not before dispatch; without endpoints from the log on; with one after its answer."""
    now = clock.now()
    event = NewEvent("evt_1", "p/test", "payment.paid", SUBJECT, 1, "H55", now)
    await database.write(lambda c: emit(c, [event]))

    async def told():
        return await database.read(lambda c: told_at(c, SUBJECT, "payment.paid"))

    assert await told() is None
    await database.write(lambda c: c.execute(events.update().values(position=1)) and None)
    assert await told() == now

    def queue(connection):
        number = connection.execute(events.select()).one().number
        row = {
            "tenant": "p/test", "endpoint_id": "whe_1", "event_number": number, "position": 1,
            "state": "pending", "tries": 0, "fence": 0, "created_at": now,
        }  # fmt: skip
        connection.execute(deliveries.insert(), row)

    await database.write(queue)
    assert await told() is None
    later = now + timedelta(seconds=3)
    done = deliveries.update().values(state="delivered", finished_at=later)
    await database.write(lambda c: c.execute(done) and None)
    assert await told() == later
