"""Trays: each job is somebody's, whole, and of one side only."""

from __future__ import annotations

import asyncio
import os
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.processes.trays import LONGEST, Ends, Inbox, Tray
from signing.processes.wire import Wire


@pytest.fixture
def tray():
    made = Tray()
    yield made
    made.close()


def take(end):
    """What the child takes next: the number, or None."""
    try:
        return int.from_bytes(end.recv(LONGEST + 8)[:8], "big")
    except BlockingIOError:
        return None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["lay", "take", "take all back"]), max_size=40))
def test_whatever_the_order_each_job_is_taken_once(steps):
    """Against a plain list: what one side has taken, the other does not find."""
    tray, lies, taken, fetched = Tray(), [], [], []
    try:
        for number, step in enumerate(steps):
            if step == "lay":
                fits = tray.lay(number, b"job %d" % number)
                assert fits or len(lies) >= 5
                lies += [number] * fits
            elif step == "take":
                assert take(tray.theirs) == (lies[0] if lies else None)
                taken += lies[:1]
                del lies[:1]
            else:
                assert tray.take_all_back() == lies
                fetched += lies
                lies.clear()
        assert not set(taken) & set(fetched)
    finally:
        tray.close()


def test_two_that_reach_for_the_same_jobs_get_different_ones(tray):
    """A thread stands for the child; nothing is lost between them and nothing doubled."""
    taken, over = [], threading.Event()

    def child():
        while not over.is_set():
            if (number := take(tray.theirs)) is not None:
                taken.append(number)

    thread = threading.Thread(target=child)
    thread.start()
    fetched, laid = [], []
    for number in range(3000):
        laid += [number] * tray.lay(number, b"x" * 100)
        if number % 3 == 0:
            fetched += tray.take_all_back()
    fetched += tray.take_all_back()
    over.set()
    thread.join()
    assert sorted(taken + fetched) == laid


def test_what_does_not_fit_is_not_laid(tray):
    """Too long, or too many: nothing of it lies there."""
    assert not tray.lay(1, b"x" * 2**20)
    count = 0
    while tray.lay(10 + count, b"x" * LONGEST):
        count += 1
    assert count >= 2
    assert tray.take_all_back() == list(range(10, 10 + count))
    assert tray.take_all_back() == []


class Parent:
    """The parent's ends of a child that is in this process."""

    def __init__(self, tray):
        self.tray = tray
        ours, theirs = socket.socketpair()
        self.answers = asyncio.Queue()
        self.wire = Wire(ours, lambda m, n: self.answers.put_nowait((n, bytes(m))), lambda: None)
        self.inbox = Inbox(Ends(theirs, socket.socket(fileno=os.dup(tray.theirs.fileno()))))

    async def next(self):
        given = await asyncio.wait_for(self.inbox.next(), 10)
        return given and (given[0], bytes(given[1]))


@pytest.fixture
async def parent(tray):
    made = Parent(tray)
    yield made
    made.wire.close()
    made.inbox._wire.close()
    made.inbox._tray.close()


async def test_short_jobs_and_slips_of_long_ones_come_in_order(parent):
    """The tray says whose turn it is, whenever the long one has come."""
    long = os.urandom(3 * 2**20)
    parent.tray.lay(1, b"one")
    parent.tray.lay(2, b"")
    parent.tray.lay(3, b"three")
    parent.wire.send(long, 2)
    assert await parent.next() == (1, b"one")
    assert await parent.next() == (2, long)
    assert await parent.next() == (3, b"three")


async def test_a_child_at_rest_is_woken_by_a_job_and_by_its_parents_end(parent):
    """Whatever comes first."""
    waiting = asyncio.ensure_future(parent.next())
    await asyncio.sleep(0.02)
    parent.tray.lay(1, b"one")
    assert await waiting == (1, b"one")
    waiting = asyncio.ensure_future(parent.next())
    await asyncio.sleep(0.02)
    parent.tray.lay(2, b"")  # what belongs to it never comes
    await asyncio.sleep(0.02)
    assert not waiting.done()
    parent.wire.close()
    assert await waiting is None
    parent.tray.lay(3, b"three")
    assert await parent.next() is None


async def test_no_job_is_taken_before_the_last_answer_is_out(parent):
    """So that an answer is never lost over the job behind it; till then it can be taken back."""
    parent.tray.lay(1, b"one")
    await parent.next()
    parent.wire.listen(False)
    parent.tray.lay(2, b"two")
    parent.inbox.answer(1, b"x" * 2**22)
    waiting = asyncio.ensure_future(parent.next())
    await asyncio.sleep(0.02)
    assert parent.tray.take_all_back() == [2]
    parent.tray.lay(3, b"three")
    parent.wire.listen(True)
    assert await waiting == (3, b"three")
    assert await parent.answers.get() == (1, b"x" * 2**22)


async def test_a_child_whose_parent_died_begins_nothing_more(parent):
    """Though jobs lie there still."""
    parent.tray.lay(1, b"one")
    parent.inbox._parent = 1 + os.getppid()
    assert await parent.next() is None
    assert parent.tray.take_all_back() == [1]
