"""Background tasks: looking at a queue without end, and ending together."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.foundation.database import DatabaseUnavailable
from gateway.foundation.tasks import all_ended, for_ever


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


class Slow:
    """Work that takes a while to put down; notes what ended."""

    def __init__(self):
        self.ended = []

    async def work(self, number, puts_down=0):
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(puts_down):
                await asyncio.sleep(0)
            self.ended.append(number)

    async def fail(self, error):
        raise error

    async def give(self, value, turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        self.ended.append(value)
        return value


async def test_cancelled_together_they_have_all_ended():
    """Also the one that takes longest: nothing goes on behind the back of who waited."""
    slow = Slow()
    task = asyncio.ensure_future(all_ended(slow.work(1), slow.work(2, 50), slow.work(3, 5)))
    for _ in range(3):  # they have all begun
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slow.ended == [1, 3, 2]


async def test_one_that_fails_is_told_when_the_others_have_ended():
    slow = Slow()
    with pytest.raises(ValueError, match="early"):
        await all_ended(slow.fail(ValueError("early")), slow.give("late", 50))
    assert slow.ended == ["late"]


async def test_what_each_gives_comes_in_order():
    slow = Slow()
    assert await all_ended(slow.give("a", 9), slow.give("b", 1)) == ["a", "b"]
    assert await all_ended() == []
