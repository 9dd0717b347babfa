"""Readiness: what serving needs must answer, what only helps is shown."""

from __future__ import annotations

import aiohttp
import pytest

from gateway.foundation import system
from gateway.foundation.metrics import Metrics
from tests.support.edge import make_edge, serve


async def answers() -> bool:
    return True


async def is_away() -> bool:
    raise ConnectionError


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ({"database": answers}, 200),
        ({"database": answers, "redis": is_away}, 200),
        ({"database": is_away, "redis": answers}, 503),
    ],
)
async def test_ready_means_that_the_database_answers(sqlite, clock, checks, status):
    """Redis only makes things faster, so its absence is shown and takes nobody out of service."""
    routes = system.routes(clock, Metrics(), checks, dict)
    server = await serve(make_edge(sqlite, clock), routes)
    async with server, aiohttp.ClientSession() as session:
        answer = await session.get(server.make_url("/readyz"))
        shown = (await answer.json())["checks"]
    assert answer.status == status
    assert {name: entry["ok"] for name, entry in shown.items()} == {
        name: check is answers for name, check in checks.items()
    }
