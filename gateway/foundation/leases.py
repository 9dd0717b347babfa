"""Keeping a lease while work is under way: a heartbeat beside the work, and nothing else.

The lease itself (who, until when, which fence) is a row of the capability that holds it. A
heartbeat that cannot renew is not an error here: the closing transaction checks the fence.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from gateway.foundation.clock import Clock
from gateway.foundation.database import DatabaseUnavailable

_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def kept_alive(
    clock: Clock, every_s: float, renew: Callable[[], Awaitable[object]]
) -> AsyncIterator[None]:
    """Call ``renew`` every ``every_s`` seconds until the body ends."""
    beat = asyncio.ensure_future(_beat(clock, every_s, renew))
    try:
        yield
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)


async def _beat(clock: Clock, every_s: float, renew: Callable[[], Awaitable[object]]) -> None:
    while True:
        await clock.sleep(every_s)
        try:
            await renew()
        except DatabaseUnavailable:
            _log.warning("lease_not_renewed")
