"""Background tasks: looking at a queue without end."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.foundation.database import DatabaseUnavailable
from gateway.foundation.tasks import for_ever


class Pauses:
    """A clock that ends the third pause's task."""

    def __init__(self):
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise asyncio.CancelledError


async def looks(outcomes, broken):
    """Run looks that end like this; how long was waited between them."""
    pauses, left = Pauses(), list(outcomes)

    async def once():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    try:
        await for_ever(once, partial(pauses.sleep, 7.0), broken)
    except asyncio.CancelledError:
        assert left == []
    return pauses.slept


async def test_a_queue_is_looked_at_again_at_once_while_there_is_work():
    """Empty, database away, broken: each waits; work does not."""
    outcomes = [2, 1, 0, DatabaseUnavailable(), ValueError("damaged")]
    assert await looks(outcomes, "not_worked") == [7.0, 7.0, 7.0]


async def test_a_broken_look_ends_a_task_that_does_not_name_it():
    """So that a fault nobody foresaw takes the process down."""
    with pytest.raises(ValueError, match="damaged"):
        await looks([1, ValueError("damaged")], None)
