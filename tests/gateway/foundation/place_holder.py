"""A process that takes places like a gateway does: ``python -m …place_holder URL MODE ROUNDS``."""

from __future__ import annotations

import asyncio
import sys
import time

from gateway.foundation.clock import SystemClock
from gateway.foundation.database import Database
from gateway.foundation.places import Places
from gateway.foundation.waker import Waker

WANT = ("timestamps", 3)
LEASE_S = 3.0


async def main(url: str, mode: str, rounds: int) -> None:
    """``work``: print from when to when each place was held; ``hold``: hold until killed."""
    database = Database(url)
    places = Places(database, SystemClock(), Waker(), lease_s=LEASE_S)

    async def once() -> None:
        async with places.taken(WANT):
            if mode == "hold":
                print("held", flush=True)  # noqa: T201 - told to the test
                await asyncio.sleep(600)
            begun = time.monotonic()  # one clock for all processes of a machine
            await asyncio.sleep(0.05)
            print(begun, time.monotonic(), flush=True)  # noqa: T201 - told to the test

    await asyncio.gather(*(once() for _ in range(rounds)))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
