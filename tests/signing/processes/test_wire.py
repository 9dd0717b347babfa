"""Messages between a pool and a child: whole, in order, of any length, without a thread."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

import pytest

from signing.processes.wire import Wire

LONG = os.urandom(3 * 2**20)  # far more than a socket takes at once


class Side:
    """A wire that notes what it is told."""

    def __init__(self, end):
        self.got = asyncio.Queue()
        self.wire = Wire(
            end, lambda message, _: self.got.put_nowait(message), lambda: self.got.put_nowait(None)
        )

    async def next(self):
        message = await asyncio.wait_for(self.got.get(), 10)
        return message if message is None else bytes(message)


@pytest.fixture
async def sides():
    left, right = (Side(end) for end in socket.socketpair())
    yield left, right
    left.wire.close()
    right.wire.close()


async def test_messages_of_any_length_cross_both_ways_in_order(sides):
    """What does not fit follows by itself, also behind another message."""
    left, right = sides
    sent = [b"", b"one", LONG, b"two", LONG[::-1], b"x" * 65536]
    for message in sent:
        left.wire.send(message)
        right.wire.send(message[:10])
    assert [await right.next() for _ in sent] == sent
    assert [await left.next() for _ in sent] == [message[:10] for message in sent]


async def test_a_message_may_come_in_any_pieces():
    """A length that is cut in two is put together; two messages in one piece are two."""
    raw, end = socket.socketpair()
    side = Side(end)
    with raw:
        stream = b"".join(
            struct.pack(">QQ", len(m), 0) + m for m in (b"first", b"", b"second" * 20)
        )
        for piece in (stream[:3], stream[3:9], stream[9:]):
            raw.sendall(piece)
            await asyncio.sleep(0.02)
        assert [await side.next() for _ in range(3)] == [b"first", b"", b"second" * 20]
    assert await side.next() is None


@pytest.mark.parametrize(
    "last", [struct.pack(">QQ", 2**62, 0), struct.pack(">QQ", 100, 0) + b"half"]
)
async def test_nonsense_or_a_broken_message_ends_the_line(last):
    """A length nobody can mean, and a message that breaks off, are ends and not messages."""
    raw, end = socket.socketpair()
    side = Side(end)
    with raw:
        raw.sendall(last)
        raw.shutdown(socket.SHUT_WR)
        assert await side.next() is None
    assert side.got.empty()


async def test_sending_to_nobody_is_told_as_an_end(sides):
    """The end comes after ``send`` has returned, once; a closed wire is silent."""
    left, right = sides
    right.wire.close()
    left.wire.send(LONG)
    assert left.got.empty()
    assert await left.next() is None
    left.wire.send(b"more")
    await asyncio.sleep(0.02)
    assert left.got.empty()
    assert right.got.empty()


async def test_a_number_travels_with_its_message(sides):
    """Of short and of long ones."""
    left, right = sides
    told = []
    right.wire._on_message = lambda message, number: told.append((len(message), number))
    for number, message in ((1, b"short"), (2**63, LONG), (3, b"")):
        left.wire.send(message, number)
    while len(told) < 3:  # noqa: ASYNC110 - both ends are in this loop
        await asyncio.sleep(0.001)
    assert told == [(5, 1), (len(LONG), 2**63), (0, 3)]


async def test_what_a_side_said_before_it_went_counts_though_sending_to_it_failed():
    """Sending meets the closed end before the loop has looked for messages."""
    raw, end = socket.socketpair()
    side = Side(end)
    raw.sendall(struct.pack(">QQ", 10, 7) + b"last words")
    raw.close()
    side.wire.send(b"to nobody")
    assert await side.next() == b"last words"
    assert await side.next() is None
    assert side.got.empty()


async def test_messages_wait_for_a_look_while_nobody_listens(sides):
    """They are taken in together, in order; a gone side is seen by looking too."""
    left, right = sides
    right.wire.listen(False)
    left.wire.send(b"one")
    left.wire.send(b"two")
    await asyncio.sleep(0.02)
    assert right.got.empty()
    right.wire.look()
    assert [right.got.get_nowait(), right.got.get_nowait()] == [b"one", b"two"]
    left.wire.send(b"three")
    right.wire.listen(True)
    assert await right.next() == b"three"
    right.wire.listen(False)
    left.wire.close()
    right.wire.look()
    assert right.got.get_nowait() is None


async def test_waiting_until_all_is_sent(sides):
    """Not before the last byte has left this process; at once when nothing is left."""
    left, right = sides
    await left.wire.flushed()
    right.wire.listen(False)
    left.wire.send(LONG)
    waiting = asyncio.ensure_future(left.wire.flushed())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    right.wire.listen(True)
    await waiting
    left.wire.send(LONG)
    waiting = asyncio.ensure_future(left.wire.flushed())
    await asyncio.sleep(0)
    left.wire.close()
    await waiting
