"""One end of the line between a pool and a child: whole messages over a socket, on the event loop.

Owns framing (eight bytes of length, eight of a number that the two sides know the meaning of, then
the message) and reading and writing without a thread:
the loop tells when bytes came, so that handing a job over costs one system call and taking its
answer back another. Leaves what a message says to ``messages`` and ``answers``.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

_HEAD = struct.Struct(">QQ")
_CHUNK = 128 * 1024
_IN_ONE = 64 * 1024  # bytes of a message that are copied behind their length: cheaper than lists
_MOST_READS = 64  # far more than a socket holds
_MOST = 2 * 1024**3  # of one message: a child that was taken over may claim any length


class Wire:
    """Messages in, messages out; close it on the loop it was made on.

    Args:
        end: one end of a socket pair; the wire closes it.
        on_message: is given each whole message and its number, on the loop.
        on_end: is called once, on the loop, when the other side is gone or sends nonsense; not
            after ``close``.
    """

    def __init__(
        self,
        end: socket.socket,
        on_message: Callable[[bytes | bytearray, int], object],
        on_end: Callable[[], object],
    ) -> None:
        end.setblocking(False)
        self._end = end
        self._on_message = on_message
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._came = memoryview(bytearray(_CHUNK))  # one for all: a new one each time costs more
        self._head = b""  # a length that has not come whole
        self._body: bytearray | None = None  # a long message on its way
        self._number = 0  # that message's
        self._filled = 0
        self._unsent: list[memoryview] = []
        self._flushed: asyncio.Future[None] | None = None
        self._open = True
        self.listen(True)

    def send(self, message: bytes, number: int = 0) -> None:
        """Send without waiting; what does not fit now follows by itself."""
        if not self._open:
            return
        head = _HEAD.pack(len(message), number)
        if len(message) <= _IN_ONE:
            parts = [memoryview(head + message)]
        else:
            parts = [memoryview(head), memoryview(message)]
        if self._unsent:
            self._unsent += parts
            return
        self._unsent = parts
        self._flush()
        if self._unsent:
            self._loop.add_writer(self._end.fileno(), self._writable)

    async def flushed(self) -> None:
        """Wait until everything sent is out of this process, or the line is closed."""
        while self._unsent:
            self._flushed = self._loop.create_future()
            await self._flushed

    def listen(self, listening: bool) -> None:
        """Whether the loop looks for messages; else they wait for ``look``."""
        if self._open and listening:
            self._loop.add_reader(self._end.fileno(), self._readable)
        elif self._open:
            self._loop.remove_reader(self._end.fileno())

    def look(self) -> None:
        """Read what has come; tells of messages and of the end as ever."""
        if self._open:
            self._readable()

    def hear_out(self) -> None:
        """Read what has come so far from a side that is gone; tells of messages as ever."""
        for _ in range(_MOST_READS):  # a side that is not gone may talk for ever
            if not self._open:
                return
            try:
                self._read()
            except BlockingIOError:
                return
            except (OSError, ValueError, MemoryError):
                self._ended()

    def close(self) -> None:
        """Close this end; nothing is told after it."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._end.fileno())
        if self._unsent:
            self._loop.remove_writer(self._end.fileno())
        self._unsent = []
        self._wake()
        self._end.close()

    def _writable(self) -> None:
        self._flush()
        if self._open and not self._unsent:
            self._loop.remove_writer(self._end.fileno())
            self._wake()

    def _wake(self) -> None:
        if self._flushed is not None and not self._flushed.done():
            self._flushed.set_result(None)

    def _flush(self) -> None:
        parts = self._unsent
        try:
            while parts:
                sent = self._end.sendmsg(parts)
                while parts and sent >= len(parts[0]):
                    sent -= len(parts.pop(0))
                if sent:
                    parts[0] = parts[0][sent:]
        except BlockingIOError:
            return
        except OSError:
            parts.clear()
            self._loop.call_soon(self._gone)  # never from within ``send``

    def _read(self) -> None:
        if self._body is not None:
            self._fill(self._body)
        else:
            self._begin(self._came[: self._end.recv_into(self._came)])

    def _readable(self) -> None:
        try:
            self._read()
        except BlockingIOError:
            return
        except (OSError, ValueError, MemoryError):
            self._ended()

    def _begin(self, came: memoryview) -> None:
        """Read messages that lie whole in what came; keep room for one that does not."""
        if not came:
            raise ConnectionResetError
        data, at = (memoryview(self._head + came) if self._head else came), 0
        while len(data) - at >= _HEAD.size:
            start = at + _HEAD.size
            length, number = _HEAD.unpack_from(data, at)
            if length > _MOST:
                raise ValueError(length)
            if length > len(data) - start:
                self._head, self._body, self._filled = b"", bytearray(length), len(data) - start
                self._body[: self._filled] = data[start:]
                self._number = number
                return
            at = start + length
            self._on_message(bytes(data[start:at]), number)
            if not self._open:
                return
        self._head = bytes(data[at:])

    def _fill(self, body: bytearray) -> None:
        with memoryview(body) as view:
            count = self._end.recv_into(view[self._filled :])
        if not count:
            raise ConnectionResetError
        self._filled += count
        if self._filled == len(body):
            self._body = None
            self._on_message(body, self._number)

    def _gone(self) -> None:
        """Nobody takes what is sent: what was said before that still counts."""
        self.hear_out()
        self._ended()

    def _ended(self) -> None:
        if self._open:
            self.close()
            self._on_end()
