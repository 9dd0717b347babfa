"""What a process does now and then for everybody: forget old records, note the uses of keys."""

from __future__ import annotations

import contextlib
from functools import partial

from gateway.foundation import idempotency
from gateway.foundation.access import Keys
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable

_EVERY_S = 60.0


async def housekeeping(database: Database, clock: Clock, keys: Keys) -> None:
    """Run for ever; a database that is away is tried again a minute later."""
    while True:
        await clock.sleep(_EVERY_S)
        with contextlib.suppress(DatabaseUnavailable):
            await keys.note_uses()
            await database.write(partial(idempotency.forget_old, now=clock.now()))
