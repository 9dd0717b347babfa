"""A shipments desk on each database."""

from __future__ import annotations

import pytest

from tests.gateway.shipments.desk import open_desk


@pytest.fixture
async def desk(sqlite, clock):
    """Where the engine does not matter."""
    async with open_desk(sqlite, clock) as opened:
        yield opened


@pytest.fixture
async def both(database, clock):
    """The same on SQLite and on PostgreSQL."""
    async with open_desk(database, clock) as opened:
        yield opened
