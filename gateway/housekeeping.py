"""What a process does now and then for everybody: forget old records, note the uses of keys.

Owns the rhythm, and how long what killed processes left behind may lie.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from functools import partial

from gateway.documents.evidence.refusal_store import forget_old as forget_refusals
from gateway.foundation import idempotency
from gateway.foundation.access import Keys
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.files import FileStore

_EVERY_S = 60.0
_LEFT_BEHIND = timedelta(days=1)


async def housekeeping(database: Database, clock: Clock, keys: Keys, files: FileStore) -> None:
    """Run for ever; a database that is away is tried again a minute later."""
    while True:
        await files.sweep(clock.now() - _LEFT_BEHIND)  # at the start, too: a crash was just now
        await clock.sleep(_EVERY_S)
        with contextlib.suppress(DatabaseUnavailable):
            await keys.note_uses()
            now = clock.now()
            await database.write(partial(idempotency.forget_old, now=now))
            # after that no idempotency key can be replayed
            await database.write(partial(forget_refusals, before=now - idempotency.KEEP))
