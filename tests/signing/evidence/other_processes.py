"""What other processes do in these tests; in a module that starts without a PDF library."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from signing.clock import SystemClock
from signing.evidence.kept_answers import KeptAnswers
from signing.evidence.shared_breaker import breaker_for

SERVICE, PROBE = "http://tsa.vn", timedelta(seconds=20)


def hold_a_turn(folder: str, ready: Any, seconds: float) -> None:
    """Take the turn to ask ``q``, say so, and keep it."""

    async def hold() -> None:
        async with KeptAnswers(folder, SystemClock()).turn("q", 5):
            ready.set()
            await asyncio.sleep(seconds)

    asyncio.run(hold())


def fail_once(folder: str) -> None:
    """Find the service down."""
    breaker_for(SERVICE, SystemClock(), folder, PROBE).failed()
