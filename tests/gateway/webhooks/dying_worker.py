"""A gateway process that delivers until somebody kills it: ``python -m … URL LEASE_SECONDS``."""

import asyncio
import sys

from gateway.foundation.clock import SystemClock
from gateway.foundation.database import Database
from tests.gateway.webhooks.kit import Kit


async def main(url: str, lease_s: float) -> None:
    kit = Kit(Database(url), SystemClock(), options={"lease_s": lease_s})
    async with kit.running():
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
